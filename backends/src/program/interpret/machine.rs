//! A machine: maps, programs, and what is around them.

use std::collections::BTreeMap;

use thiserror::Error;

use super::context::{Context, View};
use super::execute::{Execution, Registers};
use super::maps::{Map, Refused, Update};
use super::memory::Memory;
use super::{Fault, Socket, Sockets};
use crate::abi::{MapKind, MapSpec};
use crate::program::{Code, DecodeError, Operation, decode};

/// A map of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MapId(pub(super) usize);

/// A program of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProgramId(pub(super) usize);

/// What helpers tell programs of the world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Surroundings {
    /// Nanoseconds since the machine began.
    pub time: u64,
    /// The number of the processor.
    pub processor: u32,
    /// What the next random number is made of; not 0.
    pub seed: u64,
    /// How many instructions a run may take.
    pub limit: u64,
    /// What sockets there are.
    pub sockets: Sockets,
    /// How many tail calls this run has made.
    tail_calls: u32,
}

/// How many tail calls the kernel lets a run make.
const TAIL_CALLS: u32 = 33;

impl Surroundings {
    /// The next random number, of Marsaglia's generator with 64 bits.
    pub(super) fn random(&mut self) -> u32 {
        self.seed = self.seed.max(1);
        self.seed ^= self.seed << 13;
        self.seed ^= self.seed >> 7;
        self.seed ^= self.seed << 17;
        (self.seed >> 32) as u32
    }

    /// Counts a tail call; says whether it may be made.
    pub(super) fn may_tail_call(&mut self) -> bool {
        self.tail_calls += 1;
        self.tail_calls <= TAIL_CALLS
    }
}

/// A packet, from the first byte of the link layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packet {
    /// All its bytes.
    pub bytes: Vec<u8>,
    /// How many of them programs can address before they ask for more.
    pub linear: usize,
}

impl From<Vec<u8>> for Packet {
    fn from(bytes: Vec<u8>) -> Packet {
        Packet { linear: bytes.len(), bytes }
    }
}

/// What a program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The lower half of its answer, which is what traffic control takes.
    pub code: i32,
    /// The context as it left it.
    pub context: Context,
    /// The packet as it left it.
    pub packet: Vec<u8>,
    /// What it put into rings, in order.
    pub events: Vec<(MapId, Vec<u8>)>,
    /// The socket that it gave the packet to.
    pub given_to: Option<Socket>,
    /// How many instructions it took, with those of the programs to which it went on.
    pub instructions: u64,
}

/// A program that cannot be loaded.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LoadError {
    /// Something is no instruction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// It names a map that is not given, or is of another kind.
    #[error("instruction {at} names the map `{map}`, which is not there")]
    NoMap {
        /// The place of the instruction.
        at: usize,
        /// The map's name.
        map: &'static str,
    },
}

/// A map that cannot be used in this way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MapError {
    /// The key or the value has another size, or the map no keys, or no programs.
    #[error("the map is of another kind, or has keys or values of another size")]
    Kind,
    /// An array is not so big.
    #[error("the map has no such index")]
    Index,
}

/// A program, understood.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) name: String,
    /// By place; nothing for the second half of a wide instruction.
    pub(super) operations: Vec<Option<Operation>>,
}

impl Program {
    pub(super) fn operation(&self, at: usize) -> Option<Operation> {
        self.operations.get(at).copied().flatten()
    }
}

/// Maps and programs, and what is around them.
#[derive(Clone, Debug)]
pub struct Machine {
    /// What helpers tell of the world.
    pub surroundings: Surroundings,
    maps: Vec<Map>,
    programs: Vec<Program>,
}

impl Default for Machine {
    fn default() -> Machine {
        Machine::new()
    }
}

impl Machine {
    /// An empty machine: its time is 0, its processor 0, there are no sockets, and a run may take a million instructions, as many as the
    /// kernel looks at.
    pub fn new() -> Machine {
        let sockets = Sockets::default();
        let surroundings =
            Surroundings { time: 0, processor: 0, seed: 1, limit: 1_000_000, sockets, tail_calls: 0 };
        Machine { surroundings, maps: Vec::new(), programs: Vec::new() }
    }

    /// Makes a map: of memory, so many bytes of zeros; of other kinds, room for so many entries; of a ring, so many
    /// bytes.
    pub fn add_map(&mut self, spec: &'static MapSpec, size: usize) -> MapId {
        self.maps.push(Map::new(spec, size));
        MapId(self.maps.len() - 1)
    }

    /// Makes a map of memory with this content.
    pub fn add_memory(&mut self, spec: &'static MapSpec, content: &[u8]) -> MapId {
        let id = self.add_map(spec, content.len());
        if let Some(bytes) = self.memory_mut(id) {
            bytes.copy_from_slice(content);
        }
        id
    }

    /// Makes a program that uses these maps, by the names in its code.
    ///
    /// # Errors
    ///
    /// If it has something that is no instruction, or names another map.
    pub fn load(
        &mut self,
        name: &str,
        code: &Code,
        maps: &BTreeMap<&str, MapId>,
    ) -> Result<ProgramId, LoadError> {
        let mut operations = vec![None; code.instructions.len()];
        let mut at = 0;
        while at < operations.len() {
            let mut operation = decode(&code.instructions, at)?;
            if let (Operation::LoadWide { value, .. }, Some(spec)) = (&mut operation, code.maps.get(&at)) {
                let memory = spec.kind == MapKind::Memory;
                let map = maps.get(spec.name).copied().filter(|map| self.kind(*map) == Some(spec.kind));
                let map = map.ok_or(LoadError::NoMap { at, map: spec.name })?;
                *value = Memory::map_address(map, memory) + (*value >> 32);
            }
            if let Some(place) = operations.get_mut(at) {
                *place = Some(operation);
            }
            at += operation.length();
        }
        self.programs.push(Program { name: name.to_owned(), operations });
        Ok(ProgramId(self.programs.len() - 1))
    }

    /// Runs a program with a packet.
    ///
    /// # Errors
    ///
    /// If it does what the kernel would not have let it do, or takes too long.
    pub fn run(&mut self, program: ProgramId, packet: Packet, context: &Context) -> Result<Outcome, Fault> {
        let mut execution = self.execution(program, packet, context, Registers::of_program());
        let answer = execution.run()?;
        let Execution { memory, instructions, .. } = execution;
        let context = memory.view.context(context);
        let given_to = memory.given_to;
        let packet = memory.into_packet();
        let code = (answer as u32).cast_signed();
        Ok(Outcome { code, context, packet, events: self.take_events(), given_to, instructions })
    }

    /// Runs a part of a program that takes the place of a call: arguments are in r1 to r5, and nothing else is there,
    /// neither a stack nor the context.
    ///
    /// # Errors
    ///
    /// Like [`run`](Machine::run).
    pub fn call(&mut self, body: ProgramId, arguments: &[u64]) -> Result<u64, Fault> {
        let registers = Registers::of_body(arguments);
        let mut execution = self.execution(body, Packet::default(), &Context::default(), registers);
        execution.body = true;
        execution.run()
    }

    /// The content of a map of memory.
    pub fn memory(&self, map: MapId) -> Option<&[u8]> {
        let map = self.maps.get(map.0).filter(|map| map.spec.kind == MapKind::Memory)?;
        map.bytes(0, map.value_size() as u64)
    }

    /// The content of a map of memory, to be changed.
    pub fn memory_mut(&mut self, map: MapId) -> Option<&mut [u8]> {
        let map = self.maps.get_mut(map.0).filter(|map| map.spec.kind == MapKind::Memory)?;
        map.bytes_mut(0, map.value_size() as u64)
    }

    /// The value of a key; of an array the key is the index in 4 bytes.
    pub fn value(&mut self, map: MapId, key: &[u8]) -> Option<&[u8]> {
        let map = self.maps.get_mut(map.0)?;
        let place = map.find(key)?;
        map.bytes(place as u64, map.value_size() as u64)
    }

    /// Stores a value.
    ///
    /// # Errors
    ///
    /// If the map has no such values, or no such key.
    pub fn set_value(&mut self, map: MapId, key: &[u8], value: &[u8]) -> Result<(), MapError> {
        let map = self.maps.get_mut(map.0).ok_or(MapError::Kind)?;
        if key.len() != map.spec.key || value.len() != map.value_size() {
            return Err(MapError::Kind);
        }
        map.update(key, value, Update::Any).map_err(|refused| match refused {
            Refused::NoSuchIndex => MapError::Index,
            _ => MapError::Kind,
        })
    }

    /// Every key of a hash table with its value, in the order of keys.
    pub fn entries(&self, map: MapId) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.maps.get(map.0).into_iter().flat_map(Map::entries)
    }

    /// Puts a program into an array of programs, or takes one out.
    ///
    /// # Errors
    ///
    /// If the map is none, or not so big.
    pub fn set_program(
        &mut self,
        map: MapId,
        index: usize,
        program: Option<ProgramId>,
    ) -> Result<(), MapError> {
        let map = self.maps.get_mut(map.0).filter(|map| map.spec.kind == MapKind::Programs);
        *map.ok_or(MapError::Kind)?.program_mut(index).ok_or(MapError::Index)? = program;
        Ok(())
    }

    fn kind(&self, map: MapId) -> Option<MapKind> {
        self.maps.get(map.0).map(|map| map.spec.kind)
    }

    fn execution(
        &mut self,
        program: ProgramId,
        packet: Packet,
        context: &Context,
        registers: Registers,
    ) -> Execution<'_> {
        self.surroundings.tail_calls = 0;
        Execution {
            programs: &self.programs,
            memory: Memory::new(View::new(context), packet.bytes, packet.linear, &mut self.maps),
            surroundings: &mut self.surroundings,
            registers,
            program,
            at: 0,
            body: false,
            instructions: 0,
        }
    }

    /// Takes what is in rings, as a reader does who is never late.
    fn take_events(&mut self) -> Vec<(MapId, Vec<u8>)> {
        let taken = self.maps.iter_mut().enumerate().flat_map(|(index, map)| {
            std::mem::take(&mut map.events).into_iter().map(move |event| (MapId(index), event))
        });
        taken.collect()
    }
}
