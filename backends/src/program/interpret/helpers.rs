//! What helpers do.

use super::maps::{Map, Refused, Update};
use super::memory::{CONTEXT_BASE, Memory, Record};
use super::{FaultKind, MapId, ProgramId, Socket, Surroundings};
use crate::abi::MapKind;
use crate::program::{Helper, Register};

/// How a helper ends.
pub(super) enum Answer {
    /// With a number in r0.
    Value(u64),
    /// With nothing in r0.
    Nothing,
    /// In another program.
    Program(ProgramId),
}

/// A call of a helper.
pub(super) struct Call<'a, 'm> {
    pub(super) memory: &'a mut Memory<'m>,
    pub(super) surroundings: &'a mut Surroundings,
    pub(super) arguments: [Option<u64>; 5],
}

/// Numbers that the kernel gives for errors.
const NO_ENTRY: i64 = -2;
const TOO_BIG: i64 = -7;
const AGAIN: i64 = -11;
const NO_MEMORY: i64 = -12;
const FAULT: i64 = -14;
const EXISTS: i64 = -17;
const INVALID: i64 = -22;
/// The bytes of two IPv4 addresses with their ports, and of two of IPv6.
const TUPLE4: u64 = 12;
const TUPLE6: u64 = 36;
/// Nanoseconds of a jiffy, at 250 in a second.
const JIFFY: u64 = 4_000_000;

impl Call<'_, '_> {
    /// Does what a helper does.
    pub(super) fn run(&mut self, helper: Helper) -> Result<Answer, FaultKind> {
        let value = match helper {
            Helper::MapLookup => self.lookup()?,
            Helper::MapUpdate => self.update()?,
            Helper::MapDelete => self.delete()?,
            Helper::Time | Helper::BootTime | Helper::CoarseTime => self.surroundings.time,
            Helper::Jiffies => self.surroundings.time / JIFFY,
            Helper::Random => u64::from(self.surroundings.random()),
            Helper::Processor => u64::from(self.surroundings.processor),
            Helper::TailCall => return self.tail_call(),
            Helper::LoadBytes => self.load_bytes()?,
            Helper::PullData => self.pull_data()?,
            Helper::LookupTcp | Helper::LookupUdp => self.find_socket(self.surroundings.sockets.listener)?,
            Helper::LookupTcpCommon => self.find_socket(self.surroundings.sockets.connection)?,
            Helper::FullSocket => self.full_socket()?,
            Helper::ReleaseSocket => self.release_socket()?,
            Helper::AssignSocket => self.assign_socket()?,
            Helper::RingOutput => self.ring_output()?,
            Helper::RingReserve => self.ring_reserve()?,
            Helper::RingSubmit => return self.ring_end(true),
            Helper::RingDiscard => return self.ring_end(false),
        };
        Ok(Answer::Value(value))
    }

    fn lookup(&mut self) -> Result<u64, FaultKind> {
        let (map, key) = self.map_and_key()?;
        let place = self.map(map)?.find(&key);
        Ok(place.map_or(0, |place| Memory::map_address(map, true) + place as u64))
    }

    fn update(&mut self) -> Result<u64, FaultKind> {
        let (map, key) = self.map_and_key()?;
        let size = self.map(map)?.value_size() as u64;
        let value = self.memory.bytes(self.argument(3)?, size)?;
        let update = match self.argument(4)? {
            0 => Update::Any,
            1 => Update::New,
            2 => Update::Existing,
            _ => return Ok(error(INVALID)),
        };
        let done = self.map(map)?.update(&key, &value, update);
        self.done(done)
    }

    fn delete(&mut self) -> Result<u64, FaultKind> {
        let (map, key) = self.map_and_key()?;
        let done = self.map(map)?.delete(&key);
        self.done(done)
    }

    fn done(&self, done: Result<(), Refused>) -> Result<u64, FaultKind> {
        match done {
            Ok(()) => Ok(0),
            Err(Refused::Exists) => Ok(error(EXISTS)),
            Err(Refused::Missing) => Ok(error(NO_ENTRY)),
            Err(Refused::NoSuchIndex) => Ok(error(TOO_BIG)),
            Err(Refused::NotThisMap) => Ok(error(INVALID)),
        }
    }

    /// A missed tail call goes on behind it, with nothing in r0.
    fn tail_call(&mut self) -> Result<Answer, FaultKind> {
        self.context()?;
        let map = self.map_of(2, MapKind::Programs, "an array of programs")?;
        let index = self.argument(3)? as u32;
        let program = self.map(map)?.program(index as usize);
        if program.is_none() || !self.surroundings.may_tail_call() {
            return Ok(Answer::Nothing);
        }
        Ok(program.map_or(Answer::Nothing, Answer::Program))
    }

    fn load_bytes(&mut self) -> Result<u64, FaultKind> {
        self.context()?;
        let (offset, to, size) = (self.argument(2)? & 0xffff_ffff, self.argument(3)?, self.argument(4)?);
        let range = usize::try_from(offset).ok().zip(usize::try_from(offset.wrapping_add(size)).ok());
        let bytes = range.and_then(|(begin, end)| self.memory.packet().get(begin..end)).map(<[u8]>::to_vec);
        match bytes {
            Some(bytes) => self.memory.write(to, &bytes).map(|()| 0),
            // Nothing may be left of what was there before.
            None => {
                let zeros = usize::try_from(size).ok().filter(|size| *size <= super::memory::STACK);
                let zeros = zeros.ok_or(FaultKind::Outside { address: to, size })?;
                self.memory.write(to, &vec![0; zeros]).map(|()| error(FAULT))
            }
        }
    }

    fn pull_data(&mut self) -> Result<u64, FaultKind> {
        self.context()?;
        let length = self.argument(2)? as u32 as usize;
        // Every address of the packet may be another even if there is nothing to pull.
        let enough = length <= self.memory.packet().len();
        self.memory.pull(if enough { length } else { 0 });
        Ok(if enough { 0 } else { error(NO_MEMORY) })
    }

    /// Looks for a socket by the ends of a connection, of the one family or the other.
    fn find_socket(&mut self, found: Option<Socket>) -> Result<u64, FaultKind> {
        self.context()?;
        let size = self.argument(3)?;
        if size != TUPLE4 && size != TUPLE6 {
            return Err(FaultKind::Argument { argument: 3, expected: "the size of both ends" });
        }
        self.memory.bytes(self.argument(2)?, size)?;
        let (_netns, flags) = (self.argument(4)?, self.argument(5)?);
        Ok(found.filter(|_| flags == 0).map_or(0, |socket| self.memory.add_socket(socket)))
    }

    /// The same socket, which is let go only once, unless it is one that is being made or has just ended.
    fn full_socket(&mut self) -> Result<u64, FaultKind> {
        let at = self.argument(1)?;
        let expected = FaultKind::Argument { argument: 1, expected: "a socket" };
        let socket = self.memory.socket(at, false).ok_or(expected)?;
        Ok(if socket.is_whole() { at } else { 0 })
    }

    fn release_socket(&mut self) -> Result<u64, FaultKind> {
        let expected = FaultKind::Argument { argument: 1, expected: "a socket" };
        self.memory.socket(self.argument(1)?, true).map(|_| 0).ok_or(expected)
    }

    fn assign_socket(&mut self) -> Result<u64, FaultKind> {
        self.context()?;
        let expected = FaultKind::Argument { argument: 2, expected: "a socket" };
        let socket = self.memory.socket(self.argument(2)?, false).ok_or(expected)?;
        if self.argument(3)? != 0 {
            return Ok(error(INVALID));
        }
        self.memory.given_to = Some(socket);
        Ok(0)
    }

    fn ring_output(&mut self) -> Result<u64, FaultKind> {
        let ring = self.ring()?;
        let bytes = self.memory.bytes(self.argument(2)?, self.argument(3)?)?;
        if !self.has_room(ring, bytes.len())? {
            return Ok(error(AGAIN));
        }
        self.map(ring)?.events.push(bytes);
        Ok(0)
    }

    fn ring_reserve(&mut self) -> Result<u64, FaultKind> {
        let ring = self.ring()?;
        let size = usize::try_from(self.argument(2)?).unwrap_or(usize::MAX);
        if size > u32::MAX as usize || !self.has_room(ring, size)? {
            return Ok(0);
        }
        Ok(self.memory.add_record(Record { ring, bytes: vec![0; size] }))
    }

    fn ring_end(&mut self, submit: bool) -> Result<Answer, FaultKind> {
        let expected = FaultKind::Argument { argument: 1, expected: "a record of a ring" };
        let record = self.memory.take_record(self.argument(1)?).ok_or(expected)?;
        if submit {
            self.map(record.ring)?.events.push(record.bytes);
        }
        Ok(Answer::Nothing)
    }

    fn has_room(&mut self, ring: MapId, bytes: usize) -> Result<bool, FaultKind> {
        let reserved = self.memory.reserved(ring);
        Ok(self.map(ring)?.has_room(bytes, reserved))
    }

    /// An argument, from 1. It must be set, though nobody may look at it.
    fn argument(&self, argument: usize) -> Result<u64, FaultKind> {
        let register = Register::ALL.get(argument).copied().unwrap_or(Register::R0);
        let value = self.arguments.get(argument - 1).copied().flatten();
        value.ok_or(FaultKind::Unset { register })
    }

    fn context(&self) -> Result<(), FaultKind> {
        match self.argument(1)? {
            CONTEXT_BASE => Ok(()),
            _ => Err(FaultKind::Argument { argument: 1, expected: "the context" }),
        }
    }

    fn ring(&self) -> Result<MapId, FaultKind> {
        self.map_of(1, MapKind::Ring, "a ring")
    }

    fn map_of(&self, argument: usize, kind: MapKind, expected: &'static str) -> Result<MapId, FaultKind> {
        let map = self.memory.map_at(self.argument(argument)?);
        let map = map.filter(|map| self.memory.maps.get(map.0).is_some_and(|map| map.spec.kind == kind));
        map.ok_or(FaultKind::Argument { argument, expected })
    }

    fn map_and_key(&mut self) -> Result<(MapId, Vec<u8>), FaultKind> {
        let expected = FaultKind::Argument { argument: 1, expected: "a map with keys" };
        let map = self.memory.map_at(self.argument(1)?).ok_or(expected)?;
        let spec = self.map(map)?.spec;
        if matches!(spec.kind, MapKind::Programs | MapKind::Ring) {
            return Err(expected);
        }
        Ok((map, self.memory.bytes(self.argument(2)?, spec.key as u64)?))
    }

    fn map(&mut self, map: MapId) -> Result<&mut Map, FaultKind> {
        self.memory.maps.get_mut(map.0).ok_or(FaultKind::Argument { argument: 1, expected: "a map" })
    }
}

fn error(number: i64) -> u64 {
    number.cast_unsigned()
}
