//! S1501: layer 7 rules beside an allow without any.

use sluice_ir::policy::{Action, Direction, L7Rules, Ports};

use super::pair::{peers_cover, ports_meet};
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::who_else::Others;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::L7Widened, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = &context.compiled.policy;
    if policy.l7.iter().all(|l7| l7.rules == L7Rules::None) {
        return;
    }
    let plain = Direction::BOTH.map(|direction| {
        Others::new(context, direction, |rule| {
            let rules = rule.l7.map(|l7| &policy.l7(l7).rules);
            rule.action == Action::Allow && rules.is_none_or(|rules| *rules == L7Rules::None)
        })
    });
    for ((_, rule), written) in policy.rules().zip(&context.compiled.written) {
        let Some(rules) = rule.l7.map(|l7| &policy.l7(l7).rules) else { continue };
        let (dns, place) = match rules {
            L7Rules::None => continue,
            L7Rules::Http(_) => (false, written.l7.http),
            L7Rules::Dns(_) => (true, written.l7.dns),
        };
        let [ingress, egress] = &plain;
        let others = if rule.direction == Direction::Ingress { ingress } else { egress };
        let widens = others.covering(rule.subject).find(|id| {
            let other = policy.rule(*id);
            // An allow of all ports lets no names through that DNS rules do not (semantics.md 4.6).
            let counts = !dns || other.ports != Ports::Any;
            counts && peers_cover(policy, other, rule) && ports_meet(other, rule)
        });
        let (Some(id), Some(place)) = (widens, place) else { continue };
        let Some(entry) = context.facts.entry_of(written.span) else { continue };
        let other = &context.compiled.written[id.index()];
        let name = policy.origin(id).object();
        let what = if dns { "every lookup" } else { "every request" };
        let message = format!("another rule allows the same without layer 7 rules, so {what} passes");
        found.push(
            context
                .finding(Code::L7Widened, entry.resource, place, message)
                .related(other.span, format!("the other rule, of `{name}`"))
                .help("take the port or the peer out of the other rule, or give it the same layer 7 rules"),
        );
    }
}
