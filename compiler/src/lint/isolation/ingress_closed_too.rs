//! S1406: egress rules without `policyTypes`, which close ingress.

use sluice_ir::policy::Direction;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::IngressClosedToo, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for policy in &context.facts.policies {
        let Some(network) = policy.network.filter(|network| network.types.is_none()) else { continue };
        let has = |direction| network.rules.iter().any(|rule| rule.direction == direction);
        if has(Direction::Ingress) || !has(Direction::Egress) {
            continue;
        }
        let message = "without `policyTypes` ingress is isolated too, and there is no ingress rule";
        found.push(
            context
                .finding(Code::IngressClosedToo, policy.resource, network.span, message)
                .help("add `policyTypes: [Egress]`, or `[Ingress, Egress]` if that is meant"),
        );
    }
}
