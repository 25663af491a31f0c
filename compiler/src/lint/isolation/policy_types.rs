//! S1405: rules of a direction that `policyTypes` leaves out.

use sluice_ir::policy::Direction;

use crate::diagnostic::{Code, Diagnostic, Edit, Fix};
use crate::lint::{Context, Lint};
use crate::source::Span;

pub(super) const LINT: Lint = Lint { code: Code::PolicyTypes, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for policy in &context.facts.policies {
        let Some(network) = policy.network else { continue };
        let (Some(types), Some(span)) = (network.types, network.types_span) else { continue };
        for (listed, direction) in types.into_iter().zip(Direction::BOTH) {
            let Some(rule) = network.rules.iter().find(|rule| rule.direction == direction) else { continue };
            if listed {
                continue;
            }
            let word = if direction == Direction::Ingress { "Ingress" } else { "Egress" };
            let message = format!(
                "there are {direction} rules, and `policyTypes` has no `{word}`: agents enforce them all the same"
            );
            found.push(
                context
                    .finding(Code::PolicyTypes, policy.resource, span, message)
                    .related(rule.span, "the rules")
                    .help(format!("add `{word}`, or remove the rules: other network plugins ignore them"))
                    .fix(added(context, span, word)),
            );
        }
    }
}

/// `word` at the end of a list in brackets.
fn added(context: &Context<'_>, span: Span, word: &str) -> Option<Fix> {
    let inside = context.sources.text(span).strip_suffix(']')?;
    let at = Span::new(span.file, span.start, span.start + u32::try_from(inside.trim_end().len()).ok()?);
    let edit = Edit { span: Span { start: at.end, ..at }, text: format!(", {word}") };
    Some(Fix { title: format!("add `{word}` to `policyTypes`"), edits: vec![edit] })
}
