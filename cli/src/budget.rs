//! What policy costs the nodes of an input, and whether that is too much.

use std::sync::Arc;

use rayon::prelude::*;
use sluice_backends::image::{Images, Room};
use sluice_compiler::budget::{Costs, Growth, Sizes, Table, costs, growth, nodes};
use sluice_compiler::classify::Limits;
use sluice_compiler::diagnostic::{Code, Diagnostic};
use sluice_compiler::{Compiled, DecideError};

use crate::project::{Measure, Threshold};
use crate::terminal::Progress;

/// So many objects are left out one at a time.
const TRIED: usize = 64;

/// So many objects are named in a finding.
const NAMED: usize = 3;

/// What policy costs.
#[derive(Debug)]
pub(crate) struct Budget {
    /// Every node, in order of name; one without a name where nobody knows of nodes.
    pub(crate) nodes: Vec<OfNode>,
    /// The place of the node that the rest is about: the one with the most cells.
    pub(crate) largest: usize,
    /// What its objects cost it.
    pub(crate) costs: Costs,
    /// What names can add.
    pub(crate) growth: Option<Growth>,
    /// What is allowed.
    pub(crate) thresholds: Vec<Threshold>,
}

/// What policy costs a node.
#[derive(Clone, Debug)]
pub(crate) struct OfNode {
    /// Its name.
    pub(crate) name: Option<Arc<str>>,
    /// How large its table is.
    pub(crate) sizes: Sizes,
    /// Bytes of its images; none if they are too large for any node.
    pub(crate) bytes: Option<usize>,
    /// The same with all names answered.
    pub(crate) bytes_with_names: Option<usize>,
}

impl Budget {
    /// Works out what the policy costs a node, or every node. `each` is how many addresses a name may have.
    ///
    /// # Errors
    ///
    /// A table that would be too large.
    pub(crate) fn new(
        compiled: &Compiled,
        node: Option<&str>,
        each: usize,
        thresholds: Vec<Threshold>,
    ) -> Result<Budget, DecideError> {
        let limits = Limits::default();
        let names = match node {
            Some(node) => vec![Some(node.into())],
            None => nodes(&compiled.inventory).into_iter().map(Some).collect(),
        };
        let names = if names.is_empty() { vec![None] } else { names };
        let _progress = Progress::show(&format!("working out the tables of {} nodes", names.len()));
        let of_node = |name: Option<Arc<str>>| OfNode::new(compiled, name, &limits, each);
        let nodes = names.into_par_iter().map(of_node).collect::<Result<Vec<OfNode>, _>>()?;
        let by_cells = |at: &usize| nodes[*at].sizes.cells;
        let largest = (0..nodes.len()).rev().max_by_key(by_cells).unwrap_or_default();
        let name = nodes[largest].name.clone();
        let table = Table::new(compiled, name.as_deref(), &limits)?;
        let costs = costs(compiled, name.as_deref(), &limits, &table, TRIED)?;
        let growth = growth(compiled, name.as_deref(), &limits, &table, each)?;
        Ok(Budget { nodes, largest, costs, growth, thresholds })
    }

    /// The node that the rest is about.
    pub(crate) fn node(&self) -> &OfNode {
        &self.nodes[self.largest]
    }

    /// What there is too much of, at the line that says how much may be.
    pub(crate) fn findings(&self) -> Vec<Diagnostic> {
        self.thresholds.iter().filter_map(|threshold| self.finding(threshold)).collect()
    }

    fn finding(&self, threshold: &Threshold) -> Option<Diagnostic> {
        let Threshold { measure, most, span } = *threshold;
        let over: Vec<&OfNode> = self.nodes.iter().filter(|node| node.of(measure) > most).collect();
        let worst = over.iter().max_by_key(|node| (node.of(measure), std::cmp::Reverse(&node.name)))?;
        let noun = measure.noun();
        let who = match (&worst.name, over.len() - 1) {
            (None, _) => "the cluster needs".to_owned(),
            (Some(name), 0) => format!("node `{name}` needs"),
            (Some(name), 1) => format!("node `{name}` and one more need"),
            (Some(name), more) => format!("node `{name}` and {more} more need"),
        };
        let count = match worst.of(measure) {
            usize::MAX => "more than any node can hold".to_owned(),
            count => count.to_string(),
        };
        let mut finding =
            Diagnostic::new(Code::OverBudget, span, format!("{who} {count} {noun}, and {most} are allowed"))
                .label("allowed here")
                .help(self.help());
        let whole = &self.node().sizes;
        for cost in self.costs.costs.iter().take(NAMED) {
            if let Some(without) = of_sizes(&cost.without, measure)
                && Some(without) < of_sizes(whole, measure)
            {
                finding = finding.related(cost.span, format!("without this object there would be {without}"));
            }
        }
        Some(finding)
    }

    /// What to do about a table that is too large.
    fn help(&self) -> String {
        let advice = self.costs.costs.iter().find_map(|cost| Some((cost, cost.advice(&self.node().sizes)?)));
        match advice {
            Some((cost, advice)) => format!("`{}`: {advice}", object(cost)),
            None => "`sluice check --budget` shows what each object costs".to_owned(),
        }
    }
}

/// `CiliumNetworkPolicy shop/cart`.
pub(crate) fn object(cost: &sluice_compiler::budget::Cost) -> String {
    let document = &cost.document;
    match &document.namespace {
        Some(namespace) => format!("{} {namespace}/{}", document.kind, document.name),
        None => format!("{} {}", document.kind, document.name),
    }
}

impl OfNode {
    fn new(
        compiled: &Compiled,
        name: Option<Arc<str>>,
        limits: &Limits,
        each: usize,
    ) -> Result<OfNode, DecideError> {
        let table = Table::new(compiled, name.as_deref(), limits)?;
        let bytes = bytes(&table);
        let bytes_with_names = match growth(compiled, name.as_deref(), limits, &table, each)? {
            Some(growth) => self::bytes(&growth.table),
            None => bytes,
        };
        Ok(OfNode { name, sizes: table.sizes(), bytes, bytes_with_names })
    }

    /// How much it needs. What no node can hold is more than everything.
    pub(crate) fn of(&self, measure: Measure) -> usize {
        match measure {
            Measure::Bytes => self.bytes.unwrap_or(usize::MAX),
            Measure::BytesWithNames => self.bytes_with_names.unwrap_or(usize::MAX),
            _ => of_sizes(&self.sizes, measure).unwrap_or_default(),
        }
    }
}

/// A size of a table; none of its images.
pub(crate) fn of_sizes(sizes: &Sizes, measure: Measure) -> Option<usize> {
    match measure {
        Measure::Classes => Some(sizes.classes),
        Measure::Ports => Some(sizes.port_classes()),
        Measure::Rows => Some(sizes.rows),
        Measure::Cells => Some(sizes.cells),
        Measure::Prefixes => Some(sizes.prefixes),
        Measure::Bytes | Measure::BytesWithNames => None,
    }
}

fn bytes(table: &Table) -> Option<usize> {
    let images = Images::of_decision(&table.classified.decision, &[], &Room::NONE);
    images.ok().map(|images| images.size())
}
