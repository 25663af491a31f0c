//! Linking.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::prune::prune;
use super::{Constants, LinkError, link};
use crate::abi::{Stub, map};
use crate::program::Register::{R0, R1, R2, R3, R5, R6};
use crate::program::interpret::{Context, Machine};
use crate::program::layout::{LayoutError, Listing};
use crate::program::{
    Alu, Assembler, AtomicOperation, Code, Condition, Helper, JUMP_RANGE, Operand, Operation, Register, Size,
    Width, disassemble,
};

fn assemble(write: impl FnOnce(&mut Assembler)) -> Code {
    let mut asm = Assembler::new();
    write(&mut asm);
    asm.finish().unwrap()
}

/// Links a program that calls a stub, with a body.
fn spliced(
    program: impl FnOnce(&mut Assembler),
    body: impl FnOnce(&mut Assembler),
) -> Result<Code, LinkError> {
    let bodies = BTreeMap::from([(Stub::Class4, assemble(body))]);
    link(&assemble(program), &bodies, &Constants::default())
}

fn call(asm: &mut Assembler) {
    asm.call(Stub::Class4.number());
}

fn run(code: &Code, argument: u64) -> u64 {
    let mut machine = Machine::new();
    let body = machine.load("linked", code, &BTreeMap::new()).unwrap();
    machine.call(body, &[argument]).unwrap()
}

/// Answers 7 below 5, and twice the argument else.
fn class(asm: &mut Assembler) {
    let low = asm.label("low");
    asm.branch32(Condition::Less, R1, 5, low);
    asm.move32(R0, R1);
    asm.alu32(Alu::Mul, R0, 2);
    asm.exit();
    asm.place(low);
    asm.note("too low");
    asm.move32(R0, 7);
    asm.exit();
}

#[test]
fn a_body_takes_the_place_of_each_call() {
    let program = |asm: &mut Assembler| {
        let again = asm.label("again");
        asm.move64(R6, R1);
        asm.place(again);
        asm.note("the first");
        call(asm);
        asm.move64(R1, R0);
        call(asm);
        asm.branch64(Condition::Equal, R6, R0, again);
        asm.exit();
    };
    let code = spliced(program, class).unwrap();
    let expected = "    \
    0: r6 = r1
again:
    1: if w1 < 5 goto +3 <low>                           ; the first
                                                         ; sluice_class4
    2: w0 = w1
    3: w0 *= 2
    4: goto +1 <6>
low:
    5: w0 = 7                                            ; too low
    6: r1 = r0
    7: if w1 < 5 goto +3 <low>                           ; sluice_class4
    8: w0 = w1
    9: w0 *= 2
   10: goto +1 <12>
low:
   11: w0 = 7                                            ; too low
   12: if r6 == r0 goto -12 <again>
   13: exit
";
    assert_eq!(disassemble(&code), expected);
    assert_eq!((run(&code, 3), run(&code, 6)), (14, 24));
}

#[test]
fn jumps_over_a_body_reach_as_far_as_they_must() {
    let program = |asm: &mut Assembler| {
        let (over, back, begin) = (asm.label("over"), asm.label("back"), asm.label("begin"));
        asm.move32(R0, 0);
        asm.jump(begin);
        asm.place(back);
        asm.alu64(Alu::Add, R0, 1000);
        asm.exit();
        asm.place(begin);
        asm.branch32(Condition::AnySet, R1, 1, over);
        call(asm);
        asm.branch32(Condition::AnySet, R1, 2, back);
        asm.place(over);
        asm.exit();
    };
    let code = spliced(program, |asm| {
        for _ in 0..40_000 {
            asm.alu64(Alu::Add, R0, 1);
        }
    })
    .unwrap();
    assert!(code.instructions.len() > 2 * JUMP_RANGE);
    assert!(disassemble(&code).contains("gotol"));
    assert_eq!((run(&code, 1), run(&code, 2), run(&code, 0)), (0, 41_000, 40_000));
}

#[test]
fn what_cannot_be_linked_is_said() {
    let exit = |asm: &mut Assembler| asm.exit();
    let stub = Stub::Class4;
    assert_eq!(
        spliced(call, |asm| asm.move64(R0, R6)),
        Err(LinkError::Register { stub, register: Register::R6 })
    );
    assert_eq!(
        spliced(call, |asm| asm.push(Operation::Jump { offset: 7 })),
        Err(LinkError::Body { stub, error: LayoutError::Astray { at: 0 } })
    );
    let other = spliced(|asm| asm.call(Stub::Class6.number()), exit);
    assert_eq!(other, Err(LinkError::NoBody { stub: Stub::Class6 }));
    let number = 0x5100_00ff;
    assert_eq!(spliced(|asm| asm.call(number), exit), Err(LinkError::UnknownStub { number }));
}

fn pruned(write: impl FnOnce(&mut Assembler)) -> String {
    let mut listing = Listing::of_code(&assemble(write)).unwrap();
    prune(&mut listing);
    disassemble(&listing.layout().unwrap())
}

#[test]
fn what_constants_decide_is_not_there() {
    let text = pruned(|asm| {
        let (never, always, end) = (asm.label("never"), asm.label("always"), asm.label("end"));
        asm.move32(R2, 0);
        asm.branch32(Condition::NotEqual, R2, 0, never);
        asm.load(Size::U32, R0, R1, 0);
        asm.branch64(Condition::Equal, R2, 0, always);
        asm.place(never);
        asm.move32(R0, 1);
        asm.jump(end);
        asm.place(always);
        asm.alu32(Alu::Add, R0, 3);
        asm.place(end);
        asm.exit();
    });
    let expected = "    \
    0: r0 = *(u32 *)(r1 + 0)
always:
    1: w0 += 3
end:
    2: exit
";
    assert_eq!(text, expected);
}

#[test]
fn what_a_loop_changes_is_not_known() {
    let kept = |asm: &mut Assembler| {
        let again = asm.label("again");
        asm.move32(R0, 0);
        asm.place(again);
        asm.alu32(Alu::Add, R0, 1);
        asm.branch32(Condition::Less, R0, 10, again);
        asm.exit();
    };
    assert_eq!(pruned(kept), disassemble(&assemble(kept)));
}

#[test]
fn a_branch_teaches() {
    let text = pruned(|asm| {
        let (two, never) = (asm.label("two"), asm.label("never"));
        asm.move32(R0, 0);
        asm.branch64(Condition::Equal, R1, 2, two);
        asm.exit();
        asm.place(two);
        asm.branch32(Condition::Greater, R1, 3, never);
        asm.move32(R0, 1);
        asm.place(never);
        asm.exit();
    });
    assert!(!text.contains("> 3"), "{text}");
}

/// Where a word is: upwards in the memory of a map, downwards on the stack.
fn place(base: Register, word: i16) -> i16 {
    if base == R5 { word * 8 - 8 } else { word * -4 }
}

/// A step of a random program: never back, so that it ends.
fn step() -> impl Strategy<Value = Operation> {
    let register = || proptest::sample::select(Register::ALL[..5].to_vec());
    let immediate = || prop_oneof![-2..3, any::<i32>()];
    let operand =
        prop_oneof![register().prop_map(Operand::Register), immediate().prop_map(Operand::Immediate),];
    let operand = operand.boxed();
    let base = || proptest::sample::select(vec![R5, Register::R7, Register::R10]);
    let size = || proptest::sample::select(vec![Size::U32, Size::U64]);
    let alu = (
        proptest::sample::select(Width::ALL),
        proptest::sample::select(Alu::ALL),
        register(),
        operand.clone(),
    );
    let branch = (
        proptest::sample::select(Width::ALL),
        proptest::sample::select(Condition::ALL),
        register(),
        operand.clone(),
        0..6_i16,
    );
    prop_oneof![
        4 => alu.prop_map(|(width, alu, target, source)| Operation::Alu { width, alu, target, source }),
        4 => (register(), immediate()).prop_map(|(target, value)| Operation::Alu {
            width: Width::Bits64,
            alu: Alu::Mov,
            target,
            source: Operand::Immediate(value),
        }),
        4 => branch.prop_map(|(width, condition, left, right, offset)| Operation::Branch {
            width,
            condition,
            left,
            right,
            offset,
        }),
        1 => (0..6_i16).prop_map(|offset| Operation::Jump { offset }),
        3 => (operand, base(), 1..9_i16, size()).prop_map(|(source, base, word, size)| Operation::Store {
            size,
            base,
            offset: place(base, word),
            source,
        }),
        3 => (register(), base(), 1..9_i16, size()).prop_map(|(target, base, word, size)| Operation::Load {
            size,
            target,
            base,
            offset: place(base, word),
        }),
        1 => (register(), size()).prop_map(|(source, size)| Operation::Atomic {
            operation: AtomicOperation::FetchAdd,
            size,
            base: Register::R10,
            offset: -8,
            source,
        }),
        // An address of the stack that is known, in another register.
        1 => Just(Operation::Alu {
            width: Width::Bits64,
            alu: Alu::Mov,
            target: Register::R7,
            source: Operand::Register(Register::R10),
        }),
        1 => (-4..5).prop_map(|eight: i32| Operation::Alu {
            width: Width::Bits64,
            alu: Alu::Add,
            target: Register::R7,
            source: Operand::Immediate(8 * eight),
        }),
        1 => Just(Operation::Call { helper: Helper::LoadBytes.number() }),
    ]
}

/// What a program answers, and leaves in memory; nothing if it does what the kernel would refuse.
fn effect(code: &Code, numbers: &[u64; 2]) -> Option<(i32, Vec<u8>)> {
    let mut machine = Machine::new();
    let memory = machine.add_map(map("sluice_cells").unwrap(), 112);
    for (bytes, number) in machine.memory_mut(memory).unwrap().chunks_mut(8).zip(numbers) {
        bytes.copy_from_slice(&number.to_le_bytes());
    }
    let program = machine.load("random", code, &BTreeMap::from([("sluice_cells", memory)])).unwrap();
    let packet = (0..16).collect::<Vec<u8>>().into();
    let outcome = machine.run(program, packet, &Context::default()).ok()?;
    Some((outcome.code, machine.memory(memory).unwrap().to_vec()))
}

proptest! {
    #[test]
    fn pruning_changes_nothing(
        steps in proptest::collection::vec(step(), 0..60),
        numbers: [u64; 2],
        small in [0..3_u64, 0..3_u64],
    ) {
        let code = assemble(|asm| {
            asm.move64(R6, R1);
            asm.load_map(R5, map("sluice_cells").unwrap(), 0);
            for offset in 1..9_i16 {
                asm.store(Size::U64, Register::R10, -8 * offset, i32::from(offset));
            }
            asm.load(Size::U64, R1, R5, 0);
            // Somewhere on the stack: nobody knows where.
            asm.move64(Register::R7, Register::R10);
            asm.move64(R0, R1);
            asm.alu64(Alu::And, R0, 56);
            asm.alu64(Alu::Sub, Register::R7, R0);
            asm.move32(R0, 0);
            asm.load(Size::U64, R2, R5, 8);
            asm.move32(R3, 1);
            asm.move64(Register::R4, -1);
            for step in &steps {
                match step {
                    // Two bytes of the packet; then every register holds something again.
                    Operation::Call { helper } => {
                        asm.move64(R1, R6);
                        asm.move32(R2, 3);
                        asm.move64(R3, Register::R7);
                        asm.move32(Register::R4, 2);
                        asm.call(*helper);
                        asm.load_map(R5, map("sluice_cells").unwrap(), 0);
                        asm.move64(R1, R0);
                        asm.move64(R2, R0);
                        asm.move64(R3, R0);
                        asm.move64(Register::R4, R0);
                    }
                    step => asm.push(*step),
                }
            }
            // Wherever the last jumps go.
            for _ in 0..6 {
                asm.move64(R0, R0);
            }
            // Everything that a program has had an effect on is part of the answer.
            for (word, register) in (2..).zip(&Register::ALL[1..5]) {
                asm.store(Size::U64, R5, word * 8, *register);
            }
            for word in 1..9_i16 {
                asm.load(Size::U64, R1, Register::R10, word * -8);
                asm.store(Size::U64, R5, 40 + word * 8, R1);
            }
            asm.exit();
        });
        let mut listing = Listing::of_code(&code).unwrap();
        let before = listing.lines.len();
        prune(&mut listing);
        let shorter = listing.layout().unwrap();
        prop_assert!(listing.lines.len() <= before);
        for numbers in [&numbers, &small] {
            if let Some(expected) = effect(&code, numbers) {
                prop_assert_eq!(Some(expected), effect(&shorter, numbers), "{}", disassemble(&shorter));
            }
        }
    }
}
