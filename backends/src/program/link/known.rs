//! What is known before each line: a forward pass over the ways that can be gone.

use std::collections::BTreeSet;

use super::stack::Stack;
use super::value::Value;
use crate::abi::{Config, Stub};
use crate::program::layout::{Line, Listing};
use crate::program::{Alu, Helper, Operand, Operation, Register, Size, Width, arithmetic};

/// Bytes of a stack.
const STACK: u64 = 512;

/// What registers and the stack hold, as far as it is the same on every way to a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    registers: [Value; 11],
    stack: Stack,
}

impl Known {
    /// At the beginning of a program.
    fn at_beginning() -> Known {
        let mut registers = [Value::Other; 11];
        registers[10] = Value::Frame(0);
        Known { registers, stack: Stack::default() }
    }

    fn get(&self, register: Register) -> Value {
        self.registers[usize::from(register.number())]
    }

    fn set(&mut self, register: Register, value: Value) {
        self.registers[usize::from(register.number())] = value;
    }

    fn operand(&self, operand: Operand) -> Value {
        match operand {
            Operand::Register(register) => self.get(register),
            // A constant that is open: it will have a value when the program is linked again.
            Operand::Immediate(value) if Config::of_magic(value.cast_unsigned()).is_some() => Value::Other,
            Operand::Immediate(value) => Value::number(i64::from(value).cast_unsigned()),
        }
    }

    /// Keeps what both know; says whether that is less than this one did.
    fn join(&mut self, other: &Known) -> bool {
        let mut less = self.stack.join(&other.stack);
        for (mine, theirs) in self.registers.iter_mut().zip(other.registers) {
            let joined = mine.join(theirs);
            less |= joined != *mine;
            *mine = joined;
        }
        less
    }

    /// Whether a branch is taken, if that is known.
    pub(super) fn decides(&self, operation: Operation) -> Option<bool> {
        let Operation::Branch { width, condition, left, right, .. } = operation else { return None };
        self.get(left).holds(width, condition, self.operand(right))
    }

    /// The same operation with a constant for what is known.
    pub(super) fn simpler(&self, operation: Operation) -> Operation {
        match operation {
            Operation::Alu { width, alu, target, source } => {
                let bits = if width == Width::Bits32 { 32 } else { 64 };
                let source = self.constant(width, source, |value| match alu {
                    // The kernel refuses constants by which nobody can divide or shift.
                    Alu::Div | Alu::Mod => value != 0,
                    Alu::Lsh | Alu::Rsh | Alu::Arsh => (0..bits).contains(&value),
                    _ => true,
                });
                Operation::Alu { width, alu, target, source }
            }
            Operation::Branch { width, condition, left, right, offset } => {
                let right = self.constant(width, right, |_| true);
                Operation::Branch { width, condition, left, right, offset }
            }
            Operation::Load { size, target, base, offset } => {
                let number = self.read(size, base, offset).as_number();
                number.and_then(|number| u32::try_from(number).ok()).map_or(operation, |number| {
                    let source = Operand::bits(number);
                    Operation::Alu { width: Width::Bits32, alu: Alu::Mov, target, source }
                })
            }
            other => other,
        }
    }

    /// The constant that an operand is known to be, if it fits.
    fn constant(&self, width: Width, operand: Operand, fits: impl Fn(i32) -> bool) -> Operand {
        let Some(value) = self.operand(operand).as_number() else { return operand };
        let value = match width {
            Width::Bits32 => Some((value as u32).cast_signed()),
            Width::Bits64 => i32::try_from(value.cast_signed()).ok(),
        };
        value.filter(|value| fits(*value)).map_or(operand, Operand::Immediate)
    }

    /// What is read at an address.
    fn read(&self, size: Size, base: Register, offset: i16) -> Value {
        match self.get(base) {
            Value::Frame(base) => self.stack.read(base + i64::from(offset), length(size)),
            // It may be the stack, and what lies there its address.
            Value::Any => Value::Any,
            Value::Other | Value::OneOf(_) => Value::Other,
        }
    }

    fn write(&mut self, size: Size, base: Register, offset: i16, value: Value) {
        let value = match value {
            Value::OneOf(_) => value.map(|value| value & arithmetic::lowest(size)),
            Value::Frame(_) if size != Size::U64 => Value::Any,
            value => value,
        };
        match self.get(base) {
            Value::Frame(base) => self.stack.write(base + i64::from(offset), length(size), value),
            Value::Any => self.stack.forget(),
            Value::Other | Value::OneOf(_) => {}
        }
    }

    /// A stub writes nothing, a helper that is known where it says; another may write wherever one of its arguments points, and behind.
    fn call(&mut self, number: u32) {
        let stub = Stub::of_number(number).map(|_| None);
        match stub.or_else(|| Helper::of_number(number).map(Helper::writes)) {
            Some(None) => {}
            Some(Some((address, bytes))) => match (self.get(address), self.get(bytes).as_number()) {
                (Value::Frame(offset), Some(bytes)) if bytes <= STACK => {
                    self.stack.write(offset, bytes.cast_signed(), Value::Other);
                }
                (address, _) => self.written_from(address),
            },
            None => (1..=5).for_each(|argument| self.written_from(self.registers[argument])),
        }
        self.registers[..=5].fill(Value::Other);
    }

    /// Somebody may have written to an address, and behind.
    fn written_from(&mut self, address: Value) {
        match address {
            Value::Any => self.stack.forget(),
            Value::Frame(offset) => self.stack.forget_from(offset),
            Value::Other | Value::OneOf(_) => {}
        }
    }

    /// What is known after a line.
    fn after(&self, line: &Line) -> Known {
        let mut after = self.clone();
        match line.operation {
            Operation::Alu { width, alu, target, source } => {
                let left = if alu == Alu::Mov { Value::number(0) } else { self.get(target) };
                after.set(target, Value::alu(width, alu, left, self.operand(source)));
            }
            Operation::Negate { width, target } => {
                after.set(target, self.get(target).map(|value| arithmetic::negate(width, value)));
            }
            Operation::Swap { order, size, target } => {
                after.set(target, self.get(target).map(|value| arithmetic::swap(order, size, value)));
            }
            Operation::LoadWide { target, value } => {
                after.set(target, if line.map.is_some() { Value::Other } else { Value::number(value) });
            }
            Operation::Load { size, target, base, offset } => {
                after.set(target, self.read(size, base, offset));
            }
            Operation::Store { size, base, offset, source } => {
                after.write(size, base, offset, self.operand(source));
            }
            Operation::Atomic { operation, size, base, offset, source } => {
                after.write(size, base, offset, Value::Any);
                if let Some(register) = operation.fetches(source) {
                    after.set(register, self.read(size, base, offset));
                }
            }
            Operation::Call { helper } => after.call(helper),
            Operation::Jump { .. }
            | Operation::LongJump { .. }
            | Operation::Branch { .. }
            | Operation::Exit => {}
        }
        after
    }

    /// What is known besides when a branch is taken, or when it is not.
    fn learn(mut self, operation: Operation, taken: bool) -> Known {
        if let Operation::Branch { width, condition, left, right, .. } = operation
            && let Some(right) = self.operand(right).as_number()
        {
            self.set(left, self.get(left).where_holds(width, condition, right, taken));
        }
        self
    }
}

fn length(size: Size) -> i64 {
    size.bytes().cast_signed()
}

/// What is known before each line; nothing at all of a line that no way leads to.
pub(super) fn known(listing: &Listing) -> Vec<Option<Known>> {
    let mut before: Vec<Option<Known>> = vec![None; listing.lines.len()];
    let mut work = BTreeSet::new();
    if let Some(first) = before.first_mut() {
        *first = Some(Known::at_beginning());
        work.insert(0);
    }
    while let Some(index) = work.pop_first() {
        let (Some(line), Some(Some(here))) = (listing.lines.get(index), before.get(index)) else { continue };
        for (next, there) in ways(index, line, here) {
            let Some(place) = before.get_mut(next) else { continue };
            let less = match place {
                Some(place) => place.join(&there),
                None => {
                    *place = Some(there);
                    true
                }
            };
            if less {
                work.insert(next);
            }
        }
    }
    before
}

/// Where a line leads, and what is known there by it.
fn ways(index: usize, line: &Line, here: &Known) -> Vec<(usize, Known)> {
    let (next, target) = (index + 1, line.target.unwrap_or(index + 1));
    match line.operation {
        Operation::Exit => Vec::new(),
        Operation::Jump { .. } | Operation::LongJump { .. } => vec![(target, here.clone())],
        branch @ Operation::Branch { .. } => {
            let ways = [(next, false), (target, true)];
            let decided = here.decides(branch);
            let open = ways.into_iter().filter(|(_, taken)| decided.is_none_or(|decided| decided == *taken));
            open.map(|(place, taken)| (place, here.clone().learn(branch, taken))).collect()
        }
        _ => vec![(next, here.after(line))],
    }
}
