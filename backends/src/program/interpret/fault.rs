//! What stops a program.

use thiserror::Error;

use crate::program::Register;

/// A program did what the kernel's verifier would have refused, or what this interpreter does not know.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{program}`, instruction {at} (`{text}`): {kind}")]
pub struct Fault {
    /// The program's name.
    pub program: String,
    /// The place of the instruction.
    pub at: usize,
    /// The instruction as text.
    pub text: String,
    /// What was wrong.
    pub kind: FaultKind,
}

/// What was wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FaultKind {
    /// Memory that is not the program's.
    #[error("no {size} bytes of memory begin at {address:#x}")]
    Outside {
        /// The address.
        address: u64,
        /// How many bytes.
        size: u64,
    },
    /// Bytes of the stack that hold nothing yet.
    #[error("the {size} bytes of the stack at {address:#x} were not all written")]
    Unwritten {
        /// The address.
        address: u64,
        /// How many bytes.
        size: u64,
    },
    /// A field of the context that is not the program's to read or write in this way.
    #[error("the kernel does not let a program {} {size} bytes of the context at {offset}", if *.write { "write" } else { "read" })]
    Context {
        /// Where in the context.
        offset: u64,
        /// How many bytes.
        size: u64,
        /// Whether they would have been written.
        write: bool,
    },
    /// An operation in one step on memory that is not aligned to its size.
    #[error("the address of an operation in one step, {address:#x}, is not aligned")]
    Unaligned {
        /// The address.
        address: u64,
    },
    /// A register that holds nothing: it was never set, or a call has taken it.
    #[error("r{} holds nothing", .register.number())]
    Unset {
        /// The register.
        register: Register,
    },
    /// The end of the stack cannot be moved.
    #[error("r10 cannot be written")]
    FramePointer,
    /// No instruction is there.
    #[error("there is no instruction")]
    NoInstruction,
    /// It took too long.
    #[error("the program ran {limit} instructions and did not end")]
    Budget {
        /// How many it was allowed.
        limit: u64,
    },
    /// A helper that this interpreter does not have.
    #[error("helper {number} is not known")]
    NoHelper {
        /// Its number.
        number: u32,
    },
    /// A helper got something that it cannot use.
    #[error("argument {argument} of the helper is not {expected}")]
    Argument {
        /// Which, from 1.
        argument: usize,
        /// What it wants.
        expected: &'static str,
    },
    /// Space of a ring was neither submitted nor discarded.
    #[error("a record of a ring is neither submitted nor discarded")]
    Reserved,
    /// A socket was not let go.
    #[error("a socket is not let go")]
    Held,
}
