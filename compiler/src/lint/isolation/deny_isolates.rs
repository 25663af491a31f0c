//! S1401: a deny that denies everything.

use std::collections::BTreeSet;

use sluice_ir::policy::{Action, Peers, Ports};

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::who_else::Others;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::DenyIsolates, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = &context.compiled.policy;
    if !policy.rules.iter().any(|rule| rule.action == Action::Deny && rule.default_deny) {
        return;
    }
    let mut told = BTreeSet::new();
    let allows = sluice_ir::policy::Direction::BOTH
        .map(|direction| Others::new(context, direction, |rule| rule.action == Action::Allow));
    for ((_, rule), written) in policy.rules().zip(&context.compiled.written) {
        let nothing = matches!(&rule.peers, Peers::Of(peers) if peers.is_empty())
            || matches!(&rule.ports, Ports::Of(ports) if ports.is_empty());
        // An empty deny isolates on purpose or not, and is another finding.
        if rule.action != Action::Deny || !rule.default_deny || nothing {
            continue;
        }
        let [ingress, egress] = &allows;
        let others = if rule.direction == sluice_ir::policy::Direction::Ingress { ingress } else { egress };
        if others.is_for(rule.subject) {
            continue;
        }
        let Some(entry) = context.facts.entry_of(written.span) else { continue };
        let Some(section) = entry.section.filter(|section| !told.contains(&section.key_span)) else {
            continue;
        };
        told.insert(section.key_span);
        let direction = rule.direction;
        let message = format!("no rule allows these pods any {direction}, so with this all of it is denied");
        found.push(context.finding(Code::DenyIsolates, entry.resource, section.key_span, message).help(format!(
            "to deny only this add `enableDefaultDeny: {{{direction}: false}}`; to isolate say it with `{direction}: [{{}}]`"
        )));
    }
}
