//! Verdicts of two tables, and which of them mean the same.

use std::collections::BTreeSet;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use sluice_ir::decision::{Decision, Outcome};
use sluice_ir::ids::VerdictId;
use sluice_ir::origin::Origin;
use sluice_ir::policy::eval::{Reason, Verdict};
use sluice_ir::policy::{Authentication, L7};

/// What is said about some traffic, and where.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Told {
    /// What happens.
    pub verdict: Verdict,
    /// Authentication that the traffic must have first.
    pub authentication: Option<Authentication>,
    /// For a redirect, whether a rule without layer 7 rules matches too.
    pub widened: bool,
    /// For a redirect, what the proxy is to apply, sorted: these are alternatives.
    pub l7: Vec<L7>,
    /// Which steps of the evaluation decided, sorted.
    pub reasons: Vec<Reason>,
    /// The user's lines that made it, sorted.
    pub origins: Vec<Origin>,
}

impl Told {
    /// Whether another means the same, whatever made it so.
    pub fn means(&self, other: &Told) -> bool {
        let own = (self.verdict, self.authentication, self.widened, &self.l7);
        own == (other.verdict, other.authentication, other.widened, &other.l7)
    }
}

/// The place of a meaning among the different ones of both tables.
pub(super) type MeaningId = u32;

/// What an outcome is compared by.
type Meaning<'d> = (Verdict, Option<Authentication>, bool, BTreeSet<&'d L7>);

/// The meaning of each verdict of two tables.
#[derive(Clone, Debug)]
pub(super) struct Meanings {
    pub(super) old: Vec<MeaningId>,
    pub(super) new: Vec<MeaningId>,
}

impl Meanings {
    pub(super) fn new(old: &Decision, new: &Decision) -> Meanings {
        let mut known: IndexSet<Meaning<'_>, FxBuildHasher> = IndexSet::default();
        let old = old.verdicts.iter().map(|outcome| intern(&mut known, meaning(old, outcome))).collect();
        let new = new.verdicts.iter().map(|outcome| intern(&mut known, meaning(new, outcome))).collect();
        Meanings { old, new }
    }
}

fn intern<'d>(known: &mut IndexSet<Meaning<'d>, FxBuildHasher>, meaning: Meaning<'d>) -> MeaningId {
    MeaningId::try_from(known.insert_full(meaning).0).unwrap_or(MeaningId::MAX)
}

fn meaning<'d>(decision: &'d Decision, outcome: &Outcome) -> Meaning<'d> {
    let l7 = outcome.l7.iter().map(|l7| &decision.l7[l7.index()]).collect();
    (outcome.verdict, outcome.authentication, outcome.widened, l7)
}

/// Verdicts of one table that mean the same, told as one; none if there is none.
pub(super) fn told(decision: &Decision, verdicts: &[VerdictId]) -> Option<Told> {
    let outcomes = || verdicts.iter().map(|verdict| &decision.verdicts[verdict.index()]);
    let first = outcomes().next()?;
    let reasons: BTreeSet<Reason> = outcomes().map(|outcome| outcome.reason).collect();
    let origins = outcomes().flat_map(|outcome| &outcome.origins);
    let origins: BTreeSet<&Origin> = origins.map(|origin| &decision.origins[origin.index()]).collect();
    Some(Told {
        verdict: first.verdict,
        authentication: first.authentication,
        widened: first.widened,
        l7: first.l7.iter().map(|l7| decision.l7[l7.index()].clone()).collect(),
        reasons: reasons.into_iter().collect(),
        origins: origins.into_iter().cloned().collect(),
    })
}
