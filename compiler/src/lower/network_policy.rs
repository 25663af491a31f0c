//! Kubernetes NetworkPolicy (semantics.md 1.10).

use std::sync::Arc;

use sluice_ir::net::PortRange;
use sluice_ir::policy::{Action, Direction, Peer, Peers, PortMatch, PortSet, Ports, Rule, Subject, Tier};
use sluice_ir::selector::{Requirement, Selector};

use super::{Lowerer, Named, Written, scope};
use crate::inventory::keys;
use crate::options::Options;
use crate::resource::Place;
use crate::resource::cilium::L7Places;
use crate::resource::network_policy::{NetworkPeer, NetworkPolicy, NetworkPort, NetworkRule, NumberOrName};
use crate::resource::selector::SelectorSpec;

impl Lowerer<'_> {
    pub(super) fn network_policy(&mut self, policy: &NetworkPolicy, place: &Place) {
        let namespace = policy.meta.namespace.clone().unwrap_or_else(|| "default".into());
        let subject = scope::confined(&policy.pod_selector, &namespace);
        let subject = Subject::Endpoints(self.builder.selector(subject));
        let object = Named {
            kind: "NetworkPolicy".into(),
            namespace: Some(Arc::clone(&namespace)),
            name: Arc::clone(&policy.meta.name.value),
        };
        for rule in &policy.rules {
            let peers = self.network_peers(rule, &namespace);
            let ports = match rule.ports.as_slice() {
                [] => Ports::Any,
                ports => Ports::Of(ports.iter().map(port_match).collect()),
            };
            let origin = self.origin(&object, rule.span, Arc::clone(&rule.path));
            let lowered = isolating(subject, rule.direction, peers, ports, origin);
            self.rule(lowered, written(rule.span, place));
        }
        for direction in isolated_without_rules(policy) {
            let origin = self.origin(&object, policy.span, "spec".into());
            let lowered = isolating(subject, direction, Peers::Of(Vec::new()), Ports::Any, origin);
            self.rule(lowered, written(policy.span, place));
        }
    }

    fn network_peers(&mut self, rule: &NetworkRule, namespace: &Arc<str>) -> Peers {
        if rule.peers.is_empty() {
            return Peers::Any;
        }
        let mut peers: Vec<Peer> = Vec::new();
        for peer in &rule.peers {
            peers.push(match peer {
                NetworkPeer::Pods { pods, namespaces } => {
                    let options = self.around.options;
                    let selector = self::pods(pods.as_ref(), namespaces.as_ref(), namespace, options);
                    self.labels(selector)
                }
                NetworkPeer::Block { cidr, except } => {
                    let except = except.iter().map(|cidr| cidr.value).collect();
                    self.prefix(cidr.value, except)
                }
            });
        }
        Peers::Of(peers)
    }
}

/// Pods of the policy's own namespace, or of the namespaces that are selected.
pub(crate) fn pods(
    pods: Option<&SelectorSpec>,
    namespaces: Option<&SelectorSpec>,
    namespace: &Arc<str>,
    options: &Options,
) -> Selector {
    let names_cluster = pods.is_some_and(|pods| pods.requirements.iter().any(|r| &*r.key == keys::CLUSTER));
    let cluster = scope::local_cluster(options).filter(|_| !names_cluster);
    let pods = match (namespaces, pods) {
        (None, Some(pods)) => scope::confined(pods, namespace),
        (None, None) => [scope::in_namespace(namespace)].into_iter().collect(),
        (Some(_), pods) => pods.map(SelectorSpec::selector).unwrap_or_default(),
    };
    let of_namespace = namespaces
        .iter()
        .flat_map(|namespaces| &namespaces.requirements)
        .map(|r| Requirement { key: format!("{}{}", keys::NAMESPACE_LABELS, r.key).into(), ..r.clone() });
    let every = namespaces.is_some_and(|namespaces| namespaces.requirements.is_empty());
    let every = every.then(scope::any_namespace);
    pods.requirements().iter().cloned().chain(of_namespace).chain(every).chain(cluster).collect()
}

fn written(span: crate::source::Span, place: &Place) -> Written {
    Written { span, l7: L7Places::default(), authentication: None, document: Arc::clone(&place.document) }
}

/// A rule of a NetworkPolicy: always an allow, and always isolating.
fn isolating(
    subject: Subject,
    direction: Direction,
    peers: Peers,
    ports: Ports,
    origin: sluice_ir::ids::OriginId,
) -> Rule {
    Rule {
        subject,
        direction,
        action: Action::Allow,
        peers,
        ports,
        l7: None,
        authentication: None,
        tier: Tier::Normal,
        default_deny: true,
        origin,
    }
}

/// Directions that the policy isolates although it has no rule for them. What `policyTypes` leaves out
/// is isolated all the same if there are rules (semantics.md 12.3).
fn isolated_without_rules(policy: &NetworkPolicy) -> Vec<Direction> {
    let [ingress, egress] = policy.types.unwrap_or([false, false]);
    let has = |direction| policy.rules.iter().any(|rule| rule.direction == direction);
    let mut directions = Vec::new();
    if !has(Direction::Ingress) && (ingress || !egress) {
        directions.push(Direction::Ingress);
    }
    if !has(Direction::Egress) && egress {
        directions.push(Direction::Egress);
    }
    directions
}

fn port_match(port: &NetworkPort) -> PortMatch {
    let ports = match &port.port {
        None => PortSet::Range(PortRange::ALL),
        Some(NumberOrName::Number(start)) => {
            PortSet::Range(PortRange { start: *start, end: port.end.unwrap_or(*start).max(*start) })
        }
        Some(NumberOrName::Name(name)) => PortSet::Named { name: name.clone(), end: port.end },
    };
    PortMatch { protocol: port.protocol, ports }
}
