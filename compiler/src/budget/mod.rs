//! What policy costs a node, which object costs what, and how much it would be with many DNS answers.
//!
//! A cost is what would be saved: the node's table is made again without the object, and the difference is the
//! cost. So objects that only repeat what others say cost nothing, and no share of a common part is made up.
//! Nothing is proved here, for nothing of it is enforced.

mod cost;
mod growth;

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_ir::decision::ByDirection;
use sluice_ir::policy::verify::{Verified, verify};
use sluice_ir::policy::{Identity, Policy};

pub use cost::{Cost, Costs, costs};
pub use growth::{Growth, NameGrowth, growth};

use crate::Compiled;
use crate::classify::{Classified, Judged, Limits, Population, classify, judged};
use crate::decide::DecideError;
use crate::inventory::Inventory;
use crate::optimise::optimise;
use crate::validate::InForce;

/// How large the table of a node is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Endpoints whose traffic is judged.
    pub endpoints: usize,
    /// Classes of peers.
    pub classes: usize,
    /// Classes of ports.
    pub ports: ByDirection<usize>,
    /// Distinct rows of verdicts, of both directions.
    pub rows: usize,
    /// Rows times classes of ports, of both directions.
    pub cells: usize,
    /// Prefixes that lead to a class.
    pub prefixes: usize,
}

impl Sizes {
    fn of(table: &Table) -> Sizes {
        let decision = &table.classified.decision;
        Sizes {
            endpoints: table.judged.len(),
            classes: decision.classes.len(),
            ports: ByDirection::from_fn(|direction| decision.sides[direction].ports.len()),
            rows: decision.sides.iter().map(|(_, side)| side.rows.len()).sum(),
            cells: decision.cells(),
            prefixes: decision.prefixes.len(),
        }
    }

    /// Classes of ports of both directions.
    pub fn port_classes(&self) -> usize {
        self.ports.ingress + self.ports.egress
    }
}

/// The table of a node, and whom it is about. It is not proved.
#[derive(Debug)]
pub struct Table {
    /// The table.
    pub classified: Classified,
    judged: Vec<Judged>,
}

impl Table {
    /// Makes the table of a node; without a node that of the whole cluster.
    ///
    /// # Errors
    ///
    /// A table that would be too large; any other error is a mistake in Sluice.
    pub fn new(compiled: &Compiled, node: Option<&str>, limits: &Limits) -> Result<Table, DecideError> {
        Table::of(&compiled.inventory, &compiled.policy, node, limits)
    }

    fn of(
        inventory: &Inventory,
        policy: &Verified<Policy>,
        node: Option<&str>,
        limits: &Limits,
    ) -> Result<Table, DecideError> {
        let judged = judged(inventory, policy, node);
        let subjects: Vec<&Identity> = judged.iter().map(|judged| &*judged.identity).collect();
        let in_force = InForce::new(policy, &judged);
        let population = Population::new(inventory, policy, in_force.rules(), node);
        let optimised = optimise(policy, Some(&subjects))?;
        let classified = classify(&optimised.policy, &population, &judged, limits)?;
        Ok(Table { classified, judged })
    }

    /// How large it is.
    pub fn sizes(&self) -> Sizes {
        Sizes::of(self)
    }

    /// The rules that select one of its endpoints, with their places in the whole policy.
    fn in_force(&self, policy: &Policy) -> Vec<usize> {
        let places: BTreeSet<usize> =
            InForce::new(policy, &self.judged).rules().map(sluice_ir::ids::RuleId::index).collect();
        places.into_iter().collect()
    }
}

/// Some of the rules of a policy, by their places.
fn only(policy: &Policy, places: impl Iterator<Item = usize>) -> Result<Verified<Policy>, DecideError> {
    Ok(verify(policy.of_rules(places.filter_map(|at| policy.rules.get(at).cloned())))?)
}

/// The nodes whose tables can be told apart: those that are named anywhere. None at all where nobody knows of a node.
pub fn nodes(inventory: &Inventory) -> Vec<Arc<str>> {
    let of_nodes = inventory.nodes.iter().map(|node| &node.name);
    let of_pods = inventory.endpoints.iter().filter_map(|endpoint| endpoint.node.as_ref());
    let names: BTreeSet<&Arc<str>> = of_nodes.chain(of_pods).collect();
    names.into_iter().cloned().collect()
}
