//! Runs programs without a kernel.
//!
//! A [`Machine`] has maps, which it keeps, and programs, which it runs with packets. It does what the kernel does for
//! the instructions, helpers and maps that this project uses, on every machine and without privileges; and it stops
//! a program, with a [`Fault`], where the kernel's verifier would have refused it: memory that is not its own, a
//! register or a byte of the stack that holds nothing, a field of the context that it may not use.
//!
//! The crate `rbpf` is not used: its helpers are functions without state and its memory is real memory, so maps need
//! `unsafe`; it wants packets below 4 GiB, which only some machines give; and it knows neither tail calls nor
//! operations in one step.

mod context;
mod execute;
mod fault;
mod helpers;
mod machine;
mod maps;
mod memory;
mod sockets;
#[cfg(test)]
mod tests;

pub use context::Context;
pub use fault::{Fault, FaultKind};
pub use machine::{LoadError, Machine, MapError, MapId, Outcome, Packet, ProgramId, Surroundings};
pub use sockets::{Socket, Sockets};

use machine::Program;
