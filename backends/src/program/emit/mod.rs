//! The bodies of the stubs, for images of one shape.
//!
//! Everything that the [`Shape`] says is an immediate: sizes, strides, places. What it says is always the same is
//! left out: tables of which there is one, ports that are not told apart, tries of one class.
//!
//! # What the kernel's verifier must see
//!
//! It knows nothing of what images hold. So before every load whatever indexes an image is compared with the
//! number of its entries, or has so few bits that it cannot be too large; if it is, the answer is
//! [`NO_CLASS`] or [`NO_VERDICT`], and the packet is dropped. One comparison is enough for
//! a sum of indexes.
//!
//! The verifier follows each way by itself until two of them meet with nothing left that differs. What differs in
//! the end is the verdict alone, and it always comes from memory, so that all ways meet there. There are never many
//! ways: a compare tree has at most three bounds, and a chain of protocols at most eight arms, or else there is a
//! block or an index. So a kernel looks at 30 to 85 thousand instructions for a whole program of the template, of a
//! million that it lets programs have (Linux 6.18).
//!
//! # Registers
//!
//! A body uses r0 to r5 and no stack. Halves of arguments that are wider than their type are not looked at.

mod class4;
mod class6;
mod ports;
#[cfg(test)]
mod tests;
mod verdict;

use std::collections::BTreeMap;

use sluice_ir::policy::Direction;

use super::Register::{self, R0};
use super::{Alu, AssembleError, Assembler, Code, Constants, Size};
use crate::abi::{Config, NO_CLASS, NO_VERDICT, STUBS, Stub};
use crate::image::{Image, Shape, Width};

/// No body is longer, whatever the shape: so no jump in one comes near the range of sixteen bits.
pub const INSTRUCTIONS: usize = 1 << 10;

/// The body of a stub.
///
/// # Errors
///
/// If it cannot be assembled: a mistake in Sluice.
pub fn emit(stub: Stub, shape: &Shape) -> Result<Code, AssembleError> {
    let mut asm = Assembler::new();
    match stub {
        Stub::Class4 => class4::emit(&mut asm, &shape.trie4),
        Stub::Class6 => class6::emit(&mut asm, &shape.trie6),
        Stub::Ingress => verdict::emit(&mut asm, shape, Direction::Ingress),
        Stub::Egress => verdict::emit(&mut asm, shape, Direction::Egress),
    }
    asm.finish()
}

/// The body of every stub.
///
/// # Errors
///
/// As [`emit`].
pub fn bodies(shape: &Shape) -> Result<BTreeMap<Stub, Code>, AssembleError> {
    STUBS.into_iter().map(|stub| Ok((stub, emit(stub, shape)?))).collect()
}

/// The constants that follow from images; the others are as the ABI has them.
pub fn constants(shape: &Shape) -> Constants {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    Constants::default()
        .with(Config::EndpointMask, number(shape.endpoints.saturating_sub(1)))
        .with(Config::Verdicts, number(shape.verdicts))
        .with(Config::DnsProxy, shape.dns_proxy.into())
        .with(Config::HostPolicy, shape.host_policy.into())
}

/// Ends with a constant.
fn answer(asm: &mut Assembler, constant: u32) {
    match constant {
        NO_CLASS => asm.note("no class"),
        NO_VERDICT => asm.note("no verdict"),
        _ => {}
    }
    asm.move32(R0, constant.cast_signed());
    asm.exit();
}

/// Multiplies by a constant.
fn scale(asm: &mut Assembler, register: Register, by: usize) {
    match by {
        1 => {}
        _ if by.is_power_of_two() => asm.alu64(Alu::Lsh, register, by.ilog2() as i32),
        _ => asm.alu64(Alu::Mul, register, by as i32),
    }
}

/// `target = image[index]`, of entries that begin at a byte; spoils the index and `base`.
fn fetch(
    asm: &mut Assembler,
    width: Width,
    target: Register,
    (image, place): (Image, usize),
    base: Register,
    index: Register,
) {
    scale(asm, index, width.bytes());
    asm.load_map(base, image.map(), place as u32);
    asm.alu64(Alu::Add, base, index);
    asm.load(size(width), target, base, 0);
}

fn size(width: Width) -> Size {
    match width {
        Width::One => Size::U8,
        Width::Two => Size::U16,
        Width::Four => Size::U32,
    }
}
