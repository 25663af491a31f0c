//! The parts of operations, and their codes.

use super::Register;

const FETCH: i32 = 0x01;

macro_rules! coded {
    ($(#[doc = $doc:literal])* $name:ident: $code:ty { $($(#[doc = $variant_doc:literal])* $variant:ident = $value:expr,)* }) => {
        $(#[doc = $doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[doc = $variant_doc])* $variant,)* }

        impl $name {
            /// Every one, in the order of their codes.
            pub const ALL: &[$name] = &[$($name::$variant),*];

            pub(super) fn code(self) -> $code {
                match self { $($name::$variant => $value,)* }
            }

            pub(super) fn of_code(code: $code) -> Option<$name> {
                $name::ALL.iter().copied().find(|one| one.code() == code)
            }
        }
    };
}

coded! {
    /// How much of the registers takes part; after 32 bits the higher half of the target is zero.
    Width: u8 {
        /// The lower half.
        Bits32 = 0x04,
        /// All.
        Bits64 = 0x07,
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

impl AtomicOperation {
    /// The register that gets what was in memory before, if one does.
    pub fn fetches(self, source: Register) -> Option<Register> {
        match self {
            AtomicOperation::CompareExchange => Some(Register::R0),
            other => (other.code() & FETCH != 0).then_some(source),
        }
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
