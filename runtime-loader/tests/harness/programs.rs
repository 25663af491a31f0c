//! The smallest programs that show which generation decides.

use sluice_backends::abi::map;
use sluice_backends::program::Register::{R0, R1, R2, R3, R6};
use sluice_backends::program::{Alu, Assembler, Code, Condition, Size};
use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;
use sluice_loader::generation::{Bank, Prepared};

const TAIL_CALL: u32 = 12;
const PASS: i32 = 0;
const DROP: i32 = 2;

/// Goes on with the program of the generation in force, and drops what finds none.
pub(crate) fn entries() -> ByDirection<Code> {
    ByDirection::from_fn(entry)
}

fn entry(direction: Direction) -> Code {
    let mut asm = Assembler::new();
    let (odd, missed) = (asm.label("odd"), asm.label("missed"));
    asm.move64(R6, R1);
    asm.load_map(R2, map("sluice_word").unwrap(), 0);
    asm.load(Size::U32, R3, R2, 0);
    asm.alu32(Alu::And, R3, 1);
    asm.load_map(R2, map("sluice_calls").unwrap(), 0);
    asm.branch32(Condition::NotEqual, R3, 0, odd);
    asm.move32(R3, Bank::Even.slot(direction).cast_signed());
    asm.call(TAIL_CALL);
    asm.jump(missed);
    asm.place(odd);
    asm.move32(R3, Bank::Odd.slot(direction).cast_signed());
    asm.call(TAIL_CALL);
    asm.place(missed);
    asm.move32(R0, DROP);
    asm.exit();
    asm.finish().unwrap()
}

/// A generation that lets everything pass or drops it, as its image says.
pub(crate) fn constant(passes: bool) -> Prepared<'static> {
    let verdicts = map("sluice_verdicts").unwrap();
    let code = || {
        let mut asm = Assembler::new();
        asm.load_map(R1, verdicts, 0);
        asm.load(Size::U32, R0, R1, 0);
        asm.exit();
        asm.finish().unwrap()
    };
    let word = if passes { PASS } else { DROP };
    Prepared {
        images: vec![(verdicts, word.to_ne_bytes().to_vec().into())],
        programs: ByDirection { ingress: code(), egress: code() }.into(),
        checks: Vec::new(),
        since: None,
    }
}
