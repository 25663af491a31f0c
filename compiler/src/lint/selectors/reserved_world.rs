//! S1107: the label of the world, which nobody has where there are two families.

use sluice_ir::label::LabelSource;
use sluice_ir::selector::Operator;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ReservedWorld, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if !context.options.dual_stack() {
        return;
    }
    for peer in &context.facts.labels {
        let entry = context.facts.entry(peer.entry);
        for (wanted, place) in peer.specs[0].iter().flat_map(|spec| spec.placed()) {
            let positive = matches!(wanted.operator, Operator::In(_) | Operator::Exists);
            if wanted.source != LabelSource::Reserved || &*wanted.key != "world" || !positive {
                continue;
            }
            let message = "`reserved:world` selects nobody in a cluster with IPv4 and IPv6";
            let entities = if entry.direction == sluice_ir::policy::Direction::Ingress {
                "fromEntities"
            } else {
                "toEntities"
            };
            found.push(
                context
                    .finding(Code::ReservedWorld, entry.resource, place.key, message)
                    .help(format!("write `{entities}: [world]`, which means both families")),
            );
        }
    }
}
