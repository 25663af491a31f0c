//! `__u32 sluice_class4(__u32 address)`

use super::{answer, fetch};
use crate::abi::{ADDRESSES, CHUNK, NO_CLASS};
use crate::image::{Image, Trie4, Width};
use crate::program::Register::{R0, R1, R2, R3};
use crate::program::{Alu, Assembler, Condition};

/// One load for each part of the address that something tells apart.
pub(super) fn emit(asm: &mut Assembler, trie: &Trie4) {
    let (chunks, depth) = match trie {
        Trie4::Constant(class) => return answer(asm, *class),
        Trie4::Trie { chunks, depth } => (*chunks, *depth),
    };
    let (known, none) = (asm.label("known"), asm.label("none"));
    asm.note("root: the upper 16 bits of the address");
    asm.move32(R2, R1);
    asm.alu32(Alu::Rsh, R2, 16);
    fetch(asm, Width::Four, R0, (Image::Trie4, 0), R3, R2);
    for (byte, shift) in [("third", 8), ("fourth", 0)].into_iter().take(depth) {
        asm.note("a class, not a chunk");
        asm.branch32(Condition::SignedGreaterOrEqual, R0, 0, known);
        asm.note(format!("chunk: the {byte} byte of the address"));
        asm.alu32(Alu::Lsh, R0, 8);
        asm.move32(R2, R1);
        if shift != 0 {
            asm.alu32(Alu::Rsh, R2, shift);
        }
        asm.alu32(Alu::And, R2, 0xff);
        asm.alu32(Alu::Or, R0, R2);
        asm.branch32(Condition::GreaterOrEqual, R0, (chunks * CHUNK as usize) as i32, none);
        fetch(asm, Width::Four, R0, (Image::Trie4, ADDRESSES as usize * 4), R3, R0);
    }
    asm.place(known);
    asm.exit();
    if depth > 0 {
        asm.place(none);
        answer(asm, NO_CLASS);
    }
}
