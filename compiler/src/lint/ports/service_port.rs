//! S1201: the port of a service where that of its backends is meant.

use std::collections::{BTreeMap, BTreeSet};

use sluice_ir::label::LabelSource;
use sluice_ir::policy::{Direction, Identity};
use sluice_ir::selector::{Requirement, Selector};

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::{Service, keys};
use crate::lint::facts::{PortFact, PortKind};
use crate::lint::{Context, Lint};
use crate::resource::core::ServicePort;
use crate::resource::network_policy::NumberOrName;

pub(super) const LINT: Lint = Lint { code: Code::ServicePort, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut services: BTreeMap<&str, Vec<Backed<'_>>> = BTreeMap::new();
    for backed in context.compiled.inventory.services.iter().filter_map(Backed::new) {
        services.entry(&backed.service.namespace).or_default().push(backed);
    }
    if services.is_empty() {
        return;
    }
    for port in &context.facts.ports {
        let PortKind::Number(number) = port.port else { continue };
        if port.end.is_none() {
            found.extend(finding(context, &services, port, number));
        }
    }
}

/// A service that selects pods.
struct Backed<'a> {
    service: &'a Service,
    selector: Selector,
}

impl Backed<'_> {
    fn new(service: &Service) -> Option<Backed<'_>> {
        let labels = service.selector.as_ref()?.iter();
        let own =
            labels.map(|(key, value)| Requirement::equals(LabelSource::K8s, key.clone(), value.clone()));
        let space = Requirement::equals(LabelSource::K8s, keys::NAMESPACE, service.namespace.clone());
        Some(Backed { service, selector: own.chain([space]).collect() })
    }
}

fn finding(
    context: &Context<'_>,
    services: &BTreeMap<&str, Vec<Backed<'_>>>,
    port: &PortFact<'_>,
    number: u16,
) -> Option<Diagnostic> {
    let entry = context.facts.entry(port.entry);
    let backends = backends(context, port.entry);
    let of_backends =
        |backed: &&Backed<'_>| backends.iter().any(|identity| backed.selector.matches(&identity.labels));
    let spaces = backends.iter().copied().filter_map(|identity| identity.labels.get(keys::NAMESPACE));
    let spaces: BTreeSet<&str> = spaces.map(|label| &*label.value).collect();
    let near = spaces.iter().filter_map(|space| services.get(space)).flatten();
    let services: Vec<&Backed<'_>> = near.filter(of_backends).collect();
    let speaks = |service: &ServicePort| port.protocols.contains(&service.protocol);
    let ports = || services.iter().flat_map(|backed| backed.service.ports.iter().filter(|port| speaks(port)));
    // Where some backend listens on the number, it is right for that one.
    if ports().any(|port| targets(&backends, port).contains(&number)) {
        return None;
    }
    let (service, wrong) = services.iter().find_map(|backed| {
        let port = backed.service.ports.iter().find(|port| port.port == number && speaks(port))?;
        Some((backed.service, port))
    })?;
    let name = format!("{}/{}", service.namespace, service.name);
    let numbers = targets(&backends, wrong);
    let (message, help) = match (numbers.first(), &wrong.target) {
        (Some(target), _) => (
            format!("{number} is the port of service `{name}`; policy sees the backend's, {target}"),
            format!("write `\"{target}\"`"),
        ),
        (None, NumberOrName::Name(target)) => (
            format!("{number} is the port of service `{name}`; policy sees the backend's, `{target}`"),
            format!("write `{target}`, or its number"),
        ),
        (None, NumberOrName::Number(_)) => return None,
    };
    Some(context.finding(Code::ServicePort, entry.resource, port.span, message).help(help))
}

/// The pods whose ports an entry is about: the subject's on ingress, the peers' on egress.
fn backends<'c>(context: &'c Context<'_>, at: usize) -> Vec<&'c Identity> {
    let entry = context.facts.entry(at);
    let selectors: Vec<&Selector> = match entry.direction {
        Direction::Ingress => vec![&context.facts.subject(entry).selector],
        Direction::Egress => context.facts.labels_of(at).iter().map(|peer| &peer.selector).collect(),
    };
    selectors.into_iter().flat_map(|selector| context.facts.matches.of(selector)).map(|one| &**one).collect()
}

/// The numbers that a port of a service stands for.
fn targets(backends: &[&Identity], port: &ServicePort) -> Vec<u16> {
    match &port.target {
        NumberOrName::Number(number) => vec![*number],
        NumberOrName::Name(name) => backends
            .iter()
            .filter_map(|identity| identity.ports.get(name))
            .map(|(_, number)| *number)
            .collect(),
    }
}
