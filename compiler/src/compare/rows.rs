//! The whole difference of two policies, in rows that people can read; or one flow that differs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::decision::EndpointName;
use sluice_ir::net::{Cidr, Protocol};
use sluice_ir::policy::{Direction, Identity};
use sluice_ir::prefix_map::PrefixMap;

use super::cells::{Comparison, DiffId, Difference, Kind, PairId, Signature};
use super::meaning::{Told, told};
use super::ports::{Behind, Traffic};
use super::roster::PeerName;

/// The difference of two policies: each flow that differs is in just one row, and no other flow is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differences {
    /// The rows, in order of workload, direction, peer and port.
    pub rows: Vec<Row>,
    /// Endpoints that have differences beyond these rows: more than none only where there are too many.
    pub unlisted: usize,
}

/// Flows that differ in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// Whose traffic it is.
    pub endpoints: Group,
    /// Which way it goes, seen from them.
    pub direction: Direction,
    /// The other side.
    pub peers: PeerGroup,
    /// Protocol and ports, as wide as the same can be said of them.
    pub traffic: Traffic,
    /// What was.
    pub old: Told,
    /// What is to be.
    pub new: Told,
}

/// Some endpoints of a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Group {
    /// The workload; an endpoint that belongs to none is its own.
    pub workload: EndpointName,
    /// The endpoints, in order.
    pub endpoints: Vec<EndpointName>,
    /// Whether these are all endpoints of the workload that are compared.
    pub whole: bool,
}

/// Peers that are treated alike, under a name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerGroup {
    /// Pods of one workload.
    Pods(Group),
    /// What is known by what it is: `host`, `world`, ...
    Entity(Arc<str>),
    /// Nodes that have more than the labels of an entity.
    Nodes(Vec<Arc<str>>),
    /// For endpoints on these nodes, their own node.
    Hosts(Vec<Arc<str>>),
    /// Addresses that are neither a pod's nor a node's: those have identities of their own, wherever they lie.
    Addresses(Vec<Block>),
}

/// A prefix with exceptions.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Block {
    /// The prefix.
    pub cidr: Cidr,
    /// What is left out: prefixes inside it, sorted.
    pub except: Vec<Cidr>,
}

impl Block {
    /// Whether an address lies in it.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.cidr.contains(address) && !self.except.iter().any(|cidr| cidr.contains(address))
    }
}

/// A flow about which two policies differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DifferentFlow {
    /// Whose traffic it is.
    pub endpoint: EndpointName,
    /// Which way it goes, seen from the endpoint.
    pub direction: Direction,
    /// The other side.
    pub peer: FlowPeer,
    /// What the old policy sees of the other side.
    pub old_peer: Arc<Identity>,
    /// What the new policy sees of it.
    pub new_peer: Arc<Identity>,
    /// The protocol.
    pub protocol: Protocol,
    /// The port, or the ICMP type; 0 for protocols without either.
    pub port: u16,
    /// What was.
    pub old: Told,
    /// What is to be.
    pub new: Told,
}

/// The other side of one flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FlowPeer {
    /// It has a name.
    Named(PeerName),
    /// An address, with a prefix around it in which all is alike.
    Address(IpAddr, Cidr),
}

/// Peers of one name and one list of changes, with the pairs of classes that they are in.
struct Bucket {
    direction: Direction,
    peers: PeerGroup,
    diff: DiffId,
    pairs: BTreeSet<PairId>,
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
    pairs: BTreeSet<PairId>,
}

/// Endpoints of one workload that differ alike.
struct Alike<'c> {
    group: Group,
    nodes: BTreeSet<&'c Arc<str>>,
    kinds: Vec<&'c Kind>,
}

impl Comparison<'_> {
    /// All flows that differ, in at most about `limit` rows: whole workloads are left out beyond that.
    pub fn differences(&self, limit: usize) -> Differences {
        let mut differences = Differences { rows: Vec::new(), unlisted: 0 };
        let unnoted = self.kinds.iter().filter(|kind| kind.difference == Difference::Unnoted);
        differences.unlisted += unnoted.map(|kind| kind.endpoints.len()).sum::<usize>();
        let mut buckets: BTreeMap<usize, Vec<Bucket>> = BTreeMap::new();
        for (signature, alike) in self.alike() {
            if differences.rows.len() >= limit {
                differences.unlisted += alike.group.endpoints.len();
                continue;
            }
            let buckets =
                buckets.entry(signature).or_insert_with(|| self.buckets(&self.signatures[signature]));
            differences.rows.extend(buckets.iter().flat_map(|bucket| self.rows(&alike, bucket)));
        }
        differences
    }

    /// Endpoints by workload and by how they differ, with the signature, in order.
    fn alike(&self) -> Vec<(usize, Alike<'_>)> {
        let mut workloads: BTreeMap<&EndpointName, BTreeMap<usize, Vec<(usize, &Kind)>>> = BTreeMap::new();
        let mut sizes: BTreeMap<&EndpointName, usize> = BTreeMap::new();
        for member in &self.roster.endpoints {
            *sizes.entry(&member.workload).or_default() += 1;
        }
        for kind in &self.kinds {
            let Difference::Noted(signature) = kind.difference else { continue };
            for at in &kind.endpoints {
                let of_workload = workloads.entry(&self.roster.endpoints[*at].workload).or_default();
                of_workload.entry(signature).or_default().push((*at, kind));
            }
        }
        let mut all = Vec::new();
        for (workload, of_signature) in workloads {
            let mut of_workload: Vec<(usize, Alike<'_>)> = Vec::new();
            for (signature, mut members) in of_signature {
                members.sort_by_key(|(at, _)| *at);
                let member = |(at, _): &(usize, &Kind)| &self.roster.endpoints[*at];
                let endpoints: Vec<EndpointName> = members.iter().map(|of| member(of).name.clone()).collect();
                let whole = sizes.get(workload) == Some(&endpoints.len());
                let nodes = members.iter().filter_map(|of| member(of).node.as_ref()).collect();
                let mut kinds: Vec<&Kind> = members.into_iter().map(|(_, kind)| kind).collect();
                kinds.dedup_by(|a, b| std::ptr::eq(*a, *b));
                let group = Group { workload: workload.clone(), endpoints, whole };
                of_workload.push((signature, Alike { group, nodes, kinds }));
            }
            of_workload.sort_by(|(_, a), (_, b)| a.group.cmp(&b.group));
            all.extend(of_workload);
        }
        all
    }

    /// The peers of a signature, put together.
    fn buckets(&self, signature: &Signature) -> Vec<Bucket> {
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
            let named = found.into_iter().map(|((key, diff), members)| {
                let pairs = members.pairs.clone();
                Bucket { direction, peers: peer_group(&key, members, &sizes), diff, pairs }
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
            Bucket { direction, peers, diff, pairs }
        };
        of_diff.into_iter().map(bucket).collect()
    }

    fn rows(&self, alike: &Alike<'_>, bucket: &Bucket) -> Vec<Row> {
        let peers = match &bucket.peers {
            PeerGroup::Hosts(nodes) => {
                let own = nodes.iter().filter(|node| alike.nodes.contains(node));
                PeerGroup::Hosts(own.cloned().collect())
            }
            others => others.clone(),
        };
        if peers == PeerGroup::Hosts(Vec::new()) {
            return Vec::new();
        }
        let changes = &self.diffs[bucket.diff];
        let mut behind = vec![Behind::default(); changes.len()];
        for (kind, pair) in
            alike.kinds.iter().flat_map(|kind| bucket.pairs.iter().map(move |pair| (kind, *pair)))
        {
            let found = self.behind(kind, bucket.direction, pair);
            behind.iter_mut().zip(found).for_each(|(all, one)| all.merge(one));
        }
        let row = |(change, behind): (&super::ports::Change, Behind)| {
            Some(Row {
                endpoints: alike.group.clone(),
                direction: bucket.direction,
                peers: peers.clone(),
                traffic: change.traffic.clone(),
                old: told(self.old.decision(), &behind.old)?,
                new: told(self.new.decision(), &behind.new)?,
            })
        };
        changes.iter().zip(behind).filter_map(row).collect()
    }

    /// A flow about which the policies differ; none if they are equal.
    pub fn counterexample(&self) -> Option<DifferentFlow> {
        let mut noted = self.kinds.iter().filter_map(|kind| match kind.difference {
            Difference::Noted(signature) => Some((kind, self.signatures[signature].first()?)),
            _ => None,
        });
        let (kind, (direction, pair, diff)) = noted.next()?;
        let member = &self.roster.endpoints[*kind.endpoints.first()?];
        let change = self.diffs[*diff].first()?;
        let behind = self.behind(kind, *direction, *pair).first()?;
        let (peer, (old, new)) = self.example(*pair, member.node.as_ref())?;
        let (protocol, port) = change.traffic.example()?;
        Some(DifferentFlow {
            endpoint: member.name.clone(),
            direction: *direction,
            peer,
            old_peer: Arc::clone(self.old.population.identity(old)),
            new_peer: Arc::clone(self.new.population.identity(new)),
            protocol,
            port,
            old: told(self.old.decision(), &behind.old)?,
            new: told(self.new.decision(), &behind.new)?,
        })
    }

    /// A peer in a pair of classes that an endpoint on a node can meet.
    fn example(
        &self,
        pair: PairId,
        node: Option<&Arc<str>>,
    ) -> Option<(FlowPeer, (crate::classify::PeerId, crate::classify::PeerId))> {
        let mut named = self.pairs[pair as usize].peers.iter().map(|at| &self.roster.peers[*at]);
        let meets = |name: &PeerName| !matches!(name, PeerName::Host(host) if Some(host) != node);
        if let Some(peer) = named.find(|peer| meets(&peer.name)) {
            return Some((FlowPeer::Named(peer.name.clone()), (peer.old, peer.new)));
        }
        let (cidr, address, _) = self.atoms.iter().find(|(_, _, of)| *of == pair)?;
        let (_, peers) = self.roster.addresses.lookup(*address)?;
        // The identity of a prefix is that of its lowest address, or of another where only one is known.
        let known = self.old.population.identity(peers.0).address;
        let address = known.filter(|address| cidr.contains(*address)).unwrap_or(*address);
        Some((FlowPeer::Address(address, *cidr), *peers))
    }
}

impl Traffic {
    /// One of the ports; of several protocols the best known.
    fn example(&self) -> Option<(Protocol, u16)> {
        match self {
            Traffic::Ports(protocol, range) => Some((*protocol, range.start)),
            Traffic::AllBut(others) => {
                let known = [Protocol::TCP, Protocol::UDP].into_iter();
                let mut all = known.chain((0..=u8::MAX).map(Protocol));
                all.find(|protocol| !others.contains(protocol)).map(|protocol| (protocol, 0))
            }
        }
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
fn blocks(map: &PrefixMap<bool>) -> Vec<Block> {
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
