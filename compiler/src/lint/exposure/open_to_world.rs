//! S1601: pods that the whole world may reach at every port.

use sluice_ir::policy::{Action, Direction};

use super::{allows, world};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::OpenToWorld, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (at, entry) in allows(context, Direction::Ingress) {
        let Some(span) = world(context, at) else { continue };
        if denied(context, entry.subject) {
            continue;
        }
        let whom = if context.facts.subject(entry).nodes { "nodes" } else { "pods" };
        let (severity, message) = match entry.every_port {
            true => (Severity::Warning, format!("the whole world may reach these {whom} at every port")),
            false => (Severity::Info, format!("the whole world may reach these {whom} at these ports")),
        };
        found.push(
            context
                .finding(Code::OpenToWorld, entry.resource, span, message)
                .severity(severity)
                .help("name the ports that serve the world, or the prefixes that clients come from"),
        );
    }
}

/// Whether the same `spec` keeps the world out again.
fn denied(context: &Context<'_>, subject: usize) -> bool {
    context.facts.places_of(subject).any(|at| {
        let entry = context.facts.entry(at);
        let denies = entry.action == Action::Deny && entry.direction == Direction::Ingress;
        denies && entry.every_port && world(context, at).is_some()
    })
}
