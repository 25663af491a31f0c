//! The contract of a pass, checked question by question.

use std::collections::BTreeSet;

use sluice_ir::origin::Origin;
use sluice_ir::policy::eval::{Answer, Question, Verdict, eval_among, selecting};
use sluice_ir::policy::verify::verify;
use sluice_ir::policy::{Identity, L7, Policy};

use crate::Pass;

/// What breaks the contract of a pass, if anything does.
pub(crate) fn breach<'q>(
    (name, pass): Pass,
    before: &Policy,
    subjects: &[&Identity],
    questions: impl Iterator<Item = Question<'q>>,
) -> Option<String> {
    let after = pass(before, subjects);
    let breach = |what: &str| Some(format!("{name}: {what}\n--- before\n{before}--- after\n{after}"));
    if let Err(error) = verify(after.clone()) {
        return breach(&error.to_string());
    }
    if pass(&after, subjects) != after {
        return breach(&format!("not idempotent, the second time gives\n{}", pass(&after, subjects)));
    }
    if after.rules.len() > before.rules.len() || after.selectors.len() > before.selectors.len() {
        return breach("larger");
    }
    let (mut cached, mut among) = (None, [Vec::new(), Vec::new()]);
    for question in questions {
        let key = (std::ptr::from_ref(question.subject), question.direction);
        if cached != Some(key) {
            let of = |policy| selecting(policy, question.subject, question.direction);
            (cached, among) = (Some(key), [of(before), of(&after)]);
        }
        let old = eval_among(before, &among[0], &question);
        let new = eval_among(&after, &among[1], &question);
        if let Some(what) = differs(before, &old, &after, &new) {
            return breach(&format!("{what}\n{question:?}\n{old:?}\n{new:?}"));
        }
    }
    None
}

fn differs(before: &Policy, old: &Answer, after: &Policy, new: &Answer) -> Option<&'static str> {
    if (old.verdict, old.reason, old.authentication) != (new.verdict, new.reason, new.authentication) {
        return Some("another answer");
    }
    if old.verdict == Verdict::Redirect && l7(before, old) != l7(after, new) {
        return Some("other layer 7 rules");
    }
    let (had, has) = (origins(before, old), origins(after, new));
    if !has.is_subset(&had) {
        return Some("an origin that was not reported before");
    }
    (has.is_empty() && !had.is_empty()).then_some("no origin any more")
}

fn l7<'p>(policy: &'p Policy, answer: &Answer) -> BTreeSet<Option<&'p L7>> {
    answer.rules.iter().map(|id| policy.rule(*id).l7.map(|l7| policy.l7(l7))).collect()
}

fn origins<'p>(policy: &'p Policy, answer: &Answer) -> BTreeSet<&'p Origin> {
    answer.rules.iter().map(|id| policy.origin(*id)).collect()
}
