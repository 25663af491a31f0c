//! What is known of registers before each line: a forward pass over the ways that can be gone.

use std::collections::BTreeSet;

use crate::program::layout::{Line, Listing};
use crate::program::{Alu, AtomicOperation, Condition, Operand, Operation, Register, Width, arithmetic};

/// What registers hold, as far as it is the same on every way to a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Known([Option<u64>; 11]);

impl Known {
    const NOTHING: Known = Known([None; 11]);

    fn get(&self, register: Register) -> Option<u64> {
        self.0[usize::from(register.number())]
    }

    fn set(&mut self, register: Register, value: Option<u64>) {
        self.0[usize::from(register.number())] = value;
    }

    fn operand(&self, operand: Operand) -> Option<u64> {
        match operand {
            Operand::Register(register) => self.get(register),
            Operand::Immediate(value) => Some(i64::from(value).cast_unsigned()),
        }
    }

    /// Keeps what both know.
    fn join(&mut self, other: &Known) {
        for (mine, theirs) in self.0.iter_mut().zip(other.0) {
            if *mine != theirs {
                *mine = None;
            }
        }
    }

    /// Whether a branch is taken, if that is known.
    pub(super) fn decides(&self, operation: Operation) -> Option<bool> {
        let Operation::Branch { width, condition, left, right, .. } = operation else { return None };
        Some(arithmetic::holds(width, condition, self.get(left)?, self.operand(right)?))
    }

    /// The same operation with a constant instead of a register, if the register's value is known.
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
            other => other,
        }
    }

    /// The constant that an operand is known to be, if it fits.
    fn constant(&self, width: Width, operand: Operand, fits: impl Fn(i32) -> bool) -> Operand {
        let value = self.operand(operand).and_then(|value| match width {
            Width::Bits32 => Some((value as u32).cast_signed()),
            Width::Bits64 => i32::try_from(value.cast_signed()).ok(),
        });
        value.filter(|value| fits(*value)).map_or(operand, Operand::Immediate)
    }

    /// What is known after a line.
    fn after(mut self, line: &Line) -> Known {
        match line.operation {
            Operation::Alu { width, alu, target, source } => {
                let left = if alu == Alu::Mov { Some(0) } else { self.get(target) };
                let value = left.zip(self.operand(source));
                self.set(target, value.map(|(left, right)| arithmetic::alu(width, alu, left, right)));
            }
            Operation::Negate { width, target } => {
                self.set(target, self.get(target).map(|value| arithmetic::negate(width, value)));
            }
            Operation::Swap { order, size, target } => {
                self.set(target, self.get(target).map(|value| arithmetic::swap(order, size, value)));
            }
            Operation::LoadWide { target, value } => self.set(target, line.map.is_none().then_some(value)),
            Operation::Load { target, .. } => self.set(target, None),
            Operation::Atomic { operation: AtomicOperation::CompareExchange, .. } => {
                self.set(Register::R0, None);
            }
            Operation::Atomic { source, .. } => self.set(source, None),
            Operation::Call { .. } => self.0[..=5].fill(None),
            Operation::Store { .. }
            | Operation::Jump { .. }
            | Operation::LongJump { .. }
            | Operation::Branch { .. }
            | Operation::Exit => {}
        }
        self
    }

    /// What is known besides when a branch is taken, or when it is not.
    fn learn(mut self, operation: Operation, taken: bool) -> Known {
        if let Operation::Branch { width: Width::Bits64, condition, left, right, .. } = operation
            && condition == if taken { Condition::Equal } else { Condition::NotEqual }
            && let Some(value) = self.operand(right)
        {
            self.set(left, Some(value));
        }
        self
    }
}

/// What is known before each line; nothing at all of a line that no way leads to.
pub(super) fn known(listing: &Listing) -> Vec<Option<Known>> {
    let mut before: Vec<Option<Known>> = vec![None; listing.lines.len()];
    let mut work = BTreeSet::new();
    if let Some(first) = before.first_mut() {
        *first = Some(Known::NOTHING);
        work.insert(0);
    }
    while let Some(index) = work.pop_first() {
        let (Some(line), Some(Some(here))) = (listing.lines.get(index), before.get(index)) else { continue };
        for (next, there) in ways(index, line, here) {
            let Some(place) = before.get_mut(next) else { continue };
            let mut joined = place.unwrap_or(there);
            joined.join(&there);
            if *place != Some(joined) {
                *place = Some(joined);
                work.insert(next);
            }
        }
    }
    before
}

/// Where a line leads, and what is known there by it.
fn ways(index: usize, line: &Line, here: &Known) -> Vec<(usize, Known)> {
    let after = here.after(line);
    let (next, target) = (index + 1, line.target.unwrap_or(index + 1));
    match line.operation {
        Operation::Exit => Vec::new(),
        Operation::Jump { .. } | Operation::LongJump { .. } => vec![(target, after)],
        branch @ Operation::Branch { .. } => {
            let (taken, not) = (after.learn(branch, true), after.learn(branch, false));
            match here.decides(branch) {
                Some(true) => vec![(target, taken)],
                Some(false) => vec![(next, not)],
                None => vec![(next, not), (target, taken)],
            }
        }
        _ => vec![(next, after)],
    }
}
