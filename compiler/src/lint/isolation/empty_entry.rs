//! S1402: an empty entry beside others.

use sluice_ir::policy::Action;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::EmptyEntry, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for entry in &context.facts.entries {
        let (Some(spec), Some(section)) = (entry.cilium, entry.section) else { continue };
        let empty = spec.peers.is_empty() && spec.to_ports.is_none() && spec.icmps.is_none();
        if !empty || entry.action == Action::Deny || section.entries.len() < 2 {
            continue;
        }
        let message = "an empty entry allows nothing; only in a NetworkPolicy it allows everything";
        found.push(context.finding(Code::EmptyEntry, entry.resource, entry.span, message).help(
            "remove it, as the other entries isolate the pods too; for every peer write `fromEntities: [all]` or `toEntities: [all]`",
        ));
    }
}
