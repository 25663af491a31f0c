//! What can be known of a register.

use crate::program::{Alu, Condition, Width, arithmetic};

/// How many numbers are told apart; families, directions and drop reasons on the way to one place are not more.
const NUMBERS: usize = 4;

/// What is known of a value.
///
/// Whoever has an address of the stack can write to it, so it is known of every value whether it may be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing.
    Any,
    /// It is no address of the stack.
    Other,
    /// It is one of a few numbers.
    OneOf(Numbers),
    /// It is the address of a byte of the stack, so far from its end.
    Frame(i64),
}

/// A few numbers: at least one, in order, with the last one repeated where there are no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers([u64; NUMBERS]);

impl Numbers {
    /// The numbers, if they are few and not none.
    fn of(numbers: impl Iterator<Item = u64>) -> Option<Numbers> {
        let mut few: Vec<u64> = numbers.collect();
        few.sort_unstable();
        few.dedup();
        let last = *few.last()?;
        (few.len() <= NUMBERS)
            .then(|| Numbers(std::array::from_fn(|at| few.get(at).copied().unwrap_or(last))))
    }

    fn iter(self) -> impl Iterator<Item = u64> + Clone {
        self.0.into_iter()
    }
}

impl Value {
    /// One number.
    pub(super) fn number(number: u64) -> Value {
        Value::OneOf(Numbers([number; NUMBERS]))
    }

    /// The number that it is, if there is only one that it can be.
    pub(super) fn as_number(self) -> Option<u64> {
        match self {
            Value::OneOf(Numbers([first, .., last])) if first == last => Some(first),
            _ => None,
        }
    }

    fn few(numbers: impl Iterator<Item = u64>) -> Value {
        Numbers::of(numbers).map_or(Value::Other, Value::OneOf)
    }

    /// What is known of a value that is one of two.
    pub(super) fn join(self, other: Value) -> Value {
        match (self, other) {
            _ if self == other => self,
            (Value::Any | Value::Frame(_), _) | (_, Value::Any | Value::Frame(_)) => Value::Any,
            (Value::OneOf(mine), Value::OneOf(theirs)) => Value::few(mine.iter().chain(theirs.iter())),
            _ => Value::Other,
        }
    }

    /// What arithmetic makes of two values.
    pub(super) fn alu(width: Width, alu: Alu, left: Value, right: Value) -> Value {
        match (width, alu, left, right) {
            (Width::Bits64, Alu::Mov, _, right) => right,
            (_, _, Value::OneOf(lefts), Value::OneOf(rights)) => {
                Value::few(lefts.iter().flat_map(|left| {
                    rights.iter().map(move |right| arithmetic::alu(width, alu, left, right))
                }))
            }
            (Width::Bits64, Alu::Add | Alu::Sub, Value::Frame(offset), right) => match right.as_number() {
                Some(number) if alu == Alu::Add => Value::Frame(offset.wrapping_add_unsigned(number)),
                Some(number) => Value::Frame(offset.wrapping_sub_unsigned(number)),
                None => Value::Any,
            },
            (_, _, Value::OneOf(_) | Value::Other, Value::OneOf(_) | Value::Other) => Value::Other,
            _ => Value::Any,
        }
    }

    /// What is known of it if a function of its bits is taken.
    pub(super) fn map(self, function: impl Fn(u64) -> u64) -> Value {
        match self {
            Value::OneOf(numbers) => Value::few(numbers.iter().map(function)),
            Value::Other => Value::Other,
            Value::Any | Value::Frame(_) => Value::Any,
        }
    }

    /// Whether a condition holds, if it always does or never.
    pub(super) fn holds(self, width: Width, condition: Condition, right: Value) -> Option<bool> {
        let (Value::OneOf(lefts), Value::OneOf(rights)) = (self, right) else { return None };
        let mut all = lefts.iter().flat_map(|left| {
            rights.iter().map(move |right| arithmetic::holds(width, condition, left, right))
        });
        let first = all.next()?;
        all.all(|one| one == first).then_some(first)
    }

    /// What is known of it where a condition holds, or does not.
    pub(super) fn where_holds(self, width: Width, condition: Condition, right: u64, holds: bool) -> Value {
        let equal = condition == if holds { Condition::Equal } else { Condition::NotEqual };
        match self {
            Value::OneOf(numbers) => {
                let left =
                    numbers.iter().filter(|left| arithmetic::holds(width, condition, *left, right) == holds);
                Value::few(left)
            }
            _ if equal && width == Width::Bits64 => Value::number(right),
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Value;
    use crate::program::{Alu, Condition, Width};

    fn few(numbers: &[u64]) -> Value {
        Value::few(numbers.iter().copied())
    }

    #[test]
    fn a_few_numbers_are_told_apart() {
        assert_eq!(Value::number(3).join(Value::number(1)), few(&[1, 3]));
        assert_eq!(few(&[1, 2, 3]).join(few(&[2, 3, 4])), few(&[4, 3, 2, 1]));
        assert_eq!(few(&[1, 2, 3]).join(few(&[4, 5])), Value::Other);
        assert_eq!(Value::Frame(-8).join(Value::number(1)), Value::Any);
        assert_eq!((few(&[1, 3]).as_number(), few(&[3, 3]).as_number()), (None, Some(3)));
    }

    #[test]
    fn arithmetic_is_done_with_each() {
        let sum = |left, right| Value::alu(Width::Bits64, Alu::Add, left, right);
        assert_eq!(sum(few(&[1, 2]), few(&[10, 11])), few(&[11, 12, 13]));
        assert_eq!(sum(Value::Frame(-8), Value::number(4)), Value::Frame(-4));
        assert_eq!(sum(Value::Frame(-8), few(&[4, 5])), Value::Any);
        assert_eq!(sum(Value::Other, few(&[4, 5])), Value::Other);
    }

    #[test]
    fn conditions_are_decided_and_teach() {
        let (width, right) = (Width::Bits32, Value::number(6));
        assert_eq!(few(&[0, 4]).holds(width, Condition::Equal, right), Some(false));
        assert_eq!(few(&[0, 6]).holds(width, Condition::Equal, right), None);
        assert_eq!(few(&[0, 4, 6]).where_holds(width, Condition::Less, 6, true), few(&[0, 4]));
        assert_eq!(few(&[0, 4, 6]).where_holds(width, Condition::Less, 6, false), Value::number(6));
        assert_eq!(Value::Other.where_holds(width, Condition::Equal, 6, true), Value::Other);
        assert_eq!(Value::Other.where_holds(Width::Bits64, Condition::Equal, 6, true), Value::number(6));
    }
}
