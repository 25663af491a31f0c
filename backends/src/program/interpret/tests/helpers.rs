//! What helpers do.

use super::super::{Context, FaultKind, MapError, Packet, Socket};
use super::{fault, run};
use crate::abi::map;
use crate::program::Register::{R0, R1, R2, R3, R4, R5, R6, R7, R10};
use crate::program::{Alu, Assembler, Condition, Helper, Size};

/// `r1 = map; r2 = the stack's end - below`.
fn map_and_stack(asm: &mut Assembler, name: &str, below: i32) {
    asm.load_map(R1, map(name).unwrap(), 0);
    asm.move64(R2, R10);
    asm.alu64(Alu::Sub, R2, below);
}

fn call(asm: &mut Assembler, helper: Helper) {
    asm.call(helper.number());
}

/// Writes so many bytes of zeros at the stack's end.
fn zeros(asm: &mut Assembler, bytes: i16) {
    for offset in (1..=bytes / 8).map(|word| -8 * word) {
        asm.store(Size::U64, R10, offset, 0);
    }
}

#[test]
fn connections_are_remembered() {
    let (mut machine, maps) = super::machine();
    let program = super::load(&mut machine, &maps, |asm| {
        let (known, end) = (asm.label("known"), asm.label("end"));
        zeros(asm, 88);
        map_and_stack(asm, "sluice_conntrack", 40);
        call(asm, Helper::MapLookup);
        asm.branch64(Condition::NotEqual, R0, 0, known);
        map_and_stack(asm, "sluice_conntrack", 40);
        asm.move64(R3, R10);
        asm.alu64(Alu::Sub, R3, 88);
        asm.move32(R4, 1);
        call(asm, Helper::MapUpdate);
        asm.jump(end);
        asm.place(known);
        asm.move32(R1, 1);
        asm.atomic(crate::program::AtomicOperation::Add, Size::U64, R0, 0, R1);
        asm.load(Size::U64, R0, R0, 0);
        asm.place(end);
        asm.exit();
    });
    let mut run = || machine.run(program, Packet::default(), &Context::default()).unwrap().code;
    assert_eq!([run(), run(), run()], [0, 1, 2]);
    let conntrack = maps["sluice_conntrack"];
    let known: Vec<_> = machine.entries(conntrack).map(|(key, value)| (key.len(), value[0])).collect();
    assert_eq!(known, [(40, 2)]);
    assert_eq!(machine.set_value(conntrack, &[0; 40], &[9; 48]), Ok(()));
    assert_eq!(machine.value(conntrack, &[0; 40]), Some(&[9; 48][..]));
    assert_eq!(machine.set_value(conntrack, &[0; 4], &[9; 48]), Err(MapError::Kind));
    assert_eq!(machine.run(program, Packet::default(), &Context::default()).unwrap().code, 0x0909_090a);
}

#[test]
fn errors_are_the_kernels() {
    let update = |name: &'static str, flags: i32, index: i32| {
        let outcome = run(|asm| {
            zeros(asm, 80);
            asm.store(Size::U32, R10, -40, index);
            map_and_stack(asm, name, 40);
            asm.move64(R3, R10);
            asm.alu64(Alu::Sub, R3, 80);
            asm.move32(R4, flags);
            call(asm, Helper::MapUpdate);
            asm.exit();
        });
        outcome.unwrap().code
    };
    assert_eq!(update("sluice_conntrack", 2, 0), -2);
    assert_eq!(update("sluice_conntrack", 3, 0), -22);
    assert_eq!(update("sluice_counters", 0, 3), 0);
    assert_eq!(update("sluice_counters", 0, 4), -7);
    assert_eq!(update("sluice_counters", 1, 3), -17);
    let delete = run(|asm| {
        zeros(asm, 40);
        map_and_stack(asm, "sluice_conntrack", 40);
        call(asm, Helper::MapDelete);
        asm.exit();
    });
    assert_eq!(delete.unwrap().code, -2);
}

#[test]
fn keys_must_be_written() {
    let unwritten = fault(|asm| {
        asm.store(Size::U64, R10, -8, 0);
        map_and_stack(asm, "sluice_conntrack", 40);
        call(asm, Helper::MapLookup);
    });
    assert_eq!(unwritten, (5, FaultKind::Unwritten { address: 0x1000_01d8, size: 40 }));
    let no_map = fault(|asm| {
        asm.move32(R2, 0);
        call(asm, Helper::MapLookup);
    });
    assert_eq!(no_map, (1, FaultKind::Argument { argument: 1, expected: "a map with keys" }));
}

#[test]
fn more_of_the_packet_can_be_asked_for() {
    let read = |stale: bool| {
        run(|asm| {
            asm.move64(R6, R1);
            asm.load(Size::U32, R7, R6, 76);
            asm.move32(R2, 20);
            call(asm, Helper::PullData);
            if !stale {
                asm.load(Size::U32, R7, R6, 76);
            }
            asm.load(Size::U8, R0, R7, 19);
            asm.exit();
        })
    };
    assert_eq!(read(false).unwrap().code, 19);
    assert!(matches!(read(true).unwrap_err().kind, FaultKind::Outside { size: 1, .. }));
    let too_much = run(|asm| {
        asm.move32(R2, 21);
        call(asm, Helper::PullData);
        asm.exit();
    });
    assert_eq!(too_much.unwrap().code, -12);
}

#[test]
fn bytes_of_the_packet_are_copied() {
    let load = |offset: i32| {
        run(|asm| {
            asm.move32(R2, offset);
            asm.move64(R3, R10);
            asm.alu64(Alu::Sub, R3, 2);
            asm.move32(R4, 2);
            call(asm, Helper::LoadBytes);
            asm.load(Size::U16, R1, R10, -2);
            asm.alu64(Alu::Or, R0, R1);
            asm.exit();
        })
    };
    assert_eq!(load(18).unwrap().code, 0x1312);
    assert_eq!(load(19).unwrap().code, -14);
}

#[test]
fn the_world_is_the_callers() {
    let (mut machine, maps) = super::machine();
    machine.surroundings.time = 8_000_000;
    machine.surroundings.processor = 3;
    let mut ask = |helper: Helper| {
        let body = super::load(&mut machine, &maps, |asm| call(asm, helper));
        machine.call(body, &[]).unwrap()
    };
    assert_eq!(ask(Helper::Time), 8_000_000);
    assert_eq!(ask(Helper::BootTime), 8_000_000);
    assert_eq!(ask(Helper::Jiffies), 2);
    assert_eq!(ask(Helper::Processor), 3);
    assert_ne!(ask(Helper::Random), ask(Helper::Random));
}

#[test]
fn programs_go_on_with_others() {
    let (mut machine, maps) = super::machine();
    let calls = maps["sluice_calls"];
    let jump = |asm: &mut Assembler| {
        asm.store(Size::U32, R1, 48, 5);
        asm.load_map(R2, map("sluice_calls").unwrap(), 0);
        asm.move32(R3, 1);
        call(asm, Helper::TailCall);
        asm.move32(R0, 140);
        asm.exit();
    };
    let first = super::load(&mut machine, &maps, jump);
    let mut run = |second: Option<_>| {
        machine.set_program(calls, 1, second).unwrap();
        machine.run(first, Packet::default(), &Context::default())
    };
    assert_eq!(run(None).unwrap().code, 140);
    assert_eq!(run(Some(first)).unwrap().code, 140, "the kernel ends a circle of tail calls");
    let second = super::load(&mut machine, &maps, |asm| {
        asm.load(Size::U32, R0, R1, 48);
        asm.exit();
    });
    machine.set_program(calls, 1, Some(second)).unwrap();
    assert_eq!(machine.run(first, Packet::default(), &Context::default()).unwrap().code, 5);
    assert_eq!(machine.set_program(calls, 4, Some(second)), Err(MapError::Index));
    assert_eq!(machine.set_program(maps["sluice_cells"], 0, None), Err(MapError::Kind));
}

#[test]
fn rings_tell() {
    let outcome = run(|asm| {
        let full = asm.label("full");
        asm.load_map(R1, map("sluice_events").unwrap(), 0);
        asm.move32(R2, 16);
        asm.move32(R3, 0);
        call(asm, Helper::RingReserve);
        asm.branch64(Condition::Equal, R0, 0, full);
        asm.store(Size::U64, R0, 8, 5);
        asm.move64(R1, R0);
        asm.move32(R2, 0);
        call(asm, Helper::RingSubmit);
        zeros(asm, 40);
        map_and_stack(asm, "sluice_events", 40);
        asm.move32(R3, 40);
        asm.move32(R4, 0);
        call(asm, Helper::RingOutput);
        asm.place(full);
        asm.exit();
    })
    .unwrap();
    assert_eq!(outcome.code, -11, "64 bytes do not hold both records");
    let [(_, event)] = &outcome.events[..] else { panic!("{:?}", outcome.events) };
    assert_eq!(event[..], [0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0]);
}

#[test]
fn sockets_are_found_given_and_let_go() {
    let (mut machine, maps) = super::machine();
    machine.surroundings.sockets.listener = Some(Socket { mark: 9, state: 10 });
    let mut ask = |size: i32, lets_go: bool| {
        let program = super::load(&mut machine, &maps, |asm| {
            asm.move64(R7, R1);
            zeros(asm, 40);
            asm.move64(R2, R10);
            asm.alu64(Alu::Sub, R2, 40);
            asm.move32(R3, size);
            asm.move64(R4, -1);
            asm.move32(R5, 0);
            call(asm, Helper::LookupUdp);
            asm.move64(R6, R0);
            asm.move64(R1, R7);
            asm.move64(R2, R6);
            asm.move32(R3, 0);
            call(asm, Helper::AssignSocket);
            asm.load(Size::U32, R7, R6, 16);
            if lets_go {
                asm.move64(R1, R6);
                call(asm, Helper::ReleaseSocket);
            }
            asm.move64(R0, R7);
            asm.exit();
        });
        machine.run(program, Packet::default(), &Context::default())
    };
    let given = ask(12, true).unwrap();
    assert_eq!((given.code, given.given_to), (9, Some(Socket { mark: 9, state: 10 })));
    assert_eq!(ask(36, false).unwrap_err().kind, FaultKind::Held);
    let size = FaultKind::Argument { argument: 3, expected: "the size of both ends" };
    assert_eq!(ask(20, true).unwrap_err().kind, size);
    machine.surroundings.sockets.listener = None;
    let nobody = super::load(&mut machine, &maps, |asm| {
        asm.move32(R2, 1);
        asm.move32(R3, 0);
        call(asm, Helper::AssignSocket);
    });
    let fault = machine.run(nobody, Packet::default(), &Context::default()).unwrap_err();
    assert_eq!(fault.kind, FaultKind::Argument { argument: 2, expected: "a socket" });
}

#[test]
fn records_must_end() {
    let reserve = |end: Option<Helper>| {
        run(|asm| {
            asm.load_map(R1, map("sluice_events").unwrap(), 0);
            asm.move32(R2, 16);
            asm.move32(R3, 0);
            call(asm, Helper::RingReserve);
            asm.move64(R1, R0);
            asm.move32(R2, 0);
            if let Some(end) = end {
                call(asm, end);
                asm.move32(R0, 0);
            }
            asm.exit();
        })
    };
    assert_eq!(reserve(None).unwrap_err().kind, FaultKind::Reserved);
    assert_eq!(reserve(Some(Helper::RingDiscard)).unwrap().events, []);
}
