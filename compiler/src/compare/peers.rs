//! Peers about which tables differ in one way, put together under names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sluice_ir::decision::EndpointName;
use sluice_ir::net::Cidr;
use sluice_ir::policy::Direction;
use sluice_ir::prefix_map::PrefixMap;

use super::cells::{Comparison, DiffId, PairId, Signature};
use super::roster::{Member, PeerName, SeenBy};
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
    pods: Vec<&'r EndpointName>,
    nodes: BTreeSet<&'r Arc<str>>,
    seen_by: Vec<SeenBy>,
    pairs: BTreeSet<PairId>,
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
    pub(super) fn buckets(&self, signature: &Signature) -> Vec<Bucket> {
        let mut sizes: BTreeMap<&EndpointName, usize> = BTreeMap::new();
        for peer in &self.roster.peers {
            if let PeerName::Pod { workload, .. } = &peer.name {
                *sizes.entry(workload).or_default() += 1;
            }
        }
        let mut buckets = Vec::new();
        for entries in signature.chunk_by(|a, b| a.0 == b.0) {
            let direction = entries[0].0;
            let mut found: BTreeMap<(Key<'_>, DiffId), Members<'_>> = BTreeMap::new();
            for (_, pair, diff) in entries {
                for peer in &self.pairs[*pair as usize].peers {
                    self.add(*peer, *pair, *diff, &mut found);
                }
            }
            let named = found.into_iter().map(|((key, diff), mut members)| {
                let pairs = std::mem::take(&mut members.pairs);
                let seen_by = std::mem::take(&mut members.seen_by);
                Bucket { direction, peers: peer_group(&key, members, &sizes), seen_by, diff, pairs }
            });
            buckets.extend(named);
            buckets.extend(self.address_buckets(direction, entries));
        }
        buckets
    }

    fn add<'s>(
        &'s self,
        peer: usize,
        pair: PairId,
        diff: DiffId,
        found: &mut BTreeMap<(Key<'s>, DiffId), Members<'s>>,
    ) {
        let name = &self.roster.peers[peer].name;
        let key = match name {
            PeerName::Pod { workload, .. } => Key::Pods(workload),
            PeerName::Entity(word) => Key::Entity(word),
            PeerName::Node(_) => Key::Nodes,
            PeerName::Host(_) => Key::Hosts,
        };
        let members = found.entry((key, diff)).or_default();
        members.pairs.insert(pair);
        match name {
            PeerName::Pod { pod, .. } => members.pods.push(pod),
            PeerName::Node(node) | PeerName::Host(node) => {
                members.nodes.insert(node);
            }
            PeerName::Entity(_) => {}
        }
        if !matches!(name, PeerName::Pod { .. }) {
            members.seen_by.push(self.roster.peers[peer].seen_by.clone());
        }
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

fn peer_group(key: &Key<'_>, members: Members<'_>, sizes: &BTreeMap<&EndpointName, usize>) -> PeerGroup {
    let nodes = || members.nodes.iter().map(|node| Arc::clone(node)).collect();
    match key {
        Key::Pods(workload) => {
            let mut endpoints: Vec<EndpointName> = members.pods.into_iter().cloned().collect();
            endpoints.sort();
            let whole = sizes.get(workload) == Some(&endpoints.len());
            PeerGroup::Pods(Group { workload: (*workload).clone(), endpoints, whole })
        }
        Key::Entity(word) => PeerGroup::Entity(Arc::clone(word)),
        Key::Nodes => PeerGroup::Nodes(nodes()),
        Key::Hosts => PeerGroup::Hosts(nodes()),
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
