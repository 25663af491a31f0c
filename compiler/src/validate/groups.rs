//! Peers that no rule in force can tell apart, by the reference's own functions.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap, FxHashSet};
use sluice_ir::ids::{ClassId, RuleId};
use sluice_ir::net::{PortName, Protocol};
use sluice_ir::policy::{Direction, Identity, Peers, Policy, PortSet, Ports};

use super::columns::{Column, Columns};
use super::in_force::InForce;
use crate::classify::{Classified, PeerId, Population};

/// What the rules in force say about every peer.
pub(super) struct Groups<'p> {
    /// Peers that no list of peers tells apart.
    coarse: Partition,
    /// The same, told apart by their numbers for named ports too: for the few sides that ask for those.
    fine: Partition,
    /// The place of each rule's list of peers among the different ones.
    set_of: FxHashMap<RuleId, usize>,
    /// The ports that some egress rule names, each with the numbers that peers have for it.
    numbers: BTreeMap<&'p PortName, BTreeSet<u16>>,
    /// The different [`Numbers`] of peers for all of these names.
    different: Vec<Numbers>,
}

/// What a peer has for some named ports, one behind the other.
pub(super) type Numbers = Vec<Option<(Protocol, u16)>>;

/// Peers in groups; those of one group are in one class of the table.
pub(super) struct Partition {
    /// The groups.
    pub(super) groups: Vec<Group>,
    /// For each list of peers the groups that it matches.
    matched: Vec<Matched>,
}

/// The groups that a list of peers matches.
#[derive(Clone, Default)]
pub(super) struct Matched {
    /// A bit for each.
    pub(super) groups: Column,
    /// Whether it is all of them.
    pub(super) all: bool,
}

/// One group.
pub(super) struct Group {
    /// One of its peers.
    pub(super) example: PeerId,
    /// Whether it is the host.
    pub(super) host: bool,
    /// The class that they have in the table.
    pub(super) class: ClassId,
    /// The place of their numbers for named ports among the different ones; 0 where nobody asks.
    pub(super) numbers: usize,
}

impl<'p> Groups<'p> {
    pub(super) fn new(
        policy: &'p Policy,
        population: &'p Population,
        in_force: &InForce,
        classified: &Classified,
    ) -> Groups<'p> {
        let rules = || in_force.rules().map(|id| policy.rule(id));
        let mut sets: IndexSet<&Peers, FxBuildHasher> = IndexSet::default();
        let set_of = in_force.rules().map(|id| (id, sets.insert_full(&policy.rule(id).peers).0)).collect();
        let peers: Vec<&Identity> = population.iter().map(|(_, identity)| &**identity).collect();
        let egress = rules().filter(|rule| rule.direction == Direction::Egress);
        let numbers = numbers(egress.flat_map(|rule| names(&rule.ports)), &peers);
        let (different, of_peer) = different(numbers.keys().copied(), &peers);
        let columns = Columns::new(policy, sets.iter().flat_map(|set| set.selectors()), peers);
        let sets: Vec<&Peers> = sets.into_iter().collect();
        let columns: Vec<Column> = sets.par_iter().map(|set| columns.of_peers(set)).collect();
        let matching = matching(&columns, population.len());
        let partition =
            |numbers: &[usize]| Partition::new(population, classified, (&matching, columns.len()), numbers);
        let (coarse, fine) = rayon::join(|| partition(&vec![0; population.len()]), || partition(&of_peer));
        Groups { coarse, fine, set_of, numbers, different }
    }

    /// The groups for a side whose rules ask its peers for these names of ports.
    pub(super) fn partition(&self, names: &BTreeSet<&PortName>) -> &Partition {
        if names.is_empty() { &self.coarse } else { &self.fine }
    }

    /// The groups of a partition that a rule's list of peers matches.
    pub(super) fn matching<'g>(&self, partition: &'g Partition, rule: RuleId) -> Option<&'g Matched> {
        self.set_of.get(&rule).map(|set| &partition.matched[*set])
    }

    /// The different numbers that peers have for some of the names, and for the numbers of a [`Group`] the place
    /// among them.
    pub(super) fn numbers_for(&self, names: &BTreeSet<&PortName>) -> (Vec<Numbers>, Vec<usize>) {
        let asked: Vec<bool> = self.numbers.keys().map(|name| names.contains(name)).collect();
        let mut found: IndexSet<Numbers, FxBuildHasher> = IndexSet::default();
        let of = |numbers: &Numbers| {
            let here = numbers.iter().zip(&asked).filter(|(_, asked)| **asked).map(|(number, _)| *number);
            found.insert_full(here.collect()).0
        };
        let places = self.different.iter().map(of).collect();
        (found.into_iter().collect(), places)
    }

    /// The numbers that peers have for a named port.
    pub(super) fn numbers_of(&self, name: &PortName) -> impl Iterator<Item = &u16> {
        self.numbers.get(name).into_iter().flatten()
    }
}

impl Partition {
    /// `numbers` is what peers are told apart by beside the lists that match them and their class in the table.
    fn new(
        population: &Population,
        classified: &Classified,
        (matching, sets): (&[Vec<u32>], usize),
        numbers: &[usize],
    ) -> Partition {
        let mut seen: FxHashSet<(&[u32], ClassId, bool, usize)> = FxHashSet::default();
        let mut partition = Partition { groups: Vec::new(), matched: vec![Matched::default(); sets] };
        for (((peer, identity), sets), numbers) in population.iter().zip(matching).zip(numbers) {
            let (class, host, numbers) = (classified.class(peer), identity.is_host(), *numbers);
            if seen.insert((sets, class, host, numbers)) {
                let at = partition.groups.len();
                partition.groups.push(Group { example: peer, host, class, numbers });
                sets.iter().for_each(|set| partition.matched[*set as usize].groups.grow_and_insert(at));
            }
        }
        for matched in &mut partition.matched {
            matched.all = matched.groups.count_ones(..) == partition.groups.len();
        }
        partition
    }
}

/// The lists that match each peer, in order.
fn matching(columns: &[Column], peers: usize) -> Vec<Vec<u32>> {
    let mut matching: Vec<Vec<u32>> = vec![Vec::new(); peers];
    for (set, column) in (0_u32..).zip(columns) {
        column.ones().for_each(|peer| matching[peer].push(set));
    }
    matching
}

/// The different numbers that peers have for some names, and the place of each peer's.
fn different<'n>(
    names: impl Iterator<Item = &'n PortName>,
    peers: &[&Identity],
) -> (Vec<Numbers>, Vec<usize>) {
    let names: Vec<&PortName> = names.collect();
    let mut different: IndexSet<Numbers, FxBuildHasher> = IndexSet::default();
    let numbers = |peer: &&Identity| names.iter().map(|name| peer.ports.get(*name).copied()).collect();
    let of_peer = peers.iter().map(|peer| different.insert_full(numbers(peer)).0).collect();
    (different.into_iter().collect(), of_peer)
}

/// The numbers that peers have for some names.
fn numbers<'p>(
    names: impl Iterator<Item = &'p PortName>,
    peers: &[&Identity],
) -> BTreeMap<&'p PortName, BTreeSet<u16>> {
    let mut numbers: BTreeMap<&PortName, BTreeSet<u16>> = names.map(|name| (name, BTreeSet::new())).collect();
    for (name, numbers) in &mut numbers {
        let of = |peer: &&Identity| peer.ports.get(*name).map(|(_, number)| *number);
        numbers.extend(peers.iter().filter_map(of));
    }
    numbers
}

/// The names in a list of ports.
pub(super) fn names(ports: &Ports) -> impl Iterator<Item = &PortName> {
    let ports = match ports {
        Ports::Of(ports) => ports.as_slice(),
        Ports::Any => &[],
    };
    ports.iter().filter_map(|port| match &port.ports {
        PortSet::Named { name, .. } => Some(name),
        PortSet::Range(_) => None,
    })
}
