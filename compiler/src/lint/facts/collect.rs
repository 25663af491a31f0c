//! From objects to facts.

use std::sync::Arc;

use sluice_ir::label::LabelSource;
use sluice_ir::policy::Action;

use super::{EntryFact, Facts, LabelFact, PolicyFact, PortFact, PortKind, PrefixFact, SubjectFact};
use crate::lower::network_policy::pods as network_pods;
use crate::lower::{is_policy, scope};
use crate::options::Options;
use crate::resource::cilium::{CidrBase, CiliumPolicy, EntrySpec, PeerItems, PeerList, Port, Section};
use crate::resource::network_policy::{NetworkPeer, NetworkPolicy, NetworkRule, NumberOrName};
use crate::resource::{Object, Resource};

/// The facts of all policies of kinds that the options leave on.
pub(super) fn collect<'a>(resources: &'a [Resource], options: &Options) -> Facts<'a> {
    let mut collector = Collector { facts: Facts::default(), options };
    for resource in resources.iter().filter(|resource| is_policy(resource, options)) {
        match &*resource.object {
            Object::CiliumPolicy(policy) => collector.cilium(resource, policy),
            Object::NetworkPolicy(policy) => collector.network(resource, policy),
            _ => {}
        }
    }
    collector.facts
}

struct Collector<'a, 'o> {
    facts: Facts<'a>,
    options: &'o Options,
}

impl<'a> Collector<'a, '_> {
    fn cilium(&mut self, resource: &'a Resource, policy: &'a CiliumPolicy) {
        let namespace = policy.meta.namespace.as_ref();
        self.facts.policies.push(PolicyFact { resource, namespace, network: None });
        for rule in &policy.specs {
            let (written, nodes) = match (&rule.endpoint_selector, &rule.node_selector) {
                (Some(endpoints), _) => (endpoints, false),
                (None, Some(nodes)) => (nodes, true),
                (None, None) => continue,
            };
            let spec = &written.value;
            let selector = if nodes { spec.selector() } else { scope::subject(spec, namespace) };
            let key_span = written.span;
            let subject = self.facts.subjects.len();
            let rule = Some(rule);
            self.facts.subjects.push(SubjectFact {
                resource,
                namespace,
                key_span,
                spec,
                selector,
                nodes,
                rule,
            });
            let of_init = spec.names("init", &[LabelSource::Reserved]);
            for section in rule.into_iter().flat_map(|rule| &rule.sections) {
                for entry in &section.entries {
                    self.entry(resource, subject, section, entry, namespace, of_init);
                }
            }
        }
    }

    fn entry(
        &mut self,
        resource: &'a Resource,
        subject: usize,
        section: &'a Section,
        spec: &'a EntrySpec,
        namespace: Option<&'a Arc<str>>,
        of_init: bool,
    ) {
        let at = self.facts.entries.len();
        let ports = spec.to_ports.as_ref().map_or(&[][..], |ports| &ports.value);
        let icmps = spec.icmps.as_ref().is_some_and(|icmps| !icmps.value.is_empty());
        let absent = |list: &PeerList| list.written_empty && list.items.absent_when_empty();
        self.facts.entries.push(EntryFact {
            resource,
            subject,
            direction: section.direction,
            action: section.action,
            span: spec.span,
            every_peer: spec.peers.iter().all(absent),
            every_port: ports.is_empty() && !icmps,
            cilium: Some(spec),
            section: Some(section),
        });
        for list in &spec.peers {
            self.peers(at, list, namespace, of_init);
        }
        for rule in ports {
            let port = |entry: &'a crate::resource::cilium::PortEntry| PortFact {
                entry: at,
                span: entry.port.span,
                element: entry.span,
                port: match &entry.port.value {
                    Port::All => PortKind::All,
                    Port::Number(number) => PortKind::Number(*number),
                    Port::Name(name) => PortKind::Name(name),
                },
                end: entry.end.clone(),
                protocols: &entry.protocols,
                rule: Some(rule),
            };
            self.facts.ports.extend(rule.ports.iter().map(port));
        }
    }

    fn peers(&mut self, entry: usize, list: &'a PeerList, namespace: Option<&'a Arc<str>>, of_init: bool) {
        match &list.items {
            PeerItems::Endpoints(selectors) => {
                self.facts.labels.extend(selectors.iter().map(|spec| LabelFact {
                    entry,
                    span: spec.span,
                    specs: [Some(spec), None],
                    selector: scope::peer(spec, namespace, of_init, self.options),
                }));
            }
            PeerItems::Cidrs(cidrs) => {
                let prefix = |cidr: &_| PrefixFact { entry, cidr: Clone::clone(cidr), except: &[] };
                self.facts.prefixes.extend(cidrs.iter().map(prefix));
            }
            PeerItems::CidrSet(items) => {
                self.facts.prefixes.extend(items.iter().filter_map(|item| match &item.base {
                    CidrBase::Cidr(cidr) => {
                        Some(PrefixFact { entry, cidr: cidr.clone(), except: &item.except })
                    }
                    CidrBase::Group(_) | CidrBase::Selector(_) => None,
                }));
            }
            PeerItems::Entities(_)
            | PeerItems::Nodes(_)
            | PeerItems::Groups(_)
            | PeerItems::Services(_)
            | PeerItems::Names(_) => {}
        }
    }

    fn network(&mut self, resource: &'a Resource, policy: &'a NetworkPolicy) {
        let Some(namespace) = policy.meta.namespace.as_ref() else { return };
        self.facts.policies.push(PolicyFact { resource, namespace: Some(namespace), network: Some(policy) });
        let subject = self.facts.subjects.len();
        self.facts.subjects.push(SubjectFact {
            resource,
            namespace: Some(namespace),
            key_span: policy.pod_selector.span,
            spec: &policy.pod_selector,
            selector: scope::confined(&policy.pod_selector, namespace),
            nodes: false,
            rule: None,
        });
        for rule in &policy.rules {
            self.network_rule(resource, subject, rule, namespace);
        }
    }

    fn network_rule(
        &mut self,
        resource: &'a Resource,
        subject: usize,
        rule: &'a NetworkRule,
        namespace: &Arc<str>,
    ) {
        let entry = self.facts.entries.len();
        self.facts.entries.push(EntryFact {
            resource,
            subject,
            direction: rule.direction,
            action: Action::Allow,
            span: rule.span,
            every_peer: rule.peers.is_empty(),
            every_port: rule.ports.is_empty(),
            cilium: None,
            section: None,
        });
        for peer in &rule.peers {
            match peer {
                NetworkPeer::Pods { pods, namespaces } => {
                    let (pods, namespaces) = (pods.as_ref(), namespaces.as_ref());
                    let spans = pods.iter().chain(&namespaces).map(|spec| spec.span);
                    let Some(span) = spans.reduce(|a, b| a.to(b)) else { continue };
                    let selector = network_pods(pods, namespaces, namespace, self.options);
                    self.facts.labels.push(LabelFact { entry, span, specs: [pods, namespaces], selector });
                }
                NetworkPeer::Block { cidr, except } => {
                    self.facts.prefixes.push(PrefixFact { entry, cidr: cidr.clone(), except });
                }
            }
        }
        self.facts.ports.extend(rule.ports.iter().map(|port| PortFact {
            entry,
            span: port.span,
            element: port.span,
            port: match &port.port {
                None => PortKind::All,
                Some(NumberOrName::Number(number)) => PortKind::Number(*number),
                Some(NumberOrName::Name(name)) => PortKind::Name(name),
            },
            end: port.end.map(|end| crate::resource::decode::Spanned::new(end, port.span)),
            protocols: std::slice::from_ref(&port.protocol),
            rule: None,
        }));
    }
}
