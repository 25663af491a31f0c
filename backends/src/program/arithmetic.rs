//! What operations compute.

use super::{Alu, ByteOrder, Condition, Size, Width};

/// The result of arithmetic with whole registers, of which it uses what the width says.
pub(super) fn alu(width: Width, alu: Alu, left: u64, right: u64) -> u64 {
    match width {
        Width::Bits32 => u64::from(alu32(alu, left as u32, right as u32)),
        Width::Bits64 => alu64(alu, left, right),
    }
}

fn alu32(alu: Alu, left: u32, right: u32) -> u32 {
    match alu {
        Alu::Add => left.wrapping_add(right),
        Alu::Sub => left.wrapping_sub(right),
        Alu::Mul => left.wrapping_mul(right),
        Alu::Div => left.checked_div(right).unwrap_or(0),
        Alu::Or => left | right,
        Alu::And => left & right,
        Alu::Lsh => left.wrapping_shl(right),
        Alu::Rsh => left.wrapping_shr(right),
        Alu::Mod => left.checked_rem(right).unwrap_or(left),
        Alu::Xor => left ^ right,
        Alu::Mov => right,
        Alu::Arsh => left.cast_signed().wrapping_shr(right).cast_unsigned(),
    }
}

fn alu64(alu: Alu, left: u64, right: u64) -> u64 {
    match alu {
        Alu::Add => left.wrapping_add(right),
        Alu::Sub => left.wrapping_sub(right),
        Alu::Mul => left.wrapping_mul(right),
        Alu::Div => left.checked_div(right).unwrap_or(0),
        Alu::Or => left | right,
        Alu::And => left & right,
        Alu::Lsh => left.wrapping_shl(right as u32),
        Alu::Rsh => left.wrapping_shr(right as u32),
        Alu::Mod => left.checked_rem(right).unwrap_or(left),
        Alu::Xor => left ^ right,
        Alu::Mov => right,
        Alu::Arsh => left.cast_signed().wrapping_shr(right as u32).cast_unsigned(),
    }
}

/// The negative of a register.
pub(super) fn negate(width: Width, value: u64) -> u64 {
    alu(width, Alu::Sub, 0, value)
}

/// Whether a condition holds between registers, of which it uses what the width says.
pub(super) fn holds(width: Width, condition: Condition, left: u64, right: u64) -> bool {
    let (left, right) = match width {
        Width::Bits32 => (u64::from(left as u32), u64::from(right as u32)),
        Width::Bits64 => (left, right),
    };
    let signed = |value: u64| match width {
        Width::Bits32 => i64::from((value as u32).cast_signed()),
        Width::Bits64 => value.cast_signed(),
    };
    match condition {
        Condition::Equal => left == right,
        Condition::Greater => left > right,
        Condition::GreaterOrEqual => left >= right,
        Condition::AnySet => left & right != 0,
        Condition::NotEqual => left != right,
        Condition::SignedGreater => signed(left) > signed(right),
        Condition::SignedGreaterOrEqual => signed(left) >= signed(right),
        Condition::Less => left < right,
        Condition::LessOrEqual => left <= right,
        Condition::SignedLess => signed(left) < signed(right),
        Condition::SignedLessOrEqual => signed(left) <= signed(right),
    }
}

/// The lowest bytes of a register in an order, on a machine that is little-endian.
pub(super) fn swap(order: ByteOrder, size: Size, value: u64) -> u64 {
    let swapped = match order {
        ByteOrder::Little => value,
        ByteOrder::Big => value.swap_bytes() >> (64 - 8 * size.bytes()),
    };
    swapped & lowest(size)
}

/// A mask of so many bytes.
pub(super) fn lowest(size: Size) -> u64 {
    u64::MAX >> (64 - 8 * size.bytes())
}
