//! Who can be at the other side: every peer that a node knows, and which one an address is.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use sluice_ir::decision::EndpointName;
use sluice_ir::ids::RuleId;
use sluice_ir::net::Cidr;
use sluice_ir::policy::{Identity, Peer, Peers, Policy};
use sluice_ir::prefix_map::{PrefixMap, atoms_of};

use crate::inventory::{Inventory, Owner};
use crate::resource::cilium::Entity;

/// A peer: one identity, which many pods can have. Its place in a [`Population`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(u32);

impl PeerId {
    fn new(index: usize) -> PeerId {
        PeerId(u32::try_from(index).unwrap_or(u32::MAX))
    }

    /// The place.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// An endpoint whose traffic is judged, and what policy sees of it.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Its name.
    pub name: EndpointName,
    /// Its identity as a subject.
    pub identity: Arc<Identity>,
}

/// Every peer, seen from a node or from everywhere.
#[derive(Clone, Debug, Default)]
pub struct Population {
    /// The node whose view is taken.
    pub view: Option<Arc<str>>,
    identities: IndexSet<Arc<Identity>, FxBuildHasher>,
    /// The peer at each address.
    pub addresses: PrefixMap<PeerId>,
    /// The peers that are known by what they are.
    pub entities: BTreeMap<Arc<str>, PeerId>,
    /// The peer that each endpoint of the inventory is.
    endpoints: Vec<PeerId>,
    /// The addresses of each node, as the node itself sees them.
    hosts: BTreeMap<(Arc<str>, Option<IpAddr>), PeerId>,
}

/// Entities that a packet can come from or go to without an address that says so.
pub(crate) const ENTITIES: [Entity; 9] = [
    Entity::Host,
    Entity::RemoteNode,
    Entity::KubeApiserver,
    Entity::Health,
    Entity::Init,
    Entity::Ingress,
    Entity::Unmanaged,
    Entity::WorldIpv4,
    Entity::WorldIpv6,
];

impl Population {
    /// Everybody in an inventory, and an address for each way in which some rules and the inventory tell
    /// addresses apart.
    pub fn new(
        inventory: &Inventory,
        policy: &Policy,
        rules: impl Iterator<Item = RuleId>,
        view: Option<&str>,
    ) -> Population {
        Population::over(inventory, prefixes_of(policy, rules), view)
    }

    /// Everybody in an inventory, and an address for each way in which the inventory and some prefixes tell
    /// addresses apart.
    pub fn over(
        inventory: &Inventory,
        prefixes: impl IntoIterator<Item = Cidr>,
        view: Option<&str>,
    ) -> Population {
        Population::at(inventory, inventory.distinct_prefixes().chain(prefixes), view)
    }

    /// Everybody in an inventory, and an address for each of some prefixes. Whoever leaves out that of a pod must not
    /// ask for the pod by it, and an address must not stand for others that is a pod's.
    pub(crate) fn at(
        inventory: &Inventory,
        prefixes: impl IntoIterator<Item = Cidr>,
        view: Option<&str>,
    ) -> Population {
        let mut population = Population::everybody(inventory, view);
        population.addresses = population.by_address(inventory, &atoms_with_families(prefixes));
        population
    }

    /// Everybody in an inventory, and nobody at an address.
    fn everybody(inventory: &Inventory, view: Option<&str>) -> Population {
        let mut population = Population::nobody(view.map(Into::into));
        for entity in ENTITIES {
            let peer = population.add(inventory.entity(entity, view).into());
            population.entities.insert(entity.word().into(), peer);
        }
        let shared: Vec<PeerId> =
            inventory.identities.iter().map(|identity| population.add(Arc::clone(identity))).collect();
        let endpoints = inventory.endpoints.iter().map(|endpoint| shared[endpoint.identity_id.index()]);
        population.endpoints = endpoints.collect();
        population.add_hosts(inventory);
        population
    }

    /// Nobody yet, seen from a node.
    pub(crate) fn nobody(view: Option<Arc<str>>) -> Population {
        Population { view, ..Population::default() }
    }

    /// Adds a peer that no inventory has, to be asked about.
    pub fn add(&mut self, identity: Arc<Identity>) -> PeerId {
        PeerId::new(self.identities.insert_full(identity).0)
    }

    /// How many different peers there are.
    pub fn len(&self) -> usize {
        self.identities.len()
    }

    /// Whether there is nobody.
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }

    /// What policy sees of a peer.
    pub fn identity(&self, peer: PeerId) -> &Arc<Identity> {
        &self.identities[peer.index()]
    }

    /// Every peer with its identity.
    pub fn iter(&self) -> impl Iterator<Item = (PeerId, &Arc<Identity>)> {
        self.identities.iter().enumerate().map(|(at, identity)| (PeerId::new(at), identity))
    }

    /// The peer that has exactly this identity.
    pub fn peer(&self, identity: &Identity) -> Option<PeerId> {
        self.identities.get_index_of(identity).map(PeerId::new)
    }

    /// The peer that an endpoint of the inventory is.
    pub fn endpoint(&self, at: usize) -> PeerId {
        self.endpoints[at]
    }

    /// The peer at an address; a node's own addresses are its host. `from` is the node that looks, where
    /// the population has no view of its own.
    pub fn at_address(&self, address: IpAddr, from: Option<&str>) -> Option<PeerId> {
        let host = from.and_then(|node| self.hosts.get(&(node.into(), Some(address))));
        host.copied().or_else(|| self.addresses.lookup(address).map(|(_, peer)| *peer))
    }

    /// Nodes as they see themselves. With a view the address table says it already.
    fn add_hosts(&mut self, inventory: &Inventory) {
        if self.view.is_some() {
            return;
        }
        for node in &inventory.nodes {
            for address in node.addresses.iter().copied().map(Some).chain([None]) {
                let identity = inventory.node_identity(node, address, Some(&node.name));
                let peer = self.add(identity.into());
                self.hosts.insert((Arc::clone(&node.name), address), peer);
            }
        }
    }

    fn by_address(&mut self, inventory: &Inventory, atoms: &[Atom]) -> PrefixMap<PeerId> {
        let view = self.view.clone();
        let mut table = Vec::with_capacity(atoms.len());
        let mut next = 0;
        for (cidr, lowest) in atoms.iter().copied() {
            // A prefix that longer ones cover whole is no address's longest.
            let Some(address) = lowest else { continue };
            let peer = match inventory.owner_near(address, &mut next) {
                Some(Owner::Endpoint(at)) => self.endpoints[at],
                _ => self.add(inventory.identity_of(address, view.as_deref()).into()),
            };
            table.push((cidr, peer));
        }
        table.into_iter().collect()
    }
}

/// A prefix, with the lowest address that no longer one holds.
pub(crate) type Atom = (Cidr, Option<IpAddr>);

/// The atoms of these prefixes, and of all addresses of each family.
pub(crate) fn atoms_with_families(prefixes: impl IntoIterator<Item = Cidr>) -> Vec<Atom> {
    atoms_of(prefixes.into_iter().chain(families()))
}

/// The prefix of every address of a family, for each: where nothing else is known of an address.
pub(crate) fn families() -> impl Iterator<Item = Cidr> {
    let lowest = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    lowest.into_iter().filter_map(|address| Cidr::new(address, 0))
}

/// The prefixes that some rules name.
pub(crate) fn prefixes_of(policy: &Policy, rules: impl Iterator<Item = RuleId>) -> BTreeSet<Cidr> {
    let mut prefixes = BTreeSet::new();
    for rule in rules {
        let Peers::Of(peers) = &policy.rule(rule).peers else { continue };
        for peer in peers {
            match peer {
                Peer::Labels { except, .. } => prefixes.extend(except),
                Peer::Cidr { cidr, except } => prefixes.extend(except.iter().chain([cidr])),
                Peer::Name { .. } => {}
            }
        }
    }
    prefixes
}
