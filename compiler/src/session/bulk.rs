//! All rules and everybody at once, found as the compiler finds them, before there is any table.
//!
//! Where a change asks which lists of peers match one peer, and which subjects one rule selects, here each list is
//! asked for its members, and each selector for its subjects: see [`Members`](crate::classify::members::Members).

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_ir::ids::RuleId;
use sluice_ir::net::Cidr;
use sluice_ir::policy::{Direction, Identity};

use super::Session;
use super::addresses::Reason;
use super::live::{Change, Live};
use crate::classify::Population;
use crate::classify::population::{families, prefixes_of};
use crate::classify::subjects::selecting;

impl Live {
    /// Puts every one of some rules in force that selects a subject. Nobody is a peer yet.
    pub(super) fn force_all(&mut self, rules: &[RuleId]) -> Change {
        let policy = &self.slab.policy;
        let identities: Vec<&Identity> = self.subjects.iter().map(|subject| &*subject.identity).collect();
        let mut change = Change::default();
        for (at, selecting) in selecting(policy, rules, &identities).into_iter().enumerate() {
            for direction in Direction::BOTH.into_iter().filter(|way| !selecting[*way].is_empty()) {
                change.subjects.insert((at, direction));
            }
            self.subjects[at].rules = selecting;
        }
        for rule in self.rules_in_force() {
            for prefix in prefixes_of(policy, [rule].into_iter()) {
                self.addresses.count(prefix, Reason::Rule);
            }
            let (about, _) = self.sets.add(policy, policy.rule(rule));
            self.in_force.insert(rule, about);
        }
        change
    }

    /// The rules that select a subject.
    fn rules_in_force(&self) -> BTreeSet<RuleId> {
        let rules = self.subjects.iter().flat_map(|subject| Direction::BOTH.map(|way| &subject.rules[way]));
        rules.flatten().copied().collect()
    }
}

impl Session {
    /// Entities, pods, and whoever is at an address that the inventory or a rule in force tells apart.
    pub(super) fn add_everyone(&mut self) {
        let Session { inventory, node, live, pods, .. } = self;
        let policy = &live.slab.policy;
        let population = Population::new(inventory, policy, live.rules_in_force().into_iter(), Some(node));
        for (signature, (_, identity)) in
            live.sets.signatures_of(policy, &population).into_iter().zip(population.iter())
        {
            live.peers.enroll(Arc::clone(identity), signature);
        }
        for edge in families().chain(inventory.edges_beside_pods()) {
            live.addresses.count(edge, Reason::Owner);
        }
        for (name, peer) in &population.entities {
            live.peers.join(peer.index());
            live.entities.insert(Arc::clone(name), peer.index());
        }
        for (at, endpoint) in inventory.endpoints.iter().enumerate() {
            let (name, peer) = (
                (Arc::clone(&endpoint.namespace), Arc::clone(&endpoint.name)),
                population.endpoint(at).index(),
            );
            for address in &endpoint.addresses {
                live.addresses.count(Cidr::host(*address), Reason::Owner);
            }
            live.peers.join(peer);
            pods.add(name, peer, &endpoint.identity, endpoint.addresses.clone());
        }
        for (prefix, peer) in population.addresses.iter() {
            live.peers.join(peer.index());
            live.peers.set_prefix(peer.index(), prefix, true);
        }
        live.addresses.peers = population.addresses.map(|peer| peer.index());
    }
}
