//! What other rules say for the same subject.
//!
//! Where pods are known, a rule counts for another if it is for each of the pods that the other is for. Where they
//! are not, if its selector surely selects everybody whom the other selects.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use sluice_ir::ids::{RuleId, SelectorId};
use sluice_ir::policy::{Direction, Policy, Rule, Subject};

use super::Context;
use super::facts::{Matches, covers};
use crate::inventory::confined_to;

/// Some rules of a direction by what they are for.
#[derive(Debug)]
pub(super) struct Others<'p> {
    policy: &'p Policy,
    matches: &'p Matches,
    /// The rules of each subject, each subject once.
    by_subject: Vec<(Subject, Vec<RuleId>)>,
    /// The places of the subjects that are confined to a namespace, and of those that are not.
    by_space: BTreeMap<Option<&'p Arc<str>>, Vec<usize>>,
}

impl<'p> Others<'p> {
    /// The rules of a direction that `wanted` holds of.
    pub(super) fn new(
        context: &'p Context<'_>,
        direction: Direction,
        wanted: impl Fn(&Rule) -> bool,
    ) -> Others<'p> {
        let policy = &context.compiled.policy;
        let mut by_subject: IndexMap<Subject, Vec<RuleId>> = IndexMap::new();
        for (id, rule) in policy.rules().filter(|(_, rule)| rule.direction == direction && wanted(rule)) {
            by_subject.entry(rule.subject).or_default().push(id);
        }
        let by_subject: Vec<(Subject, Vec<RuleId>)> = by_subject.into_iter().collect();
        let mut by_space: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for (at, (subject, _)) in by_subject.iter().enumerate() {
            let space = confined_to(policy.selector(subject.selector()));
            by_space.entry(space).or_default().push(at);
        }
        Others { policy, matches: &context.facts.matches, by_subject, by_space }
    }

    /// Whether everybody whom the subject selects has one of the rules.
    pub(super) fn is_for(&self, subject: Subject) -> bool {
        let wanted = subject.selector();
        let others: Vec<SelectorId> = self.near(subject).map(|(other, _)| other.selector()).collect();
        if others.iter().any(|other| self.covers(*other, wanted)) {
            return true;
        }
        let pods = self.matches.places(wanted);
        let has =
            |pod: &u32| others.iter().any(|other| self.matches.places(*other).binary_search(pod).is_ok());
        !pods.is_empty() && pods.iter().all(has)
    }

    /// The rules that are for somebody whom the subject selects, as far as that is known.
    pub(super) fn meeting(&self, subject: Subject) -> impl Iterator<Item = RuleId> {
        let wanted = subject.selector();
        let pods = self.matches.places(wanted);
        let meets = move |(other, _): &&(Subject, Vec<RuleId>)| {
            let selector = other.selector();
            self.covers(selector, wanted)
                || self.matches.places(selector).iter().any(|pod| pods.binary_search(pod).is_ok())
        };
        self.near(subject).filter(meets).flat_map(|(_, rules)| rules.iter().copied())
    }

    /// The rules that are for everybody whom the subject selects.
    pub(super) fn covering(&self, subject: Subject) -> impl Iterator<Item = RuleId> {
        let of =
            move |(other, _): &&(Subject, Vec<RuleId>)| self.covers(other.selector(), subject.selector());
        self.near(subject).filter(of).flat_map(|(_, rules)| rules.iter().copied())
    }

    /// The subjects that can have somebody in common with this one: a namespace has nothing to do with another.
    fn near(&self, subject: Subject) -> impl Iterator<Item = &(Subject, Vec<RuleId>)> {
        let space = confined_to(self.policy.selector(subject.selector()));
        let spaces = match space {
            Some(_) => vec![self.by_space.get(&space), self.by_space.get(&None)],
            None => self.by_space.values().map(Some).collect(),
        };
        let places = spaces.into_iter().flatten().flatten();
        places.map(|at| &self.by_subject[*at]).filter(move |(other, _)| same_kind(*other, subject))
    }

    fn covers(&self, wide: SelectorId, narrow: SelectorId) -> bool {
        wide == narrow || covers(self.policy.selector(wide), self.policy.selector(narrow))
    }
}

fn same_kind(a: Subject, b: Subject) -> bool {
    matches!(a, Subject::Nodes(_)) == matches!(b, Subject::Nodes(_))
}
