//! S1502: an allow inside of a deny.

use sluice_ir::policy::{Action, Direction, Peers};

use super::pair::{peers_cover, ports_cover};
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::who_else::Others;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::BroadDeny, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = &context.compiled.policy;
    if !policy.rules.iter().any(|rule| rule.action == Action::Deny) {
        return;
    }
    let denies =
        Direction::BOTH.map(|direction| Others::new(context, direction, |rule| rule.action == Action::Deny));
    for ((_, rule), written) in policy.rules().zip(&context.compiled.written) {
        let nobody = matches!(&rule.peers, Peers::Of(peers) if peers.is_empty());
        if rule.action != Action::Allow || nobody {
            continue;
        }
        let [ingress, egress] = &denies;
        let others = if rule.direction == Direction::Ingress { ingress } else { egress };
        let over = others.covering(rule.subject).find(|id| {
            let other = policy.rule(*id);
            other.tier <= rule.tier && peers_cover(policy, other, rule) && ports_cover(other, rule)
        });
        let (Some(id), Some(entry)) = (over, context.facts.entry_of(written.span)) else { continue };
        let other = &context.compiled.written[id.index()];
        let name = policy.origin(id).object();
        let message = "a deny covers all of this, and a deny wins however wide it is";
        found.push(
            context
                .finding(Code::BroadDeny, entry.resource, written.span, message)
                .related(other.span, format!("the deny, of `{name}`"))
                .help("make the deny smaller: leave these peers or ports out of it; or remove the allow"),
        );
    }
}
