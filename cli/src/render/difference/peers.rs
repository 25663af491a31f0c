//! The other sides of flows in words: `shop/cart`, `every pod of data`, `everyone but the host`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use indexmap::IndexSet;
use sluice_compiler::compare::roster::{PeerName, Roster, SeenBy};
use sluice_compiler::compare::rows::{Block, Group, PeerGroup};
use sluice_ir::decision::EndpointName;

use super::{group, listed};

/// Of many items so many are named.
const MOST: usize = 5;
/// So many exceptions are worth saying `everyone but`.
const EXCEPTIONS: usize = 3;

/// Entities inside the cluster that are neither pods nor nodes.
const INTERNAL: [&str; 4] = ["health", "ingress", "init", "unmanaged"];

/// Everyone who is compared as a peer.
pub(super) struct Everyone<'r> {
    /// Workloads, in order; so those of a namespace are beside each other.
    workloads: Vec<&'r EndpointName>,
    /// The place of each.
    places: IndexSet<&'r EndpointName>,
    /// What else there is, and who sees it.
    others: Vec<(Other<'r>, &'r SeenBy)>,
    /// The node of each endpoint that is compared.
    nodes: BTreeMap<&'r EndpointName, Option<&'r Arc<str>>>,
    /// Whether there are addresses that belong to nobody.
    addresses: bool,
}

/// A peer that is no pod.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Other<'r> {
    Entity(&'r str),
    Node(&'r str),
    Host(&'r str),
}

/// What a list of peers has, by kind.
#[derive(Default)]
struct Sorted<'p> {
    /// Of each workload whether all of its pods are there.
    whole: Vec<bool>,
    /// How many workloads are not there with all of their pods.
    missing: usize,
    /// Some pods of workloads.
    some: Vec<&'p Group>,
    others: BTreeSet<Other<'p>>,
    blocks: Vec<&'p Block>,
}

impl<'p> Sorted<'p> {
    fn new(peers: &'p [PeerGroup], everyone: &Everyone<'_>) -> Sorted<'p> {
        let total = everyone.workloads.len();
        let mut sorted = Sorted { whole: vec![false; total], missing: total, ..Sorted::default() };
        for peer in peers {
            match peer {
                PeerGroup::Pods(pods) if pods.whole => {
                    let Some(place) = everyone.places.get_index_of(&pods.workload) else { continue };
                    sorted.missing -= usize::from(!std::mem::replace(&mut sorted.whole[place], true));
                }
                PeerGroup::Pods(pods) => sorted.some.push(pods),
                PeerGroup::Entity(word) => {
                    sorted.others.insert(Other::Entity(word));
                }
                PeerGroup::Nodes(nodes) => sorted.others.extend(nodes.iter().map(|node| Other::Node(node))),
                PeerGroup::Hosts(nodes) => sorted.others.extend(nodes.iter().map(|node| Other::Host(node))),
                PeerGroup::Addresses(blocks) => sorted.blocks.extend(blocks),
            }
        }
        sorted
    }

    /// Whether every address that belongs to nobody is among them.
    fn has_all_addresses(&self) -> bool {
        let family = |ipv4: bool| {
            self.blocks.iter().any(|block| {
                block.cidr.length() == 0 && block.except.is_empty() && block.cidr.is_ipv4() == ipv4
            })
        };
        family(true) && family(false)
    }
}

impl<'r> Everyone<'r> {
    pub(super) fn new(roster: &'r Roster) -> Everyone<'r> {
        let mut workloads: BTreeSet<&EndpointName> = BTreeSet::new();
        let mut others = Vec::new();
        for peer in &roster.peers {
            let other = match &peer.name {
                PeerName::Pod { workload, .. } => {
                    workloads.insert(workload);
                    continue;
                }
                PeerName::Entity(word) => Other::Entity(word),
                PeerName::Node(node) => Other::Node(node),
                PeerName::Host(node) => Other::Host(node),
            };
            others.push((other, &peer.seen_by));
        }
        others.dedup();
        let nodes = roster.endpoints.iter().map(|member| (&member.name, member.node.as_ref())).collect();
        let workloads: Vec<&EndpointName> = workloads.into_iter().collect();
        let places = workloads.iter().copied().collect();
        Everyone { workloads, places, others, nodes, addresses: !roster.addresses.is_empty() }
    }

    /// What a list of peers is called by some endpoints.
    pub(super) fn text(&self, peers: &[PeerGroup], endpoints: &[Group]) -> String {
        listed(self.items(peers, endpoints, EXCEPTIONS), MOST)
    }

    /// The same without leaving out any.
    pub(super) fn whole_text(&self, peers: &[PeerGroup], endpoints: &[Group]) -> String {
        self.items(peers, endpoints, usize::MAX).join(", ")
    }

    /// The same as items, with so many exceptions and nodes named.
    fn items(&self, peers: &[PeerGroup], endpoints: &[Group], most: usize) -> Vec<String> {
        let sorted = Sorted::new(peers, self);
        if let Some(text) = self.everyone_but(&sorted, endpoints) {
            return vec![text];
        }
        let mut items = self.pods(&sorted);
        items.extend(others(&sorted, most));
        items
    }

    /// `everyone`, or everyone but a few.
    fn everyone_but(&self, sorted: &Sorted<'_>, endpoints: &[Group]) -> Option<String> {
        if !sorted.some.is_empty() || (self.addresses && !sorted.has_all_addresses()) {
            return None;
        }
        if sorted.missing > EXCEPTIONS || sorted.missing * 2 > self.workloads.len() {
            return None;
        }
        let endpoints = endpoints.iter().flat_map(|group| group.endpoints.iter());
        let nodes: BTreeSet<Option<&Arc<str>>> =
            endpoints.filter_map(|endpoint| self.nodes.get(endpoint)).copied().collect();
        let is_seen = |seen_by: &SeenBy| nodes.iter().any(|node| seen_by.is_on(*node));
        let seen = self.others.iter().filter(|(_, seen_by)| is_seen(seen_by)).map(|(other, _)| other);
        let without: BTreeSet<&Other<'_>> = seen.filter(|other| !sorted.others.contains(*other)).collect();
        if sorted.missing + without.len() > EXCEPTIONS {
            return None;
        }
        let mut names = self.missing(sorted);
        names.extend(without.into_iter().map(other));
        names.dedup();
        Some(if names.is_empty() {
            "everyone".to_owned()
        } else {
            format!("everyone but {}", listed(names, MOST))
        })
    }

    /// Pods by workload, or by namespace where all of one are there.
    fn pods(&self, sorted: &Sorted<'_>) -> Vec<String> {
        let total = self.workloads.len();
        let partial: Vec<String> = sorted.some.iter().map(|one| group(one)).collect();
        if total > EXCEPTIONS
            && sorted.missing <= EXCEPTIONS
            && partial.is_empty()
            && sorted.missing * 2 < total
        {
            return match sorted.missing {
                0 => vec!["every pod".to_owned()],
                _ => vec![format!("every pod but {}", listed(self.missing(sorted), MOST))],
            };
        }
        let mut items = Vec::new();
        let mut whole = sorted.whole.as_slice();
        for known in self.workloads.chunk_by(|a, b| a.namespace == b.namespace) {
            let (here, rest) = whole.split_at(known.len());
            whole = rest;
            match &known[0].namespace {
                Some(namespace) if known.len() > 1 && here.iter().all(|whole| *whole) => {
                    items.push(format!("every pod of {namespace}"));
                }
                _ => {
                    let present = known.iter().zip(here).filter(|(_, whole)| **whole);
                    items.extend(present.map(|(name, _)| name.to_string()));
                }
            }
        }
        items.extend(partial);
        items
    }

    /// The workloads that are not there with all of their pods.
    fn missing(&self, sorted: &Sorted<'_>) -> Vec<String> {
        let missing = self.workloads.iter().zip(&sorted.whole).filter(|(_, whole)| !**whole);
        missing.map(|(name, _)| name.to_string()).collect()
    }
}

/// Entities, nodes and addresses.
fn others(sorted: &Sorted<'_>, most: usize) -> Vec<String> {
    let mut items = Vec::new();
    let is_world = |one: &Other<'_>| matches!(one, Other::Entity(word) if word.starts_with("world"));
    let all_addresses = sorted.has_all_addresses();
    let worlds = sorted.others.iter().filter(|one| is_world(one)).count();
    if all_addresses {
        items.push("the world".to_owned());
    }
    let nodes = sorted.others.iter().filter(|one| matches!(one, Other::Node(_))).count();
    let is_internal = |one: &Other<'_>| matches!(one, Other::Entity(word) if INTERNAL.contains(word));
    let internal = sorted.others.iter().filter(|one| is_internal(one)).count() == INTERNAL.len();
    for one in &sorted.others {
        match one {
            one if is_internal(one) && internal => {}
            one if is_world(one) && all_addresses => {}
            // An address outside of all prefixes is how the world is met.
            one if is_world(one) && worlds > 0 && !sorted.blocks.is_empty() => {}
            Other::Node(_) if nodes > most => {}
            one => items.push(other(one)),
        }
    }
    if nodes > most {
        items.push(format!("{nodes} nodes"));
    }
    if internal {
        items.push("internal entities".to_owned());
    }
    if !all_addresses {
        items.extend(sorted.blocks.iter().map(|one| block(one, most)));
    }
    items.dedup();
    items
}

fn other(other: &Other<'_>) -> String {
    match other {
        Other::Entity("host") | Other::Host(_) => "the pod's own node".to_owned(),
        Other::Entity("remote-node") => "other nodes".to_owned(),
        Other::Entity("kube-apiserver") => "the API server".to_owned(),
        Other::Entity("world") => "the world".to_owned(),
        Other::Entity(word) => (*word).to_owned(),
        Other::Node(name) => format!("node {name}"),
    }
}

/// `10.0.0.0/8 (except 10.1.0.0/16)`, and of one address the address.
fn block(block: &Block, most: usize) -> String {
    let cidr = |cidr: &sluice_ir::net::Cidr| {
        let bits = if cidr.is_ipv4() { 32 } else { 128 };
        if cidr.length() == bits { cidr.address().to_string() } else { cidr.to_string() }
    };
    let text = cidr(&block.cidr);
    match block.except.as_slice() {
        [] => text,
        except => format!("{text} (except {})", listed(except.iter().map(cidr).collect(), most)),
    }
}
