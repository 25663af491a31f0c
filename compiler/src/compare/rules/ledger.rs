//! What is noted of every rule on the way through the cells.

use std::collections::BTreeSet;
use std::sync::Arc;

use indexmap::IndexMap;
use rustc_hash::{FxBuildHasher, FxHashSet};
use sluice_ir::ids::RuleId;
use sluice_ir::policy::eval::{Reason, Verdict, rule_verdict};
use sluice_ir::policy::{Action, Direction, Policy, Rule};

use super::cover::few;
use super::removal::{deciding, decisive, in_place_of, meaning, verdict};
use super::{Cover, Witness};
use crate::classify::matching::{Cell, Sets, Side, Visitor};
use crate::classify::{Judged, Population};

/// A set of matching rules, by its place, with the step that decides if none of them does.
type Case = (usize, Reason);

/// What is noted of a rule.
#[derive(Clone, Debug, Default)]
struct Entry {
    selects: bool,
    enforced: bool,
    matches: bool,
    /// Whether it matches somewhere where no rule denies.
    undenied: bool,
    needed: Option<Witness>,
    /// The cases in which it matches, as places; no longer kept once nothing is to be proved of it.
    cases: Vec<usize>,
    /// The isolated sides on which it is one of several that isolate, as places.
    sides: Vec<usize>,
    /// Whether cells in which it may match were not met.
    unseen: bool,
}

impl Entry {
    /// Whether no cell can say anything new about the rule: it is needed, and nothing hides it.
    fn is_settled(&self, rule: &Rule) -> bool {
        self.needed.is_some() && (self.undenied || rule.action == Action::Deny) && self.matches
    }
}

pub(super) struct Ledger<'p> {
    policy: &'p Policy,
    population: &'p Population,
    judged: &'p [Judged],
    entries: Vec<Entry>,
    /// The rules of each case without which it is another, as long as the step stays the same.
    cases: IndexMap<Case, Vec<RuleId>, FxBuildHasher>,
    /// The rules that isolate a side, where there are several.
    isolating: Vec<Vec<RuleId>>,
    /// Cases that stay the same though without this rule the step is another.
    indifferent: FxHashSet<(Case, Reason, RuleId)>,
    /// Rules of the present side that alone isolate it, or are its only ones: the step depends on them.
    sole: Vec<RuleId>,
    /// How many rules isolate the present side.
    isolators: usize,
}

impl Visitor for Ledger<'_> {
    fn side(&mut self, side: &Side<'_>) {
        let policy = self.policy;
        let isolating: Vec<RuleId> =
            side.selecting.iter().copied().filter(|id| policy.rule(*id).default_deny).collect();
        for rule in side.selecting {
            let entry = &mut self.entries[rule.index()];
            entry.selects = true;
            entry.enforced |= side.enforced;
        }
        self.isolators = isolating.len();
        let mut sole = BTreeSet::new();
        if let ([rule], false) = (&isolating[..], side.always_isolated) {
            sole.insert(*rule);
        }
        if let ([rule], Direction::Ingress) = (side.selecting, side.direction) {
            sole.insert(*rule);
        }
        self.sole = sole.into_iter().collect();
        if side.enforced && !side.always_isolated && isolating.len() > 1 {
            for rule in &isolating {
                self.entries[rule.index()].sides.push(self.isolating.len());
            }
            self.isolating.push(isolating);
        }
    }

    fn is_curious(&self, rules: &[RuleId]) -> bool {
        rules.iter().chain(&self.sole).any(|rule| !self.is_settled(*rule))
    }

    fn unseen(&mut self, side: &Side<'_>) {
        for rule in side.selecting {
            self.entries[rule.index()].unseen = true;
        }
    }

    fn cell(&mut self, side: &Side<'_>, cell: &Cell<'_>) {
        if !self.is_curious(cell.matching) {
            return;
        }
        let step = self.step(side, cell, None);
        let case = (cell.set, step);
        let place = match self.cases.get_index_of(&case) {
            Some(place) => place,
            None => self.note(case, cell.matching),
        };
        for at in 0..self.cases[place].len() {
            let rule = self.cases[place][at];
            if self.step(side, cell, Some(rule)) == step {
                self.need(rule, side, cell);
            }
        }
        for at in 0..self.sole.len() {
            let rule = self.sole[at];
            let without = self.step(side, cell, Some(rule));
            let known = self.entries[rule.index()].needed.is_some();
            if without == step || known || self.indifferent.contains(&(case, without, rule)) {
                continue;
            }
            let differs = meaning(self.policy, cell.matching, None, step)
                != meaning(self.policy, cell.matching, Some(rule), without);
            if differs {
                self.need(rule, side, cell);
            } else {
                self.indifferent.insert((case, without, rule));
            }
        }
    }
}

impl<'p> Ledger<'p> {
    pub(super) fn new(policy: &'p Policy, population: &'p Population, judged: &'p [Judged]) -> Ledger<'p> {
        Ledger {
            policy,
            population,
            judged,
            entries: vec![Entry::default(); policy.rules.len()],
            cases: IndexMap::default(),
            isolating: Vec::new(),
            indifferent: FxHashSet::default(),
            sole: Vec::new(),
            isolators: 0,
        }
    }

    /// The step that decides in a cell if no matching rule does: steps 3 to 5 of the reference, without one of the
    /// rules that select the endpoint.
    fn step(&self, side: &Side<'_>, cell: &Cell<'_>, without: Option<RuleId>) -> Reason {
        let gone = usize::from(without.is_some());
        let isolates = |id: RuleId| self.policy.rule(id).default_deny;
        let isolators = self.isolators - usize::from(without.is_some_and(isolates));
        if cell.host && self.policy.settings.allow_localhost && side.selecting.len() > gone {
            Reason::Localhost
        } else if side.always_isolated || isolators > 0 {
            Reason::DefaultDeny
        } else {
            Reason::NotIsolated
        }
    }

    /// Notes a case that is met for the first time.
    fn note(&mut self, case: Case, matching: &[RuleId]) -> usize {
        let (place, _) = self.cases.insert_full(case, decisive(self.policy, matching, case.1));
        let denied = verdict(self.policy, &deciding(self.policy, matching, None)) == Some(Verdict::Deny);
        for rule in matching {
            let entry = &mut self.entries[rule.index()];
            entry.matches = true;
            entry.undenied |= !denied;
            if entry.needed.is_some() && entry.undenied {
                entry.cases = Vec::new();
            } else {
                entry.cases.push(place);
            }
        }
        place
    }

    fn need(&mut self, rule: RuleId, side: &Side<'_>, cell: &Cell<'_>) {
        let entry = &mut self.entries[rule.index()];
        if entry.needed.is_none() {
            let endpoint = side.endpoints.first().map(|at| self.judged[*at].name.clone());
            let peer = Arc::clone(self.population.identity(cell.peer));
            let (protocol, port) = cell.port;
            let direction = side.direction;
            entry.needed = endpoint.map(|endpoint| Witness { endpoint, direction, peer, protocol, port });
        }
    }

    fn is_settled(&self, rule: RuleId) -> bool {
        self.entries[rule.index()].is_settled(self.policy.rule(rule))
    }

    /// Whether there was too much work to find out all about a rule.
    pub(super) fn is_open(&self, rule: RuleId) -> bool {
        self.entries[rule.index()].unseen && !self.is_settled(rule)
    }

    /// How many rules [`Ledger::shadow`] and [`Ledger::cover`] of a rule look at.
    pub(super) fn cost(&self, rule: RuleId, sets: &Sets) -> usize {
        let sides = self.entries[rule.index()].sides.iter().map(|side| self.isolating[*side].len());
        self.matching_with(rule, sets).map(|(matching, _)| matching.len()).chain(sides).sum()
    }

    /// Whether a rule selects an endpoint.
    pub(super) fn selects(&self, rule: RuleId) -> bool {
        self.entries[rule.index()].selects
    }

    /// Whether a rule is enforced on an endpoint.
    pub(super) fn is_enforced(&self, rule: RuleId) -> bool {
        self.entries[rule.index()].enforced
    }

    /// Whether a rule matches some traffic.
    pub(super) fn matches(&self, rule: RuleId) -> bool {
        self.entries[rule.index()].matches
    }

    /// A flow whose answer depends on a rule.
    pub(super) fn witness(&self, rule: RuleId) -> Option<Witness> {
        self.entries[rule.index()].needed.clone()
    }

    /// Whether rules deny wherever a rule matches.
    pub(super) fn is_shadowed(&self, rule: RuleId) -> bool {
        let entry = &self.entries[rule.index()];
        entry.matches && !entry.undenied
    }

    /// Rules that deny wherever a shadowed rule matches.
    pub(super) fn shadow(&self, rule: RuleId, sets: &Sets) -> Vec<RuleId> {
        let denying = |matching: &[RuleId]| -> Vec<RuleId> {
            let mut deciding = deciding(self.policy, matching, None);
            deciding.retain(|id| rule_verdict(self.policy.rule(*id)) == Verdict::Deny);
            deciding
        };
        few(self.matching_with(rule, sets).map(|(matching, _)| denying(matching)).collect())
    }

    /// What makes a rule redundant that is not needed.
    pub(super) fn cover(&self, rule: RuleId, sets: &Sets) -> Cover {
        let mut constraints: BTreeSet<Vec<RuleId>> = BTreeSet::new();
        let mut steps: BTreeSet<Reason> = BTreeSet::new();
        for (matching, case) in self.matching_with(rule, sets) {
            let in_place = in_place_of(self.policy, rule, matching);
            if in_place.is_empty() {
                steps.extend(self.steps_without(case, rule));
            }
            constraints.insert(in_place);
        }
        for side in &self.entries[rule.index()].sides {
            let others = self.isolating[*side].iter().copied().filter(|other| *other != rule);
            constraints.insert(others.collect());
        }
        Cover { by: few(constraints), steps: steps.into_iter().collect() }
    }

    /// The steps that decide in a case without a rule: others than with it, where it alone isolates.
    fn steps_without(&self, case: Case, rule: RuleId) -> Vec<Reason> {
        let all = [Reason::Localhost, Reason::DefaultDeny, Reason::NotIsolated];
        let mut others = all.to_vec();
        others.retain(|step| self.indifferent.contains(&(case, *step, rule)));
        if others.is_empty() { vec![case.1] } else { others }
    }

    /// The sets of matching rules that a rule is in, with their cases.
    fn matching_with<'s>(
        &'s self,
        rule: RuleId,
        sets: &'s Sets,
    ) -> impl Iterator<Item = (&'s [RuleId], Case)> {
        let cases = self.entries[rule.index()].cases.iter().filter_map(|place| self.cases.get_index(*place));
        cases.filter_map(|(case, _)| Some((&**sets.get_index(case.0)?, *case)))
    }
}
