//! Every operation, against what Rust says of numbers with other types than the interpreter uses.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::{FaultKind, Machine};
use super::fault;
use crate::program::Register::{R0, R1, R2, R10};
use crate::program::{
    Alu, Assembler, AtomicOperation, ByteOrder, Condition, Operand, Operation, Register, Size, Width,
};

/// Runs what is written as a body.
fn call(arguments: &[u64], write: impl FnOnce(&mut Assembler)) -> u64 {
    let mut machine = Machine::new();
    let body = super::load(&mut machine, &BTreeMap::new(), write);
    machine.call(body, arguments).unwrap()
}

/// Numbers at the edges as often as others.
fn number() -> impl Strategy<Value = u64> {
    let edges = [0, 1, 31, 32, 63, 64, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, 1 << 32, 1 << 63, u64::MAX];
    prop_oneof![proptest::sample::select(edges.to_vec()), any::<u64>()]
}

/// What arithmetic gives, computed in 128 bits with signs.
fn expected_alu(width: Width, alu: Alu, left: u64, right: u64) -> u64 {
    let bits: u32 = if width == Width::Bits32 { 32 } else { 64 };
    let modulus = 1_i128 << bits;
    let (left, right) = (i128::from(left) % modulus, i128::from(right) % modulus);
    let shift = right % i128::from(bits);
    let signed = if left >= modulus / 2 { left - modulus } else { left };
    let result = match alu {
        Alu::Add => left + right,
        Alu::Sub => left - right,
        Alu::Mul => {
            (left.cast_unsigned().wrapping_mul(right.cast_unsigned()) % modulus.cast_unsigned()).cast_signed()
        }
        Alu::Div if right == 0 => 0,
        Alu::Div => left / right,
        Alu::Mod if right == 0 => left,
        Alu::Mod => left % right,
        Alu::Or => left | right,
        Alu::And => left & right,
        Alu::Xor => left ^ right,
        Alu::Mov => right,
        Alu::Lsh => ((left << (shift / 2)) % modulus) << (shift - shift / 2),
        Alu::Rsh => left / (1 << shift),
        Alu::Arsh => signed.div_euclid(1 << shift),
    };
    u64::try_from(result.rem_euclid(modulus)).unwrap()
}

fn expected_condition(width: Width, condition: Condition, left: u64, right: u64) -> bool {
    let modulus = if width == Width::Bits32 { 1_i128 << 32 } else { 1 << 64 };
    let (left, right) = (i128::from(left) % modulus, i128::from(right) % modulus);
    let signed = |number: i128| if number >= modulus / 2 { number - modulus } else { number };
    let (signed_left, signed_right) = (signed(left), signed(right));
    match condition {
        Condition::Equal => left == right,
        Condition::NotEqual => left != right,
        Condition::Greater => left > right,
        Condition::GreaterOrEqual => left >= right,
        Condition::Less => left < right,
        Condition::LessOrEqual => left <= right,
        Condition::AnySet => left & right != 0,
        Condition::SignedGreater => signed_left > signed_right,
        Condition::SignedGreaterOrEqual => signed_left >= signed_right,
        Condition::SignedLess => signed_left < signed_right,
        Condition::SignedLessOrEqual => signed_left <= signed_right,
    }
}

/// The second number as a register, or as a constant, with what it is then.
fn operand(register: bool, number: u64) -> (Operand, u64) {
    let constant = number as u32 as i32;
    if register {
        (Operand::Register(R2), number)
    } else {
        (Operand::Immediate(constant), constant as i64 as u64)
    }
}

proptest! {
    #[test]
    fn arithmetic(left in number(), right in number(), register: bool) {
        let (source, value) = operand(register, right);
        for &width in Width::ALL {
            for &alu in Alu::ALL {
                let result = call(&[left, right], |asm| {
                    asm.push(Operation::Alu { width, alu, target: R1, source });
                    asm.move64(R0, R1);
                });
                prop_assert_eq!(result, expected_alu(width, alu, left, value), "{:?} {:?}", width, alu);
            }
            let negative = call(&[left], |asm| {
                asm.negate(width, R1);
                asm.move64(R0, R1);
            });
            prop_assert_eq!(negative, expected_alu(width, Alu::Sub, 0, left));
        }
    }

    #[test]
    fn branches(left in number(), right in number(), register: bool, same: bool) {
        let left = if same { right } else { left };
        let (operand, value) = operand(register, right);
        for &width in Width::ALL {
            for &condition in Condition::ALL {
                let taken = call(&[left, right], |asm| {
                    let end = asm.label("end");
                    asm.move32(R0, 1);
                    match width {
                        Width::Bits32 => asm.branch32(condition, R1, operand, end),
                        Width::Bits64 => asm.branch64(condition, R1, operand, end),
                    }
                    asm.move32(R0, 0);
                    asm.place(end);
                });
                let expected = expected_condition(width, condition, left, value);
                prop_assert_eq!(taken == 1, expected, "{:?} {:?}", width, condition);
            }
        }
    }

    #[test]
    fn byte_orders(value: u64) {
        let swap = |order, size| call(&[value], |asm| {
            asm.swap(order, size, R1);
            asm.move64(R0, R1);
        });
        let [.., b1, b0] = value.to_be_bytes();
        prop_assert_eq!(swap(ByteOrder::Big, Size::U16), u64::from(u16::from_be_bytes([b0, b1])));
        prop_assert_eq!(swap(ByteOrder::Big, Size::U32), u64::from((value as u32).to_be()));
        prop_assert_eq!(swap(ByteOrder::Big, Size::U64), value.to_be());
        prop_assert_eq!(swap(ByteOrder::Little, Size::U16), value % (1 << 16));
        prop_assert_eq!(swap(ByteOrder::Little, Size::U32), value % (1 << 32));
        prop_assert_eq!(swap(ByteOrder::Little, Size::U64), value);
    }

    #[test]
    fn operations_in_one_step(old: u64, source: u64, expected: u64, hit: bool) {
        let expected = if hit { old } else { expected };
        for &operation in AtomicOperation::ALL {
            for size in [Size::U32, Size::U64] {
                let mask = if size == Size::U32 { u64::from(u32::MAX) } else { u64::MAX };
                let (new, left_in_source, left_in_r0) = one_step(operation, size, [old, source, expected]);
                use AtomicOperation as Op;
                let result = match operation {
                    Op::Add | Op::FetchAdd => old.wrapping_add(source),
                    Op::Or | Op::FetchOr => old | source,
                    Op::And | Op::FetchAnd => old & source,
                    Op::Xor | Op::FetchXor => old ^ source,
                    Op::Exchange => source,
                    Op::CompareExchange => if old & mask == expected & mask { source } else { old },
                };
                prop_assert_eq!(new, result & mask | old & !mask, "{:?} {:?}", operation, size);
                let fetches = matches!(operation, Op::FetchAdd | Op::FetchOr | Op::FetchAnd | Op::FetchXor | Op::Exchange);
                prop_assert_eq!(left_in_source, if fetches { old & mask } else { source });
                let compares = operation == Op::CompareExchange;
                prop_assert_eq!(left_in_r0, if compares { old & mask } else { expected });
            }
        }
    }
}

/// What is in memory, in the source and in r0 after an operation in one step.
fn one_step(operation: AtomicOperation, size: Size, [old, source, expected]: [u64; 3]) -> (u64, u64, u64) {
    let outcome = super::run(|asm| {
        asm.load_wide(R1, old);
        asm.store(Size::U64, R10, -8, R1);
        asm.load_wide(R2, source);
        asm.load_wide(R0, expected);
        asm.atomic(operation, size, R10, -8, R2);
        asm.load(Size::U64, Register::R3, R10, -8);
        asm.store(Size::U64, R10, -16, Register::R3);
        asm.store(Size::U64, R10, -24, R2);
        asm.store(Size::U64, R10, -32, R0);
        asm.load_map(R1, crate::abi::map("sluice_events").unwrap(), 0);
        asm.move64(R2, R10);
        asm.alu64(Alu::Add, R2, -32);
        asm.move32(Register::R3, 24);
        asm.move32(Register::R4, 0);
        asm.call(130);
        asm.exit();
    })
    .unwrap();
    let word = |at: usize| u64::from_le_bytes(outcome.events[0].1[at..at + 8].try_into().unwrap());
    (word(16), word(8), word(0))
}

#[test]
fn loops_end() {
    let sum = call(&[10], |asm| {
        let (again, end) = (asm.label("again"), asm.label("end"));
        asm.move32(R0, 0);
        asm.place(again);
        asm.branch64(Condition::Equal, R1, 0, end);
        asm.alu64(Alu::Add, R0, R1);
        asm.alu64(Alu::Sub, R1, 1);
        asm.jump(again);
        asm.place(end);
        asm.exit();
    });
    assert_eq!(sum, 55);
    let endless = fault(|asm| {
        let again = asm.label("again");
        asm.place(again);
        asm.jump(again);
    });
    assert_eq!(endless, (0, FaultKind::Budget { limit: 1_000_000 }));
}

#[test]
fn what_holds_nothing_is_not_read() {
    assert_eq!(fault(|asm| asm.exit()), (0, FaultKind::Unset { register: R0 }));
    assert_eq!(fault(|asm| asm.alu32(Alu::Add, R2, 1)), (0, FaultKind::Unset { register: R2 }));
    assert_eq!(fault(|asm| asm.move32(R0, 1)), (1, FaultKind::NoInstruction));
    assert_eq!(fault(|asm| asm.move64(R10, R1)), (0, FaultKind::FramePointer));
    let clobbered = fault(|asm| {
        asm.call(7);
        asm.move64(R0, R1);
    });
    assert_eq!(clobbered, (1, FaultKind::Unset { register: R1 }));
    assert_eq!(fault(|asm| asm.call(6)), (0, FaultKind::NoHelper { number: 6 }));
    assert_eq!(fault(|asm| asm.push(Operation::Jump { offset: -9 })), (0, FaultKind::NoInstruction));
}

#[test]
fn a_fault_names_the_instruction() {
    let fault = super::run(|asm| asm.load(Size::U32, R0, R10, -4)).unwrap_err();
    let text = "`test`, instruction 0 (`r0 = *(u32 *)(r10 - 4)`): \
                the 4 bytes of the stack at 0x100001fc were not all written";
    assert_eq!(fault.to_string(), text);
}
