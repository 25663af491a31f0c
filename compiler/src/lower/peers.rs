//! Peers of Cilium's policies: what a list means (semantics.md 1.8, 3.4, 4.10, 8).

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::label::LabelSource;
use sluice_ir::net::Cidr;
use sluice_ir::policy::{Peer, Peers};
use sluice_ir::selector::{Requirement, Selector};

use super::{Lowerer, scope};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::inventory::{Service, keys};
use crate::resource::Place;
use crate::resource::cilium::{
    CidrBase, CidrSetItem, CloudGroup, Entity, EntrySpec, PeerItems, PeerList, ServiceBy, ServiceRef,
};
use crate::resource::selector::SelectorSpec;

/// What label peers are confined to.
pub(super) struct PeerScope {
    /// The policy's namespace; none if it is cluster-wide.
    pub(super) namespace: Option<Arc<str>>,
    /// Whether the subject is endpoints without labels.
    pub(super) of_init: bool,
}

impl Lowerer<'_> {
    /// The peers of an entry. Without any list every peer is meant if there are ports, and none otherwise.
    pub(super) fn peers(
        &mut self,
        entry: &EntrySpec,
        has_ports: bool,
        scope: &PeerScope,
        place: &Place,
    ) -> Peers {
        let empties = |list: &&PeerList| list.written_empty && !list.items.absent_when_empty();
        if entry.peers.iter().any(|list| empties(&list)) {
            return Peers::Of(Vec::new());
        }
        match entry.peers.iter().find(|list| !list.written_empty) {
            Some(list) => self.list(list, scope, place),
            None if has_ports => Peers::Any,
            None => Peers::Of(Vec::new()),
        }
    }

    fn list(&mut self, list: &PeerList, scope: &PeerScope, place: &Place) -> Peers {
        let mut peers = Vec::new();
        match &list.items {
            PeerItems::Endpoints(selectors) => {
                for spec in selectors {
                    let selector =
                        scope::peer(spec, scope.namespace.as_ref(), scope.of_init, self.around.options);
                    peers.push(self.labels(selector));
                }
            }
            PeerItems::Nodes(selectors) => {
                for spec in selectors {
                    let selector = node_peer(spec, scope::local_cluster(self.around.options));
                    peers.push(self.labels(selector));
                }
            }
            PeerItems::Cidrs(cidrs) => {
                for cidr in cidrs {
                    peers.push(self.prefix(cidr.value, Vec::new()));
                }
            }
            PeerItems::CidrSet(items) => {
                for item in items {
                    peers.push(self.cidr_set_item(item, place));
                }
            }
            PeerItems::Entities(entities) => {
                if entities.iter().any(|entity| entity.value == Entity::All) {
                    return Peers::Any;
                }
                for selector in entities
                    .iter()
                    .flat_map(|entity| entity_selectors(entity.value, &self.around.inventory.cluster))
                {
                    peers.push(self.labels(selector));
                }
            }
            PeerItems::Names(names) => {
                peers.extend(
                    names
                        .iter()
                        .filter_map(|name| name.value.clone())
                        .map(|pattern| Peer::Name { pattern, by: None }),
                );
            }
            PeerItems::Groups(groups) => {
                for group in groups {
                    self.cloud_group(group, place, &mut peers);
                }
            }
            PeerItems::Services(services) => {
                for service in services {
                    self.service(service, place, &mut peers);
                }
            }
        }
        Peers::Of(peers)
    }

    pub(super) fn labels(&mut self, selector: Selector) -> Peer {
        Peer::Labels { selector: self.builder.selector(selector), except: Vec::new() }
    }

    /// A prefix. The one of length 0 stands for the world of its family, by label: it also matches
    /// the bare entity, and no node ever (semantics.md 12.1).
    pub(super) fn prefix(&mut self, cidr: Cidr, except: Vec<Cidr>) -> Peer {
        let except: Vec<Cidr> = except.into_iter().collect::<BTreeSet<_>>().into_iter().collect();
        if cidr.length() > 0 {
            return Peer::Cidr { cidr, except };
        }
        let world = self.around.inventory.world(cidr.is_ipv4());
        let selector = self.builder.selector([reserved(world)].into_iter().collect());
        Peer::Labels { selector, except }
    }

    fn cidr_set_item(&mut self, item: &CidrSetItem, place: &Place) -> Peer {
        let except = item.except.iter().map(|cidr| cidr.value).collect::<BTreeSet<_>>().into_iter().collect();
        let selector: Selector = match &item.base {
            CidrBase::Cidr(cidr) => return self.prefix(cidr.value, except),
            CidrBase::Group(name) => {
                if !self.around.inventory.has_group(&name.value) {
                    let help = match self.around.inventory.close_group(&name.value) {
                        Some(close) => format!("did you mean `{close}`?"),
                        None => "add the file that defines the group to the command, or correct the name"
                            .to_owned(),
                    };
                    let severity = known_or_not(self.around.inventory.has_groups());
                    self.report(
                        Diagnostic::new(
                            Code::MissingCidrGroup,
                            name.span,
                            format!(
                                "there is no CiliumCIDRGroup `{}` in the input, so this selects nothing",
                                name.value
                            ),
                        )
                        .severity(severity)
                        .help(help),
                        place,
                    );
                }
                let key = format!("{}{}", keys::CIDR_GROUP, name.value);
                [Requirement::exists(LabelSource::CidrGroup, key)].into_iter().collect()
            }
            CidrBase::Selector(spec) => spec.selector(),
        };
        Peer::Labels { selector: self.builder.selector(selector), except }
    }

    /// An AWS group: the addresses that the inventory has for it. Nothing known selects nothing.
    fn cloud_group(&mut self, group: &CloudGroup, place: &Place, peers: &mut Vec<Peer>) {
        let addresses = self.around.aws.addresses(group);
        if addresses.is_empty() {
            let given = !self.around.aws.instances.is_empty() || !self.around.aws.interfaces.is_empty();
            let (message, help) = if !given {
                (
                    "no AWS inventory was given, so this group selects nothing",
                    "give the output of `aws ec2 describe-instances` and `describe-network-interfaces` with `--aws FILE`",
                )
            } else {
                (
                    "nothing in the AWS inventory belongs to this group, so it selects nothing",
                    "compare the ids, names and tags with the inventory, or fetch the inventory again",
                )
            };
            let found = Diagnostic::new(Code::EmptyCloudGroup, group.span, message).help(help);
            self.report(found.severity(known_or_not(given)), place);
        }
        peers.extend(hosts(addresses));
    }

    /// A service: the pods that it selects, or its hand-made backends. One that does not exist selects
    /// nothing, where Cilium would open the ports to everyone (semantics.md 4.10).
    fn service(&mut self, reference: &ServiceRef, place: &Place, peers: &mut Vec<Peer>) {
        let services = self.around.inventory.services_of(reference.namespace.as_deref());
        let found: Vec<&Service> = match (&reference.by, &reference.namespace) {
            (ServiceBy::Name(name), Some(namespace)) => {
                self.around.inventory.service(namespace, name).into_iter().collect()
            }
            (ServiceBy::Name(name), None) => services.iter().filter(|s| s.name == *name).collect(),
            (ServiceBy::Selector(spec), _) => {
                let selector = spec.selector();
                services.iter().filter(|service| selector.matches(&service.labels)).collect()
            }
        };
        let mut empty = true;
        for service in found {
            match &service.selector {
                Some(labels) => {
                    let own = labels.iter().map(|(key, value)| {
                        Requirement::equals(LabelSource::K8s, Arc::clone(key), Arc::clone(value))
                    });
                    let cluster =
                        scope::local_cluster(self.around.options).filter(|_| service.global.is_none());
                    let selector =
                        own.chain([scope::in_namespace(&service.namespace)]).chain(cluster).collect();
                    peers.push(self.labels(selector));
                    empty = false;
                }
                None => {
                    empty &= service.backends.is_empty();
                    peers.extend(hosts(service.backends.iter().copied()));
                }
            }
        }
        if empty {
            let severity = known_or_not(!self.around.inventory.services.is_empty());
            self.report(
                Diagnostic::new(Code::MissingService, reference.span, "no service in the input answers to this, or it has no backends, so it selects nothing")
                    .severity(severity)
                    .help("add the Service and, if it has no selector, its EndpointSlice to the command, or correct the name and namespace"),
                place,
            );
        }
    }
}

/// Nobody is missed of a kind of which the input has nothing (`lint::known`).
fn known_or_not(known: bool) -> Severity {
    if known { Severity::Warning } else { Severity::Info }
}

fn hosts(addresses: impl IntoIterator<Item = IpAddr>) -> impl Iterator<Item = Peer> {
    addresses.into_iter().map(|address| Peer::Cidr { cidr: Cidr::host(address), except: Vec::new() })
}

fn reserved(entity: &str) -> Requirement {
    Requirement::exists(LabelSource::Reserved, entity)
}

/// Nodes other than the one that looks (semantics.md 3.3).
fn node_peer(spec: &SelectorSpec, cluster: Option<Requirement>) -> Selector {
    spec.requirements.iter().cloned().chain([reserved("remote-node")]).chain(cluster).collect()
}

/// The selectors that an entity stands for, each an alternative (semantics.md 1.8). `all` has none
/// here: it is every peer.
fn entity_selectors(entity: Entity, cluster: &Arc<str>) -> Vec<Selector> {
    let words: &[&str] = match entity {
        Entity::All | Entity::None => &[],
        Entity::World => &["world", "world-ipv4", "world-ipv6"],
        Entity::WorldIpv4 => &["world-ipv4"],
        Entity::WorldIpv6 => &["world-ipv6"],
        Entity::Cluster => {
            &["host", "remote-node", "init", "ingress", "health", "unmanaged", "kube-apiserver"]
        }
        Entity::Host => &["host"],
        Entity::Init => &["init"],
        Entity::Ingress => &["ingress"],
        Entity::Unmanaged => &["unmanaged"],
        Entity::RemoteNode => &["remote-node"],
        Entity::Health => &["health"],
        Entity::KubeApiserver => &["kube-apiserver"],
    };
    let mut selectors: Vec<Selector> =
        words.iter().map(|word| [reserved(word)].into_iter().collect()).collect();
    if entity == Entity::Cluster {
        let local = Requirement::equals(LabelSource::K8s, keys::CLUSTER, Arc::clone(cluster));
        selectors.push([local].into_iter().collect());
    }
    selectors
}
