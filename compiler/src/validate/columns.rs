//! Who matches what, as bits: a column for each thing that a rule can ask of a peer.
//!
//! This is the naive question, every selector of every peer, in an order that makes it cheap. A requirement
//! looks at one label, so it is asked once for each different label with its key, and once for no such
//! label; a selector is the *and* of its requirements, and a list of peers the *or* of its peers. Whether
//! a prefix or a name matches is asked of every peer that has an address or a name.

use std::collections::BTreeMap;

use fixedbitset::FixedBitSet;
use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::dns_name::Asker;
use sluice_ir::ids::SelectorId;
use sluice_ir::label::{Label, LabelSet, LabelSource};
use sluice_ir::policy::eval::peer_matches;
use sluice_ir::policy::{Identity, Peer, Peers, Policy, Subject};
use sluice_ir::selector::{Requirement, Selector};

/// A bit for each peer of the population.
pub(super) type Column = FixedBitSet;

/// Peers as selectors see them.
pub(super) struct Columns<'p> {
    policy: &'p Policy,
    peers: Vec<&'p Identity>,
    /// Who meets each requirement.
    requirements: FxHashMap<&'p Requirement, Column>,
    /// Places of peers with an address, sorted by it: those in a prefix lie together.
    addressed: Vec<usize>,
    /// Places of peers with names, by whose names they are.
    named: BTreeMap<&'p Option<Asker>, Vec<usize>>,
    /// Places of peers that are the host.
    hosts: Vec<usize>,
}

/// The labels of one key.
struct Key {
    labels: Vec<LabelSet>,
    /// The place in `labels` of each peer's.
    of_peer: Vec<u32>,
}

impl<'p> Columns<'p> {
    /// Asks the requirements of some selectors of all peers; only these selectors can be asked for afterwards.
    pub(super) fn new(
        policy: &'p Policy,
        selectors: impl Iterator<Item = SelectorId>,
        peers: Vec<&'p Identity>,
    ) -> Columns<'p> {
        let having = |has: fn(&Identity) -> bool| {
            peers.iter().enumerate().filter(|(_, peer)| has(peer)).map(|(at, _)| at).collect()
        };
        let mut addressed: Vec<usize> = having(|peer| peer.address.is_some());
        addressed.sort_by_key(|at| peers[*at].address);
        Columns {
            policy,
            addressed,
            named: named(&peers),
            hosts: having(Identity::is_host),
            requirements: ask(policy, selectors, &peers),
            peers,
        }
    }

    /// Whose traffic a rule with this subject judges.
    pub(super) fn of_subject(&self, subject: Subject) -> Column {
        let mut column = self.of_selector(self.policy.selector(subject.selector()));
        match subject {
            Subject::Endpoints(_) => self.hosts.iter().for_each(|host| column.remove(*host)),
            Subject::Nodes(_) => {
                let hosts: Column = self.hosts.iter().copied().collect();
                column.intersect_with(&hosts);
            }
        }
        column
    }

    /// Who matches a list of peers.
    pub(super) fn of_peers(&self, peers: &Peers) -> Column {
        let mut column = self.nobody();
        match peers {
            Peers::Any => column.insert_range(..),
            Peers::Of(peers) => peers.iter().for_each(|peer| self.add_peer(peer, &mut column)),
        }
        column
    }

    fn add_peer(&self, peer: &Peer, column: &mut Column) {
        let policy = self.policy;
        match peer {
            Peer::Labels { selector, except } => {
                let mut selected = self.of_selector(policy.selector(*selector));
                if !except.is_empty() {
                    let out = |at: &&usize| {
                        selected.contains(**at) && !peer_matches(policy, peer, self.peers[**at])
                    };
                    let out: Vec<usize> = self.addressed.iter().filter(out).copied().collect();
                    out.into_iter().for_each(|at| selected.remove(at));
                }
                column.union_with(&selected);
            }
            Peer::Cidr { cidr, .. } => {
                let from =
                    self.addressed.partition_point(|at| self.peers[*at].address < Some(cidr.address()));
                let inside = |at: &usize| self.peers[*at].address.is_some_and(|a| cidr.contains(a));
                let length = self.addressed[from..].partition_point(inside);
                let inside = &self.addressed[from..from + length];
                column.extend(matching(policy, peer, &self.peers, inside));
            }
            Peer::Name { by, .. } => {
                let named = self.named.get(by).map_or(&[][..], Vec::as_slice);
                column.extend(matching(policy, peer, &self.peers, named));
            }
        }
    }

    fn of_selector(&self, selector: &Selector) -> Column {
        let mut column = self.nobody();
        column.insert_range(..);
        for requirement in selector.requirements() {
            column.intersect_with(&self.requirements[requirement]);
        }
        column
    }

    fn nobody(&self) -> Column {
        Column::with_capacity(self.peers.len())
    }
}

/// The places of peers with names, by whose names they are.
fn named<'p>(peers: &[&'p Identity]) -> BTreeMap<&'p Option<Asker>, Vec<usize>> {
    let mut named: BTreeMap<&Option<Asker>, Vec<usize>> = BTreeMap::new();
    for (at, peer) in peers.iter().enumerate() {
        for name in &peer.names {
            let places = named.entry(&name.by).or_default();
            if places.last() != Some(&at) {
                places.push(at);
            }
        }
    }
    named
}

/// Who meets each requirement of some selectors.
fn ask<'p>(
    policy: &'p Policy,
    selectors: impl Iterator<Item = SelectorId>,
    peers: &[&Identity],
) -> FxHashMap<&'p Requirement, Column> {
    let mut new = vec![true; policy.selectors.len()];
    let selectors = selectors.filter(|id| std::mem::take(&mut new[id.index()]));
    let requirements: IndexSet<&Requirement, FxBuildHasher> =
        selectors.flat_map(|id| policy.selector(id).requirements()).collect();
    let requirements: Vec<&Requirement> = requirements.into_iter().collect();
    let keys: IndexSet<&str, FxBuildHasher> = requirements.iter().map(|r| &*r.key).collect();
    let keys: Vec<&str> = keys.into_iter().collect();
    let labels: Vec<Key> = keys.par_iter().map(|key| Key::new(peers, key)).collect();
    let labels: FxHashMap<&str, Key> = keys.into_iter().zip(labels).collect();
    let columns: Vec<Column> = requirements.par_iter().map(|r| labels[&*r.key].meeting(r)).collect();
    requirements.into_iter().zip(columns).collect()
}

fn matching<'a>(
    policy: &'a Policy,
    peer: &'a Peer,
    peers: &'a [&Identity],
    among: &'a [usize],
) -> impl Iterator<Item = usize> + 'a {
    among.iter().copied().filter(move |at| peer_matches(policy, peer, peers[*at]))
}

impl Key {
    fn new(peers: &[&Identity], key: &str) -> Key {
        let mut places: FxHashMap<Option<(&LabelSource, &str)>, u32> = FxHashMap::default();
        let mut labels = Vec::new();
        let of_peer = peers.iter().map(|peer| {
            let label = peer.labels.get(key);
            let seen = label.map(|Label { source, value, .. }| (source, &**value));
            *places.entry(seen).or_insert_with(|| {
                labels.push(label.into_iter().cloned().collect());
                u32::try_from(labels.len() - 1).unwrap_or(u32::MAX)
            })
        });
        let of_peer = of_peer.collect();
        Key { labels, of_peer }
    }

    /// Who meets a requirement of this key.
    fn meeting(&self, requirement: &Requirement) -> Column {
        let meets: Vec<bool> = self.labels.iter().map(|label| requirement.matches(label)).collect();
        let mut column = Column::with_capacity(self.of_peer.len());
        let those = self.of_peer.iter().enumerate().filter(|(_, label)| meets[**label as usize]);
        column.extend(those.map(|(at, _)| at));
        column
    }
}
