//! Tables brought up to date with the rules and the classes of peers.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use rustc_hash::FxHashMap;
use sluice_ir::decision::tables::{Cells, Tables};
use sluice_ir::decision::{ByDirection, PortClasses};
use sluice_ir::ids::{ClassId, RowId, RuleId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::{Direction, Identity};

use super::fill::Everybody;
use super::inherit::{Came, Heir, News};
use super::live::{Change, Live, Subject};
use super::peers::{Newcomer, Peers};
use super::sets::{About, Sets};
use super::slab::Slab;
use super::table::{Functions, Makings, Table};
use crate::classify::ports::{cells, port_classes};
use crate::classify::row::Outcomes;
use crate::classify::subjects::SubjectKey;

/// To wake a second thread for fewer tables than this takes longer than it saves.
const MANY: usize = 16;

/// Does one thing and another, at once or one after the other.
fn both<T: Send>(at_once: bool, one: impl FnOnce() -> T + Send, other: impl FnOnce() -> T + Send) -> (T, T) {
    if at_once { rayon::join(one, other) } else { (one(), other()) }
}

/// What rules that came mean for each class, remembered by the lists of peers of these rules.
type KnownNews<'p> = FxHashMap<Came, News<'p>>;

/// A table with the rules that it has now.
struct Renewed {
    subject: usize,
    table: Table,
    /// The classes with another row than before.
    cells: Vec<(ClassId, RowId)>,
}

/// What the tables of one direction are made anew from.
struct Side<'p> {
    direction: Direction,
    subjects: &'p [Subject],
    heirs: &'p [Heir<'p>],
    /// For tables that have no heritage.
    everybody: OnceCell<Everybody<'p>>,
    known: KnownNews<'p>,
    makings: Makings<'p>,
}

impl Side<'_> {
    /// Makes the table of a subject anew.
    fn renew(&mut self, subject: usize) -> Renewed {
        let Subject { identity, rules, tables, .. } = &self.subjects[subject];
        let key = SubjectKey::new(self.makings.policy, identity, rules.clone());
        let mut table = Table::new(&key, self.direction, &mut self.makings);
        let before = &tables[self.direction];
        if before.is_empty() {
            let sets = self.makings.sets.len();
            let everybody = self.everybody.get_or_init(|| Everybody::new(self.heirs, sets));
            let cells = table.fill(everybody, &mut self.makings);
            return Renewed { subject, table, cells };
        }
        let came = table.came(before, &self.makings);
        let news = self.known.entry(came).or_insert_with_key(|came| News::new(came, self.heirs));
        let cells = table.inherit(before, news, &mut self.makings);
        Renewed { subject, table, cells }
    }
}

impl Live {
    /// Brings the tables up to date and says what is different.
    pub(super) fn finish(&mut self, change: Change) -> Tables {
        let mut tables = Tables::default();
        let (born, gone) = self.peers.sweep();
        // Tables are changed and classes looked at, so each is held by itself.
        let peers = std::mem::take(&mut self.peers);
        let mut renewed = self.renew(&change, &peers, &born, &gone);
        for (at, direction) in (0..self.subjects.len()).flat_map(|at| Direction::BOTH.map(|way| (at, way))) {
            let rows = match renewed.remove(&(at, direction)) {
                Some(rows) => rows,
                None => self.extend(at, direction, &peers, &born),
            };
            gone.iter().for_each(|class| self.subjects[at].tables[direction].set(*class, None));
            if !rows.is_empty() {
                let endpoint = self.judged[self.subjects[at].endpoints[0]].name.clone();
                tables.cells.push(Cells { endpoint, direction, rows });
            }
        }
        self.peers = peers;
        tables.verdicts = self.verdicts.name_new().map(|(name, outcome)| (name, outcome.clone())).collect();
        for direction in Direction::BOTH {
            self.tell_ports_apart(direction, &mut tables);
        }
        self.tell_entities(&mut tables);
        let now = |prefix: Cidr| self.addresses.peers.get(prefix).map(|peer| self.peers.class(*peer));
        let moved = change.prefixes.into_iter().map(|(prefix, before)| (prefix, before, now(prefix)));
        tables.prefixes =
            moved.filter(|(_, before, now)| before != now).map(|(prefix, _, now)| (prefix, now)).collect();
        tables.gone = gone;
        tables
    }

    /// Makes the tables anew whose rules have changed. Gives for each the classes with another row than before.
    fn renew(
        &mut self,
        change: &Change,
        peers: &Peers,
        born: &[Newcomer],
        gone: &[ClassId],
    ) -> BTreeMap<(usize, Direction), Vec<(ClassId, RowId)>> {
        if change.subjects.is_empty() {
            return BTreeMap::new();
        }
        let heirs = heirs(peers, born, gone);
        let Live { slab, in_force, sets, subjects, verdicts, functions, .. } = self;
        let subjects = subjects.as_slice();
        let side = |direction, outcomes, functions| {
            let makings = makings(slab, in_force, sets, outcomes, functions);
            let (everybody, known) = (OnceCell::new(), KnownNews::default());
            let mut side = Side { direction, subjects, heirs: &heirs, everybody, known, makings };
            let changed = change.subjects.iter().filter(|(_, way)| *way == direction);
            changed.map(|(subject, _)| side.renew(*subject)).collect::<Vec<Renewed>>()
        };
        // Each has its own rows and verdicts.
        let (ingress, egress) = both(
            change.subjects.len() >= MANY,
            || side(Direction::Ingress, &mut verdicts.of.ingress, &mut functions.ingress),
            || side(Direction::Egress, &mut verdicts.of.egress, &mut functions.egress),
        );
        let mut rows = BTreeMap::new();
        for (direction, renewals) in [(Direction::Ingress, ingress), (Direction::Egress, egress)] {
            for Renewed { subject, table, cells } in renewals {
                self.subjects[subject].tables[direction] = table;
                rows.insert((subject, direction), cells);
            }
        }
        rows
    }

    /// Gives classes that came their rows in a table whose rules are those of before: what they do not ask
    /// for makes no difference to it.
    fn extend(
        &mut self,
        at: usize,
        direction: Direction,
        peers: &Peers,
        born: &[Newcomer],
    ) -> Vec<(ClassId, RowId)> {
        let (outcomes, functions) = (&mut self.verdicts.of[direction], &mut self.functions[direction]);
        let mut makings = makings(&self.slab, &self.in_force, &self.sets, outcomes, functions);
        let table = &mut self.subjects[at].tables[direction];
        let mut rows = Vec::with_capacity(born.len());
        for (class, before) in born {
            let Some(signature) = peers.signature(*class) else { continue };
            let known = before.and_then(|before| table.group(before));
            let group = known.unwrap_or_else(|| table.group_of(signature, &mut makings));
            table.set(*class, Some(group));
            rows.push((*class, table.row_of(group)));
        }
        rows
    }

    /// The tables of an identity that some rules select, without classes.
    pub(super) fn tables(
        &mut self,
        identity: &Identity,
        rules: &ByDirection<Vec<RuleId>>,
    ) -> ByDirection<Table> {
        let key = SubjectKey::new(&self.slab.policy, identity, rules.clone());
        ByDirection::from_fn(|direction| self.table(&key, direction))
    }

    fn table(&mut self, key: &SubjectKey, direction: Direction) -> Table {
        let (outcomes, functions) = (&mut self.verdicts.of[direction], &mut self.functions[direction]);
        let mut makings = makings(&self.slab, &self.in_force, &self.sets, outcomes, functions);
        Table::new(key, direction, &mut makings)
    }

    fn tell_entities(&mut self, tables: &mut Tables) {
        for (name, peer) in &self.entities {
            let class = self.peers.class(*peer);
            if self.entity_classes.insert(Arc::clone(name), class) != Some(class) {
                tables.entities.push((Arc::clone(name), class));
            }
        }
    }

    /// Puts the ports into finer classes if a new row tells some apart that were alike, and the new rows into
    /// their terms.
    fn tell_ports_apart(&mut self, direction: Direction, tables: &mut Tables) {
        let known = std::mem::replace(&mut self.told[direction], self.functions[direction].len());
        let (functions, verdicts) = (&self.functions[direction], &self.verdicts);
        if functions.len() == known {
            return;
        }
        let ports = &mut self.ports[direction];
        let new = || (known..functions.len()).into_par_iter();
        let row = |at, ports: &PortClasses| verdicts.named(direction, cells(&functions[at], ports));
        if known > 0 && new().all(|at| functions[at].is_constant_on(ports)) {
            tables.rows[direction] = new().map(|at| (RowId::new(at), row(at, ports))).collect();
            return;
        }
        *ports = port_classes(functions.iter());
        let rows = (0..functions.len()).into_par_iter().map(|at| row(at, ports)).collect();
        tables.ports[direction] = Some((ports.clone(), rows));
    }

    /// All tables, as if all of them were new.
    pub(super) fn all(&self) -> Tables {
        let verdicts = self.verdicts.all().map(|(name, outcome)| (name, outcome.clone())).collect();
        let mut tables = Tables { verdicts, ..Tables::default() };
        for direction in Direction::BOTH {
            let ports = &self.ports[direction];
            let row = |function| self.verdicts.named(direction, cells(function, ports));
            let rows = self.functions[direction].iter().map(row).collect();
            tables.ports[direction] = Some((ports.clone(), rows));
        }
        for subject in &self.subjects {
            let endpoint = &self.judged[subject.endpoints[0]].name;
            for (direction, table) in subject.tables.iter() {
                let (endpoint, rows) = (endpoint.clone(), table.rows().collect());
                tables.cells.push(Cells { endpoint, direction, rows });
            }
        }
        let entities = self.entities.iter();
        tables.entities = entities.map(|(name, peer)| (Arc::clone(name), self.peers.class(*peer))).collect();
        let prefixes = self.addresses.peers.iter();
        tables.prefixes = prefixes.map(|(prefix, peer)| (prefix, Some(self.peers.class(*peer)))).collect();
        tables
    }
}

/// Every class, those that went included, and where its peers were before, in order.
fn heirs<'p>(peers: &'p Peers, born: &[Newcomer], gone: &[ClassId]) -> Vec<Heir<'p>> {
    let before = |class| match born.binary_search_by_key(&class, |(class, _)| *class) {
        Ok(at) => born[at].1,
        Err(_) => Some(class),
    };
    let here = |(class, signature)| Heir { class, before: before(class), signature: Some(signature) };
    let went = |class: &ClassId| Heir { class: *class, before: None, signature: None };
    let mut heirs: Vec<Heir<'_>> = peers.classes().map(here).chain(gone.iter().map(went)).collect();
    heirs.sort_unstable_by_key(|heir| heir.class);
    heirs
}

fn makings<'m>(
    slab: &'m Slab,
    in_force: &'m FxHashMap<RuleId, About>,
    sets: &'m Sets,
    outcomes: &'m mut Outcomes,
    functions: &'m mut Functions,
) -> Makings<'m> {
    Makings { policy: &slab.policy, in_force, sets, outcomes, functions }
}
