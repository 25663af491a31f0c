//! Only the rules that select an endpoint of the node.
//!
//! `localise(P, S) = { r : r in P, subject_matches(r.subject, s) for an s in S }`
//!
//! **Precondition**: the subject of every question has the labels of one in `S`.
//!
//! **Why the answer survives**: `eval` looks at the rules that select the question's subject and at no
//! others. All of those stay, in their order. So even the reported rules are the same.
//!
//! **Cost**: subjects with equal labels count once. A selector that names the value of a label is only
//! held against the subjects with that value, which a table gives; of several such requirements the
//! one with the fewest subjects is taken. So most selectors cost a few look-ups, whatever the size of `S`.

use rustc_hash::{FxHashMap, FxHashSet};
use sluice_ir::label::LabelSet;
use sluice_ir::policy::eval::subject_matches;
use sluice_ir::policy::{Identity, Policy, Rule, Subject};
use sluice_ir::selector::{Operator, Requirement};

/// Only the rules that select one of `subjects`.
pub fn localise(policy: &Policy, subjects: &[&Identity]) -> Policy {
    let subjects = Subjects::new(subjects);
    let mut known: FxHashMap<Subject, bool> = FxHashMap::default();
    let mut selects =
        |rule: &&Rule| *known.entry(rule.subject).or_insert_with(|| subjects.selects(policy, rule.subject));
    policy.of_rules(policy.rules.iter().filter(&mut selects).cloned())
}

/// Subjects with distinct labels, and which of them have a label.
struct Subjects<'i> {
    distinct: Vec<&'i Identity>,
    /// By key, then value: places in `distinct`, in order.
    with_label: FxHashMap<&'i str, FxHashMap<&'i str, Vec<usize>>>,
}

impl<'i> Subjects<'i> {
    fn new(subjects: &[&'i Identity]) -> Subjects<'i> {
        let mut seen: FxHashSet<&LabelSet> = FxHashSet::default();
        let distinct: Vec<&Identity> =
            subjects.iter().copied().filter(|subject| seen.insert(&subject.labels)).collect();
        let mut with_label: FxHashMap<&str, FxHashMap<&str, Vec<usize>>> = FxHashMap::default();
        for (at, subject) in distinct.iter().enumerate() {
            for label in subject.labels.iter() {
                with_label.entry(&label.key).or_default().entry(&label.value).or_default().push(at);
            }
        }
        Subjects { distinct, with_label }
    }

    /// Whether one of them is selected.
    fn selects(&self, policy: &Policy, subject: Subject) -> bool {
        let requirements = policy.selector(subject.selector()).requirements();
        let fewest = requirements.iter().filter_map(|r| self.with_value(r)).min_by_key(|places| places.len());
        let selects = |at: &usize| subject_matches(policy, subject, self.distinct[*at]);
        match fewest {
            Some(places) => places.iter().any(selects),
            None => (0..self.distinct.len()).any(|at| selects(&at)),
        }
    }

    /// The subjects with the value that a requirement names; none if it names no single value.
    fn with_value(&self, requirement: &Requirement) -> Option<&[usize]> {
        match &requirement.operator {
            Operator::In(values) => {
                let [value] = &values[..] else { return None };
                let places = self.with_label.get(&*requirement.key).and_then(|values| values.get(&**value));
                Some(places.map_or(&[], Vec::as_slice))
            }
            Operator::NotIn(_) | Operator::Exists | Operator::DoesNotExist => None,
        }
    }
}
