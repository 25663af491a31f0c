//! From everything at once: tables from all objects, and the decision from all tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use sluice_ir::decision::ByDirection;
use sluice_ir::ids::{ClassId, RowId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::verify::{Verified, VerifyError};
use sluice_ir::policy::{Direction, Policy};

use super::inputs::{self, ObjectKey};
use super::live::{self, Live};
use super::table::Table;
use super::{Classified, Pods, Session, SessionError, judged};
use crate::classify::assemble::{Parts, assemble};
use crate::classify::order::in_order;
use crate::classify::population::{ENTITIES, PeerId, Population, families};
use crate::classify::row::PortFunction;
use crate::classify::table::RawTable;
use crate::lower;
use crate::optimise::optimise_object;

impl Session {
    /// Makes all tables anew from the objects, and proves them.
    pub(super) fn rebuild(&mut self) -> Result<(), SessionError> {
        let settings = lower::settings(&self.options);
        let nothing = Policy { settings, ..Policy::default() };
        self.live = Live::new(settings, judged(&self.inventory, &nothing, Some(&self.node)));
        self.pods = Pods::default();
        self.rules = BTreeMap::new();
        let mut change = live::Change::default();
        for (key, policy) in self.lower_all()? {
            let rules = self.live.replace(&[], &policy, &mut change);
            self.rules.insert(key, rules);
        }
        self.add_everyone(&mut change);
        self.settle(change);
        self.live.is_fresh();
        self.prove().map(|_| ())
    }

    /// The rules of every policy object.
    fn lower_all(&self) -> Result<Vec<(ObjectKey, Verified<Policy>)>, VerifyError> {
        let around = self.surroundings();
        let policies = self.inputs.resources().par_iter().filter(|resource| inputs::is_policy(resource));
        let lowered = policies.map(|resource| {
            let policy = optimise_object(lower::lower_one(resource, around).policy)?;
            Ok((ObjectKey::of(resource), policy))
        });
        lowered.collect()
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

    /// Entities, pods, and every address that the inventory tells apart.
    fn add_everyone(&mut self, change: &mut live::Change) {
        self.join_entities();
        let edges: Vec<Cidr> = families().chain(self.inventory.edges_beside_pods()).collect();
        for edge in edges {
            self.live.edge(edge, true, change);
        }
        let endpoints = std::mem::take(&mut self.inventory.endpoints);
        for endpoint in &endpoints {
            let name = (Arc::clone(&endpoint.namespace), Arc::clone(&endpoint.name));
            self.add_pod(name, &endpoint.identity, endpoint.addresses.clone(), change);
        }
        self.inventory.endpoints = endpoints;
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
