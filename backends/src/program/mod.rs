//! Programs: the instructions that a kernel runs.
//!
//! A program is a [`Code`]: instructions, the maps that they name, and text for whoever reads them. An
//! [`Assembler`] writes one.

mod arithmetic;
mod assembler;
mod disassemble;
mod emit;
mod encoding;
mod helper;
mod instruction;
pub mod interpret;
mod layout;
mod link;
mod operand;
mod operation;
mod template;

pub use assembler::{AssembleError, Assembler, Label};
pub use disassemble::disassemble;
pub use emit::{INSTRUCTIONS, bodies, constants, emit};
pub use encoding::decode;
pub use helper::Helper;
pub use instruction::{Instruction, Register};
pub use layout::{Code, JUMP_RANGE, LayoutError};
pub use link::{Constants, LinkError, link};
pub use operand::{Alu, AtomicOperation, ByteOrder, Condition, Operand, Size, Width};
pub use operation::{DecodeError, Operation};
pub use template::{OBJECT_MAX, PROGRAMS_MAX, Template, TemplateError, read_template};
