//! Which rules select which endpoint, by the reference's own function.

use std::collections::BTreeSet;

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::decision::ByDirection;
use sluice_ir::ids::RuleId;
use sluice_ir::policy::{Identity, Policy, Subject};

use super::columns::{Column, Columns};
use crate::classify::Judged;

/// The rules that are in force for some endpoints: those that select one of them.
#[derive(Clone, Debug)]
pub struct InForce {
    /// Different identities of endpoints, each with the rules that select it.
    pub(super) subjects: Vec<ByDirection<Vec<RuleId>>>,
    /// The place in `subjects` of each endpoint.
    pub(super) of_judged: Vec<usize>,
    rules: BTreeSet<RuleId>,
}

impl InForce {
    /// Asks each rule about each endpoint.
    pub fn new(policy: &Policy, judged: &[Judged]) -> InForce {
        InForce::among(policy, judged, &policy.rules().map(|(id, _)| id).collect::<Vec<_>>())
    }

    /// Asks some rules about each endpoint: the others of the policy are not there.
    pub fn among(policy: &Policy, judged: &[Judged], rules: &[RuleId]) -> InForce {
        let identities: IndexSet<&Identity, FxBuildHasher> =
            judged.iter().map(|judged| &*judged.identity).collect();
        let of_judged =
            judged.iter().filter_map(|judged| identities.get_index_of(&*judged.identity)).collect();
        let identities: Vec<&Identity> = identities.into_iter().collect();
        let subjects = selecting(policy, rules, identities);
        let all = subjects.iter().flat_map(|rules| rules.ingress.iter().chain(&rules.egress));
        InForce { rules: all.copied().collect(), of_judged, subjects }
    }

    /// The rules that select an endpoint, by its place among those that were asked about.
    pub(crate) fn selecting(&self, judged: usize) -> &ByDirection<Vec<RuleId>> {
        &self.subjects[self.of_judged[judged]]
    }

    /// Every rule that selects one of the endpoints, in order.
    pub fn rules(&self) -> impl Iterator<Item = RuleId> {
        self.rules.iter().copied()
    }
}

/// The rules that select each identity. A subject that several rules have is asked once.
fn selecting(policy: &Policy, among: &[RuleId], identities: Vec<&Identity>) -> Vec<ByDirection<Vec<RuleId>>> {
    let mut selecting = vec![ByDirection::<Vec<RuleId>>::default(); identities.len()];
    let selectors = among.iter().map(|id| policy.rule(*id).subject.selector());
    let columns = Columns::new(policy, selectors, identities);
    let mut known: FxHashMap<Subject, Column> = FxHashMap::default();
    for id in among.iter().copied() {
        let rule = policy.rule(id);
        let selected = known.entry(rule.subject).or_insert_with(|| columns.of_subject(rule.subject));
        selected.ones().for_each(|at| selecting[at][rule.direction].push(id));
    }
    selecting
}
