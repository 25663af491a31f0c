//! Tables that change with their inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::decision::tables::{Cell, Tables};
use sluice_ir::decision::{ByDirection, PortClasses};
use sluice_ir::ids::{ClassId, RowId, RuleId, VerdictId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::eval::subject_matches;
use sluice_ir::policy::{Direction, Identity, Policy, Settings};

use super::addresses::{Addresses, Reason};
use super::peers::{Peer, Peers};
use super::sets::{Sets, Touched};
use super::slab::Slab;
use super::table::{Functions, Makings, Table};
use crate::classify::population::prefixes_of;
use crate::classify::ports::{cells, port_classes};
use crate::classify::row::Outcomes;
use crate::classify::signature::SetId;
use crate::classify::subjects::SubjectKey;
use crate::classify::{Judged, Limits};

/// Who is at an address.
pub(super) type World<'w> = dyn Fn(IpAddr) -> Arc<Identity> + 'w;

/// The tables of a node, and everything that they follow from.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) slab: Slab,
    pub(super) judged: Vec<Judged>,
    pub(super) subjects: Vec<Subject>,
    pub(super) sets: Sets,
    /// The list of peers of each rule in force; none inside for rules about every peer.
    set_of: FxHashMap<RuleId, Option<SetId>>,
    pub(super) peers: Peers,
    pub(super) entities: BTreeMap<Arc<str>, Peer>,
    pub(super) addresses: Addresses,
    pub(super) outcomes: Outcomes,
    pub(super) functions: ByDirection<Functions>,
    ports: ByDirection<PortClasses>,
    /// How many verdicts and rows were told of in deltas.
    told: (usize, ByDirection<usize>),
    /// The classes of entities that were told of.
    entity_classes: BTreeMap<Arc<str>, ClassId>,
    /// How many rules there were when all of them were of use.
    lasting: usize,
}

/// Endpoints of one identity, and their tables.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) identity: Arc<Identity>,
    /// Places in `judged`.
    pub(super) endpoints: Vec<usize>,
    rules: ByDirection<Vec<RuleId>>,
    pub(super) tables: ByDirection<Table>,
}

/// What has changed so far, while a change is applied.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The class that a prefix had before.
    prefixes: BTreeMap<Cidr, Option<ClassId>>,
    /// Prefixes whose peer must be looked at again.
    stale: BTreeSet<Cidr>,
    /// Places of subjects with other rules, and in which direction.
    subjects: BTreeSet<(usize, Direction)>,
}

impl Live {
    /// Tables of some endpoints without any rule or peer.
    pub(super) fn new(settings: Settings, judged: Vec<Judged>) -> Live {
        let mut by_identity: IndexSet<Arc<Identity>, FxBuildHasher> = IndexSet::default();
        let mut endpoints: Vec<Vec<usize>> = Vec::new();
        for (at, judged) in judged.iter().enumerate() {
            let (place, new) = by_identity.insert_full(Arc::clone(&judged.identity));
            if new {
                endpoints.push(Vec::new());
            }
            endpoints[place].push(at);
        }
        let mut live = Live {
            slab: Slab::new(settings),
            judged,
            subjects: Vec::new(),
            sets: Sets::default(),
            set_of: FxHashMap::default(),
            peers: Peers::default(),
            entities: BTreeMap::new(),
            addresses: Addresses::default(),
            outcomes: Outcomes::default(),
            functions: ByDirection::default(),
            ports: ByDirection::default(),
            told: (0, ByDirection::default()),
            entity_classes: BTreeMap::new(),
            lasting: 0,
        };
        for (identity, endpoints) in by_identity.into_iter().zip(endpoints) {
            let rules = ByDirection::default();
            let tables = live.tables(&identity, &rules);
            live.subjects.push(Subject { identity, endpoints, rules, tables });
        }
        live
    }

    /// Takes rules out and puts others in.
    pub(super) fn replace(&mut self, old: &[RuleId], new: &Policy, change: &mut Change) -> Vec<RuleId> {
        let new = self.slab.add(new);
        let policy = &self.slab.policy;
        for (at, subject) in self.subjects.iter_mut().enumerate() {
            for direction in Direction::BOTH {
                let rules = &mut subject.rules[direction];
                let before = rules.len();
                if !old.is_empty() {
                    rules.retain(|rule| old.binary_search(rule).is_err());
                }
                let lost = rules.len() < before;
                let selects = |id: &&RuleId| {
                    let rule = policy.rule(**id);
                    rule.direction == direction && subject_matches(policy, rule.subject, &subject.identity)
                };
                let kept = rules.len();
                rules.extend(new.iter().filter(selects));
                if lost || rules.len() > kept {
                    change.subjects.insert((at, direction));
                }
            }
        }
        // What comes is counted before what goes, so that a list of peers that both have stays.
        let of_changed = change.subjects.iter().flat_map(|(at, way)| &self.subjects[*at].rules[*way]);
        let in_force: BTreeSet<RuleId> =
            of_changed.copied().filter(|rule| new.binary_search(rule).is_ok()).collect();
        for rule in in_force {
            self.enter_force(rule, change);
        }
        for rule in old.iter().filter(|rule| self.set_of.contains_key(rule)).copied().collect::<Vec<_>>() {
            self.leave_force(rule, change);
        }
        new
    }

    fn enter_force(&mut self, id: RuleId, change: &mut Change) {
        let rule = self.slab.policy.rule(id);
        for prefix in prefixes_of(&self.slab.policy, [id].into_iter()) {
            change.stale.extend(self.addresses.add(prefix, Reason::Rule));
        }
        let (set, touched) = self.sets.add(&self.slab.policy, rule);
        self.set_of.insert(id, set);
        self.touch(touched, change);
    }

    fn leave_force(&mut self, id: RuleId, change: &mut Change) {
        let rule = self.slab.policy.rule(id);
        for prefix in prefixes_of(&self.slab.policy, [id].into_iter()) {
            change.stale.extend(self.addresses.remove(prefix, Reason::Rule));
        }
        let touched = self.sets.remove(&self.slab.policy, rule);
        self.set_of.remove(&id);
        self.touch(touched, change);
    }

    /// Puts the peers that are touched where they belong now.
    fn touch(&mut self, touched: Touched, change: &mut Change) {
        let peers: Vec<Peer> = match touched {
            Touched::Nobody => return,
            Touched::Members(_) | Touched::Everyone => self.peers.iter().collect(),
        };
        for peer in peers {
            let mut sets = self.peers.sets(peer).to_vec();
            if let Touched::Members(set) = touched {
                let identity = self.peers.identity(peer);
                match (sets.binary_search(&set), self.sets.matches(&self.slab.policy, set, identity)) {
                    (Err(place), true) => sets.insert(place, set),
                    (Ok(place), false) => {
                        sets.remove(place);
                    }
                    (Ok(_), true) => {}
                    (Err(_), false) => continue,
                }
            }
            let signature = self.sets.signature(&sets, self.peers.identity(peer));
            let before = self.peers.class(peer);
            if self.peers.sign(peer, signature) {
                for prefix in self.peers.prefixes(peer) {
                    change.prefixes.entry(*prefix).or_insert(Some(before));
                }
            }
        }
    }

    /// Someone is this identity.
    pub(super) fn join(&mut self, identity: &Arc<Identity>) -> Peer {
        if let Some(peer) = self.peers.find(identity) {
            self.peers.join(peer);
            return peer;
        }
        let sets = self.sets.matching(&self.slab.policy, identity);
        let signature = self.sets.signature(&sets, identity);
        self.peers.add(Arc::clone(identity), signature)
    }

    /// One more, or one less, reason to tell the addresses of a prefix apart from those around it.
    pub(super) fn edge(&mut self, prefix: Cidr, is: bool, change: &mut Change) {
        let edge = if is { Addresses::add } else { Addresses::remove };
        let stale = edge(&mut self.addresses, prefix, Reason::Owner);
        change.stale.extend(stale);
        change.stale.insert(prefix);
    }

    /// Puts every prefix that must be looked at again to the peer that it is now.
    pub(super) fn settle(&mut self, world: &World<'_>, change: &mut Change) {
        for prefix in std::mem::take(&mut change.stale) {
            let address = self.addresses.stands_for(prefix);
            let before = self.addresses.peers.get(prefix).copied();
            let identity = address.map(world);
            if let (Some(peer), Some(identity)) = (before, &identity)
                && self.peers.identity(peer) == identity
            {
                continue;
            }
            let now = identity.map(|identity| self.join_at(prefix, &identity));
            change.prefixes.entry(prefix).or_insert(before.map(|peer| self.peers.class(peer)));
            match now {
                Some(peer) => {
                    self.addresses.peers.insert(prefix, peer);
                    self.peers.set_prefix(peer, prefix, true);
                }
                None => {
                    self.addresses.peers.remove(prefix);
                }
            }
            if let Some(peer) = before {
                self.peers.set_prefix(peer, prefix, false);
                self.peers.leave(peer);
            }
        }
    }

    /// Someone at a prefix is this identity. An address that differs from those around it in its names alone
    /// is matched by what matches them, and by what matches its names.
    fn join_at(&mut self, prefix: Cidr, identity: &Arc<Identity>) -> Peer {
        let around = identity.address.filter(|address| Cidr::host(*address) == prefix);
        let around = around.and_then(|address| self.addresses.around_host(address));
        let plain = around.filter(|peer| {
            let outside = self.peers.identity(*peer);
            !identity.names.is_empty() && outside.labels == identity.labels && outside.names.is_empty()
        });
        let Some(plain) = plain.filter(|_| self.peers.find(identity).is_none()) else {
            return self.join(identity);
        };
        let mut sets = self.peers.sets(plain).to_vec();
        for name in &identity.names {
            sets.extend(self.sets.of_name(&self.slab.policy, name));
        }
        sets.sort_unstable();
        sets.dedup();
        let signature = self.sets.signature(&sets, identity);
        self.peers.add(Arc::clone(identity), signature)
    }

    /// Brings the tables up to date and says what is different.
    pub(super) fn finish(&mut self, change: Change) -> Tables {
        let mut tables = Tables::default();
        let (born, gone) = self.peers.sweep();
        let all: Vec<ClassId> = match change.subjects.is_empty() {
            true => Vec::new(),
            false => self.peers.classes().map(|(class, _)| class).collect(),
        };
        for (at, direction) in (0..self.subjects.len()).flat_map(|at| Direction::BOTH.map(|way| (at, way))) {
            self.free(at, direction, &gone);
            let changed = change.subjects.contains(&(at, direction));
            if changed {
                self.begin_anew(at, direction);
            }
            self.fill(at, direction, if changed { &all } else { &born }, &mut tables.cells);
        }
        let news = self.outcomes.all.iter().enumerate().skip(self.told.0);
        tables.verdicts = news.map(|(at, outcome)| (VerdictId::new(at), outcome.clone())).collect();
        self.told.0 = self.outcomes.all.len();
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

    fn tell_entities(&mut self, tables: &mut Tables) {
        for (name, peer) in &self.entities {
            let class = self.peers.class(*peer);
            if self.entity_classes.insert(Arc::clone(name), class) != Some(class) {
                tables.entities.push((Arc::clone(name), class));
            }
        }
    }

    /// The tables of an identity that some rules select, without classes.
    fn tables(&mut self, identity: &Identity, rules: &ByDirection<Vec<RuleId>>) -> ByDirection<Table> {
        let key = SubjectKey::new(&self.slab.policy, identity, rules.clone());
        ByDirection::from_fn(|direction| self.table(&key, direction))
    }

    fn table(&mut self, key: &SubjectKey, direction: Direction) -> Table {
        let (outcomes, functions) = (&mut self.outcomes, &mut self.functions[direction]);
        let mut makings = makings(&self.slab, &self.set_of, &self.sets, outcomes, functions);
        Table::new(key, direction, &mut makings)
    }

    /// Makes a table of a subject anew. The rows of its classes are those of before, to be compared with.
    fn begin_anew(&mut self, at: usize, direction: Direction) {
        let Subject { identity, rules, .. } = &self.subjects[at];
        let key = SubjectKey::new(&self.slab.policy, identity, rules.clone());
        let mut table = self.table(&key, direction);
        let before = &mut self.subjects[at].tables[direction];
        std::mem::swap(&mut table.rows, &mut before.rows);
        *before = table;
    }

    /// Gives classes their rows in a table of a subject, and notes those that differ.
    fn fill(&mut self, at: usize, direction: Direction, classes: &[ClassId], cells: &mut Vec<Cell>) {
        let subject = &mut self.subjects[at];
        let endpoint = &self.judged[subject.endpoints[0]].name;
        let (outcomes, functions) = (&mut self.outcomes, &mut self.functions[direction]);
        let mut makings = makings(&self.slab, &self.set_of, &self.sets, outcomes, functions);
        let table = &mut subject.tables[direction];
        for class in classes {
            let Some(signature) = self.peers.signature(*class) else { continue };
            let row = table.row_of(signature, &mut makings);
            if let Some(row) = table.set(*class, Some(row)) {
                cells.push(Cell { endpoint: endpoint.clone(), direction, class: *class, row });
            }
        }
    }

    fn free(&mut self, at: usize, direction: Direction, classes: &[ClassId]) {
        for class in classes {
            self.subjects[at].tables[direction].set(*class, None);
        }
    }

    /// Puts the ports into finer classes if a new row tells some apart that were alike, and the new rows into
    /// their terms.
    fn tell_ports_apart(&mut self, direction: Direction, tables: &mut Tables) {
        let known = std::mem::replace(&mut self.told.1[direction], self.functions[direction].len());
        let functions = &self.functions[direction];
        if functions.len() == known {
            return;
        }
        let ports = &mut self.ports[direction];
        let fits = |function: &crate::classify::row::PortFunction| function.is_constant_on(ports);
        if known > 0 && functions.iter().skip(known).all(fits) {
            let new = functions.iter().enumerate().skip(known);
            tables.rows[direction] =
                new.map(|(at, function)| (RowId::new(at), cells(function, ports))).collect();
            return;
        }
        *ports = port_classes(functions.iter());
        let rows = functions.iter().map(|function| cells(function, ports)).collect();
        tables.ports[direction] = Some((ports.clone(), rows));
    }

    /// The list of peers of a rule that is in force; none inside if it is about every peer.
    pub(super) fn set_of(&self, rule: RuleId) -> Option<Option<SetId>> {
        self.set_of.get(&rule).copied()
    }

    /// All tables, as if all of them were new.
    pub(super) fn all(&self) -> Tables {
        let mut tables = Tables::default();
        let verdicts = self.outcomes.all.iter().enumerate();
        tables.verdicts = verdicts.map(|(at, outcome)| (VerdictId::new(at), outcome.clone())).collect();
        for direction in Direction::BOTH {
            let ports = &self.ports[direction];
            let rows = self.functions[direction].iter().map(|function| cells(function, ports)).collect();
            tables.ports[direction] = Some((ports.clone(), rows));
        }
        for subject in &self.subjects {
            let endpoint = &self.judged[subject.endpoints[0]].name;
            for direction in Direction::BOTH {
                let rows = subject.tables[direction].rows.iter().enumerate();
                let cell = |(class, row): (usize, &Option<RowId>)| {
                    let (endpoint, class) = (endpoint.clone(), ClassId::new(class));
                    Some(Cell { endpoint, direction, class, row: (*row)? })
                };
                tables.cells.extend(rows.filter_map(cell));
            }
        }
        let entities = self.entities.iter();
        tables.entities = entities.map(|(name, peer)| (Arc::clone(name), self.peers.class(*peer))).collect();
        let prefixes = self.addresses.peers.iter();
        tables.prefixes = prefixes.map(|(prefix, peer)| (prefix, Some(self.peers.class(*peer)))).collect();
        tables
    }

    /// Whether so much of what is kept is of no use any more that it is better to begin anew.
    pub(super) fn is_wasteful(&self) -> bool {
        let rows: usize = self.functions.iter().map(|(_, functions)| functions.len()).sum();
        let used: usize = self
            .subjects
            .iter()
            .flat_map(|subject| Direction::BOTH.map(|way| subject.tables[way].rows.len()))
            .sum();
        self.slab.policy.rules.len() > ENOUGH + 2 * self.lasting || rows > ENOUGH + 2 * used
    }

    /// Notes how many rules there are when all of them are of use.
    pub(super) fn is_fresh(&mut self) {
        self.lasting = self.slab.policy.rules.len();
    }

    /// Whether the tables are within limits.
    pub(super) fn fits(&self, limits: &Limits) -> bool {
        let cells = |direction: Direction| {
            self.functions[direction].len().saturating_mul(self.ports[direction].len())
        };
        Direction::BOTH.map(cells).into_iter().fold(0, usize::saturating_add) <= limits.cells
            && self.outcomes.reasons() <= limits.reasons
    }
}

/// So many rules and rows may be of no use before anyone asks.
const ENOUGH: usize = 20_000;

fn makings<'m>(
    slab: &'m Slab,
    set_of: &'m FxHashMap<RuleId, Option<SetId>>,
    sets: &'m Sets,
    outcomes: &'m mut Outcomes,
    functions: &'m mut Functions,
) -> Makings<'m> {
    Makings { policy: &slab.policy, set_of, sets, outcomes, functions }
}
