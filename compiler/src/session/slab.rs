//! The rules of all objects, in one policy to which rules are added and from which none is taken.
//!
//! A rule that is gone is named by nobody any more; its place is only freed when the session is built anew.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use sluice_ir::ids::{L7Id, OriginId, RuleId, SelectorId};
use sluice_ir::origin::Origin;
use sluice_ir::policy::{L7, Peer, Peers, Policy, Rule, Settings, Subject};
use sluice_ir::selector::Selector;

/// A policy that grows.
#[derive(Debug, Default)]
pub(super) struct Slab {
    /// The rules, those that are gone included. Not in canonical form.
    pub(super) policy: Policy,
    selectors: FxHashMap<Selector, usize>,
    l7: FxHashMap<L7, usize>,
    origins: FxHashMap<Origin, usize>,
}

impl Slab {
    pub(super) fn new(settings: Settings) -> Slab {
        Slab { policy: Policy { settings, ..Policy::default() }, ..Slab::default() }
    }

    /// Makes room for so many more rules, so that no change has to wait for larger tables.
    pub(super) fn reserve(&mut self, rules: usize) {
        self.policy.rules.reserve(rules);
        self.policy.origins.reserve(rules);
        self.policy.selectors.reserve(rules);
        self.origins.reserve(rules);
        self.selectors.reserve(rules);
    }

    /// Adds the rules of an object and gives their ids.
    pub(super) fn add(&mut self, object: &Policy) -> Vec<RuleId> {
        object.rules.iter().map(|rule| self.add_rule(object, rule.clone())).collect()
    }

    fn add_rule(&mut self, from: &Policy, mut rule: Rule) -> RuleId {
        rule.subject = match rule.subject {
            Subject::Endpoints(id) => Subject::Endpoints(self.selector(from, id)),
            Subject::Nodes(id) => Subject::Nodes(self.selector(from, id)),
        };
        if let Peers::Of(peers) = &mut rule.peers {
            for peer in peers {
                if let Peer::Labels { selector, .. } = peer {
                    *selector = self.selector(from, *selector);
                }
            }
        }
        rule.l7 = rule.l7.map(|id| L7Id::new(intern(&mut self.l7, &mut self.policy.l7, from.l7(id))));
        let origin = &from.origins[rule.origin.index()];
        rule.origin = OriginId::new(intern(&mut self.origins, &mut self.policy.origins, origin));
        self.policy.rules.push(rule);
        RuleId::new(self.policy.rules.len() - 1)
    }

    fn selector(&mut self, from: &Policy, id: SelectorId) -> SelectorId {
        SelectorId::new(intern(&mut self.selectors, &mut self.policy.selectors, from.selector(id)))
    }
}

fn intern<T: Clone + Eq + Hash>(known: &mut FxHashMap<T, usize>, table: &mut Vec<T>, entry: &T) -> usize {
    match known.get(entry) {
        Some(place) => *place,
        None => {
            table.push(entry.clone());
            known.insert(entry.clone(), table.len() - 1);
            table.len() - 1
        }
    }
}
