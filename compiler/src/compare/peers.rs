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
    pub(super) pairs: BTreeSet<PairId>,
}

/// What peers are put together by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key<'r> {
    Pods(&'r EndpointName),
    Entity(&'r Arc<str>),
    Nodes,
    Hosts,
}

/// The pods of a workload, the nodes, or the one entity of a key.
#[derive(Default)]
struct Members<'r> {
    /// As places in the roster.
    pods: Vec<usize>,
    nodes: BTreeSet<&'r Arc<str>>,
    seen_by: Vec<SeenBy>,
    pairs: BTreeSet<PairId>,
}

/// What the peers of a roster are put together by, worked out once for all signatures.
pub(super) struct Named<'r> {
    roster: &'r Roster,
    /// In order.
    keys: Vec<Key<'r>>,
    /// The place of the key of each peer.
    of_peer: Vec<usize>,
    /// How many pods each key has.
    sizes: Vec<usize>,
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
        let mut sizes = vec![0; keys.len()];
        of_peer.iter().for_each(|key| sizes[*key] += 1);
        Named { roster, keys, of_peer, sizes }
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
            let mut found: BTreeMap<(usize, DiffId), Members<'_>> = BTreeMap::new();
            for (_, pair, diff) in entries {
                for peer in &self.pairs[*pair as usize].peers {
                    let members = found.entry((named.of_peer[*peer], *diff)).or_default();
                    members.add(named.roster, *peer, *pair);
                }
            }
            let bucket = |((key, diff), mut members): ((usize, DiffId), Members<'_>)| {
                let pairs = std::mem::take(&mut members.pairs);
                let seen_by = std::mem::take(&mut members.seen_by);
                Bucket { direction, peers: named.group(key, members), seen_by, diff, pairs }
            };
            buckets.extend(found.into_iter().map(bucket));
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
            Bucket { direction, peers, seen_by: Vec::new(), diff, pairs }
        };
        of_diff.into_iter().map(bucket).collect()
    }
}

impl<'r> Members<'r> {
    fn add(&mut self, roster: &'r Roster, place: usize, pair: PairId) {
        let peer = &roster.peers[place];
        // The pairs come in order, and one peer after the other of each.
        if self.pairs.last() != Some(&pair) {
            self.pairs.insert(pair);
        }
        match &peer.name {
            PeerName::Pod { .. } => {
                self.pods.push(place);
                return;
            }
            PeerName::Node(node) | PeerName::Host(node) => {
                self.nodes.insert(node);
            }
            PeerName::Entity(_) => {}
        }
        self.seen_by.push(peer.seen_by.clone());
    }
}

impl Named<'_> {
    fn group(&self, key: usize, mut members: Members<'_>) -> PeerGroup {
        let nodes = || members.nodes.iter().map(|node| Arc::clone(node)).collect();
        match &self.keys[key] {
            Key::Pods(workload) => {
                // Peers are in order of name.
                members.pods.sort_unstable();
                let pod = |place: &usize| match &self.roster.peers[*place].name {
                    PeerName::Pod { pod, .. } => Some(pod.clone()),
                    _ => None,
                };
                let endpoints: Vec<EndpointName> = members.pods.iter().filter_map(pod).collect();
                let whole = self.sizes[key] == endpoints.len();
                PeerGroup::Pods(Group { workload: (*workload).clone(), endpoints, whole })
            }
            Key::Entity(word) => PeerGroup::Entity(Arc::clone(word)),
            Key::Nodes => PeerGroup::Nodes(nodes()),
            Key::Hosts => PeerGroup::Hosts(nodes()),
        }
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
