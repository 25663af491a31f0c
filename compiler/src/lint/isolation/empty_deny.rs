//! S1403: a deny entry without anything in it.

use sluice_ir::policy::Action;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::EmptyDeny, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for entry in context.facts.entries.iter().filter(|entry| entry.action == Action::Deny) {
        let Some(spec) = entry.cilium else { continue };
        if !spec.peers.is_empty() || spec.to_ports.is_some() || spec.icmps.is_some() {
            continue;
        }
        let direction = entry.direction;
        let message = "an empty deny entry denies nobody; what it does is to isolate, as any entry does";
        let entity = if direction == sluice_ir::policy::Direction::Ingress { "from" } else { "to" };
        found.push(context.finding(Code::EmptyDeny, entry.resource, entry.span, message).help(format!(
            "to isolate write `{direction}: [{{}}]`; to deny everybody, whoever else allows them, write `{entity}Entities: [all]`"
        )));
    }
}
