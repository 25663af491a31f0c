//! Where default deny begins or ends.

use sluice_ir::decision::ByDirection;
use sluice_ir::ids::{OriginId, RuleId};
use sluice_ir::origin::Origin;
use sluice_ir::policy::eval::Reason;
use sluice_ir::policy::{Direction, Policy};

use crate::classify::Judged;
use crate::classify::subjects::SubjectKey;

/// That one direction of an endpoint is isolated on one side alone (semantics.md 4.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Isolation {
    /// Whether default deny begins; else it ends.
    pub begins: bool,
    /// The lines that isolate it, sorted, on the side on which it is isolated. Without any, the options do, or it has
    /// no labels yet.
    pub origins: Vec<Origin>,
}

/// What isolates each direction of an endpoint; none inside for one that is not isolated.
pub(super) fn isolating(
    policy: &Policy,
    judged: &Judged,
    selecting: &ByDirection<Vec<RuleId>>,
) -> ByDirection<Option<Vec<OriginId>>> {
    let key = SubjectKey::new(policy, &judged.identity, selecting.clone());
    ByDirection::from_fn(|direction: Direction| match key.fallback(policy, direction) {
        (Reason::DefaultDeny, origins) => Some(origins),
        _ => None,
    })
}

/// What changes for a direction that these isolate on either side.
pub(super) fn change(
    (old, new): (&Policy, &Policy),
    (before, after): (Option<&Vec<OriginId>>, Option<&Vec<OriginId>>),
) -> Option<Isolation> {
    let told = |policy: &Policy, origins: &[OriginId]| {
        let mut origins: Vec<Origin> =
            origins.iter().map(|origin| policy.origins[origin.index()].clone()).collect();
        origins.sort();
        origins
    };
    match (before, after) {
        (Some(origins), None) => Some(Isolation { begins: false, origins: told(old, origins) }),
        (None, Some(origins)) => Some(Isolation { begins: true, origins: told(new, origins) }),
        _ => None,
    }
}
