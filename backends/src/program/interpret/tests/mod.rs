//! Programs, run.

mod helpers;
mod memory;
mod operations;

use std::collections::BTreeMap;

use super::{Context, Fault, FaultKind, Machine, MapId, Outcome, Packet, ProgramId};
use crate::abi::{MAPS, MapKind};
use crate::program::Assembler;

/// A machine with one of each map, small, and their names.
fn machine() -> (Machine, BTreeMap<&'static str, MapId>) {
    let mut machine = Machine::new();
    let size = |kind| match kind {
        MapKind::Ring | MapKind::Memory => 64,
        _ => 4,
    };
    let maps = MAPS.iter().map(|spec| (spec.name, machine.add_map(spec, size(spec.kind)))).collect();
    (machine, maps)
}

/// Loads what is written.
fn load(
    machine: &mut Machine,
    maps: &BTreeMap<&str, MapId>,
    write: impl FnOnce(&mut Assembler),
) -> ProgramId {
    let mut asm = Assembler::new();
    write(&mut asm);
    machine.load("test", &asm.finish().unwrap(), maps).unwrap()
}

/// Runs what is written, with a packet of 20 bytes, 0 to 19, of which 10 can be addressed.
fn run(write: impl FnOnce(&mut Assembler)) -> Result<Outcome, Fault> {
    let (mut machine, maps) = machine();
    let program = load(&mut machine, &maps, write);
    let packet = Packet { bytes: (0..20).collect(), linear: 10 };
    machine.run(program, packet, &Context { mark: 7, ..Context::default() })
}

/// Why what is written stops, and where.
fn fault(write: impl FnOnce(&mut Assembler)) -> (usize, FaultKind) {
    let fault = run(write).unwrap_err();
    (fault.at, fault.kind)
}
