//! What other rules say for the same subject.
//!
//! Where pods are known, a rule counts for another if it is for each of the pods that the other is for. Where they
//! are not, if its selector surely selects everybody whom the other selects.

use sluice_ir::ids::{RuleId, SelectorId};
use sluice_ir::policy::{Direction, Policy, Rule, Subject};

use super::Context;
use super::facts::Matches;
use super::facts::covers;

/// The rules of a direction by what they are for.
#[derive(Debug)]
pub(super) struct Others<'p> {
    policy: &'p Policy,
    matches: &'p Matches,
    /// Some rules, by their subjects, each subject once.
    by_subject: Vec<(Subject, Vec<RuleId>)>,
}

impl<'p> Others<'p> {
    /// The rules of a direction that `wanted` holds of.
    pub(super) fn new(
        context: &'p Context<'_>,
        direction: Direction,
        wanted: impl Fn(&Rule) -> bool,
    ) -> Others<'p> {
        let policy = &context.compiled.policy;
        let mut by_subject: indexmap::IndexMap<Subject, Vec<RuleId>> = indexmap::IndexMap::new();
        for (id, rule) in policy.rules().filter(|(_, rule)| rule.direction == direction && wanted(rule)) {
            by_subject.entry(rule.subject).or_default().push(id);
        }
        Others { policy, matches: &context.facts.matches, by_subject: by_subject.into_iter().collect() }
    }

    /// Whether everybody whom the subject selects has one of the rules.
    pub(super) fn is_for(&self, subject: Subject) -> bool {
        let wanted = subject.selector();
        let mut others =
            self.by_subject.iter().filter(|(other, _)| same_kind(*other, subject)).map(|(s, _)| s.selector());
        if others.clone().any(|other| self.covers(other, wanted)) {
            return true;
        }
        let pods = self.matches.places(wanted);
        if pods.is_empty() {
            return false;
        }
        let others: Vec<SelectorId> = others.by_ref().collect();
        pods.iter()
            .all(|pod| others.iter().any(|other| self.matches.places(*other).binary_search(pod).is_ok()))
    }

    /// The rules that are for somebody whom the subject selects, as far as that is known.
    pub(super) fn meeting(&self, subject: Subject) -> impl Iterator<Item = RuleId> {
        let wanted = subject.selector();
        let pods = self.matches.places(wanted);
        let meets = move |(other, _): &&(Subject, Vec<RuleId>)| {
            let selector = other.selector();
            same_kind(*other, subject)
                && (self.covers(selector, wanted)
                    || self.matches.places(selector).iter().any(|pod| pods.binary_search(pod).is_ok()))
        };
        self.by_subject.iter().filter(meets).flat_map(|(_, rules)| rules.iter().copied())
    }

    /// The rules that are for everybody whom the subject selects.
    pub(super) fn covering(&self, subject: Subject) -> impl Iterator<Item = RuleId> {
        let of = move |(other, _): &&(Subject, Vec<RuleId>)| {
            same_kind(*other, subject) && self.covers(other.selector(), subject.selector())
        };
        self.by_subject.iter().filter(of).flat_map(|(_, rules)| rules.iter().copied())
    }

    fn covers(&self, wide: SelectorId, narrow: SelectorId) -> bool {
        wide == narrow || covers(self.policy.selector(wide), self.policy.selector(narrow))
    }
}

fn same_kind(a: Subject, b: Subject) -> bool {
    matches!(a, Subject::Nodes(_)) == matches!(b, Subject::Nodes(_))
}
