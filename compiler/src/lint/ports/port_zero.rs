//! S1206: port 0, which is every port.

use sluice_ir::policy::Action;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::PortKind;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::PortZero, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for port in &context.facts.ports {
        let with_ports = port.protocols.iter().any(|protocol| protocol.has_ports());
        if port.port != PortKind::All || port.rule.is_none() || !with_ports {
            continue;
        }
        let entry = context.facts.entry(port.entry);
        let what = match (entry.action, port.protocols.len()) {
            (Action::Allow, 1) => "port 0 means every port of the protocol",
            (Action::Deny, 1) => "port 0 means every port of the protocol, and no other protocol is denied",
            (Action::Allow, _) => "port 0 means every port of TCP, UDP and SCTP, and no other protocol",
            (Action::Deny, _) => {
                "port 0 means every port of TCP, UDP and SCTP: ICMP and all others are not denied"
            }
        };
        found.push(context.finding(Code::PortZero, entry.resource, port.span, what).help(
            "for every protocol leave `toPorts` out; for a port that the system chooses there is no rule",
        ));
    }
}
