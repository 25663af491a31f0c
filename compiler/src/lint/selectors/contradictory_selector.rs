//! S1109: a selector that asks for what cannot be.

use sluice_ir::label::LabelSource;
use sluice_ir::selector::{Operator, Requirement, Selector};

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::resource::Resource;
use crate::resource::selector::SelectorSpec;

pub(super) const LINT: Lint = Lint { code: Code::ContradictorySelector, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for subject in &context.facts.subjects {
        found.extend(finding(context, subject.resource, subject.spec));
    }
    for peer in &context.facts.labels {
        let resource = context.facts.entry(peer.entry).resource;
        found.extend(peer.specs.iter().flatten().filter_map(|spec| finding(context, resource, spec)));
    }
}

fn finding(context: &Context<'_>, resource: &Resource, spec: &SelectorSpec) -> Option<Diagnostic> {
    let placed: Vec<_> = spec.placed().collect();
    for (at, (wanted, place)) in placed.iter().enumerate() {
        let other = placed[..at].iter().find(|(other, _)| contradict(other, wanted));
        if let Some((_, first)) = other {
            let message = format!("no pod meets both of these about `{}`", wanted.key);
            let found = context.finding(Code::ContradictorySelector, resource, place.key, message);
            return Some(found.related(first.key, "the other one").help(
                "remove one of the two; for pods that have one value or the other write `operator: In` with both",
            ));
        }
    }
    None
}

/// Whether a selector selects nobody whoever there is.
pub(super) fn never(selector: &Selector) -> bool {
    let all = selector.requirements();
    all.iter().enumerate().any(|(at, wanted)| all[..at].iter().any(|other| contradict(other, wanted)))
}

fn contradict(a: &Requirement, b: &Requirement) -> bool {
    if a.key != b.key {
        return false;
    }
    let same = a.source == b.source || a.source == LabelSource::Any || b.source == LabelSource::Any;
    match (&a.operator, &b.operator) {
        // An identity has one label of a key, whatever its source.
        (Operator::In(a), Operator::In(b)) => !a.iter().any(|value| b.contains(value)),
        (Operator::In(values), Operator::NotIn(out)) | (Operator::NotIn(out), Operator::In(values)) => {
            same && values.iter().all(|value| out.contains(value))
        }
        (Operator::DoesNotExist, Operator::In(_) | Operator::Exists)
        | (Operator::In(_) | Operator::Exists, Operator::DoesNotExist) => same,
        _ => false,
    }
}
