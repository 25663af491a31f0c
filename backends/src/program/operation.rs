//! What instructions mean: the set that clang calls `v3`, and the long jump of `v4`.

use thiserror::Error;

use super::{Alu, AtomicOperation, ByteOrder, Condition, Instruction, Operand, Register, Size, Width};

/// An instruction, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are the operands that the variant names")]
pub enum Operation {
    /// `target = target alu source`.
    Alu { width: Width, alu: Alu, target: Register, source: Operand },
    /// `target = -target`.
    Negate { width: Width, target: Register },
    /// The lowest bytes of the target in an order, the others zero; `size` is 2, 4 or 8 bytes.
    Swap { order: ByteOrder, size: Size, target: Register },
    /// `target = value`: two instructions.
    LoadWide { target: Register, value: u64 },
    /// `target = *(size *)(base + offset)`, the rest zero.
    Load { size: Size, target: Register, base: Register, offset: i16 },
    /// `*(size *)(base + offset) = source`.
    Store { size: Size, base: Register, offset: i16, source: Operand },
    /// The same in one step with arithmetic; `size` is 4 or 8 bytes.
    Atomic { operation: AtomicOperation, size: Size, base: Register, offset: i16, source: Register },
    /// Goes on so many instructions after the next.
    Jump { offset: i16 },
    /// The same, as far as 32 bits reach; it came with `v4` and Linux 6.6.
    LongJump { offset: i32 },
    /// Goes on so many instructions after the next if a condition holds.
    Branch { width: Width, condition: Condition, left: Register, right: Operand, offset: i16 },
    /// Calls a helper by its number.
    Call { helper: u32 },
    /// Ends, with the answer in r0.
    Exit,
}

/// Bytes that are no instruction that this crate knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Another instruction set, a call of a subprogram, or nonsense.
    #[error("instruction {at} has the unknown operation {:#04x}", .instruction.opcode)]
    Unknown {
        /// Where it is.
        at: usize,
        /// What it is.
        instruction: Instruction,
    },
    /// The second half of a wide instruction is not there, or something else is.
    #[error("instruction {at} is half of a wide one")]
    Half {
        /// Where it is.
        at: usize,
    },
    /// There is no such instruction.
    #[error("there is no instruction {at}")]
    Outside {
        /// Where it would be.
        at: usize,
    },
}

impl Operation {
    /// How many instructions it takes: 1, or 2 of a wide one.
    pub fn length(self) -> usize {
        if matches!(self, Operation::LoadWide { .. }) { 2 } else { 1 }
    }

    /// How far it jumps, if it does: in instructions from the next one.
    pub fn jump(self) -> Option<i64> {
        match self {
            Operation::Jump { offset } | Operation::Branch { offset, .. } => Some(i64::from(offset)),
            Operation::LongJump { offset } => Some(i64::from(offset)),
            _ => None,
        }
    }
}
