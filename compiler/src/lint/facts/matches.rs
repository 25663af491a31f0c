//! Whom selectors select, and which selector selects no less than another.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use sluice_ir::ids::SelectorId;
use sluice_ir::label::LabelSource;
use sluice_ir::policy::Identity;
use sluice_ir::selector::{Operator, Requirement, Selector};

use crate::Compiled;
use crate::classify::members::Members;
use crate::inventory::{Inventory, confined_to, keys};

/// The pods' identities that each selector of the policy selects.
#[derive(Debug, Default)]
pub(crate) struct Matches {
    by_selector: FxHashMap<Selector, usize>,
    /// For each selector the places of identities in the inventory, in order.
    of: Vec<Box<[u32]>>,
    identities: Vec<Arc<Identity>>,
    /// Where the identities of each namespace stand.
    spaces: BTreeMap<Arc<str>, Range<usize>>,
}

impl Matches {
    pub(super) fn new(compiled: &Compiled) -> Matches {
        let spaces = spaces(&compiled.inventory);
        let identities = compiled.inventory.identities.clone();
        let selectors = &compiled.policy.selectors;
        let members = Members::new(identities.iter().map(|identity| &**identity));
        let of =
            selectors.par_iter().map(|selector| members.of_selector(selector).into_boxed_slice()).collect();
        let by_selector = selectors.iter().cloned().enumerate().map(|(at, selector)| (selector, at));
        Matches { by_selector: by_selector.collect(), of, identities, spaces }
    }

    /// The identities that a selector selects. Those of the policy are known; any other is looked for.
    pub(crate) fn of(&self, selector: &Selector) -> Vec<&Arc<Identity>> {
        match self.by_selector.get(selector) {
            Some(at) => self.of[*at].iter().map(|at| &self.identities[*at as usize]).collect(),
            None => {
                let candidates = self.candidates(confined_to(selector).map(|name| &**name));
                candidates.iter().filter(|identity| selector.matches(&identity.labels)).collect()
            }
        }
    }

    /// The places of the identities that a selector selects.
    pub(crate) fn places(&self, selector: SelectorId) -> &[u32] {
        &self.of[selector.index()]
    }

    /// Whether it selects anybody.
    pub(crate) fn any(&self, selector: &Selector) -> bool {
        match self.by_selector.get(selector) {
            Some(at) => !self.of[*at].is_empty(),
            None => !self.of(selector).is_empty(),
        }
    }

    /// The identities of a namespace, or of all.
    pub(crate) fn candidates(&self, namespace: Option<&str>) -> &[Arc<Identity>] {
        match namespace {
            None => &self.identities,
            Some(name) => self.spaces.get(name).map_or(&[], |range| &self.identities[range.clone()]),
        }
    }
}

/// Identities stand in the order of their first endpoints, which stand in the order of their namespaces.
fn spaces(inventory: &Inventory) -> BTreeMap<Arc<str>, Range<usize>> {
    let mut spaces: BTreeMap<Arc<str>, Range<usize>> = BTreeMap::new();
    for (at, identity) in inventory.identities.iter().enumerate() {
        let Some(label) = identity.labels.get(keys::NAMESPACE) else { continue };
        spaces.entry(Arc::clone(&label.value)).or_insert(at..at).end = at + 1;
    }
    spaces
}

/// Whether a selector surely selects everybody whom the other selects. `false` where that is not plain.
pub(crate) fn covers(wide: &Selector, narrow: &Selector) -> bool {
    let implied = |wanted: &Requirement| narrow.requirements().iter().any(|given| implies(given, wanted));
    wide.requirements().iter().all(implied)
}

fn implies(given: &Requirement, wanted: &Requirement) -> bool {
    if given == wanted {
        return true;
    }
    let same =
        given.key == wanted.key && (wanted.source == given.source || wanted.source == LabelSource::Any);
    same && match (&given.operator, &wanted.operator) {
        (Operator::In(given), Operator::In(wanted)) => given.iter().all(|value| wanted.contains(value)),
        (Operator::In(_) | Operator::Exists, Operator::Exists) => true,
        (Operator::In(given), Operator::NotIn(wanted)) => !given.iter().any(|value| wanted.contains(value)),
        (Operator::NotIn(given), Operator::NotIn(wanted)) => wanted.iter().all(|value| given.contains(value)),
        (Operator::DoesNotExist, Operator::DoesNotExist | Operator::NotIn(_)) => {
            // An absent label of any source is absent under each source.
            wanted.source == given.source || given.source == LabelSource::Any
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector(requirements: &[(&str, Operator)]) -> Selector {
        let requirement =
            |(key, operator): &(&str, Operator)| Requirement::new(LabelSource::K8s, *key, operator.clone());
        requirements.iter().map(requirement).collect()
    }

    #[test]
    fn fewer_requirements_cover_more() {
        let one_of = |values: &[&str]| Operator::In(values.iter().map(|value| (*value).into()).collect());
        let web = selector(&[("app", one_of(&["web"]))]);
        let web_or_db = selector(&[("app", one_of(&["web", "db"]))]);
        let front = selector(&[("app", one_of(&["web"])), ("tier", Operator::Exists)]);
        assert!(covers(&Selector::default(), &web) && !covers(&web, &Selector::default()));
        assert!(covers(&web, &front) && !covers(&front, &web));
        assert!(covers(&web_or_db, &web) && !covers(&web, &web_or_db));
        assert!(covers(&selector(&[("app", Operator::Exists)]), &web));
        assert!(covers(&selector(&[("app", Operator::NotIn(["db".into()].into()))]), &web));
        assert!(!covers(&selector(&[("app", Operator::NotIn(["web".into()].into()))]), &web));
    }
}
