//! S1310: layer 7 rules without a rule.

use sluice_ir::policy::L7Rules;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::EmptyL7, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for entry in &context.facts.entries {
        for rule in entry.cilium.iter().flat_map(|spec| &spec.to_ports).flat_map(|ports| &ports.value) {
            let (span, what) = match (rule.l7_places.http, rule.l7_places.dns) {
                (Some(span), _) => {
                    (span, "an empty `http` restricts nothing: every request passes, and no proxy sees it")
                }
                (None, Some(span)) => {
                    (span, "an empty `dns` restricts nothing: every lookup passes, and no address is learned")
                }
                (None, None) => continue,
            };
            if rule.l7.rules == L7Rules::None {
                found.push(context.finding(Code::EmptyL7, entry.resource, span, what).help(
                    "write the rules, or remove `rules`; `http: [{}]` sends every request through the proxy",
                ));
            }
        }
    }
}
