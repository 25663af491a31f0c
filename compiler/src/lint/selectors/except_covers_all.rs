//! S1115: exceptions that leave nothing.

use sluice_ir::policy::Action;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ExceptCoversAll, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for prefix in &context.facts.prefixes {
        let whole = prefix.except.iter().find(|out| out.value.covers(prefix.cidr.value));
        let halves = || {
            let of = |half: usize| {
                let longer = prefix.cidr.value.length() + 1;
                prefix.except.iter().filter(move |out| out.value.length() == longer).nth(half)
            };
            of(0).zip(of(1)).filter(|(a, b)| a.value != b.value).map(|(a, _)| a)
        };
        let Some(out) = whole.or_else(halves) else { continue };
        let entry = context.facts.entry(prefix.entry);
        let nothing = if entry.action == Action::Allow { "allows" } else { "denies" };
        let message = format!("the exceptions are all of `{}`, so it {nothing} nothing", prefix.cidr.value);
        found.push(
            context
                .finding(Code::ExceptCoversAll, entry.resource, out.span, message)
                .related(prefix.cidr.span, "the prefix")
                .help("remove the element, or except only a part of it"),
        );
    }
}
