//! S1204: a port name that means several numbers.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::PortKind;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::PortNameDiffers, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for port in &context.facts.ports {
        let PortKind::Name(name) = port.port else { continue };
        let pods = super::name_nowhere::pods(context, port);
        let numbers: BTreeSet<u16> = pods
            .iter()
            .filter_map(|identity| identity.ports.get(name))
            .filter(|(protocol, _)| port.protocols.contains(protocol))
            .map(|(_, number)| *number)
            .collect();
        if numbers.len() < 2 {
            continue;
        }
        let resource = context.facts.entry(port.entry).resource;
        let all: Vec<String> = numbers.iter().map(|number| format!("`{number}`")).collect();
        let message = format!("`{name}` means different ports of different pods: {}", all.join(", "));
        found.push(
            context
                .finding(Code::PortNameDiffers, resource, port.span, message)
                .help("nothing to do if that is why the name is used; else write the number"),
        );
    }
}
