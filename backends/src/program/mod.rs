//! Programs: the instructions that a kernel runs.
//!
//! A program is a [`Code`]: instructions, the maps that they name, and text for whoever reads them. An
//! [`Assembler`] writes one.

mod assembler;
mod instruction;
mod layout;
mod operation;

pub use assembler::{AssembleError, Assembler, Label};
pub use instruction::{Instruction, Register};
pub use layout::{Code, JUMP_RANGE, LayoutError};
pub use operation::{
    Alu, AtomicOperation, ByteOrder, Condition, DecodeError, Operand, Operation, Size, Width, decode,
};
