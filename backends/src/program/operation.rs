//! What instructions mean: the set that clang calls `v3`, and the long jump of `v4`.

use thiserror::Error;

use super::{Instruction, Register};

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
const FETCH: i32 = 0x01;

macro_rules! coded {
    ($(#[doc = $doc:literal])* $name:ident: $code:ty { $($(#[doc = $variant_doc:literal])* $variant:ident = $value:expr,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[doc = $variant_doc])* $variant,)* }

        impl $name {
            /// Every one, in the order of their codes.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            fn code(self) -> $code {
                match self { $($name::$variant => $value,)* }
            }

            fn of_code(code: $code) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.code() == code)
            }
        }
    };
}

coded! {
    /// How much of the registers takes part; after 32 bits the higher half of the target is zero.
    Width: u8 {
        /// The lower half.
        Bits32 = ALU32,
        /// All.
        Bits64 = ALU64,
    }
}

coded! {
    /// How much of memory is read or written.
    Size: u8 {
        /// 4 bytes.
        U32 = 0x00,
        /// 2 bytes.
        U16 = 0x08,
        /// 1 byte.
        U8 = 0x10,
        /// 8 bytes.
        U64 = 0x18,
    }
}

impl Size {
    /// Bytes.
    pub fn bytes(self) -> u64 {
        match self {
            Size::U8 => 1,
            Size::U16 => 2,
            Size::U32 => 4,
            Size::U64 => 8,
        }
    }
}

coded! {
    /// Arithmetic with two operands. It wraps; division is unsigned.
    Alu: u8 {
        /// Sum.
        Add = 0x00,
        /// Difference.
        Sub = 0x10,
        /// Product.
        Mul = 0x20,
        /// Quotient; 0 if the divisor is 0.
        Div = 0x30,
        /// Bits of either.
        Or = 0x40,
        /// Bits of both.
        And = 0x50,
        /// Shift to the left, by the lowest 5 or 6 bits of the source.
        Lsh = 0x60,
        /// Shift to the right, with zeros.
        Rsh = 0x70,
        /// Remainder; the dividend if the divisor is 0.
        Mod = 0x90,
        /// Bits of one alone.
        Xor = 0xa0,
        /// The source.
        Mov = 0xb0,
        /// Shift to the right, with the sign.
        Arsh = 0xc0,
    }
}

coded! {
    /// When a branch is taken.
    Condition: u8 {
        /// `==`
        Equal = 0x10,
        /// `>`
        Greater = 0x20,
        /// `>=`
        GreaterOrEqual = 0x30,
        /// Some bit is set in both.
        AnySet = 0x40,
        /// `!=`
        NotEqual = 0x50,
        /// `>` of signed numbers.
        SignedGreater = 0x60,
        /// `>=` of signed numbers.
        SignedGreaterOrEqual = 0x70,
        /// `<`
        Less = 0xa0,
        /// `<=`
        LessOrEqual = 0xb0,
        /// `<` of signed numbers.
        SignedLess = 0xc0,
        /// `<=` of signed numbers.
        SignedLessOrEqual = 0xd0,
    }
}

coded! {
    /// The byte order that a register gets.
    ByteOrder: u8 {
        /// From the machine's to little-endian.
        Little = 0x00,
        /// From the machine's to big-endian.
        Big = 0x08,
    }
}

coded! {
    /// What is done to memory in one step. With "fetch", the source register gets what was there before.
    AtomicOperation: i32 {
        /// Sum.
        Add = 0x00,
        /// Sum, with fetch.
        FetchAdd = 0x01,
        /// Bits of either.
        Or = 0x40,
        /// Bits of either, with fetch.
        FetchOr = 0x40 | FETCH,
        /// Bits of both.
        And = 0x50,
        /// Bits of both, with fetch.
        FetchAnd = 0x50 | FETCH,
        /// Bits of one alone.
        Xor = 0xa0,
        /// Bits of one alone, with fetch.
        FetchXor = 0xa0 | FETCH,
        /// Exchange with the source register.
        Exchange = 0xe0 | FETCH,
        /// The source, if there was what r0 says; r0 gets what was there.
        CompareExchange = 0xf0 | FETCH,
    }
}

/// The second operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// A register.
    Register(Register),
    /// A constant, with its sign extended where 64 bits take part.
    Immediate(i32),
}

impl Operand {
    /// A constant of 32 bits. Where 64 bits take part, one of 2^31 and more becomes another number.
    pub fn bits(value: u32) -> Operand {
        Operand::Immediate(value.cast_signed())
    }
}

impl From<Register> for Operand {
    fn from(register: Register) -> Operand {
        Operand::Register(register)
    }
}

impl From<i32> for Operand {
    fn from(immediate: i32) -> Operand {
        Operand::Immediate(immediate)
    }
}

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
