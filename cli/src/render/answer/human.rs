//! Answers for people.
//!
//! ```text
//! denied  shop/frontend -> data/postgres 5432/tcp
//!
//! egress of shop/frontend: deny
//!   nothing allows it, and the pod is isolated by
//!     CiliumNetworkPolicy shop/default-deny
//!       policies/shop.yaml:12:5  spec.egress[0]
//!       to no one, on every port
//!   the rule that comes nearest is
//!     ...
//! ```

use owo_colors::Style;
use sluice_compiler::judge::{NearMiss, Side};
use sluice_ir::ids::RuleId;
use sluice_ir::policy::eval::{Reason, Verdict};
use sluice_ir::policy::{Authentication, Direction};

use super::{Asked, end, traffic, verdict};
use crate::render::text::{harmless, wrap};
use crate::terminal::Look;

/// Of many rules that say the same, this many are shown.
const MOST_RULES: usize = 5;

/// The answer to one flow.
pub(crate) fn render(asked: &Asked<'_>, look: Look) -> String {
    let word = match asked.answer.verdict {
        Verdict::Allow => "allowed",
        Verdict::Redirect => "allowed through the proxy",
        Verdict::Deny => "denied",
    };
    let from = harmless(&end(&asked.flow.from));
    let to = harmless(&end(&asked.flow.to));
    let mut text = format!(
        "{}  {from} -> {to}  {}\n",
        look.paint(word, style(asked.answer.verdict).bold()),
        traffic(asked.flow)
    );
    for (direction, subject, side) in [
        (Direction::Egress, &from, asked.answer.egress.as_ref()),
        (Direction::Ingress, &to, asked.answer.ingress.as_ref()),
    ] {
        text.push('\n');
        let painted = match side {
            Some(side) => look.paint(&verdict(Some(side)), style(side.answer.verdict)),
            None => look.paint("unmanaged", Style::new().dimmed()),
        };
        text.push_str(&format!("{direction} of {subject}: {painted}\n"));
        match side {
            Some(side) => text.push_str(&explain(asked, direction, side, look)),
            None => text.push_str("  no policy is enforced there\n"),
        }
    }
    text
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Allow => Style::new().green(),
        Verdict::Redirect => Style::new().cyan(),
        Verdict::Deny => Style::new().red(),
    }
}

fn explain(asked: &Asked<'_>, direction: Direction, side: &Side, look: Look) -> String {
    let answer = &side.answer;
    let because = match (answer.reason, answer.verdict) {
        (Reason::NotEnforced, _) => "policy enforcement is off".to_owned(),
        (Reason::NotIsolated, _) => format!("no policy restricts its {direction}"),
        (Reason::Localhost, _) => "a node may always reach its own pods, unless a rule denies it".to_owned(),
        (Reason::DefaultDeny, _) if answer.rules.is_empty() => {
            "nothing allows it, and every endpoint is isolated".to_owned()
        }
        (Reason::DefaultDeny, _) => "nothing allows it, and it is isolated by".to_owned(),
        (Reason::Rules, Verdict::Deny) => "denied by".to_owned(),
        (Reason::Rules, Verdict::Redirect) => "allowed, with layer 7 rules, by".to_owned(),
        (Reason::Rules, Verdict::Allow) => "allowed by".to_owned(),
    };
    let mut text = format!("  {because}\n");
    // Every entry of a policy isolates: of those one for each policy says it.
    let of_policy = |id: &RuleId| answer.reason == Reason::DefaultDeny && repeats(asked, &answer.rules, *id);
    let rules: Vec<RuleId> = answer.rules.iter().copied().filter(|id| !of_policy(id)).collect();
    for id in rules.iter().take(MOST_RULES) {
        text.push_str(&rule(asked, *id, look));
    }
    if let Some(more @ 1..) = rules.len().checked_sub(MOST_RULES) {
        text.push_str(&format!("    and {more} more: --format json lists them\n"));
    }
    match answer.authentication {
        Some(Authentication::Required) => {
            text.push_str("  after mutual authentication, which sluice does not make yet\n")
        }
        Some(Authentication::AlwaysFail) => text.push_str("  after an authentication that always fails\n"),
        Some(Authentication::Disabled) | None => {}
    }
    if let Some(near) = &side.nearest {
        text.push_str(&nearest(asked, near, look));
    }
    text
}

/// Whether a rule before this one comes from the same object.
fn repeats(asked: &Asked<'_>, rules: &[RuleId], id: RuleId) -> bool {
    let policy = &asked.compiled.policy;
    let object = |id: RuleId| (&policy.origin(id).kind, policy.origin(id).object());
    rules.iter().take_while(|other| **other != id).any(|other| object(*other) == object(id))
}

fn nearest(asked: &Asked<'_>, near: &NearMiss, look: Look) -> String {
    let mut text = format!("  the rule that comes nearest is\n{}", rule(asked, near.rule, look));
    for miss in &near.misses {
        text.push_str(&wrap(&harmless(&format!("but {miss}")), "    ", "      ", look.width));
        text.push('\n');
    }
    text
}

/// A rule: its object, its place, and what it matches.
fn rule(asked: &Asked<'_>, id: RuleId, look: Look) -> String {
    let policy = &asked.compiled.policy;
    let origin = policy.origin(id);
    let object = look.paint(&harmless(&origin.object()), Style::new().bold());
    let place = look.paint(&harmless(&origin.to_string()), Style::new().blue());
    let what =
        wrap(&harmless(&super::rule::sentence(policy, policy.rule(id))), "      ", "      ", look.width);
    format!("    {} {object}\n      {place}  {}\n{what}\n", origin.kind, harmless(&origin.path))
}
