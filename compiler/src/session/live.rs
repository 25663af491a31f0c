//! Tables that change with their inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use indexmap::IndexSet;

use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::decision::{ByDirection, PortClasses};
use sluice_ir::ids::{ClassId, RuleId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::eval::subject_matches;
use sluice_ir::policy::{Direction, Identity, Policy};

use super::addresses::{Addresses, Reason};
use super::peers::{Peer, Peers};
use super::sets::{About, Sets, Touched};
use super::slab::Slab;
use super::table::{Functions, Table};
use super::verdicts::Verdicts;
use crate::classify::population::prefixes_of;
use crate::classify::signature::{SetId, Signature};
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
    /// Whom each rule in force is about; others judge nobody.
    pub(super) in_force: FxHashMap<RuleId, About>,
    pub(super) peers: Peers,
    pub(super) entities: BTreeMap<Arc<str>, Peer>,
    pub(super) addresses: Addresses,
    pub(super) verdicts: Verdicts,
    pub(super) functions: ByDirection<Functions>,
    pub(super) ports: ByDirection<PortClasses>,
    /// How many rows were told of in deltas.
    pub(super) told: ByDirection<usize>,
    /// The classes of entities that were told of.
    pub(super) entity_classes: BTreeMap<Arc<str>, ClassId>,
    /// How much was kept when all of it was of use.
    lasting: Kept,
}

/// How much is kept that only goes when all is built anew.
#[derive(Clone, Copy, Debug, Default)]
struct Kept {
    rules: usize,
    /// Rows, verdicts, and groups of tables: rules make them, and combinations of names.
    rows: usize,
}

/// Endpoints of one identity, and their tables.
#[derive(Debug)]
pub(super) struct Subject {
    pub(super) identity: Arc<Identity>,
    /// Places in `judged`.
    pub(super) endpoints: Vec<usize>,
    pub(super) rules: ByDirection<Vec<RuleId>>,
    pub(super) tables: ByDirection<Table>,
}

/// What has changed so far, while a change is applied.
#[derive(Debug, Default)]
pub(super) struct Change {
    /// The class that a prefix had before.
    pub(super) prefixes: BTreeMap<Cidr, Option<ClassId>>,
    /// Prefixes whose peer must be looked at again.
    stale: BTreeSet<Cidr>,
    /// Places of subjects with other rules, and in which direction.
    pub(super) subjects: BTreeSet<(usize, Direction)>,
}

impl Live {
    /// Tables of some endpoints for which no rule is in force yet, and without any peer.
    pub(super) fn new(slab: Slab, judged: Vec<Judged>) -> Live {
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
            slab,
            judged,
            subjects: Vec::new(),
            sets: Sets::default(),
            in_force: FxHashMap::default(),
            peers: Peers::default(),
            entities: BTreeMap::new(),
            addresses: Addresses::default(),
            verdicts: Verdicts::default(),
            functions: ByDirection::default(),
            ports: ByDirection::default(),
            told: ByDirection::default(),
            entity_classes: BTreeMap::new(),
            lasting: Kept::default(),
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
        for rule in old.iter().filter(|rule| self.in_force.contains_key(rule)).copied().collect::<Vec<_>>() {
            self.leave_force(rule, change);
        }
        new
    }

    fn enter_force(&mut self, id: RuleId, change: &mut Change) {
        let rule = self.slab.policy.rule(id);
        for prefix in prefixes_of(&self.slab.policy, [id].into_iter()) {
            change.stale.extend(self.addresses.add(prefix, Reason::Rule));
        }
        let (about, touched) = self.sets.add(&self.slab.policy, rule);
        self.in_force.insert(id, about);
        self.touch(touched, change);
    }

    fn leave_force(&mut self, id: RuleId, change: &mut Change) {
        let rule = self.slab.policy.rule(id);
        for prefix in prefixes_of(&self.slab.policy, [id].into_iter()) {
            change.stale.extend(self.addresses.remove(prefix, Reason::Rule));
        }
        let touched = self.sets.remove(&self.slab.policy, rule);
        self.in_force.remove(&id);
        self.touch(touched, change);
    }

    /// Puts the peers that are touched where they belong now.
    fn touch(&mut self, touched: Touched, change: &mut Change) {
        let mut peers: Vec<Peer> = match touched {
            Touched::Nobody => return,
            Touched::Everyone => self.peers.iter().collect(),
            Touched::Members { set, .. } => self.members(set),
        };
        let mut by_class: Vec<(ClassId, Peer)> =
            peers.drain(..).map(|peer| (self.peers.class(peer), peer)).collect();
        by_class.sort_unstable();
        for of_class in by_class.chunk_by(|a, b| a.0 == b.0) {
            let class = of_class[0].0;
            peers.clear();
            peers.extend(of_class.iter().map(|(_, peer)| *peer));
            for (signature, peers) in self.signatures(class, &peers, touched) {
                if self.peers.sign(&peers, signature) {
                    let prefixes = peers.iter().flat_map(|peer| self.peers.prefixes(*peer));
                    prefixes.for_each(|prefix| {
                        change.prefixes.entry(*prefix).or_insert(Some(class));
                    });
                }
            }
        }
    }

    /// What rules can see now of those peers of a class that are touched.
    fn signatures(&self, class: ClassId, peers: &[Peer], touched: Touched) -> Vec<(Signature, Vec<Peer>)> {
        let Some(Signature { mut sets, named, host }) = self.peers.signature(class).cloned() else {
            return Vec::new();
        };
        if let Touched::Members { set, .. } = touched {
            match (sets.binary_search(&set), self.sets.is_live(set)) {
                (Err(place), true) => sets.insert(place, set),
                (Ok(place), false) => {
                    sets.remove(place);
                }
                (Ok(_), true) | (Err(_), false) => {}
            }
        }
        match touched {
            Touched::Members { asks: false, .. } => vec![(Signature { sets, named, host }, peers.to_vec())],
            _ => self.sets.signatures(sets, peers, |peer| self.peers.identity(peer)),
        }
    }

    /// The peers that a list matches, or did while it was in force.
    fn members(&self, set: SetId) -> Vec<Peer> {
        let live = self.sets.is_live(set);
        let is = |peer: &Peer| match live {
            true => self.sets.matches(&self.slab.policy, set, self.peers.identity(*peer)),
            false => self.peers.sets(*peer).binary_search(&set).is_ok(),
        };
        let mut peers = self.peers.roll.candidates(&self.slab.policy, self.sets.peers(set));
        peers.retain(is);
        peers
    }

    /// Someone is this identity.
    pub(super) fn join(&mut self, identity: &Arc<Identity>) -> Peer {
        if let Some(peer) = self.peers.find(identity) {
            self.peers.join(peer);
            return peer;
        }
        let sets = self.sets.matching(&self.slab.policy, identity);
        let signature = self.sets.signature(sets, identity);
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
        let signature = self.sets.signature(sets, identity);
        self.peers.add(Arc::clone(identity), signature)
    }

    /// Whom a rule is about, if it is in force.
    pub(super) fn about(&self, rule: RuleId) -> Option<About> {
        self.in_force.get(&rule).copied()
    }

    /// Whether so much may be of no use any more that it is better to begin anew. A change that gave no class a row
    /// made none either, and rows need not be counted.
    pub(super) fn is_wasteful(&self, gave_rows: bool) -> bool {
        let rules = self.slab.policy.rules.len();
        let rows = if gave_rows { self.rows() } else { 0 };
        rules > ENOUGH + 2 * self.lasting.rules || rows > ENOUGH + 2 * self.lasting.rows
    }

    /// Notes how much is kept while all of it is of use: so many rules are some object's.
    pub(super) fn is_fresh(&mut self, rules: usize) {
        self.lasting = Kept { rules, rows: self.rows() };
        self.slab.reserve(ENOUGH + self.lasting.rules);
    }

    /// Rows, verdicts, and groups of tables.
    fn rows(&self) -> usize {
        let tables = self.subjects.iter().flat_map(|subject| Direction::BOTH.map(|way| &subject.tables[way]));
        let groups: usize = tables.map(|table| table.groups.len()).sum();
        let rows: usize = self.functions.iter().map(|(_, functions)| functions.len()).sum();
        rows + self.verdicts.len() + groups
    }

    /// Whether the tables are within limits.
    pub(super) fn fits(&self, limits: &Limits) -> bool {
        let cells = |direction: Direction| {
            self.functions[direction].len().saturating_mul(self.ports[direction].len())
        };
        Direction::BOTH.map(cells).into_iter().fold(0, usize::saturating_add) <= limits.cells
            && self.verdicts.reasons() <= limits.reasons
    }
}

/// So many rules, and so many rows with what belongs to them, may be of no use before anyone asks.
const ENOUGH: usize = 20_000;
