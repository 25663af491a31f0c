//! S1307: DNS rules on one of the two protocols.

use sluice_ir::net::Protocol;
use sluice_ir::policy::L7Rules;

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::DnsOneProtocol, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (at, entry) in context.facts.entries.iter().enumerate() {
        let dns = |rule: &crate::resource::cilium::PortRule| matches!(rule.l7.rules, L7Rules::Dns(_));
        let ports = || context.facts.ports_of(at).iter().filter(|port| port.rule.is_some_and(dns));
        let has = |protocol: Protocol| ports().any(|port| port.protocols.contains(&protocol));
        let Some(first) = ports().next() else { continue };
        let (severity, message) = match (has(Protocol::UDP), has(Protocol::TCP)) {
            (false, true) => {
                (Severity::Warning, "DNS is let out over TCP only, and resolvers ask over UDP first")
            }
            (true, false) => (
                Severity::Info,
                "DNS is let out over UDP only, and an answer that is too long is asked for again over TCP",
            ),
            _ => continue,
        };
        let finding = context.finding(Code::DnsOneProtocol, entry.resource, first.element, message);
        found.push(finding.severity(severity).help("write `protocol: ANY`"));
    }
}
