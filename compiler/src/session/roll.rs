//! Peers by what lists of peers ask for: their labels, and whether they have an address or names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use sluice_ir::dns_name::Asker;
use sluice_ir::policy::{self, Identity, Policy};
use sluice_ir::selector::{Operator, Requirement, Selector};

use super::peers::Peer;

/// Peers, listed.
#[derive(Debug, Default)]
pub(super) struct Roll {
    everyone: BTreeSet<Peer>,
    by_label: FxHashMap<Arc<str>, FxHashMap<Arc<str>, BTreeSet<Peer>>>,
    addressed: BTreeSet<Peer>,
    /// By whose names they have.
    named: BTreeMap<Option<Asker>, BTreeSet<Peer>>,
}

impl Roll {
    /// Lists a peer that came, or takes one that went off.
    pub(super) fn note(&mut self, peer: Peer, identity: &Identity, comes: bool) {
        let put = |peers: &mut BTreeSet<Peer>| if comes { peers.insert(peer) } else { peers.remove(&peer) };
        put(&mut self.everyone);
        for label in identity.labels.iter() {
            let of_key = self.by_label.entry(Arc::clone(&label.key)).or_default();
            let of_value = of_key.entry(Arc::clone(&label.value)).or_default();
            put(of_value);
            if of_value.is_empty() {
                of_key.remove(&label.value);
            }
        }
        if identity.address.is_some() {
            put(&mut self.addressed);
        }
        for name in &identity.names {
            let of_asker = self.named.entry(name.by.clone()).or_default();
            put(of_asker);
            if of_asker.is_empty() {
                self.named.remove(&name.by);
            }
        }
    }

    /// Everyone whom a list of peers can match, and others, in order.
    pub(super) fn candidates(&self, policy: &Policy, peers: &[policy::Peer]) -> Vec<Peer> {
        let mut found = Vec::new();
        for peer in peers {
            match peer {
                policy::Peer::Cidr { .. } => found.extend(&self.addressed),
                policy::Peer::Name { by, .. } => found.extend(self.named.get(by).into_iter().flatten()),
                policy::Peer::Labels { selector, .. } => {
                    let lists = self.fewest(policy.selector(*selector));
                    found.extend(lists.into_iter().flatten());
                }
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }

    /// Of the lists that hold everyone who meets a requirement those of the requirement with the fewest.
    fn fewest(&self, selector: &Selector) -> Vec<&BTreeSet<Peer>> {
        let lists = selector.requirements().iter().filter_map(|requirement| self.meeting(requirement));
        let fewest = lists.min_by_key(|lists| lists.iter().map(|list| list.len()).sum::<usize>());
        fewest.unwrap_or_else(|| vec![&self.everyone])
    }

    /// Lists that hold everyone who meets a requirement; none if it names no value.
    fn meeting(&self, requirement: &Requirement) -> Option<Vec<&BTreeSet<Peer>>> {
        let Operator::In(values) = &requirement.operator else { return None };
        let of_key = self.by_label.get(&requirement.key);
        Some(values.iter().filter_map(|value| of_key?.get(value)).collect())
    }
}
