//! S1203: a port name that a pod has twice, of which one counts.

use std::collections::BTreeMap;

use sluice_ir::label::LabelSet;
use sluice_ir::net::PortName;
use sluice_ir::policy::Direction;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::{PortFact, PortKind};
use crate::lint::template::Template;
use crate::lint::{Context, Lint};
use crate::resource::Resource;
use crate::resource::core::ContainerPort;

pub(super) const LINT: Lint = Lint { code: Code::PortNameTwice, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut twice: BTreeMap<PortName, Vec<Twice<'_>>> = BTreeMap::new();
    for (name, one) in context.resources.iter().flat_map(twice_in) {
        twice.entry(name).or_default().push(one);
    }
    if twice.is_empty() {
        return;
    }
    for port in &context.facts.ports {
        let PortKind::Name(name) = port.port else { continue };
        let Some(pods) = twice.get(name) else { continue };
        let Some(pod) = pods.iter().find(|pod| is_meant(context, port, pod)) else { continue };
        let resource = context.facts.entry(port.entry).resource;
        let [first, last] = pod.ports;
        let message = format!(
            "`{}` has two ports `{name}`, and only the last counts: {}/{}",
            pod.resource.object.name(),
            last.number,
            last.protocol.to_string().to_uppercase()
        );
        found.push(
            context
                .finding(Code::PortNameTwice, resource, port.span, message)
                .related(first.name.span, "this one does not")
                .help("write the number, or give the two ports names of their own"),
        );
    }
}

/// Two ports of one name, and whose they are.
struct Twice<'a> {
    resource: &'a Resource,
    labels: LabelSet,
    ports: [&'a ContainerPort; 2],
}

fn twice_in(resource: &Resource) -> Vec<(PortName, Twice<'_>)> {
    let Some(template) = Template::of(resource) else { return Vec::new() };
    let all = &template.spec.ports;
    let mut found = Vec::new();
    for (at, last) in all.iter().enumerate() {
        let different = |first: &&ContainerPort| {
            first.name.value == last.name.value
                && (first.number != last.number || first.protocol != last.protocol)
        };
        let first = all[..at].iter().find(different);
        let (Some(first), Some(name)) = (first, PortName::parse(&last.name.value)) else { continue };
        found.push((name, Twice { resource, labels: template.labels(), ports: [first, last] }));
    }
    found
}

fn is_meant(context: &Context<'_>, port: &PortFact<'_>, pod: &Twice<'_>) -> bool {
    let entry = context.facts.entry(port.entry);
    // Derived labels are not among those of the object; without them a selector says enough here.
    let meets = |selector: &sluice_ir::selector::Selector| {
        let derived = |key: &str| key.starts_with("io.cilium.k8s.");
        selector.requirements().iter().all(|wanted| derived(&wanted.key) || wanted.matches(&pod.labels))
    };
    match entry.direction {
        Direction::Ingress => meets(&context.facts.subject(entry).selector),
        Direction::Egress => context.facts.labels_of(port.entry).iter().any(|peer| meets(&peer.selector)),
    }
}
