//! What a change does to the tables.

use std::fmt;

use sluice_ir::decision::tables::Tables;

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

impl Reason {
    /// Whether the rules of every object stay as they are: they are lowered against services, groups and the cloud,
    /// and not against pods, workloads, namespaces and nodes.
    pub(super) fn leaves_rules(&self) -> bool {
        match self {
            Reason::LocalEndpoint(_) | Reason::Namespace(_) | Reason::Node(_) | Reason::Workload(_) => true,
            Reason::Compaction => true,
            Reason::CidrGroup(_) | Reason::ApiServer => false,
        }
    }
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
