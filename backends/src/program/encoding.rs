//! Between operations and instructions.

use super::{
    Alu, AtomicOperation, ByteOrder, Condition, DecodeError, Instruction, Operand, Operation, Register, Size,
    Width,
};

#[cfg(test)]
mod tests;

const LD: u8 = 0x00;
const LDX: u8 = 0x01;
const ST: u8 = 0x02;
const STX: u8 = 0x03;
const ALU32: u8 = 0x04;
const JMP: u8 = 0x05;
const JMP32: u8 = 0x06;
const ALU64: u8 = 0x07;
const CLASS: u8 = 0x07;
/// The bit of arithmetic and jumps that says "register" where else a constant is.
const REGISTER: u8 = 0x08;
const OPERATION: u8 = 0xf0;
const IMM: u8 = 0x00;
const MEM: u8 = 0x60;
const ATOMIC: u8 = 0xc0;
const MODE: u8 = 0xe0;
const SIZE: u8 = 0x18;
const NEG: u8 = 0x80;
const END: u8 = 0xd0;
const JA: u8 = 0x00;
const CALL: u8 = 0x80;
const EXIT: u8 = 0x90;

/// The operation at a place of a program.
///
/// # Errors
///
/// If nothing that this crate knows is there.
pub fn decode(instructions: &[Instruction], at: usize) -> Result<Operation, DecodeError> {
    let first = *instructions.get(at).ok_or(DecodeError::Outside { at })?;
    if first.opcode == LD | Size::U64.code() | IMM {
        return wide(first, instructions.get(at + 1).copied(), at);
    }
    // An instruction may have no field set that its operation does not use: so it is what its operation gives.
    narrow(first)
        .filter(|operation| operation.encode()[0] == first)
        .ok_or(DecodeError::Unknown { at, instruction: first })
}

fn wide(first: Instruction, second: Option<Instruction>, at: usize) -> Result<Operation, DecodeError> {
    let second = second.ok_or(DecodeError::Half { at })?;
    let bare = Instruction { immediate: 0, ..second } == Instruction::default();
    if !bare {
        return Err(DecodeError::Half { at });
    }
    match Register::of_number(first.target) {
        Some(target) if first.source == 0 && first.offset == 0 => {
            let (low, high) = (first.immediate.cast_unsigned(), second.immediate.cast_unsigned());
            Ok(Operation::LoadWide { target, value: u64::from(high) << 32 | u64::from(low) })
        }
        _ => Err(DecodeError::Unknown { at, instruction: first }),
    }
}

fn narrow(instruction: Instruction) -> Option<Operation> {
    let Instruction { opcode, target, source, offset, immediate } = instruction;
    let (target, source) = (Register::of_number(target)?, Register::of_number(source)?);
    let operand =
        if opcode & REGISTER != 0 { Operand::Register(source) } else { Operand::Immediate(immediate) };
    let size = Size::of_code(opcode & SIZE)?;
    let class = opcode & CLASS;
    Some(match (class, opcode & OPERATION) {
        (ALU32 | ALU64, NEG) => Operation::Negate { width: Width::of_code(class)?, target },
        (ALU32, END) => {
            let size = match immediate {
                16 => Size::U16,
                32 => Size::U32,
                64 => Size::U64,
                _ => return None,
            };
            Operation::Swap { order: ByteOrder::of_code(opcode & REGISTER)?, size, target }
        }
        (ALU32 | ALU64, alu) => {
            Operation::Alu { width: Width::of_code(class)?, alu: Alu::of_code(alu)?, target, source: operand }
        }
        (JMP, JA) => Operation::Jump { offset },
        (JMP32, JA) => Operation::LongJump { offset: immediate },
        (JMP, CALL) => Operation::Call { helper: immediate.cast_unsigned() },
        (JMP, EXIT) => Operation::Exit,
        (JMP | JMP32, condition) => {
            let width = if class == JMP { Width::Bits64 } else { Width::Bits32 };
            let condition = Condition::of_code(condition)?;
            Operation::Branch { width, condition, left: target, right: operand, offset }
        }
        (LDX, _) if opcode & MODE == MEM => Operation::Load { size, target, base: source, offset },
        (ST, _) if opcode & MODE == MEM => {
            Operation::Store { size, base: target, offset, source: Operand::Immediate(immediate) }
        }
        (STX, _) if opcode & MODE == MEM => {
            Operation::Store { size, base: target, offset, source: Operand::Register(source) }
        }
        (STX, _) if opcode & MODE == ATOMIC && size.bytes() >= 4 => {
            let operation = AtomicOperation::of_code(immediate)?;
            Operation::Atomic { operation, size, base: target, offset, source }
        }
        _ => return None,
    })
}

impl Operation {
    /// The instruction; of a wide one both halves, else the second is zero and no part of the program.
    pub fn encode(self) -> [Instruction; 2] {
        let none = Instruction::default();
        let second = match self {
            Operation::LoadWide { value, .. } => {
                Instruction { immediate: ((value >> 32) as u32).cast_signed(), ..none }
            }
            _ => none,
        };
        [self.first(), second]
    }

    fn first(self) -> Instruction {
        let none = Instruction::default();
        match self {
            Operation::Alu { width, alu, target, source } => {
                with_operand(width.code() | alu.code(), target, source, 0)
            }
            Operation::Negate { width, target } => {
                Instruction { opcode: width.code() | NEG, target: target.number(), ..none }
            }
            Operation::Swap { order, size, target } => {
                let immediate = if size == Size::U64 { 64 } else { i32::from(size == Size::U32) * 16 + 16 };
                Instruction { opcode: ALU32 | END | order.code(), target: target.number(), immediate, ..none }
            }
            Operation::LoadWide { target, value } => {
                let immediate = (value as u32).cast_signed();
                Instruction { opcode: LD | Size::U64.code(), target: target.number(), immediate, ..none }
            }
            Operation::Load { size, target, base, offset } => Instruction {
                opcode: LDX | MEM | size.code(),
                target: target.number(),
                source: base.number(),
                offset,
                immediate: 0,
            },
            Operation::Store { size, base, offset, source } => {
                let (class, source, immediate) = match source {
                    Operand::Register(source) => (STX, source.number(), 0),
                    Operand::Immediate(immediate) => (ST, 0, immediate),
                };
                let opcode = class | MEM | size.code();
                Instruction { opcode, target: base.number(), source, offset, immediate }
            }
            Operation::Atomic { operation, size, base, offset, source } => Instruction {
                opcode: STX | ATOMIC | size.code(),
                target: base.number(),
                source: source.number(),
                offset,
                immediate: operation.code(),
            },
            Operation::Jump { offset } => Instruction { opcode: JMP | JA, offset, ..none },
            Operation::LongJump { offset } => Instruction { opcode: JMP32 | JA, immediate: offset, ..none },
            Operation::Branch { width, condition, left, right, offset } => {
                let class = if width == Width::Bits64 { JMP } else { JMP32 };
                with_operand(class | condition.code(), left, right, offset)
            }
            Operation::Call { helper } => {
                Instruction { opcode: JMP | CALL, immediate: helper.cast_signed(), ..none }
            }
            Operation::Exit => Instruction { opcode: JMP | EXIT, ..none },
        }
    }
}

fn with_operand(opcode: u8, target: Register, operand: Operand, offset: i16) -> Instruction {
    let (kind, source, immediate) = match operand {
        Operand::Register(source) => (REGISTER, source.number(), 0),
        Operand::Immediate(immediate) => (0, 0, immediate),
    };
    Instruction { opcode: opcode | kind, target: target.number(), source, offset, immediate }
}
