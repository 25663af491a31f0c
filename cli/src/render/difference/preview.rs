//! What is told of a change beside the difference that it makes: objects, nodes and pods, tables, findings.

use std::collections::{BTreeMap, BTreeSet};

use sluice_compiler::inventory::Inventory;
use sluice_compiler::session::ObjectKey;
use sluice_ir::decision::{Decision, EndpointName};

use super::{Compared, listed, thousands};
use crate::input::{Fate, Input, shown};
use crate::options::FailOn;
use crate::render::{Format, count, render, text};
use crate::report::Report;
use crate::terminal::Look;

/// Of many objects and nodes so many are named.
const MOST: usize = 4;

/// What a change does beside changing flows.
pub(crate) struct Preview<'a> {
    /// What becomes of which object.
    pub(super) objects: Vec<(String, Fate)>,
    /// Pods for which any flow changes.
    pub(super) pods: usize,
    /// Their nodes, as far as these are known.
    pub(super) nodes: BTreeSet<String>,
    /// How many of the pods have no known node.
    pub(super) homeless: usize,
    /// The tables of the endpoints that were compared, before and after.
    pub(super) tables: (Sizes, Sizes),
    /// What is found now and was not found before.
    pub(super) findings: &'a Input,
}

/// How large tables are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    pub(super) cells: usize,
    pub(super) rows: usize,
    pub(super) bytes: usize,
}

impl Sizes {
    fn of(decision: &Decision) -> Sizes {
        let rows = decision.sides.iter().map(|(_, side)| side.rows.len()).sum();
        // Without endpoints there is nothing, be it as it may that a table has a frame.
        match decision.subjects.is_empty() {
            true => Sizes { cells: 0, rows: 0, bytes: 0 },
            false => Sizes { cells: decision.cells(), rows, bytes: decision.bytes() },
        }
    }
}

impl<'a> Preview<'a> {
    pub(crate) fn new(
        compared: &Compared<'_>,
        fates: &BTreeMap<ObjectKey, Fate>,
        inventory: &Inventory,
        findings: &'a Input,
    ) -> Preview<'a> {
        let parts = compared.digest.parts.iter().filter(|part| !part.changes.is_empty());
        let groups = parts.flat_map(|part| &part.groups);
        let affected: BTreeSet<&EndpointName> = groups.flat_map(|group| group.endpoints.iter()).collect();
        let node = |name: &EndpointName| match &name.namespace {
            Some(namespace) => {
                let at = inventory.endpoint_named(namespace, &name.name)?;
                inventory.endpoints[at].node.as_ref().map(ToString::to_string)
            }
            None => Some(name.name.to_string()),
        };
        let nodes: Vec<Option<String>> = affected.iter().map(|name| node(name)).collect();
        Preview {
            objects: fates.iter().map(|(key, fate)| (shown(key), *fate)).collect(),
            pods: affected.len(),
            homeless: nodes.iter().filter(|node| node.is_none()).count(),
            nodes: nodes.into_iter().flatten().collect(),
            tables: (
                Sizes::of(&compared.both.old.classified.decision),
                Sizes::of(&compared.both.new.classified.decision),
            ),
            findings,
        }
    }

    /// `replaces CiliumNetworkPolicy/shop/cart`, in the order of what is done.
    pub(super) fn objects(&self) -> String {
        let words = [(Fate::Added, "adds"), (Fate::Replaced, "replaces"), (Fate::Deleted, "deletes")];
        let told = words.iter().filter_map(|(fate, word)| {
            let names: Vec<String> =
                self.objects.iter().filter(|(_, one)| one == fate).map(|(name, _)| name.clone()).collect();
            (!names.is_empty()).then(|| format!("{word} {}", listed(names, MOST)))
        });
        let told: Vec<String> = told.collect();
        if told.is_empty() { "changes no object that is read".to_owned() } else { told.join("; ") }
    }

    /// `3 pods on 2 nodes: node-a and node-b`.
    pub(super) fn reach(&self) -> String {
        if self.pods == 0 {
            return "no pod is affected".to_owned();
        }
        let pods = count(self.pods, "pod");
        let nodes = listed(self.nodes.iter().cloned().collect(), MOST);
        match (self.nodes.len(), self.homeless) {
            (0, 1) => format!("{pods} affected, on a node that is not known"),
            (0, _) => format!("{pods} affected, on nodes that are not known"),
            (number, 0) => format!("{pods} affected on {}: {nodes}", count(number, "node")),
            (number, homeless) => {
                format!(
                    "{pods} affected on {}: {nodes}; of {homeless} the node is not known",
                    count(number, "node")
                )
            }
        }
    }

    /// `tables of the pods compared: 119 to 102 cells, 7 to 6 rows, 66,046 to 66,012 bytes`.
    pub(super) fn sizes(&self) -> String {
        let (old, new) = self.tables;
        let one = |old: usize, new: usize, what: &str| match old == new {
            true => format!("{} {what} as before", thousands(new)),
            false => format!("{} to {} {what}", thousands(old), thousands(new)),
        };
        let all = [
            one(old.cells, new.cells, "cells"),
            one(old.rows, new.rows, "rows"),
            one(old.bytes, new.bytes, "bytes"),
        ];
        format!("tables of the endpoints compared: {}", all.join(", "))
    }

    /// What is found, as a text for people.
    pub(super) fn found(&self, look: Look) -> String {
        render(&self.report(), Format::Human, look)
    }

    /// What is found.
    pub(super) fn report(&self) -> Report<'_> {
        Report::of(self.findings, |_| true, FailOn::Error)
    }

    /// Everything but the findings, a line each.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = vec![text::harmless(&self.objects()), text::harmless(&self.reach())];
        if self.tables.0.cells + self.tables.1.cells > 0 {
            lines.push(self.sizes());
        }
        lines
    }
}
