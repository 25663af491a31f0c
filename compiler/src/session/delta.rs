//! What a change does to the tables.

use std::fmt;
use std::sync::Arc;

use sluice_ir::decision::{ByDirection, EndpointName, Outcome, PortClasses, Row};
use sluice_ir::ids::{ClassId, RowId, VerdictId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::Direction;

/// What to do with the tables of a node. The names of classes, rows and verdicts are the session's own: they keep
/// their meaning from one delta to the next, until all is built anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delta {
    /// The tables stay as they are.
    Nothing,
    /// Parts of them are others now.
    Tables(Box<Tables>),
    /// All of them are new.
    Rebuilt(Reason),
}

/// The parts of tables that are others now. In the order of the fields nothing is named before it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Verdicts that are new, in order; they follow those that were there.
    pub verdicts: Vec<(VerdictId, Outcome)>,
    /// Classes of ports that tell more ports apart than before, with every row in their terms.
    pub ports: ByDirection<Option<(PortClasses, Vec<Row>)>>,
    /// Rows that are new, in the terms of the classes of ports.
    pub rows: ByDirection<Vec<(RowId, Row)>>,
    /// The rows of classes in tables. A class that is not named keeps its row.
    pub cells: Vec<Cells>,
    /// Entities that are in another class.
    pub entities: Vec<(Arc<str>, ClassId)>,
    /// Prefixes that are in another class; none: the prefix is no more, and the one around it holds.
    pub prefixes: Vec<(Cidr, Option<ClassId>)>,
    /// Classes that nobody is in any more. Their names can come again for others.
    pub gone: Vec<ClassId>,
}

/// Rows of classes in one table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cells {
    /// Of several endpoints with one identity the first.
    pub endpoint: EndpointName,
    /// Which way.
    pub direction: Direction,
    /// Classes in order, each with its row.
    pub rows: Vec<(ClassId, RowId)>,
}

/// Why all tables were built anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// An endpoint of this node came, went or has another identity.
    LocalEndpoint(String),
    /// The labels of a namespace are part of the identities of its pods.
    Namespace(String),
    /// A node came, went or has other addresses or labels.
    Node(String),
    /// The prefixes or labels of a CIDR group are others.
    CidrGroup(String),
    /// Workloads without pods stand for one pod each.
    Workload(String),
    /// The addresses of the API server are others.
    ApiServer,
    /// So much was no longer used that it is better to begin anew.
    Compaction,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::LocalEndpoint(name) => write!(f, "the endpoint `{name}` of this node changed"),
            Reason::Namespace(name) => write!(f, "the namespace `{name}` changed"),
            Reason::Node(name) => write!(f, "the node `{name}` changed"),
            Reason::CidrGroup(name) => write!(f, "the CIDR group `{name}` changed"),
            Reason::Workload(name) => write!(f, "the workload `{name}` changed"),
            Reason::ApiServer => f.write_str("the addresses of the API server changed"),
            Reason::Compaction => f.write_str("much of the tables was no longer used"),
        }
    }
}

impl Tables {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        *self == Tables::default()
    }
}
