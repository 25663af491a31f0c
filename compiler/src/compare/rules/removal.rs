//! What a set of matching rules decides, and what it would decide without one of them.

use std::collections::BTreeSet;

use sluice_ir::ids::RuleId;
use sluice_ir::policy::eval::{Reason, Verdict, rule_verdict};
use sluice_ir::policy::{Authentication, L7, Policy, Tier};

/// What rules decide, as far as it counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Meaning<'p> {
    verdict: Verdict,
    authentication: Option<Authentication>,
    widened: bool,
    l7: BTreeSet<&'p L7>,
}

/// What matching rules decide without one of them; the step is that of the case that none decides.
pub(super) fn meaning<'p>(
    policy: &'p Policy,
    matching: &[RuleId],
    without: Option<RuleId>,
    step: Reason,
) -> Meaning<'p> {
    let deciding = deciding(policy, matching, without);
    let Some(verdict) = verdict(policy, &deciding) else {
        let verdict = if step == Reason::DefaultDeny { Verdict::Deny } else { Verdict::Allow };
        return Meaning { verdict, authentication: None, widened: false, l7: BTreeSet::new() };
    };
    let rules = || deciding.iter().map(|id| policy.rule(*id));
    let has = |verdict| rules().any(|rule| rule_verdict(rule) == verdict);
    let (authentication, l7) = match verdict {
        Verdict::Deny => (None, BTreeSet::new()),
        _ => (
            rules().filter_map(|rule| rule.authentication).max(),
            rules().filter_map(|rule| rule.l7).map(|l7| policy.l7(l7)).collect(),
        ),
    };
    Meaning { verdict, authentication, widened: verdict == Verdict::Redirect && has(Verdict::Allow), l7 }
}

/// The rules of the first tier that has any, without one of them.
pub(super) fn deciding(policy: &Policy, matching: &[RuleId], without: Option<RuleId>) -> Vec<RuleId> {
    let of_tier = |tier: &Tier| -> Vec<RuleId> {
        let others = matching.iter().copied().filter(|id| Some(*id) != without);
        others.filter(|id| policy.rule(*id).tier == *tier).collect()
    };
    Tier::ORDER.iter().map(of_tier).find(|rules| !rules.is_empty()).unwrap_or_default()
}

/// The strongest verdict of some rules: deny before redirect before allow.
pub(super) fn verdict(policy: &Policy, rules: &[RuleId]) -> Option<Verdict> {
    rules.iter().map(|id| rule_verdict(policy.rule(*id))).min()
}

/// The rules that decide in place of one that is taken away: where both allow, those of its own kind.
pub(super) fn in_place_of(policy: &Policy, rule: RuleId, matching: &[RuleId]) -> Vec<RuleId> {
    let deciding = deciding(policy, matching, Some(rule));
    let Some(strongest) = verdict(policy, &deciding) else { return deciding };
    let of = |verdict| -> Vec<RuleId> {
        deciding.iter().copied().filter(|id| rule_verdict(policy.rule(*id)) == verdict).collect()
    };
    let alike = of(rule_verdict(policy.rule(rule)));
    if strongest == Verdict::Deny || alike.is_empty() { of(strongest) } else { alike }
}

/// The matching rules without which the others decide otherwise, as long as the step stays the same.
pub(super) fn decisive(policy: &Policy, matching: &[RuleId], step: Reason) -> Vec<RuleId> {
    let with = meaning(policy, matching, None, step);
    let mut candidates = candidates(policy, &deciding(policy, matching, None));
    candidates.retain(|id| meaning(policy, matching, Some(*id), step) != with);
    candidates
}

/// Those of the deciding rules that may be missed: whatever another has too is not missed.
fn candidates(policy: &Policy, deciding: &[RuleId]) -> Vec<RuleId> {
    let verdict = verdict(policy, deciding);
    let of = |verdict| deciding.iter().copied().filter(move |id| rule_verdict(policy.rule(*id)) == verdict);
    let only = |rules: Vec<RuleId>| if let [one] = rules[..] { Some(one) } else { None };
    let mut candidates = BTreeSet::new();
    candidates.extend(only(of(Verdict::Deny).collect()));
    if verdict == Some(Verdict::Deny) || verdict.is_none() {
        return candidates.into_iter().collect();
    }
    candidates.extend(only(of(Verdict::Allow).collect()));
    let strictest = deciding.iter().filter_map(|id| policy.rule(*id).authentication).max();
    let strict = deciding.iter().copied().filter(|id| policy.rule(*id).authentication == strictest);
    candidates.extend(only(strict.collect()));
    let mut asks: Vec<(&L7, RuleId)> =
        of(Verdict::Redirect).filter_map(|id| Some((policy.l7(policy.rule(id).l7?), id))).collect();
    asks.sort_unstable();
    candidates.extend(asks.chunk_by(|a, b| a.0 == b.0).filter(|of| of.len() == 1).map(|of| of[0].1));
    candidates.into_iter().collect()
}
