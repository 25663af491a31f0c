//! S1505 to S1507: rules that say nothing, as the tables prove.
//!
//! Each of them holds for the pods, nodes and answers of the input, and only there: with others the rule may say
//! something. It takes longer than all lints together, so it is done where it is asked for.

use sluice_ir::ids::RuleId;
use sluice_ir::policy::Action;

use super::pair::{peers_cover, ports_cover};
use crate::compare::rules::{Cover, Finding, Review, Vacuous, review_compiled};
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::Context;
use crate::lint::facts::covers;

/// The findings about rules, with a proof of each.
pub(in crate::lint) fn prove(context: &Context<'_>, view: Option<&str>) -> Vec<Diagnostic> {
    let reviews = review_compiled(context.compiled, view);
    reviews.iter().filter_map(|review| about(context, review)).collect()
}

fn about(context: &Context<'_>, review: &Review) -> Option<Diagnostic> {
    let written = &context.compiled.written[review.rule.index()];
    let entry = context.facts.entry_of(written.span)?;
    let finding = |code, message: String| context.finding(code, entry.resource, written.span, message);
    match review.finding.as_ref()? {
        Finding::Shadowed { by } => {
            // What one deny covers in so many words is said without a proof.
            if by.iter().any(|deny| plainly(context, *deny, review.rule)) {
                return None;
            }
            let message =
                "wherever this allow matches, a deny does too, so nothing comes through by it".to_owned();
            let found = related(context, finding(Code::ShadowedRule, message), by, "this denies");
            Some(found.help("make the denies smaller, or remove the allow"))
        }
        Finding::Redundant(Cover { by, steps }) => {
            let why = if by.is_empty() && !steps.is_empty() { "anyway" } else { "by other rules" };
            let message = format!("without this rule every flow would be decided the same {why}");
            let found =
                related(context, finding(Code::RedundantRule, message), by, "this decides in its place");
            Some(found.help("remove it if the others are to stay as they are"))
        }
        Finding::Vacuous(why) => {
            let message = match why {
                Vacuous::NoPeer { for_ever: true } => "nobody can ever be a peer of this rule",
                Vacuous::NoEndpoint { for_ever: true } => "nobody can ever be selected by this rule",
                Vacuous::NoPort { for_ever: true } => "no port can ever be meant by this rule",
                Vacuous::NotEnforced => "policy is not enforced on those whom this rule selects",
                _ => return None,
            };
            Some(finding(Code::VacuousRule, message.to_owned()).help("correct it, or remove it"))
        }
    }
}

/// So many other rules are shown.
const SHOWN: usize = 3;

fn related(context: &Context<'_>, mut found: Diagnostic, rules: &[RuleId], label: &str) -> Diagnostic {
    for rule in rules.iter().take(SHOWN) {
        let name = context.compiled.policy.origin(*rule).object();
        found = found.related(context.compiled.written[rule.index()].span, format!("{label}: `{name}`"));
    }
    found
}

fn plainly(context: &Context<'_>, deny: RuleId, allow: RuleId) -> bool {
    let policy = &context.compiled.policy;
    let (deny, allow) = (policy.rule(deny), policy.rule(allow));
    let selectors = (deny.subject.selector(), allow.subject.selector());
    let subject =
        selectors.0 == selectors.1 || covers(policy.selector(selectors.0), policy.selector(selectors.1));
    deny.action == Action::Deny && subject && peers_cover(policy, deny, allow) && ports_cover(deny, allow)
}
