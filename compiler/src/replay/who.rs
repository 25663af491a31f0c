//! Who asks and connects: the pods of a workload that policy treats alike.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use sluice_ir::decision::{ByDirection, EndpointName};
use sluice_ir::dns_name::{DnsName, DnsPattern};
use sluice_ir::ids::RuleId;
use sluice_ir::policy::eval::{Reason, Verdict, rule_verdict, selecting};
use sluice_ir::policy::{Direction, L7Rules, Peer, Peers, Policy, Ports, Rule};

use super::Why;
use crate::Compiled;
use crate::classify::subjects::SubjectKey;
use crate::inventory::{Endpoint, Inventory};
use crate::resource::dns_answers::Recording;

/// The port of DNS servers (RFC 1035, 4.2).
const DNS: u16 = 53;

/// Pods of a workload that policy treats alike.
#[derive(Debug)]
pub(super) struct Unit {
    /// The workload, or the pod if it has none or the others are treated otherwise.
    pub(super) name: EndpointName,
    /// What makes its tables, with the rules about what it sends.
    pub(super) key: SubjectKey,
    /// The nodes of its pods; none of one whose node is not known, which may be on any.
    nodes: BTreeSet<Option<Arc<str>>>,
    /// What it may be sent to by name.
    pub(super) names: Vec<DnsPattern>,
    /// What it may ask the proxy for.
    pub(super) questions: Vec<DnsPattern>,
    /// Whether any rule names what it may send to.
    pub(super) has_names: bool,
    /// Whether it may send anything anywhere.
    pub(super) is_open: bool,
    /// Whether it may ask servers without the proxy, and nothing sends it there.
    pub(super) asks_unseen: bool,
}

/// Everybody.
#[derive(Debug)]
pub(super) struct Units<'c> {
    inventory: &'c Inventory,
    pub(super) all: Vec<Unit>,
    of_endpoint: BTreeMap<(&'c str, &'c str), usize>,
}

impl<'c> Units<'c> {
    pub(super) fn new(compiled: &'c Compiled, view: Option<&str>) -> Units<'c> {
        let inventory = &compiled.inventory;
        let mut workload_of: BTreeMap<usize, EndpointName> = BTreeMap::new();
        for (namespace, name, pods) in inventory.workloads() {
            let workload = EndpointName { namespace: Some(namespace.into()), name: name.into() };
            workload_of.extend(pods.iter().map(|pod| (*pod, workload.clone())));
        }
        let mut groups: BTreeMap<EndpointName, BTreeMap<usize, Vec<usize>>> = BTreeMap::new();
        for (at, endpoint) in inventory.endpoints.iter().enumerate() {
            if view.is_some() && endpoint.node.as_deref() != view {
                continue;
            }
            let name = workload_of.get(&at).cloned().unwrap_or_else(|| endpoint.endpoint_name());
            groups.entry(name).or_default().entry(endpoint.identity_id.index()).or_default().push(at);
        }
        let mut units = Units { inventory, all: Vec::new(), of_endpoint: BTreeMap::new() };
        for (workload, alike) in groups {
            let whole = alike.len() == 1;
            for pods in alike.into_values() {
                let endpoints: Vec<&Endpoint> = pods.iter().map(|pod| &inventory.endpoints[*pod]).collect();
                let name = if whole { workload.clone() } else { endpoints[0].endpoint_name() };
                let names = endpoints.iter().map(|endpoint| (&*endpoint.namespace, &*endpoint.name));
                units.of_endpoint.extend(names.map(|name| (name, units.all.len())));
                units.all.push(Unit::new(&compiled.policy, name, &endpoints));
            }
        }
        units
    }

    /// The unit of an endpoint that somebody wrote down as `namespace/pod`. A pod that is not there any more, or not yet, is
    /// known by its workload's name.
    pub(super) fn of_endpoint(&self, name: &str) -> Option<usize> {
        let (namespace, pod) = name.split_once('/')?;
        if let Some(unit) = self.of_endpoint.get(&(namespace, pod)) {
            return Some(*unit);
        }
        let of_workload = |unit: &&Unit| {
            let prefix = pod.strip_prefix(&*unit.name.name);
            unit.name.namespace.as_deref() == Some(namespace)
                && prefix.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        };
        let longest = self.all.iter().enumerate().filter(|(_, unit)| of_workload(unit));
        longest.max_by_key(|(_, unit)| unit.name.name.len()).map(|(at, _)| at)
    }

    /// The node of an endpoint, if it is known.
    pub(super) fn node_of(&self, name: &str) -> Option<Arc<str>> {
        let (namespace, pod) = name.split_once('/')?;
        let at = self.inventory.endpoint_named(namespace, pod)?;
        self.inventory.endpoints[at].node.clone()
    }

    /// Who asked and is nobody here.
    pub(super) fn unknown(&self, recording: &Recording) -> Vec<Arc<str>> {
        let asked: BTreeSet<&Arc<str>> =
            recording.entries.iter().filter_map(|entry| entry.endpoint.as_ref()).collect();
        let elsewhere = |name: &&&Arc<str>| !self.knows(name);
        asked.iter().filter(elsewhere).map(|name| Arc::clone(name)).collect()
    }

    /// Whether somebody is among the objects that were given, be it on another node.
    pub(super) fn knows(&self, name: &str) -> bool {
        let of_inventory = |(namespace, pod)| self.inventory.endpoint_named(namespace, pod).is_some();
        name.split_once('/').is_some_and(of_inventory) || self.of_endpoint(name).is_some()
    }
}

impl Unit {
    fn new(policy: &Policy, name: EndpointName, endpoints: &[&Endpoint]) -> Unit {
        let identity = Arc::clone(&endpoints[0].identity);
        let egress = selecting(policy, &identity, Direction::Egress);
        let rules = ByDirection { ingress: Vec::new(), egress };
        let key = SubjectKey::new(policy, &identity, rules);
        let judging: Vec<&Rule> = key.judging(Direction::Egress).iter().map(|id| policy.rule(*id)).collect();
        let (mut names, mut questions) = (Vec::new(), Vec::new());
        for rule in &judging {
            names.extend(named(rule).cloned());
            if let Some(L7Rules::Dns(rules)) = rule.l7.map(|l7| &policy.l7(l7).rules) {
                questions
                    .extend(rules.iter().flat_map(|rule| rule.name.iter().chain(&rule.pattern)).cloned());
            }
        }
        let is_open = key.fallback(policy, Direction::Egress).0 != Reason::DefaultDeny;
        let plain = |rule: &&&Rule| rule_verdict(rule) == Verdict::Allow && is_for_dns(rule);
        let asks_unseen = questions.is_empty() && judging.iter().any(|rule| plain(&rule));
        Unit {
            name,

            nodes: endpoints.iter().map(|endpoint| endpoint.node.clone()).collect(),
            has_names: !names.is_empty(),
            names,
            questions,
            is_open,
            asks_unseen,
            key,
        }
    }

    /// Whether a pod of it is on a node, or may be.
    pub(super) fn is_on(&self, node: &Arc<str>) -> bool {
        self.nodes.contains(&None) || self.nodes.contains(&Some(Arc::clone(node)))
    }

    /// The patterns that a name should have been among.
    pub(super) fn patterns(&self, why: Why) -> Vec<&DnsPattern> {
        match why {
            Why::NotAllowed => self.questions.iter().chain(&self.names).collect(),
            Why::NoRule | Why::Denied | Why::Unseen => self.names.iter().collect(),
        }
    }

    /// Whether some of these match a name.
    pub(super) fn is_about(&self, name: &DnsName, why: Why) -> bool {
        self.patterns(why).iter().any(|pattern| pattern.matches(name))
    }

    /// The rules about what it sends.
    pub(super) fn rules(&self) -> &[RuleId] {
        self.key.judging(Direction::Egress)
    }
}

/// The names that a rule allows sending to.
fn named(rule: &Rule) -> impl Iterator<Item = &DnsPattern> {
    let peers = match &rule.peers {
        Peers::Of(peers) if rule_verdict(rule) != Verdict::Deny => peers.as_slice(),
        _ => &[],
    };
    peers.iter().filter_map(|peer| match peer {
        Peer::Name { pattern, .. } => Some(pattern),
        _ => None,
    })
}

/// Whether a rule is about lookups.
fn is_for_dns(rule: &Rule) -> bool {
    use sluice_ir::policy::PortSet;
    match &rule.ports {
        Ports::Any => true,
        Ports::Of(ports) => ports.iter().any(|port| match &port.ports {
            PortSet::Range(range) => range.contains(DNS),
            PortSet::Named { name, .. } => name.as_str().starts_with("dns"),
        }),
    }
}
