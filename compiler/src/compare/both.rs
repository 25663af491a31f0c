//! Two compiled policies to two tables whose addresses can be told apart alike.

use std::collections::BTreeSet;

use sluice_ir::net::Cidr;
use sluice_ir::policy::Identity;

use super::cells::{Comparison, Side};
use super::roster::Roster;
use crate::classify::population::prefixes_of;
use crate::classify::{Judged, Limits, Population, classify, judged};
use crate::decide::{DecideError, Decided};
use crate::optimise::optimise;
use crate::validate::{InForce, validate};
use crate::{Compiled, inventory::Inventory};

/// One of the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Revision {
    /// What was.
    Old,
    /// What is to be.
    New,
}

/// One of two policies has no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct CompareError {
    /// Which.
    pub revision: Revision,
    /// Why.
    #[source]
    pub error: DecideError,
}

/// Two policies as tables that are proved.
#[derive(Debug)]
pub struct Both {
    /// What was.
    pub old: Decided,
    /// What is to be.
    pub new: Decided,
    /// Who is on both sides.
    pub roster: Roster,
}

impl Both {
    /// The comparison of the two.
    pub fn comparison(&self) -> Comparison<'_> {
        Comparison::new(Side::from(&self.old), Side::from(&self.new), &self.roster)
    }
}

impl<'d> From<&'d Decided> for Side<'d> {
    fn from(decided: &'d Decided) -> Side<'d> {
        Side { classified: &decided.classified, population: &decided.population }
    }
}

/// Puts two policies into tables, for a node or without one for the whole cluster. Both tables know the prefixes
/// of both policies and inventories, so that an address that one of them tells apart from its neighbours is a
/// peer of its own in both.
///
/// # Errors
///
/// A table that would be too large; any other error is a mistake in Sluice.
pub fn decide_both(
    old: &Compiled,
    new: &Compiled,
    node: Option<&str>,
    limits: &Limits,
) -> Result<Both, CompareError> {
    let halves = [Half::new(old, node), Half::new(new, node)];
    let prefixes: BTreeSet<Cidr> = halves.iter().flat_map(Half::prefixes).collect();
    let [old, new] = halves;
    let at = |revision| move |error| CompareError { revision, error };
    let inventories = (&old.compiled.inventory, &new.compiled.inventory);
    let old = old.decide(&prefixes, node, limits).map_err(at(Revision::Old))?;
    let new = new.decide(&prefixes, node, limits).map_err(at(Revision::New))?;
    let roster = Roster::of_inventories(inventories, (&old, &new));
    Ok(Both { old, new, roster })
}

/// One policy on its way.
struct Half<'c> {
    compiled: &'c Compiled,
    judged: Vec<Judged>,
    in_force: InForce,
}

impl<'c> Half<'c> {
    fn new(compiled: &'c Compiled, node: Option<&str>) -> Half<'c> {
        let judged = judged(&compiled.inventory, &compiled.policy, node);
        let in_force = InForce::new(&compiled.policy, &judged);
        Half { compiled, judged, in_force }
    }

    /// The prefixes of the rules in force and of the inventory.
    fn prefixes(&self) -> BTreeSet<Cidr> {
        let Compiled { inventory, policy, .. }: &Compiled = self.compiled;
        let inventory: &Inventory = inventory;
        inventory.distinct_prefixes().chain(prefixes_of(policy, self.in_force.rules())).collect()
    }

    fn decide(
        self,
        prefixes: &BTreeSet<Cidr>,
        node: Option<&str>,
        limits: &Limits,
    ) -> Result<Decided, DecideError> {
        let Half { compiled: Compiled { inventory, policy, .. }, judged, in_force } = self;
        let population = Population::over(inventory, prefixes.iter().copied(), node);
        let subjects: Vec<&Identity> = judged.iter().map(|judged| &*judged.identity).collect();
        let optimised = optimise(policy, Some(&subjects))?;
        let classified = classify(&optimised.policy, &population, &judged, limits)?;
        let proof = validate(policy, &population, &judged, &in_force, &classified)?;
        Ok(Decided { classified, population, judged, passes: optimised.passes, proof })
    }
}
