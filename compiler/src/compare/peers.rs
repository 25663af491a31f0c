//! Peers about which tables differ in one way, put together under names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sluice_ir::decision::EndpointName;
use sluice_ir::net::Cidr;
use sluice_ir::policy::Direction;
use sluice_ir::prefix_map::PrefixMap;

use super::cells::{Comparison, DiffId, PairId, Signature};
use super::roster::{Member, NamedPeer, PeerName, Roster, SeenBy};
use super::rows::{Block, Group, PeerGroup};

/// Peers of one name and one list of changes, with the pairs of classes that they are in.
pub(super) struct Bucket {
    pub(super) direction: Direction,
    pub(super) peers: PeerGroup,
    /// Who sees each of them; empty if every endpoint sees all.
    seen_by: Vec<SeenBy>,
    pub(super) diff: DiffId,
    /// In order.
    pub(super) pairs: Vec<PairId>,
}

/// What peers are put together by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'r> {
    Pods(&'r EndpointName),
    Entity(&'r Arc<str>),
    Nodes,
    Hosts,
}

/// A peer that differs: its key, how it differs, its place in the roster, and its pair of classes.
type Differing = (usize, DiffId, usize, PairId);

/// What the peers of a roster are put together by, worked out once for all signatures.
pub(super) struct Named<'r> {
    roster: &'r Roster,
    /// In order.
    keys: Vec<Key<'r>>,
    /// The place of the key of each peer.
    of_peer: Vec<usize>,
    /// The pods of each key, in order.
    pods: Vec<Arc<[EndpointName]>>,
}

impl<'r> Named<'r> {
    pub(super) fn new(roster: &'r Roster) -> Named<'r> {
        let key = |peer: &'r NamedPeer| match &peer.name {
            PeerName::Pod { workload, .. } => Key::Pods(workload),
            PeerName::Entity(word) => Key::Entity(word),
            PeerName::Node(_) => Key::Nodes,
            PeerName::Host(_) => Key::Hosts,
        };
        let distinct: BTreeSet<Key<'r>> = roster.peers.iter().map(key).collect();
        let keys: Vec<Key<'r>> = distinct.into_iter().collect();
        let place = |peer| keys.binary_search(&key(peer)).unwrap_or_default();
        let of_peer: Vec<usize> = roster.peers.iter().map(place).collect();
        let mut pods = vec![Vec::new(); keys.len()];
        for (peer, key) in roster.peers.iter().zip(&of_peer) {
            if let PeerName::Pod { pod, .. } = &peer.name {
                pods[*key].push(pod.clone());
            }
        }
        let pods = pods.into_iter().map(Arc::from).collect();
        Named { roster, keys, of_peer, pods }
    }
}

impl Bucket {
    /// Whether an endpoint sees any of the peers.
    pub(super) fn is_seen_by(&self, member: &Member) -> bool {
        self.seen_by.is_empty() || self.seen_by.iter().any(|seen_by| seen_by.is_on(member.node.as_ref()))
    }

    /// The peers that some endpoints see.
    pub(super) fn seen(&self, members: &[&Member]) -> PeerGroup {
        let own: BTreeSet<&Arc<str>> = members.iter().filter_map(|member| member.node.as_ref()).collect();
        let others = |node: &Arc<str>| members.iter().any(|member| member.node.as_ref() != Some(node));
        let keep = |nodes: &[Arc<str>], seen: &dyn Fn(&Arc<str>) -> bool| {
            nodes.iter().filter(|node| seen(node)).cloned().collect()
        };
        match &self.peers {
            PeerGroup::Hosts(nodes) => PeerGroup::Hosts(keep(nodes, &|node| own.contains(node))),
            PeerGroup::Nodes(nodes) => PeerGroup::Nodes(keep(nodes, &others)),
            other => other.clone(),
        }
    }
}

impl Comparison<'_> {
    /// The peers of a signature, put together.
    pub(super) fn buckets(&self, named: &Named<'_>, signature: &Signature) -> Vec<Bucket> {
        let mut buckets = Vec::new();
        for entries in signature.chunk_by(|a, b| a.0 == b.0) {
            let direction = entries[0].0;
            let mut found: Vec<Differing> = Vec::new();
            for (_, pair, diff) in entries {
                let peers = &self.pairs[*pair as usize].peers;
                found.extend(peers.iter().map(|peer| (named.of_peer[*peer], *diff, *peer, *pair)));
            }
            found.sort_unstable();
            let alike = found.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1));
            buckets.extend(alike.map(|members| named.bucket(direction, members)));
            buckets.extend(self.address_buckets(direction, entries));
        }
        buckets
    }

    /// Addresses without a name, by how they differ, in the fewest prefixes.
    fn address_buckets(&self, direction: Direction, entries: &[(Direction, PairId, DiffId)]) -> Vec<Bucket> {
        let mut of_diff: BTreeMap<DiffId, BTreeSet<PairId>> = BTreeMap::new();
        for (_, pair, diff) in entries {
            if self.pairs[*pair as usize].addresses {
                of_diff.entry(*diff).or_default().insert(*pair);
            }
        }
        let bucket = |(diff, pairs): (DiffId, BTreeSet<PairId>)| {
            let inside = self.atoms.iter().map(|(cidr, _, pair)| (*cidr, pairs.contains(pair)));
            let peers = PeerGroup::Addresses(blocks(&inside.collect::<PrefixMap<bool>>().minimal()));
            Bucket { direction, peers, seen_by: Vec::new(), diff, pairs: pairs.into_iter().collect() }
        };
        of_diff.into_iter().map(bucket).collect()
    }
}

impl Named<'_> {
    /// Peers of one key that differ alike, in order; there is at least one.
    fn bucket(&self, direction: Direction, members: &[Differing]) -> Bucket {
        let (key, diff, ..) = members[0];
        let peers = members.iter().map(|(_, _, place, _)| &self.roster.peers[*place]);
        let nodes = || {
            let name = |peer: &NamedPeer| match &peer.name {
                PeerName::Node(node) | PeerName::Host(node) => Some(Arc::clone(node)),
                PeerName::Pod { .. } | PeerName::Entity(_) => None,
            };
            let names: BTreeSet<Arc<str>> = peers.clone().filter_map(name).collect();
            names.into_iter().collect()
        };
        let named = match &self.keys[key] {
            Key::Pods(workload) => {
                let all = &self.pods[key];
                let pod = |peer: &NamedPeer| match &peer.name {
                    PeerName::Pod { pod, .. } => Some(pod.clone()),
                    _ => None,
                };
                let whole = all.len() == members.len();
                let endpoints = if whole { Arc::clone(all) } else { peers.clone().filter_map(pod).collect() };
                PeerGroup::Pods(Group { workload: (*workload).clone(), endpoints, whole })
            }
            Key::Entity(word) => PeerGroup::Entity(Arc::clone(word)),
            Key::Nodes => PeerGroup::Nodes(nodes()),
            Key::Hosts => PeerGroup::Hosts(nodes()),
        };
        // Every endpoint sees pods.
        let seen_by = match &named {
            PeerGroup::Pods(_) => Vec::new(),
            _ => peers.map(|peer| peer.seen_by.clone()).collect(),
        };
        let mut pairs: Vec<PairId> = members.iter().map(|(.., pair)| *pair).collect();
        pairs.sort_unstable();
        pairs.dedup();
        Bucket { direction, peers: named, seen_by, diff, pairs }
    }
}

/// The prefixes whose value is yes, each without those inside it whose value is no.
pub(crate) fn blocks(map: &PrefixMap<bool>) -> Vec<Block> {
    let yes = map.iter().filter(|(_, inside)| **inside).map(|(cidr, _)| (cidr, Vec::new()));
    let mut blocks: BTreeMap<Cidr, Vec<Cidr>> = yes.collect();
    for (cidr, _) in map.iter().filter(|(_, inside)| !**inside) {
        // In a smallest map a prefix stands right inside one of the other value.
        if let Some(except) = map.parent(cidr).and_then(|(around, _)| blocks.get_mut(&around)) {
            except.push(cidr);
        }
    }
    blocks.into_iter().map(|(cidr, except)| Block { cidr, except }).collect()
}
