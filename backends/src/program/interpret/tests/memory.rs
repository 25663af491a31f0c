//! What programs may read and write.

use std::collections::BTreeMap;

use super::super::{FaultKind, LoadError};
use super::{fault, run};
use crate::abi::map;
use crate::program::Register::{R0, R1, R2, R3, R10};
use crate::program::{Alu, Assembler, AtomicOperation, Size};

#[test]
fn the_packet_lies_below_4_gib() {
    let outcome = run(|asm| {
        asm.load(Size::U32, R2, R1, 76);
        asm.load(Size::U32, R3, R1, 80);
        asm.load(Size::U32, R0, R1, 0);
        asm.alu64(Alu::Lsh, R0, 8);
        asm.alu64(Alu::Sub, R3, R2);
        asm.alu64(Alu::Or, R0, R3);
        asm.alu64(Alu::Lsh, R0, 16);
        asm.load(Size::U16, R3, R2, 8);
        asm.alu64(Alu::Or, R0, R3);
        asm.store(Size::U8, R2, 1, 0xaa);
        asm.exit();
    })
    .unwrap();
    assert_eq!(outcome.code, 0x140a_0908, "length, what can be addressed, and the last two bytes of it");
    assert_eq!(outcome.packet[..3], [0, 0xaa, 2]);
    assert_eq!(outcome.instructions, 11);
}

#[test]
fn nothing_is_read_beside_the_packet() {
    for (offset, outside) in [(9, true), (-1, true), (8, false)] {
        let result = run(|asm| {
            asm.load(Size::U32, R2, R1, 76);
            asm.load(Size::U16, R0, R2, offset);
            asm.exit();
        });
        assert_eq!(result.is_err(), outside, "{offset}");
    }
}

#[test]
fn the_stack_is_512_bytes() {
    let beyond = |offset| {
        fault(|asm| {
            asm.store(Size::U64, R10, offset, 1);
        })
    };
    assert_eq!(beyond(-512), (1, FaultKind::NoInstruction));
    assert_eq!(beyond(-520), (0, FaultKind::Outside { address: 0x0fff_fff8, size: 8 }));
    assert_eq!(beyond(-4), (0, FaultKind::Outside { address: 0x1000_01fc, size: 8 }));
}

#[test]
fn the_context_is_read_and_written() {
    let outcome = run(|asm| {
        asm.load(Size::U32, R0, R1, 8);
        asm.store(Size::U32, R1, 8, 9);
        asm.store(Size::U32, R1, 64, R0);
        asm.exit();
    })
    .unwrap();
    assert_eq!((outcome.code, outcome.context.mark, outcome.context.cb), (7, 9, [0, 0, 0, 0, 7]));
    let refused = fault(|asm| asm.store(Size::U32, R1, 40, 9));
    assert_eq!(refused, (0, FaultKind::Context { offset: 40, size: 4, write: true }));
}

#[test]
fn images_are_memory() {
    let (mut machine, mut maps) = super::machine();
    maps.insert("sluice_tables", machine.add_memory(map("sluice_tables").unwrap(), &[1, 2, 3, 4]));
    let body = super::load(&mut machine, &maps, |asm| {
        asm.load_map(R2, map("sluice_tables").unwrap(), 2);
        asm.alu64(Alu::Add, R2, R1);
        asm.load(Size::U8, R0, R2, 0);
    });
    assert_eq!(machine.call(body, &[1]), Ok(4));
    assert_eq!(machine.call(body, &[u64::MAX]), Ok(2));
    let fault = machine.call(body, &[2]).unwrap_err();
    assert!(matches!((fault.at, fault.kind), (3, FaultKind::Outside { size: 1, .. })));
}

#[test]
fn one_step_wants_aligned_memory() {
    let unaligned = fault(|asm| {
        asm.store(Size::U64, R10, -12, 0);
        asm.move32(R2, 0);
        asm.atomic(AtomicOperation::Add, Size::U64, R10, -12, R2);
    });
    assert_eq!(unaligned, (2, FaultKind::Unaligned { address: 0x1000_01f4 }));
}

#[test]
fn maps_must_be_there_and_of_their_kind() {
    let (mut machine, maps) = super::machine();
    let mut asm = Assembler::new();
    asm.move32(R0, 0);
    asm.load_map(R1, map("sluice_calls").unwrap(), 0);
    let code = asm.finish().unwrap();
    let missing = Err(LoadError::NoMap { at: 1, map: "sluice_calls" });
    assert_eq!(machine.load("test", &code, &BTreeMap::new()), missing);
    assert_eq!(
        machine.load("test", &code, &BTreeMap::from([("sluice_calls", maps["sluice_word"])])),
        missing
    );
    assert!(machine.load("test", &code, &maps).is_ok());
}
