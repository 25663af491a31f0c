//! Puts generated instructions in the place of calls of stubs.

use std::collections::BTreeMap;

use super::LinkError;
use crate::abi::Stub;
use crate::program::layout::{Line, Listing};
use crate::program::{Code, Operand, Operation, Register};

/// Numbers that are stubs of this ABI or another.
const STUBS: std::ops::Range<u32> = 0x5100_0000..0x5101_0000;

/// The program with bodies in the place of calls.
pub(super) fn splice(listing: &Listing, bodies: &BTreeMap<Stub, Code>) -> Result<Listing, LinkError> {
    let bodies = read(bodies)?;
    let mut out = Listing::default();
    let mut begins = Vec::with_capacity(listing.lines.len() + 1);
    // Lines of the program itself, whose jumps are mended at the end.
    let mut own = Vec::new();
    for line in &listing.lines {
        begins.push(out.lines.len());
        match stub(line.operation)? {
            Some(stub) => append(&mut out, line, stub, bodies.get(&stub).ok_or(LinkError::NoBody { stub })?),
            None => {
                own.push(out.lines.len());
                out.lines.push(line.clone());
            }
        }
    }
    begins.push(out.lines.len());
    for index in own {
        if let Some(line) = out.lines.get_mut(index) {
            line.target = line.target.and_then(|target| begins.get(target).copied());
        }
    }
    for (line, names) in &listing.labels {
        if let Some(begin) = begins.get(*line) {
            let labels = out.labels.entry(*begin).or_default();
            labels.splice(0..0, names.iter().cloned());
        }
    }
    Ok(out)
}

/// Reads bodies, and sees that they leave the template's registers alone.
fn read(bodies: &BTreeMap<Stub, Code>) -> Result<BTreeMap<Stub, Listing>, LinkError> {
    let mut listings = BTreeMap::new();
    for (&stub, code) in bodies {
        let listing = Listing::of_code(code).map_err(|error| LinkError::Body { stub, error })?;
        let registers = listing.lines.iter().flat_map(|line| registers(line.operation)).flatten();
        if let Some(register) = registers.into_iter().find(|register| *register > Register::R5) {
            return Err(LinkError::Register { stub, register });
        }
        listings.insert(stub, listing);
    }
    Ok(listings)
}

fn append(out: &mut Listing, call: &Line, stub: Stub, body: &Listing) {
    let begin = out.lines.len();
    let end = begin + body.lines.len();
    for (index, line) in body.lines.iter().enumerate() {
        let mut line = line.clone();
        line.target = line.target.map(|target| begin + target);
        if line.operation == Operation::Exit {
            line.operation = Operation::Jump { offset: 0 };
            line.target = Some(end);
        }
        if index == 0 {
            let name = stub.declaration().1.to_owned();
            line.notes.splice(0..0, call.notes.iter().cloned().chain([name]));
        }
        out.lines.push(line);
    }
    for (line, names) in &body.labels {
        out.labels.entry(begin + line).or_default().extend(names.iter().cloned());
    }
}

/// The stub that an operation calls.
fn stub(operation: Operation) -> Result<Option<Stub>, LinkError> {
    match operation {
        Operation::Call { helper: number } if STUBS.contains(&number) => {
            Stub::of_number(number).map(Some).ok_or(LinkError::UnknownStub { number })
        }
        _ => Ok(None),
    }
}

/// The registers that an operation names.
fn registers(operation: Operation) -> [Option<Register>; 2] {
    let register = |operand| match operand {
        Operand::Register(register) => Some(register),
        Operand::Immediate(_) => None,
    };
    match operation {
        Operation::Alu { target, source, .. } => [Some(target), register(source)],
        Operation::Negate { target, .. }
        | Operation::Swap { target, .. }
        | Operation::LoadWide { target, .. } => [Some(target), None],
        Operation::Load { target, base, .. } => [Some(target), Some(base)],
        Operation::Store { base, source, .. } => [Some(base), register(source)],
        Operation::Atomic { base, source, .. } => [Some(base), Some(source)],
        Operation::Branch { left, right, .. } => [Some(left), register(right)],
        Operation::Jump { .. } | Operation::LongJump { .. } | Operation::Call { .. } | Operation::Exit => {
            [None, None]
        }
    }
}
