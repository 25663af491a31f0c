//! What can be known of the stack.

use super::value::Value;

/// What is known of the stack: of what is not listed, nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stack(Vec<Slot>);

/// Bytes that were written together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slot {
    /// From the end of the stack.
    offset: i64,
    bytes: i64,
    value: Value,
}

impl Stack {
    /// What is known of bytes. If they were not written together, whether they can be an address.
    pub(super) fn read(&self, offset: i64, bytes: i64) -> Value {
        let end = offset + bytes;
        let mut known = offset;
        for slot in self.0[self.first(offset)..].iter().take_while(|slot| slot.offset < end) {
            if slot.offset == offset && slot.bytes == bytes {
                return slot.value;
            }
            if slot.offset > known || !matches!(slot.value, Value::Other | Value::OneOf(_)) {
                return Value::Any;
            }
            known = slot.offset + slot.bytes;
        }
        if known < end { Value::Any } else { Value::Other }
    }

    /// Notes what is written.
    pub(super) fn write(&mut self, offset: i64, bytes: i64, value: Value) {
        let first = self.first(offset);
        let behind = self.0.partition_point(|slot| slot.offset < offset + bytes);
        self.0.splice(first..behind, [Slot { offset, bytes, value }]);
    }

    /// The first slot that ends behind an offset. Slots are in order, and none lies over another.
    fn first(&self, offset: i64) -> usize {
        self.0.partition_point(|slot| slot.offset + slot.bytes <= offset)
    }

    /// Somebody may have written from there on.
    pub(super) fn forget_from(&mut self, offset: i64) {
        self.0.truncate(self.first(offset));
    }

    /// Somebody may have written anywhere.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Keeps what both know; says whether that is less than this one did.
    pub(super) fn join(&mut self, other: &Stack) -> bool {
        let mut less = false;
        self.0.retain_mut(|slot| {
            let joined = slot.value.join(other.read(slot.offset, slot.bytes));
            less |= joined != slot.value;
            slot.value = joined;
            joined != Value::Any
        });
        less
    }
}

#[cfg(test)]
mod tests {
    use super::Stack;
    use crate::program::link::value::Value;

    #[test]
    fn what_is_written_over_is_not_known() {
        let mut stack = Stack::default();
        stack.write(-8, 8, Value::number(1));
        stack.write(-16, 8, Value::Other);
        assert_eq!((stack.read(-8, 8), stack.read(-8, 4)), (Value::number(1), Value::Other));
        assert_eq!((stack.read(-12, 8), stack.read(-20, 8)), (Value::Other, Value::Any));
        stack.write(-12, 8, Value::number(2));
        assert_eq!((stack.read(-8, 8), stack.read(-16, 8)), (Value::Any, Value::Any));
        assert_eq!(stack.read(-12, 8), Value::number(2));
        stack.forget_from(-5);
        assert_eq!(stack.read(-12, 8), Value::Any);
    }

    #[test]
    fn two_ways_know_less_than_one() {
        let [mut one, mut two] = [Stack::default(), Stack::default()];
        for (stack, value) in [(&mut one, 1), (&mut two, 2)] {
            stack.write(-8, 8, Value::number(value));
            stack.write(-16, 8, Value::number(7));
        }
        one.write(-24, 8, Value::number(1));
        assert!(one.join(&two));
        assert!(!one.join(&two));
        assert_eq!(
            [-8, -16, -24].map(|at| one.read(at, 8)),
            [Value::number(1).join(Value::number(2)), Value::number(7), Value::Any]
        );
    }
}
