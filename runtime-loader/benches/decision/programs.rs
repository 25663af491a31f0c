//! Programs of one decision each. They differ in nothing but how they decide.
//!
//! A program takes the next question out of memory, decides, and leaves the verdict beside the questions, exclusive or
//! with all verdicts before.

use std::collections::BTreeMap;

use sluice_backends::abi::{DIRECTION_INGRESS, MapKind, MapSpec, Scope, Stub, map};
use sluice_backends::image::Shape;
use sluice_backends::program::Register::{self, R0, R1, R2, R3, R4, R6, R7, R8, R9, R10};
use sluice_backends::program::{
    Alu, Assembler, ByteOrder, Code, Condition, Helper, Size, bodies, constants, link,
};

/// How many questions there are: a power of two.
pub(crate) const QUESTIONS: usize = 1 << 16;
/// Bytes of one: the address as packets have it, the port as they have it, the protocol, and 0; the table.
pub(crate) const QUESTION: usize = 32;
/// Where they begin: before them are the number of the next, and the verdicts so far.
pub(crate) const FIRST: usize = 64;
/// Where verdicts are left.
pub(crate) const VERDICTS: usize = 8;
const PORT: i16 = 16;
const PROTOCOL: i16 = 18;
const TABLE: i16 = 20;

/// The identity of whoever is in no other (semantics.md 3.5).
pub(crate) const WORLD: u32 = 2;

const fn spec(name: &'static str, kind: MapKind, key: usize, value: usize) -> MapSpec {
    MapSpec { name, doc: "", kind, scope: Scope::Node, key, value, entries: 1 }
}

/// The questions.
pub(crate) static ASKED: MapSpec = spec("bench_asked", MapKind::Memory, 4, FIRST + QUESTIONS * QUESTION);
/// Identities by longest prefix: key and value of semantics.md 6.2.
pub(crate) static ADDRESSES: MapSpec = spec("bench_addresses", MapKind::Lru, 24, 24);
/// A policy by longest prefix: key and value of semantics.md 6.1.
pub(crate) static POLICY: MapSpec = spec("bench_policy", MapKind::Lru, 12, 12);
/// Identities by address.
pub(crate) static HASHED_ADDRESSES: MapSpec = spec("bench_hosts", MapKind::Lru, 20, 4);
/// A policy by identity, port, protocol and direction.
pub(crate) static HASHED_POLICY: MapSpec = spec("bench_rules", MapKind::Lru, 8, 4);

/// Where the cookie is in the value of a policy, and the precedence.
const COOKIE: i16 = 8;
const PRECEDENCE: i16 = 4;

/// How a program decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// Not at all.
    Empty,
    /// By the bodies of a node's programs: class and verdict.
    Images,
    /// The same, and the record of the verdict.
    Record,
    /// By prefixes: an address, then the policy for the identity and for everyone.
    Prefixes,
    /// By hashes: an address, then the policy for the identity.
    Hashes,
}

impl Scheme {
    pub(crate) const ALL: [Scheme; 5] =
        [Scheme::Empty, Scheme::Images, Scheme::Record, Scheme::Prefixes, Scheme::Hashes];

    /// Whether it looks nothing up in maps of entries.
    pub(crate) fn is_quick(self) -> bool {
        !matches!(self, Scheme::Prefixes | Scheme::Hashes)
    }
}

/// The program of a scheme, for addresses of one family.
pub(crate) fn program(scheme: Scheme, is_ipv4: bool, shape: &Shape) -> Code {
    let mut asm = Assembler::new();
    asm.note("the next question");
    asm.load_map(R7, &ASKED, 0);
    asm.load(Size::U32, R1, R7, 0);
    asm.move32(R2, R1);
    asm.alu32(Alu::Add, R2, 1);
    asm.store(Size::U32, R7, 0, R2);
    asm.alu32(Alu::And, R1, QUESTIONS as i32 - 1);
    asm.alu64(Alu::Lsh, R1, QUESTION.ilog2() as i32);
    asm.move64(R6, R7);
    asm.alu64(Alu::Add, R6, R1);
    match scheme {
        Scheme::Empty => nothing(&mut asm, is_ipv4),
        Scheme::Images => images(&mut asm, is_ipv4),
        Scheme::Record => {
            images(&mut asm, is_ipv4);
            record(&mut asm, shape);
        }
        Scheme::Prefixes => prefixes(&mut asm, is_ipv4),
        Scheme::Hashes => hashes(&mut asm, is_ipv4),
    }
    asm.note("leave the verdict");
    asm.load(Size::U64, R2, R7, VERDICTS as i16);
    asm.alu64(Alu::Xor, R2, R0);
    asm.store(Size::U64, R7, VERDICTS as i16, R2);
    asm.move32(R0, 0);
    asm.exit();
    let code = asm.finish().unwrap();
    match scheme {
        Scheme::Images | Scheme::Record => link(&code, &bodies(shape).unwrap(), &constants(shape)).unwrap(),
        _ => link(&code, &BTreeMap::new(), &constants(shape)).unwrap(),
    }
}

/// Loads a part of the question.
fn part(asm: &mut Assembler, size: Size, target: Register, at: i16) {
    asm.load(size, target, R6, FIRST as i16 + at);
}

/// What every scheme reads.
fn nothing(asm: &mut Assembler, is_ipv4: bool) {
    if is_ipv4 {
        part(asm, Size::U32, R0, 0);
    } else {
        part(asm, Size::U64, R0, 0);
        part(asm, Size::U64, R1, 8);
        asm.alu64(Alu::Xor, R0, R1);
    }
    part(asm, Size::U32, R1, PORT);
    asm.alu64(Alu::Xor, R0, R1);
}

fn images(asm: &mut Assembler, is_ipv4: bool) {
    if is_ipv4 {
        part(asm, Size::U32, R1, 0);
        asm.swap(ByteOrder::Big, Size::U32, R1);
        asm.call(Stub::Class4.number());
    } else {
        part(asm, Size::U64, R1, 0);
        asm.swap(ByteOrder::Big, Size::U64, R1);
        part(asm, Size::U64, R2, 8);
        asm.swap(ByteOrder::Big, Size::U64, R2);
        asm.call(Stub::Class6.number());
    }
    asm.move64(R2, R0);
    part(asm, Size::U32, R1, TABLE);
    part(asm, Size::U8, R3, PROTOCOL);
    part(asm, Size::U16, R4, PORT);
    asm.swap(ByteOrder::Big, Size::U16, R4);
    asm.call(Stub::Ingress.number());
}

/// Puts the action above the number of the verdict.
fn record(asm: &mut Assembler, shape: &Shape) {
    let none = asm.label("no verdict");
    asm.branch32(Condition::GreaterOrEqual, R0, shape.verdicts as i32, none);
    asm.move64(R1, R0);
    asm.alu64(Alu::Lsh, R1, 3);
    asm.load_map(R2, map("sluice_verdicts").unwrap(), 0);
    asm.alu64(Alu::Add, R2, R1);
    asm.load(Size::U8, R1, R2, 0);
    asm.alu64(Alu::Lsh, R1, 32);
    asm.alu64(Alu::Or, R0, R1);
    asm.place(none);
}

/// Puts the address at a place of the stack.
fn address(asm: &mut Assembler, is_ipv4: bool, at: i16) {
    if is_ipv4 {
        part(asm, Size::U32, R1, 0);
        asm.store(Size::U32, R10, at, R1);
        asm.store(Size::U32, R10, at + 4, 0);
        asm.store(Size::U64, R10, at + 8, 0);
    } else {
        part(asm, Size::U64, R1, 0);
        asm.store(Size::U64, R10, at, R1);
        part(asm, Size::U64, R1, 8);
        asm.store(Size::U64, R10, at + 8, R1);
    }
}

/// Looks a key of the stack up.
fn lookup(asm: &mut Assembler, spec: &'static MapSpec, key: i16) {
    asm.load_map(R1, spec, 0);
    asm.move64(R2, R10);
    asm.alu64(Alu::Add, R2, i32::from(key));
    asm.call(Helper::MapLookup.number());
}

/// The family as maps have it (semantics.md 6.2), in the highest byte of a word.
pub(crate) fn family(is_ipv4: bool) -> [u8; 4] {
    [0, 0, 0, if is_ipv4 { 1 } else { 2 }]
}

fn prefixes(asm: &mut Assembler, is_ipv4: bool) {
    asm.note("the identity of the address");
    asm.store(Size::U32, R10, -24, if is_ipv4 { 64 } else { 160 });
    asm.store(Size::U32, R10, -20, i32::from_ne_bytes(family(is_ipv4)));
    address(asm, is_ipv4, -16);
    lookup(asm, &ADDRESSES, -24);
    let [known, asked, answer, done] = ["known", "asked", "answer", "done"].map(|name| asm.label(name));
    asm.move32(R8, WORLD as i32);
    asm.branch64(Condition::Equal, R0, 0, known);
    asm.load(Size::U32, R8, R0, 0);
    asm.place(known);
    asm.note("the policy for the identity");
    asm.store(Size::U32, R10, -36, 64);
    asm.store(Size::U32, R10, -32, R8);
    asm.store(Size::U8, R10, -28, DIRECTION_INGRESS as i32);
    part(asm, Size::U8, R1, PROTOCOL);
    asm.store(Size::U8, R10, -27, R1);
    part(asm, Size::U16, R1, PORT);
    asm.store(Size::U16, R10, -26, R1);
    lookup(asm, &POLICY, -36);
    asm.move64(R9, R0);
    asm.note("the policy for everyone");
    asm.store(Size::U32, R10, -32, 0);
    lookup(asm, &POLICY, -36);
    asm.branch64(Condition::Equal, R9, 0, asked);
    asm.branch64(Condition::NotEqual, R0, 0, answer);
    asm.move64(R0, R9);
    asm.jump(done);
    asm.place(answer);
    asm.note("both: the higher precedence, and the identity's if they are equal");
    asm.load(Size::U32, R1, R0, PRECEDENCE);
    asm.load(Size::U32, R2, R9, PRECEDENCE);
    asm.branch32(Condition::Greater, R1, R2, done);
    asm.move64(R0, R9);
    asm.jump(done);
    asm.place(asked);
    let none = asm.label("none");
    asm.branch64(Condition::Equal, R0, 0, none);
    asm.place(done);
    asm.load(Size::U32, R0, R0, COOKIE);
    asm.place(none);
}

fn hashes(asm: &mut Assembler, is_ipv4: bool) {
    asm.note("the identity of the address");
    address(asm, is_ipv4, -24);
    asm.store(Size::U32, R10, -8, i32::from_ne_bytes(family(is_ipv4)));
    lookup(asm, &HASHED_ADDRESSES, -24);
    let [known, none] = ["known", "none"].map(|name| asm.label(name));
    asm.move32(R8, WORLD as i32);
    asm.branch64(Condition::Equal, R0, 0, known);
    asm.load(Size::U32, R8, R0, 0);
    asm.place(known);
    asm.note("the policy for the identity");
    asm.store(Size::U32, R10, -32, R8);
    part(asm, Size::U16, R1, PORT);
    asm.store(Size::U16, R10, -28, R1);
    part(asm, Size::U8, R1, PROTOCOL);
    asm.store(Size::U8, R10, -26, R1);
    asm.store(Size::U8, R10, -25, DIRECTION_INGRESS as i32);
    lookup(asm, &HASHED_POLICY, -32);
    asm.branch64(Condition::Equal, R0, 0, none);
    asm.load(Size::U32, R0, R0, 0);
    asm.place(none);
}
