//! S1603: the cloud's metadata service within reach of pods.

use sluice_ir::policy::{Action, Direction};

use super::{METADATA, allows};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::lint::facts::PrefixFact;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::MetadataService, run };

/// It answers on this port.
const HTTP: u16 = 80;

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (at, entry) in allows(context, Direction::Egress) {
        // A node needs it: its kubelet and its cloud provider ask there who they are.
        if context.facts.subject(entry).nodes {
            continue;
        }
        let reaches = |port: &crate::lint::facts::PortFact<'_>| port.contains(HTTP);
        if !(entry.every_port || context.facts.ports_of(at).iter().any(reaches))
            || denied(context, entry.subject)
        {
            continue;
        }
        let prefixes = context.facts.prefixes_of(at);
        let prefix = prefixes.iter().find(|prefix| prefix.contains(METADATA));
        let (span, severity) = match prefix {
            Some(prefix) => (prefix.cidr.span, level(prefix)),
            None => match super::world(context, at) {
                Some(span) if prefixes.is_empty() => (span, Severity::Info),
                _ => continue,
            },
        };
        let message = format!("this lets pods reach the cloud's metadata service, {METADATA}");
        found.push(
            context.finding(Code::MetadataService, entry.resource, span, message).severity(severity).help(
                format!(
                    "leave it out: `toCIDRSet: [{{cidr: 0.0.0.0/0, except: [{METADATA}/32]}}]`, or deny it"
                ),
            ),
        );
    }
}

/// Who has written exceptions has thought of what is inside, and forgot this; who names the address means it.
fn level(prefix: &PrefixFact<'_>) -> Severity {
    let means_it = prefix.cidr.value.length() >= 16;
    let thought = !prefix.except.is_empty();
    if thought && !means_it { Severity::Warning } else { Severity::Info }
}

/// Whether the same `spec` denies it.
fn denied(context: &Context<'_>, subject: usize) -> bool {
    context.facts.places_of(subject).any(|at| {
        let entry = context.facts.entry(at);
        entry.action == Action::Deny
            && entry.direction == Direction::Egress
            && context.facts.prefixes_of(at).iter().any(|prefix| prefix.contains(METADATA))
    })
}
