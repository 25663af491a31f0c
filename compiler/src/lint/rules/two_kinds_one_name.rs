//! S1504: policies of two kinds with one name.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::TwoKindsOneName, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut seen = BTreeMap::new();
    for policy in &context.facts.policies {
        let meta = policy.resource.object.meta();
        if meta.generated {
            continue;
        }
        let kind = &policy.resource.place.document.kind;
        let (first_kind, first) =
            *seen.entry((policy.namespace, &meta.name.value)).or_insert((kind, meta.name.span));
        if first_kind == kind {
            continue;
        }
        let message = format!("a {first_kind} has the same name");
        found.push(
            context
                .finding(Code::TwoKindsOneName, policy.resource, meta.name.span, message)
                .related(first, "here")
                .help("flows and metrics name policies without their kind: give one of the two another name"),
        );
    }
}
