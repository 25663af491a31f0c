//! S1505 to S1508: rules that say nothing, as the tables prove, and rules of which that was not asked.
//!
//! Each of them holds for the pods, nodes and answers of the input, and only there: with others the rule may say
//! something. It takes longer than all lints together, so it is done where it is asked for.

use std::collections::BTreeMap;

use sluice_ir::ids::RuleId;
use sluice_ir::policy::Action;

use super::pair::{peers_cover, ports_cover};
use crate::compare::rules::{Cover, Finding, Review, Vacuous, review_compiled};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::lint::Context;
use crate::lint::facts::covers;
use crate::resource::Resource;
use crate::source::Span;

/// The findings about rules, with a proof of each. `work` is how many rules are looked at at most; those that are not
/// examined by then are named.
pub(in crate::lint) fn prove(context: &Context<'_>, view: Option<&str>, work: u64) -> Vec<Diagnostic> {
    let reviews = review_compiled(context.compiled, view, work);
    let mut found: Vec<Diagnostic> = reviews.iter().filter_map(|review| about(context, review)).collect();
    let open: Vec<RuleId> = reviews.iter().filter(|review| review.open).map(|review| review.rule).collect();
    found.extend(left_open(context, &open, reviews.len()));
    found
}

/// That rules were not examined: one finding about all of them, and one that tells each object with how many.
fn left_open(context: &Context<'_>, open: &[RuleId], of: usize) -> Vec<Diagnostic> {
    if open.is_empty() {
        return Vec::new();
    }
    let mut objects: BTreeMap<Span, (&Resource, usize)> = BTreeMap::new();
    for rule in open {
        let written = context.compiled.written[rule.index()].span;
        let Some(entry) = context.facts.entry_of(written) else { continue };
        objects.entry(entry.resource.place.span).or_insert((entry.resource, 0)).1 += 1;
    }
    let are = |count: usize| if count == 1 { "is" } else { "are" };
    let message =
        format!("{} of {of} rules {} not examined, as that is too much work", open.len(), are(open.len()));
    let help = "look at one node at a time with `--node NAME`, or allow more work with `--prove-limit`; \
        `--min-severity info` names them";
    let whole = Diagnostic::new(Code::UnexaminedRule, None, message).help(help);
    let each = objects.into_iter().map(|(span, (resource, count))| {
        let rules = if count == 1 { "rule" } else { "rules" };
        let message = format!("{count} {rules} of this policy {} not examined", are(count));
        context.finding(Code::UnexaminedRule, resource, span, message).severity(Severity::Info)
    });
    std::iter::once(whole).chain(each).collect()
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
