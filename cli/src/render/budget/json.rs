//! What policy costs, for programs.

use schemars::JsonSchema;
use serde::Serialize;
use sluice_compiler::budget::{Cost, Growth, NameGrowth, Sizes};

use crate::budget::{Budget, OfNode, object};

/// What policy costs the nodes.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BudgetJson<'a> {
    /// Every node, in order of name.
    nodes: Vec<NodeJson<'a>>,
    /// The node that the rest is about: the one with the most cells. Null where nobody knows of nodes.
    largest: Option<&'a str>,
    /// Objects with a rule that selects one of its endpoints.
    objects: usize,
    /// Of these, how many were left out one at a time: those with most written.
    tried: usize,
    /// The objects that cost anything, the most expensive first.
    costs: Vec<CostJson<'a>>,
    /// The table with every name answered; absent where no rule allows a name.
    #[serde(skip_serializing_if = "Option::is_none")]
    growth: Option<GrowthJson<'a>>,
}

/// What policy costs a node.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct NodeJson<'a> {
    /// Its name; null where nobody knows of nodes.
    node: Option<&'a str>,
    #[serde(flatten)]
    sizes: SizesJson,
    /// Bytes of its images; null if no node can hold them.
    bytes: Option<usize>,
    /// Bytes of its images with every name answered; null if no node can hold them.
    bytes_with_names: Option<usize>,
}

/// How large a table is.
#[derive(Debug, Serialize, JsonSchema)]
struct SizesJson {
    /// Endpoints whose traffic is judged.
    endpoints: usize,
    /// Classes of peers.
    classes: usize,
    /// Classes of ports, of both directions.
    ports: usize,
    /// Distinct rows of verdicts, of both directions.
    rows: usize,
    /// Rows times classes of ports.
    cells: usize,
    /// Prefixes that lead to a class.
    prefixes: usize,
}

/// What an object costs.
#[derive(Debug, Serialize, JsonSchema)]
struct CostJson<'a> {
    /// Its kind, namespace and name.
    object: String,
    /// How many of its rules are in force on the node.
    rules: usize,
    /// How large the table would be without it.
    without: SizesJson,
    /// What to write instead, where what is written suggests it.
    advice: Option<&'a str>,
}

/// What names can add.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct GrowthJson<'a> {
    /// How many addresses each name was given.
    addresses_each: usize,
    /// How large the table is with them.
    table: SizesJson,
    /// The names and patterns.
    names: Vec<NameJson<'a>>,
}

/// A name or pattern that is allowed.
#[derive(Debug, Serialize, JsonSchema)]
struct NameJson<'a> {
    /// As it is written.
    name: &'a str,
    /// The first line that has it.
    origin: String,
    /// Endpoints of the node that it is allowed for.
    endpoints: usize,
    /// Addresses known today.
    known: usize,
}

impl<'a> BudgetJson<'a> {
    pub(crate) fn new(budget: &'a Budget) -> BudgetJson<'a> {
        let whole = &budget.node().sizes;
        BudgetJson {
            nodes: budget.nodes.iter().map(NodeJson::new).collect(),
            largest: budget.node().name.as_deref(),
            objects: budget.costs.in_force,
            tried: budget.costs.tried,
            costs: budget.costs.costs.iter().map(|cost| CostJson::new(cost, whole)).collect(),
            growth: budget.growth.as_ref().map(GrowthJson::new),
        }
    }
}

impl<'a> NodeJson<'a> {
    fn new(node: &'a OfNode) -> NodeJson<'a> {
        NodeJson {
            node: node.name.as_deref(),
            sizes: SizesJson::new(&node.sizes),
            bytes: node.bytes,
            bytes_with_names: node.bytes_with_names,
        }
    }
}

impl SizesJson {
    fn new(sizes: &Sizes) -> SizesJson {
        let Sizes { endpoints, classes, rows, cells, prefixes, .. } = *sizes;
        SizesJson { endpoints, classes, ports: sizes.port_classes(), rows, cells, prefixes }
    }
}

impl<'a> CostJson<'a> {
    fn new(cost: &'a Cost, whole: &Sizes) -> CostJson<'a> {
        CostJson {
            object: object(cost),
            rules: cost.rules,
            without: SizesJson::new(&cost.without),
            advice: cost.advice(whole),
        }
    }
}

impl<'a> GrowthJson<'a> {
    fn new(growth: &'a Growth) -> GrowthJson<'a> {
        let name = |name: &'a NameGrowth| NameJson {
            name: name.pattern.text(),
            origin: name.origin.to_string(),
            endpoints: name.endpoints,
            known: name.known,
        };
        GrowthJson {
            addresses_each: growth.addresses_each,
            table: SizesJson::new(&growth.table.sizes()),
            names: growth.names.iter().map(name).collect(),
        }
    }
}
