//! Which endpoints are isolated, and by which lines.

use std::collections::BTreeSet;

use sluice_ir::decision::ByDirection;
use sluice_ir::ids::RuleId;
use sluice_ir::origin::Origin;
use sluice_ir::policy::{Direction, Enforcement, Policy};

use crate::classify::Judged;

/// What becomes of traffic of a direction that no rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// It passes: no rule isolates the endpoint.
    Open,
    /// It is denied (semantics.md 4.1).
    DefaultDeny,
    /// Everything passes, as nothing is enforced.
    NotEnforced,
}

/// The state of one direction of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isolation {
    /// What it is.
    pub state: State,
    /// The lines that isolate it, one for each policy, sorted. Where enforcement is always on there need be none.
    pub lines: Vec<Origin>,
}

/// The state of both directions of an endpoint, given the rules that select it.
pub(super) fn state(
    policy: &Policy,
    judged: &Judged,
    selecting: &ByDirection<Vec<RuleId>>,
) -> ByDirection<State> {
    let always =
        policy.settings.enforcement == Enforcement::Always || judged.identity.labels.is_reserved("init");
    ByDirection::from_fn(|direction| match policy.settings.enforcement {
        Enforcement::Never => State::NotEnforced,
        _ if always || isolating(policy, &selecting[direction]).next().is_some() => State::DefaultDeny,
        _ => State::Open,
    })
}

/// The lines that isolate some endpoints of one state, of whom each has its list of rules.
pub(super) fn isolation<'r>(
    policy: &Policy,
    state: ByDirection<State>,
    selecting: impl Iterator<Item = &'r ByDirection<Vec<RuleId>>> + Clone,
) -> ByDirection<Isolation> {
    let lines = |direction: Direction| {
        let ids = selecting.clone().flat_map(|rules| isolating(policy, &rules[direction]));
        let all: BTreeSet<&Origin> = ids.map(|id| policy.origin(id)).collect();
        let mut lines: Vec<Origin> = Vec::new();
        for line in all {
            let again = |known: &Origin| {
                (&known.kind, &known.namespace, &known.name) == (&line.kind, &line.namespace, &line.name)
            };
            if !lines.iter().any(again) {
                lines.push(line.clone());
            }
        }
        lines
    };
    ByDirection::from_fn(|direction| Isolation {
        state: state[direction],
        lines: if state[direction] == State::DefaultDeny { lines(direction) } else { Vec::new() },
    })
}

fn isolating<'p>(policy: &'p Policy, rules: &'p [RuleId]) -> impl Iterator<Item = RuleId> + 'p {
    rules.iter().copied().filter(|id| policy.rule(*id).default_deny)
}
