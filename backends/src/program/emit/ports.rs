//! The class of a port.

use super::fetch;
use crate::image::{Arm, Image, Lookup, Ports, Width};
use crate::program::Register::{R3, R4, R5};
use crate::program::{Alu, Assembler, Condition, Label, Size};

/// From a protocol in r3 and a port in r4 to a class in r4; spoils r3 and r5.
pub(super) fn emit(asm: &mut Assembler, ports: &Ports, none: Label) {
    match ports {
        Ports::One(class) => asm.move32(R4, class.cast_signed()),
        Ports::Chain { arms, otherwise, width } => emit_chain(asm, arms, *otherwise, *width),
        Ports::Index { place, width, entries } => emit_index(asm, *place, *width, *entries, none),
    }
}

fn emit_chain(asm: &mut Assembler, arms: &[Arm], otherwise: u32, width: Width) {
    let known = asm.label("class of ports");
    for Arm { protocol, lookup } in arms {
        let next = asm.label(format!("not protocol {protocol}"));
        asm.note(format!("protocol {protocol}"));
        asm.branch32(Condition::NotEqual, R3, i32::from(*protocol), next);
        match lookup {
            Lookup::Tree(spans) => emit_tree(asm, spans, known),
            Lookup::Block(place) => {
                asm.note("block");
                asm.alu32(Alu::And, R4, 0xffff);
                fetch(asm, width, R4, (Image::Ports, *place), R5, R4);
                asm.jump(known);
            }
        }
        asm.place(next);
    }
    asm.note("any other protocol");
    asm.move32(R4, otherwise.cast_signed());
    asm.place(known);
}

/// Comparisons that halve the spans.
fn emit_tree(asm: &mut Assembler, spans: &[(u16, u32)], known: Label) {
    let (left, right) = spans.split_at(spans.len() / 2);
    match (left, right) {
        ([], [(_, class)]) => {
            asm.move32(R4, class.cast_signed());
            asm.jump(known);
        }
        (left, [(bound, _), ..]) => {
            let above = asm.label(format!("ports from {bound}"));
            asm.branch32(Condition::GreaterOrEqual, R4, i32::from(*bound), above);
            emit_tree(asm, left, known);
            asm.place(above);
            emit_tree(asm, right, known);
        }
        (_, []) => {}
    }
}

fn emit_index(asm: &mut Assembler, place: usize, width: Width, entries: usize, none: Label) {
    asm.note("where the block of the protocol is, and which bits of the port count");
    asm.alu32(Alu::And, R3, 0xff);
    asm.alu64(Alu::Lsh, R3, 3);
    asm.load_map(R5, Image::Ports.map(), place as u32);
    asm.alu64(Alu::Add, R5, R3);
    asm.load(Size::U32, R3, R5, 4);
    asm.alu32(Alu::And, R4, R3);
    asm.load(Size::U32, R3, R5, 0);
    asm.alu64(Alu::Add, R4, R3);
    asm.branch64(Condition::GreaterOrEqual, R4, entries as i32, none);
    fetch(asm, width, R4, (Image::Ports, 0), R5, R4);
}
