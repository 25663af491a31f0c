//! Instructions as the kernel stores them.

/// A register.
///
/// A call takes its arguments in r1 to r5 and answers in r0; r6 to r9 outlive it; r10 is the end of the stack and
/// cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "registers have numbers, and their use is said above")]
pub enum Register {
    R0,
    R1,
    R2,
    R3,
    R4,
    R5,
    R6,
    R7,
    R8,
    R9,
    R10,
}

impl Register {
    /// Every register, in order.
    pub const ALL: [Register; 11] = [
        Register::R0,
        Register::R1,
        Register::R2,
        Register::R3,
        Register::R4,
        Register::R5,
        Register::R6,
        Register::R7,
        Register::R8,
        Register::R9,
        Register::R10,
    ];

    /// Its number, 0 to 10.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The register of a number, if there is one.
    pub fn of_number(number: u8) -> Option<Register> {
        Register::ALL.get(usize::from(number)).copied()
    }
}

/// Eight bytes of a program: an instruction, or one half of a wide one.
///
/// The layout is that of `struct bpf_insn` in `linux/bpf.h`. What it means is said by
/// [`Operation`](super::Operation).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instruction {
    /// What to do: the class in the lower three bits.
    pub opcode: u8,
    /// The number of the register that is written, or the base of an address that is; 0 to 15.
    pub target: u8,
    /// The number of the register that is read; 0 to 15. Some instructions use it for their kind.
    pub source: u8,
    /// Bytes from the base of an address, or instructions from the next one.
    pub offset: i16,
    /// A constant; instructions of 64 bits extend its sign.
    pub immediate: i32,
}

impl Instruction {
    /// How many bytes an instruction has.
    pub const SIZE: usize = 8;

    /// The bytes for a machine that is little-endian.
    pub fn to_bytes(self) -> [u8; Instruction::SIZE] {
        let [offset0, offset1] = self.offset.to_le_bytes();
        let [imm0, imm1, imm2, imm3] = self.immediate.to_le_bytes();
        let registers = self.target & 15 | self.source << 4;
        [self.opcode, registers, offset0, offset1, imm0, imm1, imm2, imm3]
    }

    /// The instruction of bytes for a machine that is little-endian.
    pub fn of_bytes(bytes: [u8; Instruction::SIZE]) -> Instruction {
        let [opcode, registers, offset0, offset1, imm0, imm1, imm2, imm3] = bytes;
        Instruction {
            opcode,
            target: registers & 15,
            source: registers >> 4,
            offset: i16::from_le_bytes([offset0, offset1]),
            immediate: i32::from_le_bytes([imm0, imm1, imm2, imm3]),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Instruction, Register};

    #[test]
    fn bytes_are_where_the_kernel_wants_them() {
        let load = Instruction { opcode: 0x61, target: 1, source: 2, offset: 0x4c, immediate: 0 };
        assert_eq!(load.to_bytes(), [0x61, 0x21, 0x4c, 0, 0, 0, 0, 0]);
        let jump = Instruction { opcode: 0xa6, target: 0, source: 0, offset: -2, immediate: 0x1234_5678 };
        assert_eq!(jump.to_bytes(), [0xa6, 0, 0xfe, 0xff, 0x78, 0x56, 0x34, 0x12]);
    }

    #[test]
    fn registers_lead_back() {
        for register in Register::ALL {
            assert_eq!(Register::of_number(register.number()), Some(register));
        }
        assert_eq!(Register::of_number(11), None);
    }

    proptest! {
        #[test]
        fn bytes_lead_back(bytes: [u8; 8]) {
            prop_assert_eq!(Instruction::of_bytes(bytes).to_bytes(), bytes);
        }
    }
}
