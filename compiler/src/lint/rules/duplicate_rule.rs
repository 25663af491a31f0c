//! S1503: a rule that stands twice.

use indexmap::IndexMap;
use sluice_ir::ids::RuleId;
use sluice_ir::policy::{Action, Direction, Peers, Ports, Rule, Subject};

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::DuplicateRule, run };

/// What makes two rules the same.
type Key<'p> = (Subject, Direction, Action, &'p Peers, &'p Ports, Option<sluice_ir::ids::L7Id>);

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = &context.compiled.policy;
    let mut seen: IndexMap<Key<'_>, RuleId> = IndexMap::new();
    for ((id, rule), written) in policy.rules().zip(&context.compiled.written) {
        let first = *seen.entry(key(rule)).or_insert(id);
        let other = policy.rule(first);
        let same = other.authentication == rule.authentication && other.default_deny == rule.default_deny;
        let says_something = !matches!(&rule.peers, Peers::Of(peers) if peers.is_empty());
        if first == id || !same || !says_something {
            continue;
        }
        let Some(entry) = context.facts.entry_of(written.span) else { continue };
        let name = policy.origin(first).object();
        found.push(
            context
                .finding(
                    Code::DuplicateRule,
                    entry.resource,
                    written.span,
                    format!("`{name}` has the same rule"),
                )
                .related(context.compiled.written[first.index()].span, "here")
                .help("remove one of the two; was something else meant?"),
        );
    }
}

fn key(rule: &Rule) -> Key<'_> {
    (rule.subject, rule.direction, rule.action, &rule.peers, &rule.ports, rule.l7)
}
