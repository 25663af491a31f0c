//! Maps: what they hold, and where in them values are.

use std::collections::BTreeMap;

use super::ProgramId;
use crate::abi::{MapKind, MapSpec};

/// What is in a map.
#[derive(Clone, Debug)]
pub(super) struct Map {
    pub(super) spec: &'static MapSpec,
    /// Bytes of a value.
    value: usize,
    /// The values, one behind the other; of a hash table, in the order in which they came first.
    values: Vec<u8>,
    /// Of a hash table.
    table: Table,
    /// Of an array of programs.
    programs: Vec<Option<ProgramId>>,
    /// Of a ring: what nobody has taken yet.
    pub(super) events: Vec<Vec<u8>>,
    /// How many entries it can have; of a ring, bytes.
    entries: usize,
}

#[derive(Clone, Debug, Default)]
struct Table {
    /// The place of each key's value.
    places: BTreeMap<Vec<u8>, usize>,
    /// When each place was last used.
    used: Vec<u64>,
    /// Places that have no key.
    free: Vec<usize>,
    /// Counts uses.
    now: u64,
}

/// Bytes that the kernel puts before a record of a ring.
const RECORD_HEADER: usize = 8;

/// Whether an update may replace, or must.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Update {
    Any,
    New,
    Existing,
}

/// Why an update did nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Exists,
    Missing,
    NoSuchIndex,
    NotThisMap,
}

impl Map {
    /// An empty map; see [`Machine::add_map`](super::Machine::add_map) for what `size` is.
    pub(super) fn new(spec: &'static MapSpec, size: usize) -> Map {
        let (value, count) = match spec.kind {
            MapKind::Memory => (size, 1),
            MapKind::PerCpu => (spec.value, size),
            MapKind::Lru => (spec.value, 0),
            MapKind::Programs | MapKind::Ring => (0, 0),
        };
        let programs = if spec.kind == MapKind::Programs { size } else { 0 };
        Map {
            spec,
            value,
            values: vec![0; value * count],
            table: Table::default(),
            programs: vec![None; programs],
            events: Vec::new(),
            entries: size,
        }
    }

    /// Bytes of a value.
    pub(super) fn value_size(&self) -> usize {
        self.value
    }

    /// The value of a key, as its place among the values.
    pub(super) fn find(&mut self, key: &[u8]) -> Option<usize> {
        match self.spec.kind {
            MapKind::Memory | MapKind::PerCpu => {
                let index = index(key)?;
                (index * self.value < self.values.len()).then_some(index * self.value)
            }
            MapKind::Lru => {
                let place = *self.table.places.get(key)?;
                self.table.touch(place);
                Some(place * self.value)
            }
            MapKind::Programs | MapKind::Ring => None,
        }
    }

    /// Stores a value.
    pub(super) fn update(&mut self, key: &[u8], value: &[u8], update: Update) -> Result<(), Refused> {
        let place = match self.spec.kind {
            MapKind::Memory | MapKind::PerCpu if update == Update::New => return Err(Refused::Exists),
            MapKind::Memory | MapKind::PerCpu => self.find(key).ok_or(Refused::NoSuchIndex)?,
            MapKind::Lru => match (self.find(key), update) {
                (Some(_), Update::New) => return Err(Refused::Exists),
                (None, Update::Existing) => return Err(Refused::Missing),
                (Some(place), _) => place,
                (None, _) => self.place_for(key),
            },
            MapKind::Programs | MapKind::Ring => return Err(Refused::NotThisMap),
        };
        let old = self.values.get_mut(place..place + self.value).filter(|old| old.len() == value.len());
        old.ok_or(Refused::NotThisMap)?.copy_from_slice(value);
        Ok(())
    }

    /// Forgets a key.
    pub(super) fn delete(&mut self, key: &[u8]) -> Result<(), Refused> {
        if self.spec.kind != MapKind::Lru {
            return Err(Refused::NotThisMap);
        }
        let place = self.table.places.remove(key).ok_or(Refused::Missing)?;
        self.table.free.push(place);
        Ok(())
    }

    /// Bytes of one value. An access may not leave the value in which it begins.
    pub(super) fn bytes(&self, offset: u64, size: u64) -> Option<&[u8]> {
        let range = self.inside_a_value(offset, size)?;
        self.values.get(range)
    }

    /// The same, to be changed.
    pub(super) fn bytes_mut(&mut self, offset: u64, size: u64) -> Option<&mut [u8]> {
        let range = self.inside_a_value(offset, size)?;
        self.values.get_mut(range)
    }

    /// Every key with its value, in the order of keys.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.table.places.iter().filter_map(|(key, place)| {
            let begin = place * self.value;
            Some((key.as_slice(), self.values.get(begin..begin + self.value)?))
        })
    }

    /// The program of an index.
    pub(super) fn program(&self, index: usize) -> Option<ProgramId> {
        self.programs.get(index).copied().flatten()
    }

    /// The place for the program of an index.
    pub(super) fn program_mut(&mut self, index: usize) -> Option<&mut Option<ProgramId>> {
        self.programs.get_mut(index)
    }

    /// Whether a ring takes so many bytes more, besides those that are reserved.
    pub(super) fn has_room(&self, bytes: usize, reserved: usize) -> bool {
        let full: usize = self.events.iter().map(|event| Map::record(event.len())).sum();
        full + reserved + Map::record(bytes) <= self.entries
    }

    /// What a record of so many bytes takes in a ring.
    pub(super) fn record(bytes: usize) -> usize {
        (bytes + RECORD_HEADER).next_multiple_of(8)
    }

    /// A place for a new key: a free one, a new one, or that of whom was not used for longest.
    fn place_for(&mut self, key: &[u8]) -> usize {
        let place = match self.table.free.pop() {
            Some(place) => place,
            None if self.table.used.len() < self.entries => {
                self.table.used.push(0);
                self.values.resize(self.table.used.len() * self.value, 0);
                self.table.used.len() - 1
            }
            None => {
                let oldest = (0..self.table.used.len()).min_by_key(|&place| self.table.used[place]);
                let oldest = oldest.unwrap_or(0);
                self.table.places.retain(|_, place| *place != oldest);
                oldest
            }
        };
        self.table.places.insert(key.to_vec(), place);
        self.table.touch(place);
        place * self.value
    }

    fn inside_a_value(&self, offset: u64, size: u64) -> Option<std::ops::Range<usize>> {
        let (offset, size) = (usize::try_from(offset).ok()?, usize::try_from(size).ok()?);
        let within = offset.checked_rem(self.value)?;
        (within + size <= self.value).then_some(offset..offset + size)
    }
}

impl Table {
    fn touch(&mut self, place: usize) {
        self.now += 1;
        if let Some(used) = self.used.get_mut(place) {
            *used = self.now;
        }
    }
}

/// The index that the key of an array is.
pub(super) fn index(key: &[u8]) -> Option<usize> {
    let key: [u8; 4] = key.try_into().ok()?;
    usize::try_from(u32::from_le_bytes(key)).ok()
}

#[cfg(test)]
mod tests {
    use super::{Map, Refused, Update};
    use crate::abi::map;

    fn table(entries: usize) -> (Map, Vec<Vec<u8>>) {
        let spec = map("sluice_fragments").unwrap();
        (Map::new(spec, entries), (0..4).map(|n| vec![n; spec.key]).collect())
    }

    #[test]
    fn a_table_forgets_who_was_not_used_for_longest() {
        let (mut map, keys) = table(2);
        let value = |n: u8| vec![n; map.value];
        let (first, second, third) = (value(1), value(2), value(3));
        assert_eq!(map.update(&keys[0], &first, Update::Existing), Err(Refused::Missing));
        map.update(&keys[0], &first, Update::New).unwrap();
        map.update(&keys[1], &second, Update::Any).unwrap();
        assert_eq!(map.update(&keys[1], &second, Update::New), Err(Refused::Exists));
        assert_eq!(map.find(&keys[0]), Some(0));
        map.update(&keys[2], &third, Update::Any).unwrap();
        let known: Vec<_> = map.entries().map(|(key, value)| (key[0], value[0])).collect();
        assert_eq!(known, [(0, 1), (2, 3)]);
        map.delete(&keys[0]).unwrap();
        assert_eq!(map.delete(&keys[0]), Err(Refused::Missing));
        assert_eq!(map.find(&keys[0]), None);
        map.update(&keys[3], &first, Update::Any).unwrap();
        assert_eq!(map.find(&keys[3]), Some(0), "a free place is used again");
    }

    #[test]
    fn an_access_stays_in_its_value() {
        let counters = Map::new(map("sluice_counters").unwrap(), 2);
        assert_eq!(counters.bytes(16, 16), Some(&[0; 16][..]));
        assert_eq!(counters.bytes(8, 16), None);
        assert_eq!(counters.bytes(32, 8), None);
        assert_eq!(Map::new(map("sluice_cells").unwrap(), 0).bytes(0, 1), None);
    }

    #[test]
    fn a_ring_is_full_some_day() {
        let mut ring = Map::new(map("sluice_events").unwrap(), 64);
        assert!(ring.has_room(24, 0));
        assert!(!ring.has_room(24, 40));
        ring.events.push(vec![0; 24]);
        assert!(ring.has_room(24, 0));
        assert!(!ring.has_room(25, 0));
    }
}
