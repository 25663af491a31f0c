//! The peers of a rule without those that others cover.
//!
//! Peers are alternatives, so a rule's peers are a set of identities, and any other list of the same set
//! will do:
//!
//! * A label peer goes if another requires no more than it does and excepts no more.
//! * A label peer that requires and excepts nothing is every identity: the rule's peers are "any".
//! * Prefixes with their exceptions are a set of addresses, and become the shortest list of prefixes and
//!   exceptions for it. Then no prefix lies in another, two halves are one, no exception lies in another,
//!   and none is given back by another prefix. A prefix of length 0 never comes out: it would
//!   be the world, and `0.0.0.0/1` with `128.0.0.0/1` is not (semantics.md 12.1).
//! * A name goes if it is there twice.
//!
//! What is left stands in this order: label peers and names as written, prefixes by address between them.
//!
//! **Why the answer survives**: whether a label peer matches depends on labels and address, whether a
//! prefix does on the address alone, and the identities that the list matches stay the same. So the
//! rule matches the same questions, with the same action and origin.
//!
//! **Cost**: prefixes are sorted and then written by one walk over the tree of their bits. Label peers are compared
//! each with each where a rule has up to 64; with more, only repeated ones go.

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use sluice_ir::dns_name::{Asker, DnsPattern};
use sluice_ir::ids::SelectorId;
use sluice_ir::net::Cidr;
use sluice_ir::policy::{Peer, Peers, Policy, Rule};

use super::addresses::{Addresses, Cut};
use super::cover::{PAIRWISE, labels_cover};

/// The peers of every rule, without those that others cover.
pub fn peers(policy: &Policy) -> Policy {
    let rules = policy.rules.iter().map(|rule| match &rule.peers {
        Peers::Any => rule.clone(),
        Peers::Of(peers) => Rule { peers: shortest(policy, peers), ..rule.clone() },
    });
    policy.of_rules(rules)
}

/// Things in order, each once.
type Distinct<T> = IndexSet<T, FxBuildHasher>;

fn shortest(policy: &Policy, peers: &[Peer]) -> Peers {
    let mut labels: Distinct<(SelectorId, Vec<Cidr>)> = Distinct::default();
    let mut prefixes: Vec<(Cidr, &[Cidr])> = Vec::new();
    let mut names: Distinct<(&DnsPattern, &Option<Asker>)> = Distinct::default();
    for peer in peers {
        match peer {
            Peer::Labels { selector, except } => {
                labels.insert((*selector, without_overlap(except)));
            }
            Peer::Cidr { cidr, except } => prefixes.push((*cidr, except)),
            Peer::Name { pattern, by } => {
                names.insert((pattern, by));
            }
        }
    }
    let everyone = |(selector, except): &(SelectorId, Vec<Cidr>)| {
        policy.selector(*selector).is_empty() && except.is_empty()
    };
    if labels.iter().any(everyone) {
        return Peers::Any;
    }
    let labels = uncovered(policy, labels.into_iter().collect());
    let labels = labels.into_iter().map(|(selector, except)| Peer::Labels { selector, except });
    let prefixes = cuts(prefixes).into_iter().map(|(cidr, except)| Peer::Cidr { cidr, except });
    let names =
        names.into_iter().map(|(pattern, by)| Peer::Name { pattern: pattern.clone(), by: by.clone() });
    Peers::Of(labels.chain(prefixes).chain(names).collect())
}

/// Exceptions in order and apart.
fn without_overlap(except: &[Cidr]) -> Vec<Cidr> {
    if except.len() < 2 {
        return except.to_vec();
    }
    let shortest = except.iter().map(|cidr| cidr.length()).min().unwrap_or(0).min(1);
    Addresses::of(except.iter().map(|cidr| (*cidr, &[][..]))).prefixes(shortest)
}

fn cuts(prefixes: Vec<(Cidr, &[Cidr])>) -> Vec<Cut> {
    match prefixes.as_slice() {
        [] => Vec::new(),
        [(cidr, [])] => vec![(*cidr, Vec::new())],
        _ => Addresses::of(prefixes).cuts(),
    }
}

/// Label peers that no other covers; of those that cover each other the first.
fn uncovered(policy: &Policy, mut labels: Vec<(SelectorId, Vec<Cidr>)>) -> Vec<(SelectorId, Vec<Cidr>)> {
    if labels.len() > PAIRWISE {
        return labels;
    }
    for at in (0..labels.len()).rev() {
        let narrow = (labels[at].0, labels[at].1.as_slice());
        let others = labels.iter().enumerate().filter(|(other, _)| *other != at);
        let covered = others.into_iter().any(|(_, (id, except))| labels_cover(policy, (*id, except), narrow));
        if covered {
            labels.remove(at);
        }
    }
    labels
}
