//! S1607: pods of every namespace as peers.

use sluice_ir::policy::{Action, Direction};
use sluice_ir::selector::Operator;

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::keys;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::EveryNamespace, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for peer in &context.facts.labels {
        let entry = context.facts.entry(peer.entry);
        let subject = context.facts.subject(entry);
        if entry.action != Action::Allow
            || entry.direction != Direction::Ingress
            || subject.namespace.is_none()
        {
            continue;
        }
        let mut own = peer.selector.requirements().iter().filter(|wanted| &*wanted.key != keys::CLUSTER);
        let every = |wanted: &sluice_ir::selector::Requirement| {
            &*wanted.key == keys::NAMESPACE && wanted.operator == Operator::Exists
        };
        if own.clone().count() == 0 || !own.all(every) {
            continue;
        }
        let message = "pods of every namespace are let in";
        found.push(
            context
                .finding(Code::EveryNamespace, entry.resource, peer.span, message)
                .help("name the namespaces that need it"),
        );
    }
}
