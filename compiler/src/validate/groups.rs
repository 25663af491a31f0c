//! Peers that no rule in force can tell apart, by the reference's own functions.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashSet};
use sluice_ir::ids::ClassId;
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
    /// The different lists of peers of the rules in force.
    sets: IndexSet<&'p Peers, FxBuildHasher>,
    /// The numbers that peers have for the ports that some egress rule names.
    numbers: BTreeMap<&'p PortName, BTreeSet<u16>>,
}

/// Peers in groups; those of one group are in one class of the table.
pub(super) struct Partition {
    /// The groups.
    pub(super) groups: Vec<Group>,
    /// For each list of peers, a bit for each group that it matches.
    columns: Vec<Column>,
}

/// One group.
pub(super) struct Group {
    /// One of its peers.
    pub(super) example: PeerId,
    /// The class that they have in the table.
    pub(super) class: ClassId,
}

impl<'p> Groups<'p> {
    pub(super) fn new(
        policy: &'p Policy,
        population: &'p Population,
        in_force: &InForce,
        classified: &Classified,
    ) -> Groups<'p> {
        let rules = || in_force.rules().map(|id| policy.rule(id));
        let sets: IndexSet<&Peers, FxBuildHasher> = rules().map(|rule| &rule.peers).collect();
        let peers: Vec<&Identity> = population.iter().map(|(_, identity)| &**identity).collect();
        let egress = rules().filter(|rule| rule.direction == Direction::Egress);
        let numbers = numbers(egress.flat_map(|rule| names(&rule.ports)), &peers);
        let mut columns = Columns::new(peers);
        let columns: Vec<Column> = sets.iter().map(|set| columns.of_peers(policy, set)).collect();
        let partition = |names: &[&PortName]| Partition::new(population, classified, &columns, names);
        let coarse = partition(&[]);
        let fine = partition(&numbers.keys().copied().collect::<Vec<_>>());
        Groups { coarse, fine, sets, numbers }
    }

    /// The groups for a side whose rules ask its peers for these names of ports.
    pub(super) fn partition(&self, names: &BTreeSet<&PortName>) -> &Partition {
        if names.is_empty() { &self.coarse } else { &self.fine }
    }

    /// The groups of a partition that a list of peers matches.
    pub(super) fn matching<'g>(&self, partition: &'g Partition, peers: &Peers) -> Option<&'g Column> {
        self.sets.get_index_of(peers).map(|set| &partition.columns[set])
    }

    /// The numbers that peers have for a named port.
    pub(super) fn numbers_of(&self, name: &PortName) -> impl Iterator<Item = &u16> {
        self.numbers.get(name).into_iter().flatten()
    }
}

/// What the rules in force can see of a peer, and its class in the table.
type Seen<'s> = (&'s [u32], bool, Vec<Option<(Protocol, u16)>>, ClassId);

impl Partition {
    fn new(
        population: &Population,
        classified: &Classified,
        columns: &[Column],
        names: &[&PortName],
    ) -> Partition {
        let mut matching: Vec<Vec<u32>> = vec![Vec::new(); population.len()];
        for (set, column) in (0_u32..).zip(columns) {
            column.ones().for_each(|peer| matching[peer].push(set));
        }
        let mut seen: FxHashSet<Seen<'_>> = FxHashSet::default();
        let mut partition = Partition { groups: Vec::new(), columns: vec![Column::new(); columns.len()] };
        for ((peer, identity), matching) in population.iter().zip(&matching) {
            let class = classified.class(peer);
            let numbers = names.iter().map(|name| identity.ports.get(*name).copied()).collect();
            if seen.insert((matching, identity.is_host(), numbers, class)) {
                let at = partition.groups.len();
                partition.groups.push(Group { example: peer, class });
                matching.iter().for_each(|set| partition.columns[*set as usize].grow_and_insert(at));
            }
        }
        partition
    }
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
