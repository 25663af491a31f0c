//! Which object costs what.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use sluice_ir::policy::{Peer, Peers, Ports, Rule};

use super::{Sizes, Table, only};
use crate::Compiled;
use crate::classify::Limits;
use crate::decide::DecideError;
use crate::diagnostic::DocumentRef;
use crate::source::{FileId, Span};

/// What an object costs a node.
#[derive(Clone, Debug)]
pub struct Cost {
    /// The object.
    pub document: Arc<DocumentRef>,
    /// Its first rule that selects an endpoint of the node.
    pub span: Span,
    /// How many of its rules do.
    pub rules: usize,
    /// Its ranges of ports and its prefixes, repeated ones included.
    pub written: Amount,
    /// How large the table would be without it.
    pub without: Sizes,
}

/// How much of what makes tables large is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Amount {
    /// Ranges of ports and named ports.
    pub ranges: usize,
    /// Prefixes and their exceptions.
    pub prefixes: usize,
    /// Peers by labels or names.
    pub selectors: usize,
}

/// What the objects of a node cost it.
#[derive(Clone, Debug)]
pub struct Costs {
    /// The objects that were looked at, the most expensive first. Those that cost nothing are left out.
    pub costs: Vec<Cost>,
    /// Objects with rules that select an endpoint of the node.
    pub in_force: usize,
    /// How many of them were looked at: those with most written.
    pub tried: usize,
}

/// Leaves out the objects of a node one at a time, at most `most` of them.
///
/// # Errors
///
/// As [`Table::new`].
pub fn costs(
    compiled: &Compiled,
    node: Option<&str>,
    limits: &Limits,
    table: &Table,
    most: usize,
) -> Result<Costs, DecideError> {
    let whole = table.sizes();
    let places = table.in_force(&compiled.policy);
    let mut objects = objects(compiled, &places);
    let in_force = objects.len();
    objects.sort_by_key(|object| std::cmp::Reverse(object.written.sum()));
    objects.truncate(most);
    let tried = objects.len();
    let without = |object: &Object<'_>| {
        let others = places.iter().copied().filter(|at| object.rules.binary_search(at).is_err());
        let policy = only(&compiled.policy, others)?;
        Ok(Table::of(&compiled.inventory, &policy, node, limits)?.sizes())
    };
    let without: Vec<Result<Sizes, DecideError>> = objects.par_iter().map(without).collect();
    let mut costs = Vec::with_capacity(tried);
    for (object, without) in objects.into_iter().zip(without) {
        let Object { document, span, rules, written } = object;
        costs.push(Cost {
            document: Arc::clone(document),
            span,
            rules: rules.len(),
            written,
            without: without?,
        });
    }
    costs.retain(|cost| cost.without != whole);
    costs.sort_by_key(|cost| (cost.without.cells, cost.without.classes, cost.without.prefixes));
    Ok(Costs { costs, in_force, tried })
}

/// An object with rules in force.
struct Object<'c> {
    document: &'c Arc<DocumentRef>,
    span: Span,
    /// Places in the whole policy, in order.
    rules: Vec<usize>,
    written: Amount,
}

fn objects<'c>(compiled: &'c Compiled, places: &[usize]) -> Vec<Object<'c>> {
    let mut objects: BTreeMap<(FileId, usize), Object<'c>> = BTreeMap::new();
    for &at in places {
        let (Some(rule), Some(written)) = (compiled.policy.rules.get(at), compiled.written.get(at)) else {
            continue;
        };
        let object = objects.entry((written.span.file, written.document.index)).or_insert_with(|| Object {
            document: &written.document,
            span: written.span,
            rules: Vec::new(),
            written: Amount::default(),
        });
        object.rules.push(at);
        object.written.add(rule);
    }
    objects.into_values().collect()
}

impl Amount {
    fn add(&mut self, rule: &Rule) {
        if let Ports::Of(ports) = &rule.ports {
            self.ranges += ports.len();
        }
        let Peers::Of(peers) = &rule.peers else { return };
        for peer in peers {
            match peer {
                Peer::Labels { except, .. } => {
                    self.selectors += 1;
                    self.prefixes += except.len();
                }
                Peer::Cidr { except, .. } => self.prefixes += 1 + except.len(),
                Peer::Name { .. } => self.selectors += 1,
            }
        }
    }

    fn sum(self) -> usize {
        self.ranges + self.prefixes + self.selectors
    }
}

impl Cost {
    /// What to write instead, where what is written suggests it.
    pub fn advice(&self, whole: &Sizes) -> Option<&'static str> {
        let saved = |of: fn(&Sizes) -> usize| of(whole).saturating_sub(of(&self.without));
        let (ports, prefixes) = (saved(Sizes::port_classes), saved(|sizes| sizes.prefixes));
        let (classes, selectors) = (saved(|sizes| sizes.classes), self.written.selectors);
        if ports >= MANY && ports * 2 >= self.written.ranges {
            Some("its ports lie apart: write neighbouring ones as one range with `endPort`")
        } else if prefixes >= MANY && prefixes >= classes * 2 {
            Some(
                "its prefixes lie apart: name the network that they are in, and leave out with `except` what must be",
            )
        } else if classes >= MANY && selectors >= MANY {
            Some("its selectors tell many kinds of pods apart: select them by one label that they share")
        } else {
            None
        }
    }
}

/// From this on there is something to gain by writing it otherwise.
const MANY: usize = 8;
