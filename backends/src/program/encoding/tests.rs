//! Instructions, there and back.

use proptest::prelude::*;

use super::decode;
use crate::program::{
    Alu, AtomicOperation, ByteOrder, Condition, DecodeError, Instruction, Operand, Operation, Register, Size,
    Width,
};

fn one<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    proptest::sample::select(all)
}

fn register() -> impl Strategy<Value = Register> {
    proptest::sample::select(Register::ALL.to_vec())
}

fn operand() -> impl Strategy<Value = Operand> {
    prop_oneof![register().prop_map(Operand::Register), any::<i32>().prop_map(Operand::Immediate)]
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        (one(Width::ALL), one(Alu::ALL), register(), operand())
            .prop_map(|(width, alu, target, source)| Operation::Alu { width, alu, target, source }),
        (one(Width::ALL), register()).prop_map(|(width, target)| Operation::Negate { width, target }),
        (one(ByteOrder::ALL), one(&[Size::U16, Size::U32, Size::U64]), register())
            .prop_map(|(order, size, target)| Operation::Swap { order, size, target }),
        (register(), any::<u64>()).prop_map(|(target, value)| Operation::LoadWide { target, value }),
        (one(Size::ALL), register(), register(), any::<i16>())
            .prop_map(|(size, target, base, offset)| Operation::Load { size, target, base, offset }),
        (one(Size::ALL), register(), any::<i16>(), operand())
            .prop_map(|(size, base, offset, source)| Operation::Store { size, base, offset, source }),
        (one(AtomicOperation::ALL), one(&[Size::U32, Size::U64]), register(), any::<i16>(), register())
            .prop_map(|(operation, size, base, offset, source)| Operation::Atomic {
                operation,
                size,
                base,
                offset,
                source
            }),
        any::<i16>().prop_map(|offset| Operation::Jump { offset }),
        any::<i32>().prop_map(|offset| Operation::LongJump { offset }),
        (one(Width::ALL), one(Condition::ALL), register(), operand(), any::<i16>()).prop_map(
            |(width, condition, left, right, offset)| Operation::Branch {
                width,
                condition,
                left,
                right,
                offset
            }
        ),
        any::<u32>().prop_map(|helper| Operation::Call { helper }),
        Just(Operation::Exit),
    ]
}

proptest! {
    #[test]
    fn operations_lead_back(operation in operation()) {
        prop_assert_eq!(decode(&operation.encode()[..operation.length()], 0), Ok(operation));
    }

    #[test]
    fn instructions_lead_back(bytes: [u8; 8]) {
        let instruction = Instruction::of_bytes(bytes);
        if let Ok(operation) = decode(&[instruction, Instruction::default()], 0) {
            prop_assert_eq!(operation.encode()[0], instruction);
        }
    }
}

#[test]
fn every_opcode_is_known_or_refused() {
    let known = (0..=u8::MAX).filter(|&opcode| {
        let first = Instruction { opcode, immediate: 16, ..Instruction::default() };
        let bare = Instruction { opcode, ..Instruction::default() };
        [first, bare].iter().any(|&first| decode(&[first, Instruction::default()], 0).is_ok())
    });
    // lddw; 4 loads; 8 stores; 2 atomics; 12 operations, each with two operands, and a negation, both of two widths; 2 byte
    // orders; 11 conditions likewise; 2 jumps, call, exit.
    assert_eq!(known.count(), 1 + 4 + 8 + 2 + (12 * 2 + 1) * 2 + 2 + 11 * 2 * 2 + 4);
}

/// What `llvm-objdump` says of these bytes, in words of this crate.
#[test]
fn codes_are_the_kernels() {
    use Register::{R0, R1, R2, R10};
    let cases: [(u64, Operation); 8] = [
        (
            0x0000_0000_0000_21bf,
            Operation::Alu { width: Width::Bits64, alu: Alu::Mov, target: R1, source: Operand::Register(R2) },
        ),
        (
            0x0000_0000_0000_100f,
            Operation::Alu { width: Width::Bits64, alu: Alu::Add, target: R0, source: Operand::Register(R1) },
        ),
        (0x0000_0000_004c_1161, Operation::Load { size: Size::U32, target: R1, base: R1, offset: 76 }),
        (
            0x0000_0000_fff8_1a7b,
            Operation::Store { size: Size::U64, base: R10, offset: -8, source: Operand::Register(R1) },
        ),
        (0x0000_0010_0000_01dc, Operation::Swap { order: ByteOrder::Big, size: Size::U16, target: R1 }),
        (
            0x0000_0005_0003_0036,
            Operation::Branch {
                width: Width::Bits32,
                condition: Condition::GreaterOrEqual,
                left: R0,
                right: Operand::Immediate(5),
                offset: 3,
            },
        ),
        (
            0x0000_0001_0000_21db,
            Operation::Atomic {
                operation: AtomicOperation::FetchAdd,
                size: Size::U64,
                base: R1,
                offset: 0,
                source: R2,
            },
        ),
        (0x0000_000c_0000_0085, Operation::Call { helper: 12 }),
    ];
    for (bytes, operation) in cases {
        assert_eq!(decode(&[Instruction::of_bytes(bytes.to_le_bytes())], 0), Ok(operation));
    }
}

#[test]
fn what_v3_does_not_have_is_refused() {
    // A call of a subprogram, a signed division, a load with the sign.
    for bytes in [0xffff_ffff_0000_1085_u64, 0x0000_0000_0001_213f, 0x0000_0000_0000_1281] {
        let instruction = Instruction::of_bytes(bytes.to_le_bytes());
        assert_eq!(decode(&[instruction], 0), Err(DecodeError::Unknown { at: 0, instruction }));
    }
    let wide = Operation::LoadWide { target: Register::R0, value: 0 }.encode();
    assert_eq!(decode(&wide[..1], 0), Err(DecodeError::Half { at: 0 }));
    assert_eq!(decode(&[], 0), Err(DecodeError::Outside { at: 0 }));
}
