//! A generation in the kernel.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io, thread};

use sluice_backends::abi::{MAPS, MapSpec, NO_VERDICT, Reason, Scope};
use sluice_backends::datapath::program_name;
use sluice_backends::image::Image;
use sluice_backends::probe::Found;
use sluice_backends::program::Code;
use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;

use super::NodeError;
use super::shared::Shared;
use crate::generation::{Bank, Check, Prepared};
use crate::kernel::{Asked, KernelError, Map, Memory, Program};
use crate::pins::Pins;

/// The bytes of the smallest image: the kernel has no empty maps.
const LEAST: usize = 8;

/// See the module.
#[derive(Debug)]
pub(super) struct InKernel {
    bank: Bank,
    images: Vec<(Map, Memory)>,
    programs: Vec<(Direction, Program)>,
    /// What was loaded; none if another agent did it.
    code: Option<Arc<ByDirection<Code>>>,
    /// Whether the images are those that the next generation begins with ([`Prepared::since`]).
    is_filled: bool,
}

/// Images by their sizes in bytes.
pub(super) type ImageSizes = Vec<(&'static MapSpec, usize)>;

/// The sizes of the images of a generation.
pub(super) fn sizes(prepared: &Prepared) -> ImageSizes {
    prepared.images.iter().map(|(spec, bytes)| (*spec, bytes.len().max(LEAST))).collect()
}

/// A program did not answer as it must: a mistake in Sluice, found before it could do harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the program `{}` answers {} for {} {} to {} port {}, where the tables say {}",
    program_name(.check.direction), Said(.found.verdict, .found.reason), .check.probe.protocol, .check.probe.source,
    .check.probe.destination, .check.probe.port, Said(.check.verdict, .check.reason)
)]
pub struct Wrong {
    /// The question, and the right answer.
    pub check: Check,
    /// The answer.
    pub found: Found,
}

/// A verdict for those who look for the mistake.
struct Said(u32, Option<Reason>);

impl std::fmt::Display for Said {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            NO_VERDICT => f.write_str("nothing")?,
            verdict => write!(f, "v{verdict}")?,
        }
        self.1.map_or(Ok(()), |reason| write!(f, " ({})", reason.text()))
    }
}

impl InKernel {
    pub(super) fn new(bank: Bank) -> InKernel {
        InKernel { bank, images: Vec::new(), programs: Vec::new(), code: None, is_filled: false }
    }

    pub(super) fn bank(&self) -> Bank {
        self.bank
    }

    /// Finds a generation where it is pinned.
    pub(super) fn open(pins: &Pins, bank: Bank) -> Result<InKernel, KernelError> {
        let mut opened = InKernel::new(bank);
        for spec in MAPS.iter().filter(|spec| spec.scope == Scope::Generation) {
            let path = pins.image(bank, spec);
            // What the node does not need is not there.
            if path.exists() {
                let map = Map::open(spec, &path)?;
                let memory = Memory::of(&map)?;
                opened.images.push((map, memory));
            }
        }
        for direction in Direction::BOTH {
            opened
                .programs
                .push((direction, Program::open(program_name(direction), &pins.program(bank, direction))?));
        }
        Ok(opened)
    }

    /// Makes images of some sizes, without content.
    pub(super) fn images(&mut self, sizes: &ImageSizes) -> Result<(), KernelError> {
        for (spec, size) in sizes {
            let map = Map::create(spec, *size, None)?;
            let memory = Memory::of(&map)?;
            self.images.push((map, memory));
        }
        Ok(())
    }

    /// Whether the programs are those of a generation, and its images have the sizes of those here.
    pub(super) fn suits(&self, prepared: &Prepared) -> bool {
        let here = self.images.iter().map(|(map, memory)| (map.spec(), memory.size()));
        let alike = |code: &Arc<ByDirection<Code>>| {
            let same = |way: Direction| {
                let (here, there) = (&code[way], &prepared.programs[way]);
                here.instructions == there.instructions && here.maps == there.maps
            };
            Arc::ptr_eq(code, &prepared.programs) || Direction::BOTH.into_iter().all(same)
        };
        here.eq(sizes(prepared)) && self.code.as_ref().is_some_and(alike)
    }

    /// Writes the images here that a generation to come begins with, as far as they are known.
    pub(super) fn fill(&mut self, like: &Prepared) -> Result<(), KernelError> {
        self.rewrite(like)?;
        self.is_filled = true;
        Ok(())
    }

    /// Writes images over those that are here, which nobody reads.
    pub(super) fn rewrite(&mut self, prepared: &Prepared) -> Result<(), KernelError> {
        let is_filled = std::mem::take(&mut self.is_filled);
        let since = prepared.since.as_ref().filter(|_| is_filled);
        for write in since.into_iter().flatten() {
            self.write(write.image.map(), write.offset, &write.bytes)?;
        }
        for ((_, memory), (spec, bytes)) in self.images.iter().zip(&prepared.images) {
            // Each endpoint knows its generation.
            if since.is_none() || *spec == Image::Endpoints.map() {
                memory.become_bytes(bytes)?;
            }
        }
        debug_assert!(self.says(prepared), "what is other since is not all");
        Ok(())
    }

    /// Whether the images here are those of a generation.
    fn says(&self, prepared: &Prepared) -> bool {
        let mut images = self.images.iter().zip(&prepared.images);
        images.all(|((_, memory), (_, bytes))| memory.says(bytes))
    }

    pub(super) fn programs(
        &mut self,
        programs: &Arc<ByDirection<Code>>,
        shared: &Shared,
    ) -> Result<(), KernelError> {
        let maps: Vec<&Map> = self.images.iter().map(|(map, _)| map).chain(shared.maps()).collect();
        let load = |direction: Direction| Program::load(program_name(direction), &programs[direction], &maps);
        // The kernel verifies a program for whoever loads it, and takes longer for it than for all the rest.
        let (ingress, egress) = thread::scope(|threads| {
            let ingress = threads.spawn(|| load(Direction::Ingress));
            let egress = load(Direction::Egress);
            // A thread that ended in no answer is as good as none.
            (ingress.join().unwrap_or_else(|_| load(Direction::Ingress)), egress)
        });
        self.programs.extend([(Direction::Ingress, ingress?), (Direction::Egress, egress?)]);
        self.code = Some(Arc::clone(programs));
        Ok(())
    }

    pub(super) fn ask(&self, prepared: &Prepared) -> Result<(), NodeError> {
        for check in &prepared.checks {
            let Some((_, program)) =
                self.programs.iter().find(|(direction, _)| *direction == check.direction)
            else {
                continue;
            };
            let (packet, context) = (check.probe.frame(), check.probe.context());
            let answer = program.ask(&Asked { packet: &packet, context: &context, repeat: 1 })?;
            let nothing = Found { verdict: NO_VERDICT, class: 0, reason: None, endpoint: 0 };
            let found = Found::read(&answer.context).unwrap_or(nothing);
            if (found.verdict, found.reason) != (check.verdict, check.reason) {
                return Err(Box::new(Wrong { check: *check, found }).into());
            }
        }
        Ok(())
    }

    pub(super) fn pin(&mut self, pins: &Pins) -> Result<(), NodeError> {
        let bank = self.bank;
        let folder = pins.bank(bank);
        fs::create_dir_all(&folder).map_err(|why| NodeError::pins(&folder, why))?;
        for (map, _) in &self.images {
            map.pin(&pins.image(bank, map.spec()))?;
        }
        for (direction, program) in &mut self.programs {
            program.pin(&pins.program(bank, *direction))?;
        }
        Ok(())
    }

    pub(super) fn put_into(&self, calls: &Map) -> Result<(), KernelError> {
        let bank = self.bank;
        self.programs
            .iter()
            .try_for_each(|(direction, program)| calls.set_program(bank.slot(*direction), program))
    }

    pub(super) fn write(&self, spec: &MapSpec, offset: usize, bytes: &[u8]) -> Result<(), KernelError> {
        let beyond = KernelError::Beyond { offset, length: bytes.len(), size: 0 };
        let (_, memory) = self.images.iter().find(|(map, _)| map.spec() == spec).ok_or(beyond)?;
        memory.write(offset, bytes)
    }
}

/// Removes a folder of pins and all that is in it; that it is not there is as good.
pub(super) fn remove(folder: &Path) -> Result<(), NodeError> {
    match fs::remove_dir_all(folder) {
        Err(why) if why.kind() != io::ErrorKind::NotFound => Err(NodeError::pins(folder, why)),
        _ => Ok(()),
    }
}
