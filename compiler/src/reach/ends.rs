//! Who can be at an end of a connection.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_ir::decision::ByDirection;
use sluice_ir::dns_name::{DnsName, DnsPattern};
use sluice_ir::ids::{ClassId, RuleId};
use sluice_ir::policy::{Direction, Identity, Peer, Peers, Policy};

pub use super::isolation::{Isolation, State};
use crate::classify::{PeerId, Population};
use crate::compare::roster::SeenBy;
use crate::compare::rows::{Block, Group};
use crate::inventory::Inventory;
use crate::resource::cilium::Entity;

/// The place of an end in a [`Reach`](super::Reach).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EndId(u32);

impl EndId {
    /// The id of a place.
    pub fn new(index: usize) -> EndId {
        EndId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The place.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Some that policy treats alike, whatever they send and whoever sends to them.
#[derive(Clone, Debug)]
pub struct End {
    /// Who they are.
    pub who: Who,
    /// Whether they are isolated; none for those that are no endpoints of the nodes that are looked at.
    pub isolation: Option<ByDirection<Isolation>>,
    /// The place of their tables.
    pub(super) subject: Option<usize>,
    /// A class of peers that they are in; if there are several, no table tells them apart.
    pub(super) class: ClassId,
    /// For pods, the nodes that they are on; none stands for a node that is not known.
    pub(super) places: BTreeSet<Option<Arc<str>>>,
    /// For entities, who meets them.
    pub(super) seen_by: SeenBy,
    /// Nodes of the input, for those who ask about others.
    pub(super) known: Arc<BTreeSet<Arc<str>>>,
}

/// What is at an end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Pods of one workload.
    Pods(Group),
    /// What is known by what it is: `health`, `init`, ...
    Entity(Vec<Arc<str>>),
    /// For pods, the node that they run on.
    Host(Nodes),
    /// For pods, nodes that they do not run on.
    RemoteNode(Nodes),
    /// Addresses outside the cluster.
    Outside(Outside),
}

/// Some nodes.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Nodes {
    /// Those of the input, sorted.
    pub names: Vec<Arc<str>>,
    /// Whether nodes that are not in the input are among them.
    pub others: bool,
}

impl Nodes {
    /// Whether some node of this is another than some node of those.
    pub(super) fn differ(&self, other: &Nodes) -> bool {
        let several = |nodes: &Nodes| nodes.others || nodes.names.len() > 1;
        several(self) || several(other) || self.names != other.names
    }
}

/// Addresses outside the cluster that no table tells apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Outside {
    /// Names that were answered with some of these addresses, and names and patterns of rules for which no answer is
    /// known, sorted.
    pub names: Vec<Arc<str>>,
    /// The entities `world`, `world-ipv4` and `world-ipv6` that are among them: all addresses of which nothing more is
    /// known.
    pub worlds: Vec<Arc<str>>,
    /// The addresses, in the fewest prefixes; none for names without an answer.
    pub blocks: Vec<Block>,
}

impl End {
    /// The namespace of pods.
    pub fn namespace(&self) -> Option<&Arc<str>> {
        match &self.who {
            Who::Pods(group) => group.workload.namespace.as_ref(),
            _ => None,
        }
    }

    /// Whether some of these pods meet an end under its name.
    pub(super) fn sees(&self, other: &End) -> bool {
        let known = |node: &Option<Arc<str>>| node.as_ref().is_some_and(|node| self.known.contains(node));
        let any = |sees: &dyn Fn(&Option<Arc<str>>) -> bool| self.places.iter().any(sees);
        match &other.who {
            Who::Pods(_) | Who::Outside(_) => true,
            Who::Entity(_) => any(&|place| other.seen_by.is_on(place.as_ref())),
            Who::Host(nodes) => any(&|place| match place {
                Some(node) if known(place) => nodes.names.contains(node),
                _ => nodes.others,
            }),
            Who::RemoteNode(nodes) => {
                nodes.others || any(&|place| nodes.names.iter().any(|name| place.as_ref() != Some(name)))
            }
        }
    }
}

/// A name or pattern of a rule for which no answer is known, and the peer that stands for what it will be.
pub(super) struct Promised {
    pub(super) text: Arc<str>,
    pub(super) peer: PeerId,
}

/// Adds those names and patterns to a population. What stands for a pattern is a name that fills each star.
pub(super) fn promised(
    inventory: &Inventory,
    policy: &Policy,
    rules: impl Iterator<Item = RuleId>,
    population: &mut Population,
) -> Vec<Promised> {
    let view = population.view.clone();
    let mut patterns: BTreeSet<(&str, &DnsPattern)> = BTreeSet::new();
    for rule in rules.map(|id| policy.rule(id)).filter(|rule| rule.direction == Direction::Egress) {
        let Peers::Of(peers) = &rule.peers else { continue };
        patterns.extend(peers.iter().filter_map(|peer| match peer {
            Peer::Name { pattern, .. } => Some((pattern.text(), pattern)),
            _ => None,
        }));
    }
    let answered = |pattern: &DnsPattern| {
        inventory
            .answers()
            .0
            .iter()
            .any(|(learned, found)| !found.is_empty() && pattern.matches(&learned.name))
    };
    let mut promised = Vec::new();
    for (text, pattern) in patterns.into_iter().filter(|(_, pattern)| !answered(pattern)) {
        let Some(name) = example(pattern) else { continue };
        let outside = inventory.entity(Entity::World, view.as_deref());
        let peer = population.add(Identity { names: vec![name.into()], ..outside }.into());
        promised.push(Promised { text: text.into(), peer });
    }
    promised
}

fn example(pattern: &DnsPattern) -> Option<DnsName> {
    let exact = pattern.exact_name().cloned();
    let filled = || DnsName::parse(&pattern.text().replace("**", "*").replace('*', "sluice-any")).ok();
    exact.or_else(filled).filter(|name| pattern.matches(name))
}
