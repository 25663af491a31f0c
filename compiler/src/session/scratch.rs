//! From everything at once: tables from all objects, and the decision from all tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use sluice_ir::decision::ByDirection;
use sluice_ir::ids::{ClassId, RowId, RuleId};
use sluice_ir::policy::verify::{Verified, VerifyError};
use sluice_ir::policy::{Direction, Policy};

use super::inputs::{self, ObjectKey};
use super::live::Live;
use super::slab::Slab;
use super::table::Table;
use super::{Classified, Pods, Session, SessionError, judged};
use crate::classify::assemble::{Parts, assemble};
use crate::classify::order::in_order;
use crate::classify::population::{ENTITIES, PeerId, Population};
use crate::classify::row::PortFunction;
use crate::classify::table::RawTable;
use crate::lower;

impl Session {
    /// Makes all tables anew from the objects, and proves them.
    pub(super) fn rebuild(&mut self) -> Result<(), SessionError> {
        self.live.slab = Slab::new(lower::settings(&self.options));
        self.rules = BTreeMap::new();
        for (key, policy) in self.lower_all()? {
            self.rules.insert(key, self.live.slab.add(&policy));
        }
        self.rebuild_tables()
    }

    /// The same where no object's rules are others, so that they need not be lowered again.
    pub(super) fn rebuild_tables(&mut self) -> Result<(), SessionError> {
        let settings = lower::settings(&self.options);
        let nothing = Policy { settings, ..Policy::default() };
        let slab = std::mem::take(&mut self.live.slab);
        self.live = Live::new(slab, judged(&self.inventory, &nothing, Some(&self.node)));
        self.pods = Pods::default();
        let rules = self.all_rules();
        let change = self.live.force_all(&rules);
        self.add_everyone();
        self.live.finish(change);
        self.live.is_fresh(rules.len());
        self.prove().map(|_| ())
    }

    /// Whether at least half of the rules that are kept are some object's.
    pub(super) fn rules_are_fresh(&self) -> bool {
        self.live.slab.policy.rules.len() <= 2 * self.rules.values().map(Vec::len).sum::<usize>()
    }

    /// The rules of every object, in order.
    pub(super) fn all_rules(&self) -> Vec<RuleId> {
        let mut rules: Vec<RuleId> = self.rules.values().flatten().copied().collect();
        rules.sort_unstable();
        rules
    }

    /// The rules of every policy object.
    fn lower_all(&self) -> Result<Vec<(ObjectKey, Verified<Policy>)>, VerifyError> {
        let policies = self.inputs.resources().par_iter().filter(|resource| inputs::is_policy(resource));
        policies.map(|resource| Ok((ObjectKey::of(resource), self.rules_of(resource)?))).collect()
    }

    /// The peers that entities are now.
    pub(super) fn join_entities(&mut self) {
        for entity in ENTITIES {
            let identity = Arc::new(self.inventory.entity(entity, Some(&self.node)));
            let peer = self.live.join(&identity);
            if let Some(before) = self.live.entities.insert(entity.word().into(), peer) {
                self.live.peers.leave(before);
            }
        }
    }

    /// The population and the decision that the tables are.
    pub(super) fn assemble(&self) -> Result<(Population, Classified), SessionError> {
        let Session { live, node, .. } = self;
        let mut population = Population::nobody(Some(Arc::clone(node)));
        let places: BTreeMap<ClassId, u32> = live.peers.classes().map(|(class, _)| class).zip(0..).collect();
        let mut class_of = Vec::new();
        let mut ids: BTreeMap<usize, PeerId> = BTreeMap::new();
        for peer in live.peers.iter() {
            ids.insert(peer, population.add(Arc::clone(live.peers.identity(peer))));
            class_of.push(places.get(&live.peers.class(peer)).copied().unwrap_or(u32::MAX));
        }
        let id = |peer: &usize| ids.get(peer).copied();
        population.addresses =
            live.addresses.peers.iter().filter_map(|(prefix, peer)| Some((prefix, id(peer)?))).collect();
        population.entities =
            live.entities.iter().filter_map(|(name, peer)| Some((Arc::clone(name), id(peer)?))).collect();
        let raw = |direction: Direction| {
            let functions: Vec<&PortFunction> = live.functions[direction].iter().collect();
            let tables = live.subjects.iter().map(|subject| &subject.tables[direction]);
            tables.map(|table| raw_table(table, &functions, &places)).collect::<Vec<_>>()
        };
        let verdicts = &live.verdicts.of;
        let parts = Parts {
            policy: &live.slab.policy,
            population: &population,
            judged: &live.judged,
            class_of: &class_of,
            peers: in_order(&population, &class_of, places.len()),
            subjects: live.subjects.iter().map(|subject| subject.endpoints.clone()).collect(),
            tables: ByDirection::from_fn(raw),
            verdicts: verdicts.ingress.all.iter().chain(&verdicts.egress.all).cloned().collect(),
            first_verdict: ByDirection { ingress: 0, egress: verdicts.ingress.all.len() },
        };
        let classified = assemble(parts, &self.limits)?;
        Ok((population, classified))
    }
}

fn raw_table(table: &Table, functions: &[&PortFunction], places: &BTreeMap<ClassId, u32>) -> RawTable {
    let mut rows: BTreeMap<RowId, Vec<u32>> = BTreeMap::new();
    for (class, place) in places {
        if let Some(row) = table.row(*class).filter(|row| *row != table.nobody) {
            rows.entry(row).or_default().push(*place);
        }
    }
    let function = |row: RowId| functions[row.index()].clone();
    RawTable {
        otherwise: function(table.nobody),
        rows: rows.into_iter().map(|(row, classes)| (function(row), classes)).collect(),
    }
}
