//! Who matches what, asked rule by rule and peer by peer.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::decision::ByDirection;
use sluice_ir::ids::RuleId;
use sluice_ir::net::PortName;
use sluice_ir::policy::eval::{peers_match, subject_matches};
use sluice_ir::policy::{Direction, Identity, Peers, Policy, PortSet, Ports, Subject};

use crate::classify::{Judged, Population};

/// What the reference's own functions say about every subject and every peer.
pub(super) struct Groups<'p> {
    /// Different identities of endpoints, each with the rules that select it.
    pub(super) subjects: Vec<ByDirection<Vec<RuleId>>>,
    /// The place in `subjects` of each endpoint.
    pub(super) of_judged: Vec<usize>,
    /// The different lists of peers of all those rules.
    pub(super) sets: IndexSet<&'p Peers, FxBuildHasher>,
    /// For each peer, a bit for each list that matches it.
    pub(super) bits: Vec<Box<[u64]>>,
    /// The numbers that peers have for the ports that some egress rule names.
    numbers: BTreeMap<&'p PortName, BTreeSet<u16>>,
}

impl<'p> Groups<'p> {
    pub(super) fn new(policy: &'p Policy, population: &Population, judged: &[Judged]) -> Groups<'p> {
        let identities: IndexSet<&Identity, FxBuildHasher> =
            judged.iter().map(|judged| &*judged.identity).collect();
        let of_judged = judged.iter().filter_map(|judged| identities.get_index_of(&*judged.identity)).collect();
        let identities: Vec<&Identity> = identities.into_iter().collect();
        let subjects = selecting(policy, &identities);
        let mut in_force: Vec<RuleId> =
            subjects.iter().flat_map(|rules| rules.ingress.iter().chain(&rules.egress)).copied().collect();
        in_force.sort_unstable();
        in_force.dedup();
        let rules = || in_force.iter().map(|id| policy.rule(*id));
        let sets: IndexSet<&Peers, FxBuildHasher> = rules().map(|rule| &rule.peers).collect();
        let egress = rules().filter(|rule| rule.direction == Direction::Egress);
        let mut numbers: BTreeMap<&PortName, BTreeSet<u16>> =
            egress.flat_map(|rule| names(&rule.ports)).map(|name| (name, BTreeSet::new())).collect();
        let lists: Vec<&Peers> = sets.iter().copied().collect();
        let peers: Vec<&Identity> = population.iter().map(|(_, identity)| &**identity).collect();
        for (name, (_, number)) in peers.iter().flat_map(|peer| &peer.ports) {
            if let Some(numbers) = numbers.get_mut(name) {
                numbers.insert(*number);
            }
        }
        let bits = peers.par_iter().map(|peer| bits(policy, &lists, peer)).collect();
        Groups { subjects, of_judged, sets, bits, numbers }
    }

    /// The numbers that peers have for a named port.
    pub(super) fn numbers_of(&self, name: &PortName) -> impl Iterator<Item = &u16> {
        self.numbers.get(name).into_iter().flatten()
    }
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

/// The rules that select each identity. A selector that several rules have is asked once.
fn selecting(policy: &Policy, identities: &[&Identity]) -> Vec<ByDirection<Vec<RuleId>>> {
    let of = |identity: &&Identity| {
        let mut known: FxHashMap<Subject, bool> = FxHashMap::default();
        let mut rules = ByDirection::<Vec<RuleId>>::default();
        for (id, rule) in policy.rules() {
            let subject = rule.subject;
            if *known.entry(subject).or_insert_with(|| subject_matches(policy, subject, identity)) {
                rules[rule.direction].push(id);
            }
        }
        rules
    };
    identities.par_iter().map(of).collect()
}

fn bits(policy: &Policy, lists: &[&Peers], peer: &Identity) -> Box<[u64]> {
    let mut bits = vec![0_u64; lists.len().div_ceil(64)];
    for (at, peers) in lists.iter().enumerate() {
        if peers_match(policy, peers, peer) {
            bits[at / 64] |= 1 << (at % 64);
        }
    }
    bits.into()
}
