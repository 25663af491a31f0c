//! Where the endpoints of the node meet it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use sluice_compiler::inventory::Inventory;
use sluice_compiler::resource::endpoint_interfaces::{EndpointInterfaces, EndpointName as Pod};
use sluice_compiler::session::Session;
use sluice_ir::decision::EndpointName;
use sluice_ir::policy::Direction;

use crate::endpoint::Finder;
use crate::node::Interface;
use crate::prepare::Local;

/// An endpoint, and where it meets the node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed {
    pub(super) name: EndpointName,
    /// The endpoint in whose name its tables are: of several with one identity the first.
    pub(super) judged_as: EndpointName,
    pub(super) addresses: Vec<IpAddr>,
    /// Its interface, or why there is none.
    pub(super) interface: Result<Interface, String>,
    /// Why that has no programs. It is not given up: whatever another version has left there goes on, and the next generation
    /// is brought there again.
    pub(super) refused: Option<String>,
}

impl Placed {
    /// Whether it is the host.
    pub(super) fn is_host(&self) -> bool {
        self.name.namespace.is_none()
    }
}

/// An endpoint that is to be found, and the one in whose name its tables are.
pub(super) type Sought = (EndpointName, EndpointName);

/// The endpoints of a session.
pub(super) fn sought(session: &Session) -> Vec<Sought> {
    session.endpoints().map(|(name, judged_as)| (name.clone(), judged_as.clone())).collect()
}

/// Finds the interface of each endpoint of the node.
pub(super) async fn place(
    finder: &Finder,
    endpoints: Vec<Sought>,
    inventory: &Inventory,
    interfaces: &EndpointInterfaces,
) -> Vec<Placed> {
    let mut placed = Vec::with_capacity(endpoints.len());
    for (name, judged_as) in endpoints {
        let Some(namespace) = &name.namespace else {
            placed.extend(place_host(finder, &(name, judged_as), inventory).await);
            continue;
        };
        let at = inventory.endpoint(namespace, &name.name);
        let endpoint = at.map(|at| &inventory.endpoints[at]);
        // A workload without pods stands for one in a repository; on a node nobody is there.
        if endpoint.is_some_and(|endpoint| endpoint.stand_in) {
            continue;
        }
        let addresses = endpoint.map(|endpoint| endpoint.addresses.clone()).unwrap_or_default();
        let pod = Pod { namespace: Arc::clone(namespace), name: Arc::clone(&name.name) };
        let found = finder.find(interfaces.0.get(&pod), &addresses).await;
        let interface = found.map_err(|error| error.to_string());
        placed.push(Placed { name, judged_as, addresses, interface, refused: None });
    }
    // What crosses the interface of a pod is the pod's, whatever address the node has there.
    let of_pods: BTreeSet<u32> = here(&placed)
        .filter(|(placed, _)| !placed.is_host())
        .map(|(_, interface)| interface.ifindex)
        .collect();
    let is_of_pod = |at: &Interface| of_pods.contains(&at.ifindex);
    placed.retain(|placed| !(placed.is_host() && placed.interface.as_ref().is_ok_and(is_of_pod)));
    placed
}

/// The host meets other machines at several interfaces: each is a place of it.
async fn place_host(
    finder: &Finder,
    (name, judged_as): &Sought,
    inventory: &Inventory,
) -> impl Iterator<Item = Placed> {
    let node = inventory.nodes.iter().find(|node| node.name == name.name);
    let addresses = node.map(|node| node.addresses.clone()).unwrap_or_default();
    let found = finder.find_host(&addresses).await;
    found.into_iter().map(move |found| Placed {
        name: name.clone(),
        judged_as: judged_as.clone(),
        addresses: addresses.clone(),
        interface: found.map_err(|error| error.to_string()),
        refused: None,
    })
}

/// Those that are there, by their number in a generation.
pub(super) fn here(placed: &[Placed]) -> impl Iterator<Item = (&Placed, &Interface)> {
    placed.iter().filter_map(|placed| Some((placed, placed.interface.as_ref().ok()?)))
}

/// Notes which interfaces have no programs, and why.
pub(super) fn note_refused(placed: &mut [Placed], attached: &BTreeSet<(u32, Direction)>, why: &str) {
    let has = |at: &Interface| Direction::BOTH.iter().all(|way| attached.contains(&(at.ifindex, *way)));
    for placed in placed.iter_mut().filter(|placed| placed.interface.as_ref().is_ok_and(|at| !has(at))) {
        tracing::error!(endpoint = %placed.name, why, "the interface has no programs: this policy is not enforced there");
        placed.refused = Some(why.to_owned());
    }
}

/// Those that are there, as a generation wants them.
pub(super) fn locals(placed: &[Placed]) -> Vec<Local> {
    let local = |(placed, interface): (&Placed, &Interface)| Local {
        name: placed.judged_as.clone(),
        ifindex: interface.ifindex,
        addresses: placed.addresses.clone(),
        is_host: placed.is_host(),
    };
    here(placed).map(local).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_without_programs_is_not_given_up() {
        let placed = |name: &str, ifindex: u32| {
            let name = EndpointName { namespace: Some("shop".into()), name: name.into() };
            let interface = Interface { ifindex, name: format!("veth{ifindex}") };
            let judged_as = name.clone();
            Placed { name, judged_as, addresses: Vec::new(), interface: Ok(interface), refused: None }
        };
        let both = |ifindex: u32| Direction::BOTH.map(|way| (ifindex, way));
        let mut all = [placed("web", 3), placed("cart", 4)];
        let attached: BTreeSet<_> = both(3).into_iter().chain([(4, Direction::Egress)]).collect();
        note_refused(&mut all, &attached, "no room");
        assert_eq!(all.each_ref().map(|placed| placed.refused.as_deref()), [None, Some("no room")]);
        assert_eq!(here(&all).count(), 2, "the next generation is brought there, too");
    }
}
