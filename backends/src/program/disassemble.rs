//! Prints programs, in the way in which tools of the kernel do.

use std::fmt::Write;

use super::{
    Alu, AtomicOperation, ByteOrder, Code, Condition, Helper, Operand, Operation, Register, Size, Width,
    decode,
};
use crate::abi::{MapKind, MapSpec, Stub};

/// The column in which notes begin.
const NOTES: usize = 56;

/// The text of a program: for each instruction its place, what it does and what was noted.
///
/// Labels stand on lines of their own. Something that is no instruction is printed as its bytes. The same program
/// gives the same text.
pub fn disassemble(code: &Code) -> String {
    let mut out = String::new();
    let mut at = 0;
    while at < code.instructions.len() {
        // Writing to a string cannot fail.
        let _ = labels(&mut out, code, at);
        let length = line(&mut out, code, at).unwrap_or(1);
        at += length;
    }
    let _ = labels(&mut out, code, at);
    out
}

fn labels(out: &mut String, code: &Code, at: usize) -> std::fmt::Result {
    for name in code.labels.get(&at).into_iter().flatten() {
        writeln!(out, "{name}:")?;
    }
    Ok(())
}

/// Prints an instruction, and says how long it is.
fn line(out: &mut String, code: &Code, at: usize) -> Result<usize, std::fmt::Error> {
    let (text, length) = match (decode(&code.instructions, at), code.instructions.get(at)) {
        (Ok(operation), _) => {
            let text = match (operation, code.maps.get(&at)) {
                (Operation::LoadWide { target, value }, Some(map)) => load_map(target, value, map),
                _ => text(operation),
            };
            let target = operation.jump().map(|offset| place(code, at, offset));
            (text + &target.unwrap_or_default(), operation.length())
        }
        (Err(_), instruction) => {
            let bytes = instruction.map(|instruction| instruction.to_bytes()).unwrap_or_default();
            (format!("unknown {:02x?}", bytes), 1)
        }
    };
    let text = format!("{at:5}: {text}");
    match code.notes.get(&at) {
        None => writeln!(out, "{text}")?,
        Some(notes) => {
            let mut lead = text.as_str();
            for note in notes {
                writeln!(out, "{lead:<NOTES$} ; {note}")?;
                lead = "";
            }
        }
    }
    Ok(length)
}

/// The name of the place to which a jump goes, or its number.
fn place(code: &Code, at: usize, offset: i64) -> String {
    let place = at as i64 + 1 + offset;
    let names = usize::try_from(place).ok().and_then(|place| code.labels.get(&place));
    match names.and_then(|names| names.first()) {
        Some(name) => format!(" <{name}>"),
        None => format!(" <{place}>"),
    }
}

fn load_map(target: Register, value: u64, map: &MapSpec) -> String {
    let (target, offset) = (wide(target), value >> 32);
    match map.kind {
        MapKind::Memory => format!("{target} = map[{}][0]+{offset}", map.name),
        _ => format!("{target} = map[{}]", map.name),
    }
}

/// An operation as text, without the place to which it jumps.
pub(super) fn text(operation: Operation) -> String {
    match operation {
        Operation::Alu { width, alu, target, source } => {
            format!("{} {}= {}", register(width, target), sign(alu), operand(width, source))
        }
        Operation::Negate { width, target } => {
            let target = register(width, target);
            format!("{target} = -{target}")
        }
        Operation::Swap { order, size, target } => {
            let order = if order == ByteOrder::Big { "be" } else { "le" };
            format!("{0} = {order}{1} {0}", wide(target), size.bytes() * 8)
        }
        Operation::LoadWide { target, value } => format!("{} = {value:#x} ll", wide(target)),
        Operation::Load { size, target, base, offset } => {
            format!("{} = {}", wide(target), memory(size, base, offset))
        }
        Operation::Store { size, base, offset, source } => {
            format!("{} = {}", memory(size, base, offset), operand(Width::Bits64, source))
        }
        Operation::Atomic { operation, size, base, offset, source } => {
            atomic(operation, size, base, offset, source)
        }
        Operation::Jump { offset } => format!("goto {offset:+}"),
        Operation::LongJump { offset } => format!("gotol {offset:+}"),
        Operation::Branch { width, condition, left, right, offset } => {
            let (left, right) = (register(width, left), operand(width, right));
            format!("if {left} {} {right} goto {offset:+}", comparison(condition))
        }
        Operation::Call { helper } => match Stub::of_number(helper) {
            Some(stub) => format!("call {}", stub.declaration().1),
            None => match Helper::of_number(helper) {
                Some(known) => format!("call {}#{helper}", known.name()),
                None => format!("call {helper}"),
            },
        },
        Operation::Exit => "exit".to_owned(),
    }
}

fn wide(register: Register) -> String {
    format!("r{}", register.number())
}

fn register(width: Width, register: Register) -> String {
    match width {
        Width::Bits32 => format!("w{}", register.number()),
        Width::Bits64 => wide(register),
    }
}

fn operand(width: Width, operand: Operand) -> String {
    match operand {
        Operand::Register(source) => register(width, source),
        // Big constants are addresses, masks and magic numbers.
        Operand::Immediate(value) if value.unsigned_abs() > 0xffff => match width {
            Width::Bits32 => format!("{value:#x}"),
            Width::Bits64 => format!("{:#x}", i64::from(value)),
        },
        Operand::Immediate(value) => value.to_string(),
    }
}

fn memory(size: Size, base: Register, offset: i16) -> String {
    format!("*(u{} *)({})", size.bytes() * 8, address(base, offset))
}

fn address(base: Register, offset: i16) -> String {
    let sign = if offset < 0 { '-' } else { '+' };
    format!("{} {sign} {}", wide(base), offset.unsigned_abs())
}

fn atomic(operation: AtomicOperation, size: Size, base: Register, offset: i16, source: Register) -> String {
    use AtomicOperation::{
        Add, And, CompareExchange, Exchange, FetchAdd, FetchAnd, FetchOr, FetchXor, Or, Xor,
    };
    let bits = size.bytes() * 8;
    let (memory, address, source) = (memory(size, base, offset), address(base, offset), wide(source));
    let call = |name: &str| format!("{source} = atomic{bits}_{name}((u{bits} *)({address}), {source})");
    match operation {
        Add => format!("lock {memory} += {source}"),
        Or => format!("lock {memory} |= {source}"),
        And => format!("lock {memory} &= {source}"),
        Xor => format!("lock {memory} ^= {source}"),
        FetchAdd => call("fetch_add"),
        FetchOr => call("fetch_or"),
        FetchAnd => call("fetch_and"),
        FetchXor => call("fetch_xor"),
        Exchange => call("xchg"),
        CompareExchange => format!("r0 = atomic{bits}_cmpxchg((u{bits} *)({address}), r0, {source})"),
    }
}

fn sign(alu: Alu) -> &'static str {
    match alu {
        Alu::Add => "+",
        Alu::Sub => "-",
        Alu::Mul => "*",
        Alu::Div => "/",
        Alu::Or => "|",
        Alu::And => "&",
        Alu::Lsh => "<<",
        Alu::Rsh => ">>",
        Alu::Mod => "%",
        Alu::Xor => "^",
        Alu::Mov => "",
        Alu::Arsh => "s>>",
    }
}

fn comparison(condition: Condition) -> &'static str {
    match condition {
        Condition::Equal => "==",
        Condition::Greater => ">",
        Condition::GreaterOrEqual => ">=",
        Condition::AnySet => "&",
        Condition::NotEqual => "!=",
        Condition::SignedGreater => "s>",
        Condition::SignedGreaterOrEqual => "s>=",
        Condition::Less => "<",
        Condition::LessOrEqual => "<=",
        Condition::SignedLess => "s<",
        Condition::SignedLessOrEqual => "s<=",
    }
}

#[cfg(test)]
mod tests {
    use super::disassemble;
    use crate::abi::{Stub, map};
    use crate::program::Register::{R0, R1, R2, R3, R10};
    use crate::program::{
        Alu, Assembler, AtomicOperation, ByteOrder, Code, Condition, Instruction, Operation, Size, Width,
    };

    #[test]
    fn a_program_is_text() {
        let mut asm = Assembler::new();
        let (again, end) = (asm.label("again"), asm.label("end"));
        asm.note("the packet");
        asm.note("begins here");
        asm.load(Size::U32, R1, R1, 76);
        asm.place(again);
        asm.branch32(Condition::GreaterOrEqual, R1, 5, end);
        asm.branch64(Condition::SignedLess, R2, R3, again);
        asm.note("row 65");
        asm.load_map(R2, map("sluice_cells").unwrap(), 260);
        asm.load_map(R1, map("sluice_conntrack").unwrap(), 0);
        asm.jump(again);
        asm.place(end);
        asm.exit();
        let expected = "    \
    0: r1 = *(u32 *)(r1 + 76)                            ; the packet
                                                         ; begins here
again:
    1: if w1 >= 5 goto +6 <end>
    2: if r2 s< r3 goto -2 <again>
    3: r2 = map[sluice_cells][0]+260                     ; row 65
    5: r1 = map[sluice_conntrack]
    7: goto -7 <again>
end:
    8: exit
";
        assert_eq!(disassemble(&asm.finish().unwrap()), expected);
    }

    #[test]
    fn every_operation_has_its_text() {
        let mut asm = Assembler::new();
        asm.alu32(Alu::Arsh, R0, 7);
        asm.alu64(Alu::Xor, R0, R1);
        asm.move32(R0, -1);
        asm.move64(R0, 0x5c00_0001);
        asm.negate(Width::Bits32, R3);
        asm.swap(ByteOrder::Big, Size::U16, R2);
        asm.swap(ByteOrder::Little, Size::U64, R2);
        asm.load_wide(R2, 1 << 40);
        asm.store(Size::U8, R10, -1, 3);
        asm.store(Size::U64, R10, -16, R1);
        asm.atomic(AtomicOperation::Add, Size::U64, R1, 8, R2);
        asm.atomic(AtomicOperation::FetchOr, Size::U32, R1, 0, R2);
        asm.atomic(AtomicOperation::Exchange, Size::U64, R1, 0, R2);
        asm.atomic(AtomicOperation::CompareExchange, Size::U64, R1, 0, R2);
        asm.push(Operation::Jump { offset: 1 });
        asm.push(Operation::LongJump { offset: -1 });
        asm.call(12);
        asm.call(Stub::Class4.number());
        let mut code = asm.finish().unwrap();
        code.instructions.push(Instruction { opcode: 0xff, target: 1, source: 2, offset: 3, immediate: 4 });
        let expected = "    \
    0: w0 s>>= 7
    1: r0 ^= r1
    2: w0 = -1
    3: r0 = 0x5c000001
    4: w3 = -w3
    5: r2 = be16 r2
    6: r2 = le64 r2
    7: r2 = 0x10000000000 ll
    9: *(u8 *)(r10 - 1) = 3
   10: *(u64 *)(r10 - 16) = r1
   11: lock *(u64 *)(r1 + 8) += r2
   12: r2 = atomic32_fetch_or((u32 *)(r1 + 0), r2)
   13: r2 = atomic64_xchg((u64 *)(r1 + 0), r2)
   14: r0 = atomic64_cmpxchg((u64 *)(r1 + 0), r0, r2)
   15: goto +1 <17>
   16: gotol -1 <16>
   17: call tail_call#12
   18: call sluice_class4
   19: unknown [ff, 21, 03, 00, 04, 00, 00, 00]
";
        assert_eq!(disassemble(&code), expected);
        assert_eq!(disassemble(&Code::default()), "");
    }
}
