//! What depends on what, from objects to rows.

use std::collections::BTreeMap;
use std::fmt;

use petgraph::dot::{Config, Dot};
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::Bfs;
use sluice_ir::decision::EndpointName;
use sluice_ir::ids::{ClassId, RowId};
use sluice_ir::origin::Origin;
use sluice_ir::policy::Direction;

use super::live::Live;
use super::sets::About;
use super::{ObjectKey, Session};
use crate::classify::signature::SetId;

/// A thing that others follow from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dependency {
    /// An object with rules in force.
    Object(ObjectKey),
    /// One of its rules, by where it is written.
    Rule(Origin),
    /// A list of peers that rules have, by its number.
    Peers(u32),
    /// A class of peers, by what lists match it.
    Class(ClassId),
    /// A table, by its endpoint; of several with one identity the first.
    Table(EndpointName, Direction),
    /// A row of a direction.
    Row(Direction, RowId),
}

/// What depends on what: an edge goes from a thing to what follows from it.
#[derive(Clone, Debug)]
pub struct Graph {
    edges: DiGraph<Dependency, ()>,
}

impl fmt::Display for Dependency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Dependency::Object(ObjectKey { kind, namespace: Some(namespace), name }) => {
                write!(f, "{kind} {namespace}/{name}")
            }
            Dependency::Object(ObjectKey { kind, namespace: None, name }) => write!(f, "{kind} {name}"),
            Dependency::Rule(origin) => write!(f, "{} {}", origin.object(), origin.path),
            Dependency::Peers(set) => write!(f, "peers {set}"),
            Dependency::Class(class) => write!(f, "class {class}"),
            Dependency::Table(endpoint, direction) => write!(f, "{direction} of {endpoint}"),
            Dependency::Row(direction, row) => write!(f, "{direction} row {row}"),
        }
    }
}

impl fmt::Display for Graph {
    /// In the language of Graphviz.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labels = self.edges.map(|_, thing| thing, |_, ()| "");
        write!(f, "{}", Dot::with_config(&labels, &[Config::EdgeNoLabel]))
    }
}

impl Graph {
    /// Everything, in a fixed order.
    pub fn things(&self) -> impl Iterator<Item = &Dependency> {
        self.edges.node_weights()
    }

    /// Only a thing and what follows from it; none if it is not there.
    pub fn following(&self, from: &Dependency) -> Option<Graph> {
        let start = self.edges.node_indices().find(|node| self.edges[*node] == *from)?;
        let mut reached = vec![false; self.edges.node_count()];
        let mut walk = Bfs::new(&self.edges, start);
        while let Some(node) = walk.next(&self.edges) {
            reached[node.index()] = true;
        }
        let keep = |node: NodeIndex, thing: &Dependency| reached[node.index()].then(|| thing.clone());
        Some(Graph { edges: self.edges.filter_map(keep, |_, ()| Some(())) })
    }
}

/// A graph that grows by names.
#[derive(Default)]
struct Growing {
    edges: DiGraph<Dependency, ()>,
    places: BTreeMap<Dependency, NodeIndex>,
}

impl Growing {
    fn thing(&mut self, thing: Dependency) -> NodeIndex {
        let edges = &mut self.edges;
        *self.places.entry(thing).or_insert_with_key(|thing| edges.add_node(thing.clone()))
    }

    fn follows(&mut self, from: NodeIndex, to: NodeIndex) {
        self.edges.update_edge(from, to, ());
    }
}

impl Session {
    /// What depends on what.
    pub fn graph(&self) -> Graph {
        let mut graph = Growing::default();
        for (key, rules) in &self.rules {
            for rule in rules {
                let Some(about) = self.live.about(*rule) else { continue };
                let object = graph.thing(Dependency::Object(key.clone()));
                let origin = self.live.slab.policy.origin(*rule).clone();
                let written = graph.thing(Dependency::Rule(origin));
                graph.follows(object, written);
                if let About::Members(set) = about {
                    let peers = graph.thing(Dependency::Peers(set));
                    graph.follows(written, peers);
                }
            }
        }
        self.live.add_classes(&mut graph);
        self.live.add_tables(&mut graph);
        Graph { edges: graph.edges }
    }
}

impl Live {
    fn add_classes(&self, graph: &mut Growing) {
        for (class, signature) in self.peers.classes() {
            let of_class = graph.thing(Dependency::Class(class));
            for set in &signature.sets {
                let set: SetId = *set;
                let peers = graph.thing(Dependency::Peers(set));
                graph.follows(peers, of_class);
            }
        }
    }

    fn add_tables(&self, graph: &mut Growing) {
        for subject in &self.subjects {
            let endpoint = &self.judged[subject.endpoints[0]].name;
            for (direction, table) in subject.tables.iter() {
                let of_table = graph.thing(Dependency::Table(endpoint.clone(), direction));
                for (rule, _) in &table.rules {
                    let origin = self.slab.policy.origin(*rule).clone();
                    let written = graph.thing(Dependency::Rule(origin));
                    graph.follows(written, of_table);
                }
                for (class, row) in table.rows() {
                    let row = graph.thing(Dependency::Row(direction, row));
                    let class = graph.thing(Dependency::Class(class));
                    graph.follows(of_table, row);
                    graph.follows(class, row);
                }
            }
        }
    }
}
