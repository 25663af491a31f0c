//! `__u32 sluice_class6(__u64 high, __u64 low)`

use super::{answer, fetch, scale};
use crate::abi::{CHUNK, NO_CLASS};
use crate::image::hosts::{FREE, PROBES, SLOT, SLOT_CLASS};
use crate::image::trie::{CHUNK_BYTES, HEADER, HEADER_CLASS, LOWER, NUMBER6, SHIFT};
use crate::image::{Hosts, Image, Places, Prefixes6, Skip, Stem, Trie6, Width};
use crate::program::Register::{self, R0, R1, R2, R3, R4, R5};
use crate::program::{Alu, Assembler, Condition, Label, Size};

/// Where the chunk of a level is: everything that the code of a level must know.
struct Level {
    headers: usize,
    entries: usize,
    chunks: usize,
    known: Label,
    miss: Label,
    none: Label,
}

/// A host by its hash, else the prefix around it: by where it parts from others that begin alike, or by its first byte.
pub(super) fn emit(asm: &mut Assembler, trie: &Trie6) {
    if let Some(hosts) = &trie.hosts {
        let prefixes = asm.label("prefixes");
        emit_hosts(asm, hosts, prefixes);
        asm.place(prefixes);
    }
    if let Some(stem) = &trie.stem {
        let others = asm.label("others");
        emit_stem(asm, stem, others);
        asm.place(others);
    }
    match &trie.prefixes {
        Prefixes6::Constant(class) => answer(asm, *class),
        Prefixes6::Trie(places) => {
            asm.note("root: the first byte of the address");
            asm.move64(R3, R1);
            asm.alu64(Alu::Rsh, R3, 56);
            emit_walk(asm, places);
        }
    }
}

/// Ends with the class of an address that begins like most, or goes on with others.
fn emit_stem(asm: &mut Assembler, stem: &Stem, others: Label) {
    let (half, value, before) = match stem.length < 64 {
        true => (R1, stem.first.0, i32::from(stem.length)),
        false => {
            asm.note("the higher half of most");
            asm.load_wide(R3, stem.first.0);
            asm.branch64(Condition::NotEqual, R3, R1, others);
            (R2, stem.first.1, i32::from(stem.length) - 64)
        }
    };
    if before > 0 {
        asm.note("how most begin");
        asm.load_wide(R3, value >> (64 - before));
        asm.move64(R4, half);
        asm.alu64(Alu::Rsh, R4, 64 - before);
        asm.branch64(Condition::NotEqual, R3, R4, others);
    }
    asm.note("root: the bits in which they part");
    asm.move64(R3, half);
    let width = i32::from(stem.width);
    if before + width < 64 {
        asm.alu64(Alu::Rsh, R3, 64 - before - width);
    }
    asm.alu64(Alu::And, R3, (1 << width) - 1);
    match &stem.skip {
        None => emit_walk(asm, &stem.trie),
        Some(skip) => emit_step(asm, stem, skip),
    }
}

/// Ends with the class from the root of a stem, or from the one chunk on the way, by an index in r3.
fn emit_step(asm: &mut Assembler, stem: &Stem, skip: &Skip) {
    let Places { root, headers, entries, chunks, .. } = stem.trie;
    let [known, miss, none] = ["known", "miss", "none"].map(|name| asm.label(name));
    let (end, position) = (i32::from(stem.end()), i32::from(skip.position));
    let half = if position < 64 { R1 } else { R2 };
    fetch(asm, Width::Four, R0, (Image::Trie6, root), R4, R3);
    asm.note("a class, not a chunk");
    asm.branch32(Condition::SignedGreaterOrEqual, R0, 0, known);
    asm.note("the number of the chunk");
    asm.alu32(Alu::And, R0, NUMBER6.cast_signed());
    asm.branch32(Condition::GreaterOrEqual, R0, chunks as i32, none);
    if position > end {
        asm.note("what every chunk leaves out");
        asm.load_wide(R3, skip.bits);
        asm.move64(R4, half);
        if end % 64 != 0 {
            asm.alu64(Alu::Lsh, R4, end % 64);
        }
        asm.alu64(Alu::Rsh, R4, 64 - (position - end));
        asm.branch64(Condition::NotEqual, R3, R4, miss);
    }
    asm.note("the byte");
    asm.move64(R3, half);
    if position % 64 != 56 {
        asm.alu64(Alu::Rsh, R3, 56 - position % 64);
    }
    asm.alu64(Alu::And, R3, 0xff);
    asm.alu64(Alu::Lsh, R0, CHUNK.ilog2() as i32);
    asm.alu64(Alu::Or, R3, R0);
    asm.note("entry");
    fetch(asm, Width::Four, R0, (Image::Trie6, entries), R4, R3);
    asm.place(known);
    asm.exit();
    if position > end {
        asm.place(miss);
        asm.note("header.class");
        scale(asm, R0, HEADER);
        asm.load_map(R5, Image::Trie6.map(), headers as u32);
        asm.alu64(Alu::Add, R5, R0);
        asm.load(Size::U32, R0, R5, HEADER_CLASS as i16);
        asm.exit();
    }
    asm.place(none);
    answer(asm, NO_CLASS);
}

/// Ends with the class at the end of the way from a root, by an index in r3.
fn emit_walk(asm: &mut Assembler, places: &Places) {
    let Places { root, headers, entries, chunks, depth } = *places;
    let [known, miss, none] = ["known", "miss", "none"].map(|name| asm.label(name));
    fetch(asm, Width::Four, R0, (Image::Trie6, root), R4, R3);
    let level = Level { headers, entries, chunks, known, miss, none };
    for _ in 0..depth {
        emit_level(asm, &level);
    }
    asm.place(known);
    asm.exit();
    if depth > 0 {
        asm.place(miss);
        asm.note("header.class");
        asm.load(Size::U32, R0, R5, HEADER_CLASS as i16);
        asm.exit();
        asm.place(none);
        answer(asm, NO_CLASS);
    }
}

/// Ends with the class of a host, or goes on with prefixes.
fn emit_hosts(asm: &mut Assembler, hosts: &Hosts, prefixes: Label) {
    asm.note("slot: the upper bits of the sum of products");
    asm.load_wide(R3, hosts.multipliers.0);
    asm.alu64(Alu::Mul, R3, R1);
    asm.load_wide(R4, hosts.multipliers.1);
    asm.alu64(Alu::Mul, R4, R2);
    asm.alu64(Alu::Add, R3, R4);
    asm.alu64(Alu::Rsh, R3, 64 - hosts.bits.cast_signed());
    asm.alu64(Alu::Lsh, R3, SLOT.ilog2() as i32);
    asm.load_map(R4, Image::Trie6.map(), 0);
    asm.alu64(Alu::Add, R4, R3);
    for probe in 0..PROBES {
        let next = asm.label(format!("slot {}", probe + 1));
        let slot = (probe * SLOT) as i16;
        asm.note(format!("slot {probe}: host.high"));
        asm.load(Size::U64, R5, R4, slot);
        asm.branch64(Condition::NotEqual, R5, R1, next);
        asm.note("host.low");
        asm.load(Size::U64, R5, R4, slot + 8);
        asm.branch64(Condition::NotEqual, R5, R2, next);
        asm.note("host.class, which is negative if it has none of its own");
        asm.load(Size::U32, R0, R4, slot + SLOT_CLASS as i16);
        asm.branch32(Condition::SignedLess, R0, 0, prefixes);
        asm.exit();
        asm.place(next);
        if probe + 1 < PROBES {
            asm.note("host.class of a slot that is free");
            asm.load(Size::U32, R5, R4, slot + SLOT_CLASS as i16);
            asm.branch32(Condition::Equal, R5, FREE.cast_signed(), prefixes);
        }
    }
}

/// From an entry in r0 to the next.
fn emit_level(asm: &mut Assembler, level: &Level) {
    let [lower, shifted] = ["lower half", "byte"].map(|name| asm.label(name));
    asm.note("a class, not a chunk");
    asm.branch32(Condition::SignedGreaterOrEqual, R0, 0, level.known);
    asm.note("how far the half is shifted");
    asm.move32(R3, R0);
    asm.alu32(Alu::Rsh, R3, SHIFT.cast_signed() - 3);
    asm.alu32(Alu::And, R3, 7 << 3);
    asm.note("the number of the chunk");
    asm.move32(R4, R0);
    asm.alu32(Alu::And, R4, NUMBER6.cast_signed());
    asm.branch32(Condition::GreaterOrEqual, R4, level.chunks as i32, level.none);
    asm.alu64(Alu::Lsh, R4, HEADER.ilog2() as i32);
    asm.load_map(R5, Image::Trie6.map(), level.headers as u32);
    asm.alu64(Alu::Add, R5, R4);
    asm.branch32(Condition::AnySet, R0, LOWER.cast_signed(), lower);
    asm.note("header.high");
    asm.load(Size::U64, R0, R5, 0);
    leaves(asm, R1, level.miss);
    asm.jump(shifted);
    asm.place(lower);
    asm.note("header.high");
    asm.load(Size::U64, R0, R5, 0);
    asm.branch64(Condition::NotEqual, R0, R1, level.miss);
    asm.note("header.low");
    asm.load(Size::U64, R0, R5, 8);
    leaves(asm, R2, level.miss);
    asm.place(shifted);
    asm.note("the byte: the entry is on its way before the header is there");
    asm.alu64(Alu::Rsh, R0, R3);
    asm.alu64(Alu::And, R0, 0xff);
    asm.note("entry");
    asm.alu64(Alu::Lsh, R4, (CHUNK_BYTES / HEADER).ilog2() as i32);
    asm.alu64(Alu::Lsh, R0, 2);
    asm.alu64(Alu::Add, R4, R0);
    asm.load_map(R0, Image::Trie6.map(), level.entries as u32);
    asm.alu64(Alu::Add, R0, R4);
    asm.load(Size::U32, R0, R0, 0);
}

/// Leaves a half of the address in r0, if what it has above a byte is what the header has that is there.
fn leaves(asm: &mut Assembler, half: Register, miss: Label) {
    asm.note("all bits above the byte are those of the header");
    asm.alu64(Alu::Xor, R0, half);
    asm.alu64(Alu::Rsh, R0, R3);
    asm.branch64(Condition::Greater, R0, 0xff, miss);
    asm.move64(R0, half);
}
