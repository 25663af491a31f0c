//! The datapath of a generation in the interpreter: the programs that run in a kernel, without one.

use std::collections::BTreeMap;

use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;
use thiserror::Error;

use crate::abi::{DIRECTION_EGRESS, DIRECTION_INGRESS, MAPS, MapSpec, Scope};
use crate::datapath::{DatapathError, entries, entry_name, program_name, programs};
use crate::image::{Image, Images};
use crate::probe::{Found, Probe};
use crate::program::constants;
use crate::program::interpret::{Fault, LoadError, Machine, MapError, MapId, ProgramId};

/// The generation that is in force, and the place of its programs.
const GENERATION: u32 = 2;

/// Why a packet has no answer: always a mistake in Sluice.
#[derive(Debug, Error)]
pub enum RunError {
    /// There are no programs.
    #[error(transparent)]
    Datapath(#[from] DatapathError),
    /// They cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// One program cannot go on with the next.
    #[error(transparent)]
    Map(#[from] MapError),
    /// A program was stopped.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A machine that runs the programs of a generation, from the entry of an interface on.
#[derive(Clone, Debug)]
pub struct Runner {
    machine: Machine,
    entries: ByDirection<ProgramId>,
}

impl Runner {
    /// A machine with these images.
    ///
    /// # Errors
    ///
    /// A mistake in Sluice.
    pub fn new(images: &Images) -> Result<Runner, RunError> {
        let mut machine = Machine::new();
        let mut maps: BTreeMap<&str, MapId> = BTreeMap::new();
        for image in Image::ALL {
            maps.insert(image.map().name, machine.add_memory(image.map(), images.bytes(image)));
        }
        for spec in MAPS.iter().filter(|spec| spec.scope == Scope::Node) {
            let id = match spec.name {
                "sluice_word" => machine.add_memory(spec, &word(spec)),
                _ => machine.add_map(spec, size(spec)),
            };
            maps.insert(spec.name, id);
        }
        let code = programs(images.shape(), &constants(images.shape()))?;
        let entry = entries()?;
        let mut load = |direction, slot: u32| {
            let program = machine.load(program_name(direction), &code[direction], &maps)?;
            let id = machine.load(entry_name(direction), &entry[direction], &maps)?;
            if let Some(calls) = maps.get("sluice_calls") {
                // An even generation has the first bank.
                machine.set_program(*calls, slot as usize, Some(program))?;
            }
            Ok::<_, RunError>(id)
        };
        let entries = ByDirection {
            ingress: load(Direction::Ingress, DIRECTION_INGRESS)?,
            egress: load(Direction::Egress, DIRECTION_EGRESS)?,
        };
        Ok(Runner { machine, entries })
    }

    /// What becomes of a packet that only asks.
    ///
    /// # Errors
    ///
    /// A mistake in Sluice.
    pub fn ask(&mut self, direction: Direction, probe: &Probe) -> Result<Found, RunError> {
        let entry = self.entries[direction];
        let outcome = self.machine.run(entry, probe.frame().into(), &probe.to_interpret())?;
        let [verdict, class, reason, endpoint, _] = outcome.context.cb;
        Ok(Found::of_words([verdict, class, reason, endpoint]))
    }
}

/// The word that says which generation is in force.
fn word(spec: &MapSpec) -> Vec<u8> {
    let mut bytes = vec![0; spec.value.max(4)];
    bytes[..4].copy_from_slice(&GENERATION.to_ne_bytes());
    bytes
}

/// Nothing is remembered of packets that only ask, so that maps of the node can be small.
fn size(spec: &MapSpec) -> usize {
    match spec.value {
        0 => 4_096,
        value => value.max(16),
    }
}
