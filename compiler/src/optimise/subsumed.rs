//! Rules without those that another covers.
//!
//! Rule `s` covers rule `r` if
//!
//! 1. they are of one object, with the same subject, direction, action, tier, layer 7 rules and authentication,
//! 2. `s` isolates, or `r` does not, and
//! 3. a peer and a port that `r` matches are matched by `s`, as each alternative of `r` is within one
//!    alternative of `s`.
//!
//! A rule that has no peers or no ports matches nothing, and counts only as a rule that selects. For it
//! any rule with the same subject and direction will do in 1.
//!
//! **Why the answer survives**: wherever `r` matches, `s` does, in the same tier and with the same
//! verdict, layer 7 rules and authentication; so if `r` is reported, `s` is reported beside it, and what
//! decides does not change. Wherever `r` selects, `s` does, so step 3 of `eval` (the host may reach what some
//! ingress rule selects) and step 4 (isolated by a rule with default deny) go as before, and `s` is reported
//! for the isolation if `r` was. Rules go one at a time, each for one that is still there.
//!
//! **Why only within an object**: so what becomes of an object's rules does not depend on other objects, nor
//! on their order. A change of one object is a change of its own rules, and an answer names every object
//! that allows the traffic: who takes one away wants to know of the other.
//!
//! **Cost**: rules are put together by what 1 compares, and equal ones go at once. What is left of a group is compared
//! each with each if it is up to 64 rules; a larger group is left alone.

use std::collections::BTreeSet;
use std::hash::Hash;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::dns_name::{Asker, DnsPattern};
use sluice_ir::ids::L7Id;
use sluice_ir::origin::Origin;
use sluice_ir::policy::{Action, Authentication, Direction, Peer, Peers, Policy, Ports, Rule, Subject, Tier};

use super::addresses::Addresses;
use super::cover::{LabelPeer, PAIRWISE, labels_cover, ports_cover};

/// Only rules that no other covers.
pub fn subsumed(policy: &Policy) -> Policy {
    let mut kept = vec![true; policy.rules.len()];
    let objects = objects(policy);
    drop_equal(&policy.rules, &objects, &mut kept);
    drop_covered(policy, &objects, &mut kept);
    drop_idle(&policy.rules, &objects, &mut kept);
    let rules = policy.rules.iter().zip(kept).filter(|(_, kept)| *kept);
    policy.of_rules(rules.map(|(rule, _)| rule.clone()))
}

/// The object of each rule, as a number.
fn objects(policy: &Policy) -> Vec<usize> {
    let mut numbers: FxHashMap<(&str, Option<&str>, &str), usize> = FxHashMap::default();
    let mut of_origin = Vec::with_capacity(policy.origins.len());
    for Origin { kind, namespace, name, .. } in &policy.origins {
        let next = numbers.len();
        of_origin.push(*numbers.entry((kind, namespace.as_deref(), name)).or_insert(next));
    }
    policy.rules.iter().map(|rule| of_origin[rule.origin.index()]).collect()
}

/// What two rules must have in common for one to cover the other.
type Common = (Subject, Direction, Action, Tier, Option<L7Id>, Option<Authentication>);

fn common(rule: &Rule) -> Common {
    (rule.subject, rule.direction, rule.action, rule.tier, rule.l7, rule.authentication)
}

/// The places of the kept rules that have the same key, in order of the first.
fn groups<'r, K: Eq + Hash>(
    rules: &'r [Rule],
    kept: &[bool],
    objects: &[usize],
    key: impl Fn(&'r Rule) -> K,
) -> Vec<Vec<usize>> {
    let mut groups: IndexMap<(usize, K), Vec<usize>, FxBuildHasher> = IndexMap::default();
    for (at, rule) in rules.iter().enumerate().filter(|(at, _)| kept[*at]) {
        groups.entry((objects[at], key(rule))).or_default().push(at);
    }
    groups.into_values().filter(|group| group.len() > 1).collect()
}

/// Of rules that match the same, the first that isolates stays, or else the first.
fn drop_equal(rules: &[Rule], objects: &[usize], kept: &mut [bool]) {
    for group in groups(rules, kept, objects, |rule| (common(rule), &rule.peers, &rule.ports)) {
        let stays = group.iter().copied().find(|at| rules[*at].default_deny);
        let stays = stays.or_else(|| group.first().copied());
        for at in group {
            kept[at] = Some(at) == stays;
        }
    }
}

fn drop_covered(policy: &Policy, objects: &[usize], kept: &mut [bool]) {
    for group in groups(&policy.rules, kept, objects, common) {
        if group.len() > PAIRWISE {
            continue;
        }
        let mut matches: Vec<Matches<'_>> =
            group.iter().map(|at| Matches::of(*at, &policy.rules[*at])).collect();
        for at in (0..matches.len()).rev() {
            let others = matches.iter().enumerate().filter(|(other, _)| *other != at);
            if others.into_iter().any(|(_, wide)| wide.cover(policy, &matches[at])) {
                kept[matches.remove(at).at] = false;
            }
        }
    }
}

/// Drops rules that match nothing where another selects the same endpoints.
fn drop_idle(rules: &[Rule], objects: &[usize], kept: &mut [bool]) {
    let key = |at: usize| (objects[at], rules[at].subject, rules[at].direction);
    // How many do not isolate, and how many do.
    let mut selecting: FxHashMap<(usize, Subject, Direction), [usize; 2]> = FxHashMap::default();
    for (at, rule) in rules.iter().enumerate().filter(|(at, _)| kept[*at]) {
        selecting.entry(key(at)).or_default()[usize::from(rule.default_deny)] += 1;
    }
    for (at, rule) in rules.iter().enumerate().rev().filter(|(_, rule)| is_idle(rule)) {
        let Some([open, isolating]) = selecting.get_mut(&key(at)).filter(|_| kept[at]) else { continue };
        let (others, own) = match rule.default_deny {
            true => (*isolating - 1, isolating),
            false => (*isolating + *open - 1, open),
        };
        if others > 0 {
            *own -= 1;
            kept[at] = false;
        }
    }
}

fn is_idle(rule: &Rule) -> bool {
    let no_peers = matches!(&rule.peers, Peers::Of(peers) if peers.is_empty());
    let no_ports = matches!(&rule.ports, Ports::Of(ports) if ports.is_empty());
    no_peers || no_ports
}

/// What a rule matches, ready for comparison.
struct Matches<'r> {
    /// The rule's place.
    at: usize,
    rule: &'r Rule,
    labels: Vec<LabelPeer<'r>>,
    names: BTreeSet<(&'r DnsPattern, &'r Option<Asker>)>,
    addresses: Addresses,
}

impl<'r> Matches<'r> {
    fn of(at: usize, rule: &'r Rule) -> Matches<'r> {
        let mut matches =
            Matches { at, rule, labels: Vec::new(), names: BTreeSet::new(), addresses: Addresses::default() };
        let mut prefixes = Vec::new();
        if let Peers::Of(peers) = &rule.peers {
            for peer in peers {
                match peer {
                    Peer::Labels { selector, except } => matches.labels.push((*selector, except)),
                    Peer::Cidr { cidr, except } => prefixes.push((*cidr, except.as_slice())),
                    Peer::Name { pattern, by } => {
                        matches.names.insert((pattern, by));
                    }
                }
            }
        }
        matches.addresses = Addresses::of(prefixes);
        matches
    }

    /// Whether this rule covers another with which it has everything in common that it must.
    fn cover(&self, policy: &Policy, narrow: &Matches<'_>) -> bool {
        (self.rule.default_deny || !narrow.rule.default_deny)
            && ports_cover(&self.rule.ports, &narrow.rule.ports)
            && self.peers_cover(policy, narrow)
    }

    fn peers_cover(&self, policy: &Policy, narrow: &Matches<'_>) -> bool {
        match (&self.rule.peers, &narrow.rule.peers) {
            (Peers::Any, _) => true,
            (Peers::Of(_), Peers::Any) => false,
            (Peers::Of(_), Peers::Of(_)) => {
                let among =
                    |peer: &LabelPeer<'_>| self.labels.iter().any(|wide| labels_cover(policy, *wide, *peer));
                self.addresses.covers(&narrow.addresses)
                    && narrow.names.is_subset(&self.names)
                    && self.labels.len().saturating_mul(narrow.labels.len()) <= PAIRWISE * PAIRWISE
                    && narrow.labels.iter().all(among)
            }
        }
    }
}
