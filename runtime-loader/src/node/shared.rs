//! What the node has one of: maps that outlive generations.

use std::path::Path;

use sluice_backends::abi::{MAPS, MapSpec, Proxy, Scope, Word};
use sluice_backends::datapath::entry_name;
use sluice_backends::program::Code;
use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;

use super::Sizes;
use super::marks::{COUNT, place};
use crate::generation::{Bank, Number};
use crate::kernel::{KernelError, Map, Memory, Program};
use crate::pins::Pins;

/// Where the number of the generation is in the word.
const GENERATION: usize = std::mem::offset_of!(Word, generation);

/// Where the number of the one before is.
const PREVIOUS: usize = std::mem::offset_of!(Word, previous);

/// Where the marks of both banks are.
const MARKS: usize = std::mem::offset_of!(Word, marks);

/// Where it is said when marks were given up.
const GIVEN_UP: usize = std::mem::offset_of!(Word, given_up);

/// Where the port of the DNS proxy is among those of proxies.
const DNS_PORT: usize = std::mem::offset_of!(Proxy, dns_port);

/// See the module.
#[derive(Debug)]
pub(super) struct Shared {
    /// All maps but `calls`.
    maps: Vec<Map>,
    /// Where entry programs go on.
    pub(super) calls: Map,
    word: Memory,
    proxy: Memory,
}

impl Shared {
    pub(super) fn open(pins: &Pins, sizes: Sizes) -> Result<Shared, KernelError> {
        let mut maps = Vec::new();
        for spec in MAPS.iter().filter(|spec| spec.scope == Scope::Node) {
            let entries = if spec.name == "sluice_conntrack" { sizes.connections } else { None };
            maps.push(map(spec, &pins.shared(spec), entries)?);
        }
        let named = |maps: &[Map], name: &'static str| {
            let missing = KernelError::Open { path: name.into(), why: "the ABI has no such map".into() };
            maps.iter().position(|map| map.spec().name == name).ok_or(missing)
        };
        let word = Memory::of(&maps[named(&maps, "sluice_word")?])?;
        let proxy = Memory::of(&maps[named(&maps, "sluice_proxy")?])?;
        let calls = maps.remove(named(&maps, "sluice_calls")?);
        Ok(Shared { maps, calls, word, proxy })
    }

    /// The programs on interfaces.
    pub(super) fn entries(
        &self,
        pins: &Pins,
        entries: &ByDirection<Code>,
    ) -> Result<ByDirection<Program>, KernelError> {
        let all: Vec<&Map> = self.maps().collect();
        let program = |direction: Direction| {
            program(entry_name(direction), &entries[direction], &all, &pins.entry(direction))
        };
        Ok(ByDirection { ingress: program(Direction::Ingress)?, egress: program(Direction::Egress)? })
    }

    /// The maps that programs of a generation name beside their own.
    pub(super) fn maps(&self) -> impl Iterator<Item = &Map> {
        self.maps.iter().chain([&self.calls])
    }

    /// The map of a name.
    pub(super) fn map(&self, name: &'static str) -> Result<&Map, KernelError> {
        let missing = || KernelError::Open { path: name.into(), why: "the ABI has no such map".into() };
        self.maps.iter().find(|map| map.spec().name == name).ok_or_else(missing)
    }

    /// The generation in force, as the word has it.
    pub(super) fn generation(&self) -> Result<u32, KernelError> {
        self.word.load(GENERATION)
    }

    /// The one write that flips the node.
    pub(super) fn flip(&self, number: Number) -> Result<(), KernelError> {
        self.word.store(GENERATION, number.word())
    }

    /// From now on no packet is judged by a generation before this one.
    pub(super) fn forget_before(&self, number: Number) -> Result<(), KernelError> {
        self.word.store(PREVIOUS, number.word())
    }

    /// The mark of what the generation in a bank has let pass.
    pub(super) fn mark_of(&self, bank: Bank) -> Result<u32, KernelError> {
        self.word.load(MARKS + bank.index() as usize * size_of::<u32>())
    }

    pub(super) fn set_mark_of(&self, bank: Bank, mark: u32) -> Result<(), KernelError> {
        self.word.store(MARKS + bank.index() as usize * size_of::<u32>(), mark)
    }

    /// In which second each mark was given up.
    pub(super) fn given_up(&self) -> Result<[u32; COUNT], KernelError> {
        let mut given_up = [0; COUNT];
        for (at, second) in given_up.iter_mut().enumerate() {
            *second = self.word.load(GIVEN_UP + at * size_of::<u32>())?;
        }
        Ok(given_up)
    }

    /// Keeps for whoever comes next when a mark was given up.
    pub(super) fn set_given_up(&self, mark: u32, second: u32) -> Result<(), KernelError> {
        self.word.store(GIVEN_UP + place(mark) * size_of::<u32>(), second)
    }

    pub(super) fn set_dns_port(&self, port: u16) -> Result<(), KernelError> {
        self.proxy.store(DNS_PORT, port.into())
    }

    pub(super) fn clear_slots(&self, bank: Bank) -> Result<(), KernelError> {
        Direction::BOTH.into_iter().try_for_each(|direction| self.calls.clear_program(bank.slot(direction)))
    }
}

fn map(spec: &'static MapSpec, path: &Path, entries: Option<u32>) -> Result<Map, KernelError> {
    if path.exists() {
        return Map::open(spec, path);
    }
    let map = Map::create(spec, 0, entries)?;
    map.pin(path)?;
    Ok(map)
}

fn program(name: &str, code: &Code, maps: &[&Map], path: &Path) -> Result<Program, KernelError> {
    if path.exists() {
        return Program::open(name, path);
    }
    let mut program = Program::load(name, code, maps)?;
    program.pin(path)?;
    Ok(program)
}
