//! S1404: an empty list of peers in a NetworkPolicy, which means everybody.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::EmptyFrom, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for policy in &context.facts.policies {
        for rule in policy.network.iter().flat_map(|network| &network.rules) {
            let Some(span) = rule.peers_span.filter(|_| rule.peers.is_empty()) else { continue };
            let (key, who) = match rule.direction {
                sluice_ir::policy::Direction::Ingress => ("from", "everybody is let in"),
                sluice_ir::policy::Direction::Egress => ("to", "everybody can be reached"),
            };
            let message = format!("an empty `{key}` is the same as none: {who}");
            found.push(context.finding(Code::EmptyFrom, policy.resource, span, message).help(format!(
                "fill the list; if nobody is meant remove the rule, if everybody is remove `{key}`"
            )));
        }
    }
}
