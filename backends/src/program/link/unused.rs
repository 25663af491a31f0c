//! Finds values that nobody reads: a backward pass.

use std::collections::BTreeSet;

use crate::program::layout::Listing;
use crate::program::{Alu, AtomicOperation, Operand, Operation, Register};

/// Registers that somebody will read: a bit for each.
type Live = u16;

/// Which lines have an effect: all but those that only set a register that nobody reads.
pub(super) fn needed(listing: &Listing) -> Vec<bool> {
    let live = live(listing);
    let lines = listing.lines.iter().zip(&live);
    lines
        .map(|(line, live)| written(line.operation).is_none_or(|register| live & bit(register) != 0))
        .collect()
}

/// For each line, what is read after it.
fn live(listing: &Listing) -> Vec<Live> {
    // What somebody reads at a line or later; at the end, where a body ends, the answer.
    let mut before: Vec<Live> = vec![0; listing.lines.len() + 1];
    if let Some(end) = before.last_mut() {
        *end = bit(Register::R0);
    }
    let mut after = vec![0; listing.lines.len()];
    let mut work: BTreeSet<usize> = (0..listing.lines.len()).collect();
    let sources = sources(listing);
    while let Some(index) = work.pop_last() {
        let Some(line) = listing.lines.get(index) else { continue };
        let reads = |place: usize| before.get(place).copied().unwrap_or_default();
        let next = match line.operation {
            Operation::Exit | Operation::Jump { .. } | Operation::LongJump { .. } => 0,
            _ => reads(index + 1),
        };
        let later = next | line.target.map_or(0, reads);
        let here = read(line.operation) | later & !overwritten(line.operation);
        after[index] = later;
        if before[index] != here {
            before[index] = here;
            work.extend(sources[index].iter().copied());
            work.extend(index.checked_sub(1));
        }
    }
    after
}

/// Which lines jump to each line.
fn sources(listing: &Listing) -> Vec<Vec<usize>> {
    let mut sources = vec![Vec::new(); listing.lines.len() + 1];
    for (index, line) in listing.lines.iter().enumerate() {
        if let Some(sources) = line.target.and_then(|target| sources.get_mut(target)) {
            sources.push(index);
        }
    }
    sources
}

fn bit(register: Register) -> Live {
    1 << register.number()
}

fn operand(operand: Operand) -> Live {
    match operand {
        Operand::Register(register) => bit(register),
        Operand::Immediate(_) => 0,
    }
}

/// What an operation reads.
fn read(operation: Operation) -> Live {
    match operation {
        Operation::Alu { alu: Alu::Mov, source, .. } => operand(source),
        Operation::Alu { target, source, .. } => bit(target) | operand(source),
        Operation::Negate { target, .. } | Operation::Swap { target, .. } => bit(target),
        Operation::Load { base, .. } => bit(base),
        Operation::Store { base, source, .. } => bit(base) | operand(source),
        Operation::Atomic { operation: AtomicOperation::CompareExchange, base, source, .. } => {
            bit(base) | bit(source) | bit(Register::R0)
        }
        Operation::Atomic { base, source, .. } => bit(base) | bit(source),
        Operation::Branch { left, right, .. } => bit(left) | operand(right),
        // A call may read each of its arguments.
        Operation::Call { .. } => 0b11_1110,
        Operation::Exit => bit(Register::R0),
        Operation::LoadWide { .. } | Operation::Jump { .. } | Operation::LongJump { .. } => 0,
    }
}

/// What holds something else after an operation.
fn overwritten(operation: Operation) -> Live {
    match operation {
        Operation::Call { .. } => 0b11_1111,
        _ => written(operation).map_or(0, bit),
    }
}

/// The register that an operation sets, if it does nothing else.
fn written(operation: Operation) -> Option<Register> {
    match operation {
        Operation::Alu { target, .. }
        | Operation::Negate { target, .. }
        | Operation::Swap { target, .. }
        | Operation::LoadWide { target, .. }
        | Operation::Load { target, .. } => Some(target),
        _ => None,
    }
}
