//! S1105: a reserved label that must be absent.

use sluice_ir::label::LabelSource;
use sluice_ir::selector::Operator;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ReservedNegation, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for peer in &context.facts.labels {
        let Some(spec) = peer.specs[0] else { continue };
        let negative = |operator: &Operator| matches!(operator, Operator::NotIn(_) | Operator::DoesNotExist);
        // One that must be there confines the selector to what has it.
        let only_negative = spec
            .requirements
            .iter()
            .filter(|wanted| wanted.source == LabelSource::Reserved)
            .all(|wanted| negative(&wanted.operator));
        for (wanted, place) in spec.placed() {
            if wanted.source != LabelSource::Reserved || !negative(&wanted.operator) || !only_negative {
                continue;
            }
            let resource = context.facts.entry(peer.entry).resource;
            let message = format!(
                "a reserved label lifts the namespace, so this also means the world, nodes and pods of every namespace, all but `{}`",
                wanted.key
            );
            let found_here = context.finding(Code::ReservedNegation, resource, place.key, message);
            found.push(
                found_here
                    .help("select those who are meant, and put what is to be left out into a deny entry"),
            );
        }
    }
}
