//! Endpoint by endpoint and class by class, where two tables differ.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use indexmap::{IndexMap, IndexSet};
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::decision::{ByDirection, Decision, EndpointName, Subject, Table};
use sluice_ir::ids::{ClassId, RowId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::Direction;

use super::meaning::Meanings;
use super::ports::{Behind, Change, Pieces};
use super::roster::{Roster, SeenBy};
use crate::classify::{Classified, PeerId, Population};

/// A policy as a table, and whom it is about.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// The table.
    pub classified: &'a Classified,
    /// Everybody who can be at the other side.
    pub population: &'a Population,
}

impl<'a> Side<'a> {
    pub(super) fn decision(&self) -> &'a Decision {
        &self.classified.decision
    }
}

/// The place of a pair of classes.
pub(super) type PairId = u32;
/// The place of a list of changes.
pub(super) type DiffId = usize;
/// Rows that say the same about every port have this list of changes, which is empty.
pub(super) const SAME: DiffId = 0;

/// A class of the old table with one of the new that have peers in common.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    classes: (ClassId, ClassId),
    /// The named peers in both, as places in the roster.
    pub(super) peers: Vec<usize>,
    /// Whether addresses without a name are in both.
    pub(super) addresses: bool,
    /// Whether somebody is in both whom every endpoint sees.
    general: bool,
}

/// A prefix with the lowest address that it decides, and the pair of all that it decides.
pub(super) type Atom = (Cidr, IpAddr, PairId);

impl Pair {
    fn new(classes: (ClassId, ClassId)) -> Pair {
        Pair { classes, peers: Vec::new(), addresses: false, general: false }
    }
}

/// About which peers the tables of an endpoint differ, and how.
pub(super) type Signature = Vec<(Direction, PairId, DiffId)>;

/// Endpoints with the same old tables, the same new tables and the same peers.
#[derive(Clone, Debug)]
pub(super) struct Kind {
    subjects: (usize, usize),
    /// Pairs of classes whose peers they see and others do not.
    special: BTreeSet<PairId>,
    /// The endpoints, as places in the roster.
    pub(super) endpoints: Vec<usize>,
    /// How they differ, as a place among the signatures.
    pub(super) difference: Difference,
}

/// How the tables of some endpoints differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Difference {
    /// Not at all.
    None,
    /// As this signature says.
    Noted(usize),
    /// Somehow: there was no room to note more.
    Unnoted,
}

/// How many peers of endpoints are noted at most about which tables differ.
const NOTED: usize = 1 << 22;

/// How an old row and a new one differ, with the verdicts behind each change.
type RowPairs = FxHashMap<(RowId, RowId), (DiffId, Vec<Behind>)>;

/// Two tables that were held against each other.
#[derive(Clone, Debug)]
pub struct Comparison<'a> {
    pub(super) old: Side<'a>,
    pub(super) new: Side<'a>,
    pub(super) roster: &'a Roster,
    pub(super) pairs: Vec<Pair>,
    /// Addresses without a name.
    pub(super) atoms: Vec<Atom>,
    pub(super) kinds: Vec<Kind>,
    pub(super) signatures: IndexSet<Signature, FxBuildHasher>,
    pub(super) diffs: IndexSet<Vec<Change>, FxBuildHasher>,
    of_rows: ByDirection<RowPairs>,
    cells: usize,
}

impl<'a> Comparison<'a> {
    /// Compares two tables about those who are on both sides.
    pub fn new(old: Side<'a>, new: Side<'a>, roster: &'a Roster) -> Comparison<'a> {
        let (pairs, atoms) = pairs(old, new, roster);
        let kinds = kinds(old, new, roster, &pairs);
        let mut comparison = Comparison {
            old,
            new,
            roster,
            pairs,
            atoms,
            kinds: Vec::new(),
            signatures: IndexSet::default(),
            diffs: IndexSet::from_iter([Vec::new()]),
            of_rows: ByDirection::default(),
            cells: 0,
        };
        comparison.compare(kinds);
        comparison
    }

    /// Whether the policies are equal.
    pub fn is_equal(&self) -> bool {
        self.kinds.iter().all(|kind| kind.difference == Difference::None)
    }

    /// How many cells were compared: for endpoints with the same tables together, in each direction, the pairs of
    /// classes of peers that they meet times the stretches of ports.
    pub fn cells(&self) -> usize {
        self.cells
    }

    /// Who is compared.
    pub fn roster(&self) -> &'a Roster {
        self.roster
    }

    fn compare(&mut self, mut kinds: Vec<Kind>) {
        let (old, new) = (self.old.decision(), self.new.decision());
        let meanings = Meanings::new(old, new);
        let pieces = ByDirection::from_fn(|way| Pieces::new(&old.sides[way].ports, &new.sides[way].ports));
        let mut rows = <(RowOfClass, RowOfClass)>::default();
        let mut noted = 0;
        for kind in &mut kinds {
            let room = noted < NOTED;
            let signature = self.signature(kind, &mut rows, &meanings, &pieces, room);
            noted += signature.len();
            kind.difference = match (signature.is_empty(), room) {
                (true, _) => Difference::None,
                (false, true) => Difference::Noted(self.signatures.insert_full(signature).0),
                (false, false) => Difference::Unnoted,
            };
        }
        self.kinds = kinds;
    }

    /// The peers about which the tables of a kind differ: the first of them, if there is no room for all.
    fn signature(
        &mut self,
        kind: &Kind,
        rows: &mut (RowOfClass, RowOfClass),
        meanings: &Meanings,
        pieces: &ByDirection<Pieces>,
        room: bool,
    ) -> Signature {
        let (old, new) = (self.old.decision(), self.new.decision());
        let (before, after) = (&old.subjects[kind.subjects.0], &new.subjects[kind.subjects.1]);
        let mut signature = Signature::new();
        for direction in Direction::BOTH {
            let tables = (&before.tables[direction], &after.tables[direction]);
            let sides = (&old.sides[direction].rows, &new.sides[direction].rows);
            let of_rows = &mut self.of_rows[direction];
            let diffs = &mut self.diffs;
            let mut differ = |rows: (RowId, RowId)| {
                let found = of_rows.entry(rows).or_insert_with(|| {
                    let (old, new) = (&sides.0[rows.0.index()], &sides.1[rows.1.index()]);
                    let (changes, behind) = pieces[direction].changes(old, new, meanings).into_iter().unzip();
                    (diffs.insert_full(changes).0, behind)
                });
                found.0
            };
            let otherwise = (tables.0.otherwise, tables.1.otherwise);
            let same = differ(otherwise) == SAME;
            rows.0.fill(tables.0, old.classes.len());
            rows.1.fill(tables.1, new.classes.len());
            for (at, Pair { classes, general, .. }) in (0..).zip(&self.pairs) {
                let rows = (rows.0.of(classes.0), rows.1.of(classes.1));
                let met = *general || kind.special.contains(&at);
                if !met {
                    continue;
                }
                self.cells += pieces[direction].len();
                if same && rows == otherwise {
                    continue;
                }
                let diff = differ(rows);
                if diff != SAME {
                    signature.push((direction, at, diff));
                    if !room {
                        return signature;
                    }
                }
            }
        }
        signature
    }

    /// The verdicts behind each change of an endpoint's tables about a pair of classes.
    pub(super) fn behind(&self, kind: &Kind, direction: Direction, pair: PairId) -> &[Behind] {
        let subject = |decision: &'a Decision, at: usize| -> &'a Subject { &decision.subjects[at] };
        let before = subject(self.old.decision(), kind.subjects.0);
        let after = subject(self.new.decision(), kind.subjects.1);
        let (old, new) = self.pairs[pair as usize].classes;
        let rows = (before.tables[direction].row(old), after.tables[direction].row(new));
        self.of_rows[direction].get(&rows).map_or(&[], |(_, behind)| behind)
    }
}

/// The pairs of classes that have peers in common, and the pair of each address.
fn pairs(old: Side<'_>, new: Side<'_>, roster: &Roster) -> (Vec<Pair>, Vec<Atom>) {
    let mut pairs: IndexMap<(ClassId, ClassId), Pair, FxBuildHasher> = IndexMap::default();
    let classes = |a: PeerId, b: PeerId| (old.classified.class(a), new.classified.class(b));
    for (at, peer) in roster.peers.iter().enumerate() {
        let classes = classes(peer.old, peer.new);
        let pair = pairs.entry(classes).or_insert_with(|| Pair::new(classes));
        pair.peers.push(at);
        pair.general |= peer.seen_by == SeenBy::All;
    }
    let mut atoms = Vec::with_capacity(roster.addresses.len());
    for ((cidr, lowest), (_, (a, b))) in roster.addresses.atoms().into_iter().zip(roster.addresses.iter()) {
        let Some(lowest) = lowest else { continue };
        let classes = classes(*a, *b);
        let entry = pairs.entry(classes);
        atoms.push((cidr, lowest, PairId::try_from(entry.index()).unwrap_or(PairId::MAX)));
        let pair = entry.or_insert_with(|| Pair::new(classes));
        (pair.addresses, pair.general) = (true, true);
    }
    (pairs.into_values().collect(), atoms)
}

/// Puts endpoints with the same tables and peers together, in order of the first.
fn kinds(old: Side<'_>, new: Side<'_>, roster: &Roster, pairs: &[Pair]) -> Vec<Kind> {
    let specials: Vec<(PairId, &Pair)> = (0..).zip(pairs).filter(|(_, pair)| !pair.general).collect();
    let mut of_node: BTreeMap<Option<&Arc<str>>, BTreeSet<PairId>> = BTreeMap::new();
    let seen_on = |node: Option<&Arc<str>>| {
        let seen = |pair: &Pair| pair.peers.iter().any(|peer| roster.peers[*peer].seen_by.is_on(node));
        specials.iter().filter(|(_, pair)| seen(pair)).map(|(at, _)| *at).collect()
    };
    let subjects = (by_name(old.decision()), by_name(new.decision()));
    let mut kinds: IndexMap<(usize, usize, BTreeSet<PairId>), Kind, FxBuildHasher> = IndexMap::default();
    for (at, member) in roster.endpoints.iter().enumerate() {
        let of = |subjects: &BTreeMap<_, usize>| subjects.get(&member.name).copied();
        let Some(subjects) = of(&subjects.0).zip(of(&subjects.1)) else { continue };
        let node = member.node.as_ref();
        let special: &BTreeSet<PairId> = of_node.entry(node).or_insert_with(|| seen_on(node));
        let kind = || Kind {
            subjects,
            special: special.clone(),
            endpoints: Vec::new(),
            difference: Difference::None,
        };
        kinds.entry((subjects.0, subjects.1, special.clone())).or_insert_with(kind).endpoints.push(at);
    }
    kinds.into_values().collect()
}

fn by_name(decision: &Decision) -> BTreeMap<&EndpointName, usize> {
    let of = |(at, subject)| {
        let subject: &Subject = subject;
        subject.endpoints.iter().map(move |endpoint| (endpoint, at))
    };
    decision.subjects.iter().enumerate().flat_map(of).collect()
}

/// A table as a list: the row of each class.
#[derive(Default)]
struct RowOfClass(Vec<RowId>);

impl RowOfClass {
    fn fill(&mut self, table: &Table, classes: usize) {
        self.0.clear();
        self.0.resize(classes, table.otherwise);
        for (class, row) in &table.rows {
            self.0[class.index()] = *row;
        }
    }

    fn of(&self, class: ClassId) -> RowId {
        self.0[class.index()]
    }
}
