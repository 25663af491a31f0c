//! Changes in place.

use sluice_ir::decision::EndpointName;
use sluice_ir::decision::tables::{Cell, Tables};
use sluice_ir::ids::ClassId;
use sluice_ir::net::{Cidr, Family};
use sluice_ir::policy::Direction;

use super::chunks::{Chunks, Full};
use super::memory::{Image, Write};
use super::prefixes::Key;
use super::state::State;
use super::trie::Trie;
use super::tries::LONGEST6;
use super::{Images, hosts, record, rows, verdicts};
use crate::abi::NO_CLASS;

/// Why images that are in use stay as they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// A packet may still be reading what the change would use again. After a grace period, and
    /// [`Images::settle`], it can be done.
    #[error("what the change would use again may still be read")]
    Settling,
    /// It cannot be done in place.
    #[error(transparent)]
    Generation(#[from] NeedsGeneration),
}

/// Why a change takes a new generation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NeedsGeneration {
    /// The ports of a direction are in other classes.
    #[error("{0} tells other ports apart")]
    Ports(Direction),
    /// There is no place for another verdict.
    #[error("the verdicts are full")]
    VerdictsFull,
    /// The program knows no way to the DNS proxy.
    #[error("nothing went to the DNS proxy before")]
    Proxy,
    /// The program does not ask policy of the host about other endpoints.
    #[error("policy of the host let everything pass before")]
    HostPolicy,
    /// There is no place for another row.
    #[error("the rows of {0} are full")]
    RowsFull(Direction),
    /// There is no place for another class of peers.
    #[error("the classes of peers are full")]
    ClassesFull,
    /// There is no place for a prefix.
    #[error("the trie of {0} is full")]
    TrieFull(&'static str),
    /// There is no place for an address of IPv6.
    #[error("the hosts of IPv6 are full")]
    HostsFull,
    /// A class that peers are in has another row: some packets would be judged by the one and some by the other.
    #[error("{1} has another row for `{0}`")]
    Cell(EndpointName, ClassId),
    /// The program knows the class of the host.
    #[error("the host is in another class")]
    HostClass,
    /// There is no place for so many endpoints.
    #[error("the endpoints are full")]
    EndpointsFull,
    /// An endpoint was not known before.
    #[error("no table is about the endpoint `{0}`")]
    Endpoint(EndpointName),
    /// All was allowed to or from an endpoint, and the program does not look.
    #[error("{1} of `{0}` was not enforced before")]
    Enforcement(EndpointName, Direction),
    /// What is different does not follow what was there: a mistake in Sluice.
    #[error("the change does not fit the tables: {0}")]
    Tables(&'static str),
}

impl Refused {
    /// Whether larger images would take it in place.
    pub fn is_for_want_of_room(&self) -> bool {
        use NeedsGeneration::{ClassesFull, HostsFull, RowsFull, TrieFull, VerdictsFull};
        let Refused::Generation(reason) = self else { return false };
        matches!(reason, VerdictsFull | RowsFull(_) | ClassesFull | TrieFull(_) | HostsFull)
    }
}

impl Images {
    /// Takes in what is different, and gives the stores that bring images in use up to date.
    ///
    /// The stores are to be done in order: what names something is stored after what it names. Between them each
    /// address is in its old class or in its new one.
    ///
    /// # Errors
    ///
    /// If it cannot be done in place. Nothing has changed then.
    pub fn apply(&mut self, tables: &Tables) -> Result<Vec<Write>, Refused> {
        self.apply_counted(tables, &[])
    }

    /// Does what [`Images::apply`] does, and gives each verdict that is new its counter, in order; those for which there is
    /// none have one by their number.
    ///
    /// # Errors
    ///
    /// See [`Images::apply`].
    pub fn apply_counted(&mut self, tables: &Tables, counters: &[u32]) -> Result<Vec<Write>, Refused> {
        self.check(tables)?;
        self.memory.begin();
        self.store_rows(tables, counters);
        let chunks = self.chunks();
        let settling = chunks.iter().any(Chunks::is_settling);
        let hosts6 = self.state.hosts6;
        let mut done = Vec::new();
        for (prefix, class) in in_order(&tables.prefixes) {
            if let Err(error) = self.set_prefix(prefix, class.map(number), settling, &mut done) {
                self.memory.roll_back();
                self.state.hosts6 = hosts6;
                self.take_back(done, chunks);
                return Err(error);
            }
        }
        self.note(tables);
        Ok(self.memory.commit())
    }

    /// Says that a grace period has passed: that no packet is on its way any more that was before the last store
    /// of the last [`Images::apply`]. What nothing names since then can be used again.
    pub fn settle(&mut self) {
        self.state.gone.clear();
        self.tries().for_each(|trie| trie.chunks.settle());
    }

    /// Whether something waits for a grace period to be used again: then it is better to let one pass now than to
    /// be refused later.
    pub fn is_settling(&self) -> bool {
        let State { gone, trie4, trie6, .. } = &self.state;
        !gone.is_empty() || trie4.iter().chain(trie6).any(|trie| trie.chunks.is_settling())
    }

    /// Gives a verdict another counter. None if there is no such verdict.
    pub fn set_counter(&mut self, verdict: u32, counter: u32) -> Option<Vec<Write>> {
        let verdict = verdict as usize;
        (verdict < self.state.verdicts).then(|| {
            self.memory.begin();
            let place = verdict * verdicts::RECORD + verdicts::COUNTER;
            self.memory.store(Image::Verdicts, place, &counter.to_ne_bytes());
            self.memory.commit()
        })
    }

    fn tries(&mut self) -> impl Iterator<Item = &mut Trie> {
        self.state.trie4.iter_mut().chain(&mut self.state.trie6)
    }

    fn chunks(&mut self) -> Vec<Chunks> {
        self.tries().map(|trie| trie.chunks.clone()).collect()
    }

    /// Verdicts, then rows, then the rows of classes.
    pub(super) fn store_rows(&mut self, tables: &Tables, counters: &[u32]) {
        let Images { shape, memory, state } = self;
        for (at, (id, outcome)) in tables.verdicts.iter().enumerate() {
            verdicts::set(memory, id.index(), outcome, counters.get(at).copied());
        }
        for direction in Direction::BOTH {
            for (id, row) in &tables.rows[direction] {
                rows::set_cells(memory, shape, direction, id.index() as u32, row);
            }
        }
        for Cell { endpoint, direction, class, row } in tables.each_cell() {
            let looks = shape.sides[direction].row.is_none();
            if let Some(subject) = state.subjects.get(endpoint).filter(|_| looks) {
                rows::set_row(memory, shape, subject.tables[direction], number(class), row.index() as u32);
            }
        }
    }

    /// Puts a prefix into a class, or takes it out; `settling` says whether chunks were waiting before.
    pub(super) fn set_prefix(
        &mut self,
        prefix: Cidr,
        class: Option<u32>,
        settling: bool,
        done: &mut Vec<(Cidr, Option<u32>)>,
    ) -> Result<(), Refused> {
        let Images { shape, memory, state } = self;
        let key = Key::of(prefix);
        // Without a table of hosts they are prefixes like all others.
        if prefix.family() == Family::V6
            && prefix.length() > LONGEST6
            && let Some(hosts) = &shape.trie6.hosts
        {
            match hosts::set(memory, hosts, key.bits, class) {
                hosts::Placed::There => {}
                hosts::Placed::Anew => state.hosts6 += 1,
                hosts::Placed::Nowhere => return Err(NeedsGeneration::HostsFull.into()),
            }
            return Ok(());
        }
        // What the program knows of addresses that begin alike would be another thing.
        if prefix.family() == Family::V6 && shape.trie6.stem.is_some() {
            return Err(NeedsGeneration::TrieFull("IPv6").into());
        }
        let (name, prefixes, trie, constant) = match prefix.family() {
            Family::V4 => ("IPv4", &mut state.prefixes4, &mut state.trie4, &shape.trie4.constant()),
            Family::V6 => ("IPv6", &mut state.prefixes6, &mut state.trie6, &shape.trie6.prefixes.constant()),
        };
        done.push((prefix, prefixes.set(key, class)));
        let Some(trie) = trie else {
            let uniform = prefixes.uniform().map(|class| class.unwrap_or(NO_CLASS));
            return if uniform == *constant { Ok(()) } else { Err(NeedsGeneration::TrieFull(name).into()) };
        };
        trie.update(memory, prefixes, key).map_err(|full| match full {
            Full::Chunks if settling => Refused::Settling,
            Full::Chunks | Full::Depth => NeedsGeneration::TrieFull(name).into(),
        })
    }

    /// Puts back what was known of prefixes and chunks.
    fn take_back(&mut self, done: Vec<(Cidr, Option<u32>)>, chunks: Vec<Chunks>) {
        self.tries().zip(chunks).for_each(|(trie, chunks)| trie.chunks = chunks);
        for (prefix, class) in done.into_iter().rev() {
            let prefixes = match prefix.family() {
                Family::V4 => &mut self.state.prefixes4,
                Family::V6 => &mut self.state.prefixes6,
            };
            prefixes.set(Key::of(prefix), class);
        }
    }

    /// Notes what there is now.
    pub(super) fn note(&mut self, tables: &Tables) {
        let open = self.open(tables);
        let state = &mut self.state;
        state.verdicts += tables.verdicts.len();
        state.allows.extend(tables.verdicts.iter().map(|(_, outcome)| record(0, outcome).allows()));
        for (direction, open) in open.iter() {
            state.open[direction].extend(open);
        }
        state.classes.extend(tables.each_cell().map(|cell| number(cell.class)));
        for class in &tables.gone {
            state.classes.remove(&number(*class));
            state.gone.insert(number(*class));
        }
    }
}

/// Prefixes in an order in which no address is in a third class on its way from one to another: those that are in
/// a class first, the longest first, so that what comes around a prefix finds it in place; then those that are no
/// more, the shortest first, so that none uncovers another that goes too.
pub(super) fn in_order(prefixes: &[(Cidr, Option<ClassId>)]) -> Vec<(Cidr, Option<ClassId>)> {
    let mut sorted = prefixes.to_vec();
    sorted.sort_by_key(|(prefix, class)| match class {
        Some(_) => (0, u8::MAX - prefix.length()),
        None => (1, prefix.length()),
    });
    sorted
}

/// A class as images have it.
pub(super) fn number(class: ClassId) -> u32 {
    class.index() as u32
}
