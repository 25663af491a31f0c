//! Two compiled policies to two tables whose addresses can be told apart alike.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use sluice_ir::decision::{ByDirection, EndpointName};
use sluice_ir::net::Cidr;
use sluice_ir::policy::{Direction, Identity};

use super::cells::{Comparison, Side};
use super::isolation::{self, Isolation};
use super::roster::Roster;
use super::touched::touched;
use crate::Compiled;
use crate::classify::population::{atoms_with_families, prefixes_of};
use crate::classify::{Judged, Limits, Population, classify, judged};
use crate::decide::{DecideError, Decided};
use crate::inventory::{Inventory, Owner};
use crate::optimise::optimise;
use crate::validate::{InForce, validate};

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

/// Two policies as tables that are proved, for the endpoints about which they can differ.
#[derive(Debug)]
pub struct Both {
    /// What was.
    pub old: Decided,
    /// What is to be.
    pub new: Decided,
    /// Who is on both sides.
    pub roster: Roster,
    /// Endpoints for which default deny begins or ends in some direction.
    pub isolation: BTreeMap<EndpointName, ByDirection<Option<Isolation>>>,
    /// Whether each direction of the endpoints that only the new side has is isolated.
    pub newcomers: BTreeMap<EndpointName, ByDirection<bool>>,
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
/// peer of its own in both. Endpoints whose identity, rules and peers are the same on both sides have no table:
/// they are [`Roster::alike`].
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
    let all = [old, new].map(|compiled| judged(&compiled.inventory, &compiled.policy, node));
    let touched = touched((old, new), (&all[0], &all[1]), node);
    let can_differ = |judged: &Judged| touched.as_ref().is_none_or(|touched| touched.contains(&judged.name));
    let names = |judged: &[Judged]| -> BTreeSet<EndpointName> {
        judged.iter().map(|judged| judged.name.clone()).collect()
    };
    let [before, after] = [names(&all[0]), names(&all[1])];
    let compared =
        |judged: &Judged| can_differ(judged) && before.contains(&judged.name) && after.contains(&judged.name);
    let half = |compiled, judged: &[Judged]| Half::new(compiled, judged.iter().filter(|j| compared(j)));
    let halves = [half(old, &all[0]), half(new, &all[1])];
    let prefixes = prefixes(&halves);
    let isolation = changed_isolation(&halves);
    let newcomers = newcomers(new, all[1].iter().filter(|judged| !before.contains(&judged.name)));
    let [old, new] = halves;
    let at = |revision| move |error| CompareError { revision, error };
    let inventories = (&old.compiled.inventory, &new.compiled.inventory);
    let (old, new) =
        rayon::join(|| old.decide(&prefixes, node, limits), || new.decide(&prefixes, node, limits));
    let (old, new) = (old.map_err(at(Revision::Old))?, new.map_err(at(Revision::New))?);
    let roster = Roster::of_inventories(inventories, (&old, &new), (&before, &after));
    Ok(Both { old, new, roster, isolation, newcomers })
}

/// The prefixes at whose edge anything can change. Pods are compared by name, and not by address; so of their many
/// addresses only those are needed that would else stand for what is around them.
fn prefixes(halves: &[Half<'_>; 2]) -> BTreeSet<Cidr> {
    let mut prefixes: BTreeSet<Cidr> = halves.iter().flat_map(Half::prefixes).collect();
    let inventories = halves.each_ref().map(|half| &half.compiled.inventory);
    let is_pod = |address: &IpAddr| {
        inventories.iter().any(|known| matches!(known.owner(*address), Some(Owner::Endpoint(_))))
    };
    for _ in 0..ROUNDS {
        let atoms = atoms_with_families(prefixes.iter().copied());
        let lowest = atoms.into_iter().filter_map(|(_, lowest)| lowest).filter(is_pod).map(Cidr::host);
        let fresh: Vec<Cidr> = lowest.filter(|cidr| !prefixes.contains(cidr)).collect();
        if fresh.is_empty() {
            return prefixes;
        }
        prefixes.extend(fresh);
    }
    prefixes.extend(inventories.into_iter().flat_map(Inventory::distinct_prefixes));
    prefixes
}

/// Of more pods than this beside each other at the lower end of a prefix, all are taken.
const ROUNDS: usize = 64;

/// Where default deny begins or ends. Both halves have the same endpoints.
fn changed_isolation(halves: &[Half<'_>; 2]) -> BTreeMap<EndpointName, ByDirection<Option<Isolation>>> {
    let [old, new] = halves;
    let policies = (&*old.compiled.policy, &*new.compiled.policy);
    let places: BTreeMap<&EndpointName, usize> =
        (0..).zip(&old.judged).map(|(at, j)| (&j.name, at)).collect();
    let of = |half: &Half<'_>, at: usize| {
        isolation::isolating(&half.compiled.policy, &half.judged[at], half.in_force.selecting(at))
    };
    let mut changed = BTreeMap::new();
    for (at, judged) in new.judged.iter().enumerate() {
        let Some(before) = places.get(&judged.name) else { continue };
        let (before, after) = (of(old, *before), of(new, at));
        let change = ByDirection::from_fn(|direction: Direction| {
            isolation::change(policies, (before[direction].as_ref(), after[direction].as_ref()))
        });
        if change.iter().any(|(_, change)| change.is_some()) {
            changed.insert(judged.name.clone(), change);
        }
    }
    changed
}

/// Whether each direction of some endpoints is isolated.
fn newcomers<'j>(
    compiled: &Compiled,
    judged: impl Iterator<Item = &'j Judged>,
) -> BTreeMap<EndpointName, ByDirection<bool>> {
    let half = Half::new(compiled, judged);
    let isolated = |(at, judged): (usize, &Judged)| {
        let isolating = isolation::isolating(&compiled.policy, judged, half.in_force.selecting(at));
        let isolated = ByDirection::from_fn(|direction: Direction| isolating[direction].is_some());
        (judged.name.clone(), isolated)
    };
    half.judged.iter().enumerate().map(isolated).collect()
}

/// One policy on its way.
struct Half<'c> {
    compiled: &'c Compiled,
    judged: Vec<Judged>,
    in_force: InForce,
}

impl<'c> Half<'c> {
    fn new<'j>(compiled: &'c Compiled, judged: impl Iterator<Item = &'j Judged>) -> Half<'c> {
        let judged: Vec<Judged> = judged.cloned().collect();
        let in_force = InForce::new(&compiled.policy, &judged);
        Half { compiled, judged, in_force }
    }

    /// The prefixes of the rules in force and of the inventory, those of pods left out.
    fn prefixes(&self) -> impl Iterator<Item = Cidr> {
        let Compiled { inventory, policy, .. }: &Compiled = self.compiled;
        inventory.edges_beside_pods().chain(prefixes_of(policy, self.in_force.rules()))
    }

    fn decide(
        self,
        prefixes: &BTreeSet<Cidr>,
        node: Option<&str>,
        limits: &Limits,
    ) -> Result<Decided, DecideError> {
        let Half { compiled: Compiled { inventory, policy, .. }, judged, in_force } = self;
        let population = Population::at(inventory, prefixes.iter().copied(), node);
        let subjects: Vec<&Identity> = judged.iter().map(|judged| &*judged.identity).collect();
        let optimised = optimise(policy, Some(&subjects))?;
        let classified = classify(&optimised.policy, &population, &judged, limits)?;
        let proof = validate(policy, &population, &judged, &in_force, &classified)?;
        Ok(Decided { classified, population, judged, passes: optimised.passes, proof })
    }
}
