//! Who is on both sides of a comparison, by name.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::decision::EndpointName;
use sluice_ir::prefix_map::PrefixMap;

use super::rows::Group;
use crate::classify::{PeerId, Population};
use crate::decide::Decided;
use crate::inventory::{Inventory, Owner};

/// Who is compared: the endpoints that both sides judge, and the peers that both know.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    /// Endpoints that both sides judge, in order of name.
    pub endpoints: Vec<Member>,
    /// Endpoints that both sides judge too, and of which all is known to be the same without a comparison, in order
    /// of name.
    pub alike: Vec<Member>,
    /// Peers that have a name. A peer may stand here several times, under different names.
    pub peers: Vec<NamedPeer>,
    /// What is at addresses that belong to no named peer: the peer in the old population and in the new.
    pub addresses: PrefixMap<(PeerId, PeerId)>,
    /// Endpoints that only the new side judges, by workload. A group is whole if the old side has none of the
    /// workload.
    pub added: Vec<Group>,
    /// Endpoints that only the old side judges, by workload. A group is whole if the new side has none of the
    /// workload.
    pub removed: Vec<Group>,
}

/// An endpoint that both sides judge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name.
    pub name: EndpointName,
    /// The workload that it belongs to; the endpoint itself if it belongs to none.
    pub workload: EndpointName,
    /// The node that it runs on, where the view is the whole cluster's and the node is known.
    pub node: Option<Arc<str>>,
}

/// Which endpoints a peer is seen by under its name. With a node's view it is all of them; without, a node is the
/// host for its own pods and a remote node for the others.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum SeenBy {
    /// All.
    #[default]
    All,
    /// Those on this node.
    On(Arc<str>),
    /// All but those on these nodes.
    NotOn(BTreeSet<Arc<str>>),
}

impl SeenBy {
    /// Whether an endpoint on a node sees the peer.
    pub fn is_on(&self, node: Option<&Arc<str>>) -> bool {
        match self {
            SeenBy::All => true,
            SeenBy::On(own) => Some(own) == node,
            SeenBy::NotOn(others) => !node.is_some_and(|node| others.contains(node)),
        }
    }
}

/// A peer by name, in both populations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedPeer {
    /// Its name.
    pub name: PeerName,
    /// Its place in the old population.
    pub old: PeerId,
    /// Its place in the new population.
    pub new: PeerId,
    /// Who sees it.
    pub seen_by: SeenBy,
}

/// What a peer is called.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PeerName {
    /// A pod, with the workload that it belongs to.
    Pod {
        /// The workload; the pod itself if it belongs to none.
        workload: EndpointName,
        /// The pod.
        pod: EndpointName,
    },
    /// What is known by what it is: `host`, `world`, ...
    Entity(Arc<str>),
    /// A node, seen from others, that has more than the labels of an entity.
    Node(Arc<str>),
    /// A node as its own pods see it, where it has more than the label of the host.
    Host(Arc<str>),
}

impl Roster {
    /// Who is in two inventories. Where they differ, pods and nodes are the same if their names are; whoever is in
    /// one alone is not compared. `judged` are the endpoints that each side judges; those without a table are alike.
    pub(super) fn of_inventories(
        (old, new): (&Inventory, &Inventory),
        sides: (&Decided, &Decided),
        judged: (&BTreeSet<EndpointName>, &BTreeSet<EndpointName>),
    ) -> Roster {
        let mut roster = Roster::default();
        roster.add_endpoints((old, new), sides, judged);
        let populations = (&sides.0.population, &sides.1.population);
        roster.add_pods((old, new), populations);
        let entities = roster.add_entities(populations);
        roster.add_addresses((old, new), populations, &entities);
        roster.add_hosts((old, new), populations, &entities);
        roster.tell_servers_apart((old, new), sides.1.population.view.is_some());
        roster.peers.sort_by(|a, b| (&a.name, a.old, a.new).cmp(&(&b.name, b.old, b.new)));
        roster.peers.dedup();
        roster
    }

    /// Who is in one inventory.
    pub(crate) fn of_inventory(inventory: &Inventory, decided: &Decided) -> Roster {
        let judged = decided.judged.iter().map(|judged| judged.name.clone()).collect();
        Roster::of_inventories((inventory, inventory), (decided, decided), (&judged, &judged))
    }

    fn add_endpoints(
        &mut self,
        (old, new): (&Inventory, &Inventory),
        sides: (&Decided, &Decided),
        (before, after): (&BTreeSet<EndpointName>, &BTreeSet<EndpointName>),
    ) {
        self.added = groups_of(new, after.difference(before));
        self.removed = groups_of(old, before.difference(after));
        let compared: BTreeSet<&EndpointName> = sides.1.judged.iter().map(|judged| &judged.name).collect();
        let workloads = workloads(new);
        let of_cluster = sides.1.population.view.is_none();
        let member = |name: &EndpointName| {
            let at = name.namespace.as_ref().and_then(|namespace| new.endpoint_named(namespace, &name.name));
            let node = match at {
                Some(at) => new.endpoints[at].node.clone(),
                None => Some(Arc::clone(&name.name)),
            };
            Member {
                workload: at.map_or_else(|| name.clone(), |at| workloads[at].clone()),
                node: node.filter(|_| of_cluster),
                name: name.clone(),
            }
        };
        let members = before.intersection(after).map(member);
        (self.endpoints, self.alike) = members.partition(|member| compared.contains(&member.name));
    }

    fn add_pods(&mut self, (old, new): (&Inventory, &Inventory), sides: (&Population, &Population)) {
        let workloads = workloads(new);
        for (at, pod) in new.endpoints.iter().enumerate() {
            let Some(before) = old.endpoint_named(&pod.namespace, &pod.name) else { continue };
            let name = PeerName::Pod { workload: workloads[at].clone(), pod: pod.endpoint_name() };
            let (old, new) = (sides.0.endpoint(before), sides.1.endpoint(at));
            self.peers.push(NamedPeer { name, old, new, seen_by: SeenBy::All });
        }
    }

    /// Adds entities, each peer under one name, and gives the pairs of peers that they are.
    fn add_entities(&mut self, sides: (&Population, &Population)) -> BTreeSet<(PeerId, PeerId)> {
        let mut words: BTreeMap<(PeerId, PeerId), Vec<&Arc<str>>> = BTreeMap::new();
        for (word, old) in &sides.0.entities {
            if let Some(new) = sides.1.entities.get(word) {
                words.entry((*old, *new)).or_default().push(word);
            }
        }
        for ((old, new), words) in &words {
            // Without dual stack there is one world, and both words mean it.
            let world = words.len() > 1 && words.iter().all(|word| word.starts_with("world"));
            let word = if world { Some("world".into()) } else { words.first().map(|word| Arc::clone(word)) };
            let (old, new) = (*old, *new);
            let named = |word| NamedPeer { name: PeerName::Entity(word), old, new, seen_by: SeenBy::All };
            self.peers.extend(word.map(named));
        }
        words.into_keys().collect()
    }

    fn add_addresses(
        &mut self,
        (old, new): (&Inventory, &Inventory),
        sides: (&Population, &Population),
        entities: &BTreeSet<(PeerId, PeerId)>,
    ) {
        let edges = |population: &Population| -> Vec<_> {
            population.addresses.iter().map(|(cidr, _)| (cidr, ())).collect()
        };
        let prefixes: PrefixMap<()> = edges(sides.0).into_iter().chain(edges(sides.1)).collect();
        let at =
            |population: &Population, address| population.addresses.lookup(address).map(|(_, peer)| *peer);
        let mut table = Vec::new();
        for (cidr, lowest) in prefixes.atoms() {
            let Some(address) = lowest else { continue };
            let Some(pair) = at(sides.0, address).zip(at(sides.1, address)) else { continue };
            match (old.owner(address), new.owner(address)) {
                (None, None) => table.push((cidr, pair)),
                (Some(Owner::Node(before)), Some(Owner::Node(after)))
                    if old.nodes[before].name == new.nodes[after].name && !entities.contains(&pair) =>
                {
                    let node = &new.nodes[after].name;
                    let name = PeerName::Node(Arc::clone(node));
                    let seen_by = match sides.1.view {
                        Some(_) => SeenBy::All,
                        None => SeenBy::NotOn([Arc::clone(node)].into()),
                    };
                    self.peers.push(NamedPeer { name, old: pair.0, new: pair.1, seen_by });
                }
                // A pod, which has a name; a node that is an entity; or what is not the same on both sides.
                _ => {}
            }
        }
        self.addresses = table.into_iter().collect();
    }

    /// Nodes as their own pods see them, where the view is the whole cluster's.
    fn add_hosts(
        &mut self,
        (old, new): (&Inventory, &Inventory),
        sides: (&Population, &Population),
        entities: &BTreeSet<(PeerId, PeerId)>,
    ) {
        if sides.0.view.is_some() || sides.1.view.is_some() {
            return;
        }
        let mut own_name = BTreeSet::new();
        for node in &new.nodes {
            let Some(before) = old.node(&node.name) else { continue };
            let mut addresses: Vec<Option<IpAddr>> = node.addresses.iter().copied().map(Some).collect();
            if addresses.is_empty() {
                addresses.push(None);
            }
            for address in addresses {
                let after = new.node_identity(node, address, Some(&node.name));
                let before = old.node_identity(before, address, Some(&node.name));
                let pair = sides.0.peer(&before).zip(sides.1.peer(&after));
                let Some((old, new)) = pair.filter(|pair| !entities.contains(pair)) else { continue };
                own_name.insert(Arc::clone(&node.name));
                let (name, seen_by) =
                    (PeerName::Host(Arc::clone(&node.name)), SeenBy::On(Arc::clone(&node.name)));
                self.peers.push(NamedPeer { name, old, new, seen_by });
            }
        }
        self.hide("host", own_name);
    }

    /// For pods on the node of the API server that server is their own host, where the view is the whole cluster's.
    fn tell_servers_apart(&mut self, (old, new): (&Inventory, &Inventory), has_view: bool) {
        let owner = |inventory: &Inventory| match inventory.owner(*inventory.api_servers().first()?)? {
            Owner::Node(at) => Some(Arc::clone(&inventory.nodes[at].name)),
            Owner::Endpoint(_) => None,
        };
        if !has_view {
            self.hide("kube-apiserver", [owner(old), owner(new)].into_iter().flatten().collect());
        }
    }

    /// Says that pods on some nodes see another peer in place of an entity.
    fn hide(&mut self, entity: &str, nodes: BTreeSet<Arc<str>>) {
        let named = |peer: &&mut NamedPeer| matches!(&peer.name, PeerName::Entity(word) if **word == *entity);
        if let Some(peer) = self.peers.iter_mut().find(named).filter(|_| !nodes.is_empty()) {
            peer.seen_by = SeenBy::NotOn(nodes);
        }
    }
}

/// Some endpoints of an inventory by workload, in order.
fn groups_of<'e>(inventory: &Inventory, endpoints: impl Iterator<Item = &'e EndpointName>) -> Vec<Group> {
    let mut endpoints = endpoints.peekable();
    if endpoints.peek().is_none() {
        return Vec::new();
    }
    let workloads = workloads(inventory);
    let mut sizes: BTreeMap<&EndpointName, usize> = BTreeMap::new();
    workloads.iter().for_each(|workload| *sizes.entry(workload).or_default() += 1);
    let mut groups: BTreeMap<EndpointName, Vec<EndpointName>> = BTreeMap::new();
    for endpoint in endpoints {
        let at = endpoint.namespace.as_ref().and_then(|ns| inventory.endpoint_named(ns, &endpoint.name));
        let workload = at.map_or(endpoint, |at| &workloads[at]);
        groups.entry(workload.clone()).or_default().push(endpoint.clone());
    }
    let group = |(workload, endpoints): (EndpointName, Vec<EndpointName>)| {
        let whole = sizes.get(&workload).is_none_or(|size| *size == endpoints.len());
        Group { workload, endpoints: endpoints.into(), whole }
    };
    groups.into_iter().map(group).collect()
}

/// The workload of each endpoint. Of several it is the one with the most pods, and then the shortest name: a
/// Deployment and not its ReplicaSet.
fn workloads(inventory: &Inventory) -> Vec<EndpointName> {
    let rank = |name: &str, pods: &[usize]| (pods.len(), Reverse(name.len()), Reverse(name.to_owned()));
    let mut best: Vec<Option<(&str, &[usize])>> = vec![None; inventory.endpoints.len()];
    for (_, name, pods) in inventory.workloads() {
        for at in pods {
            let known = &mut best[*at];
            if known.is_none_or(|(other, of)| rank(other, of) < rank(name, pods)) {
                *known = Some((name, pods));
            }
        }
    }
    let named = |(endpoint, best): (&crate::inventory::Endpoint, Option<(&str, &[usize])>)| {
        let name = best.map_or_else(|| Arc::clone(&endpoint.name), |(name, _)| name.into());
        EndpointName { namespace: Some(Arc::clone(&endpoint.namespace)), name }
    };
    inventory.endpoints.iter().zip(best).map(named).collect()
}
