//! From any numbering to the canonical form.
//!
//! What is compared is content, from the bottom up: origins and layer 7 rules, then verdicts, then the
//! columns of ports, then rows, then tables. Numbers of first use are given at the end, from the top down.

mod peers;
mod ports;

use indexmap::{IndexMap, IndexSet};
use rayon::join;
use rayon::prelude::*;
use rustc_hash::FxBuildHasher;

pub use self::peers::PeerForm;
use self::ports::Columns;
use super::{ByDirection, Decision, EndpointName, Outcome, Row, Side, Subject, Table};
use crate::ids::{L7Id, OriginId, RowId, VerdictId};
use crate::policy::Direction;

/// A row or a verdict under its number before first use counts.
type Interned<T> = IndexSet<T, FxBuildHasher>;
/// Endpoints by their tables.
type Groups = IndexMap<ByDirection<Table>, Vec<EndpointName>, FxBuildHasher>;

impl Decision {
    /// The same decision in [canonical form](super). An id that names nothing still names nothing.
    ///
    /// Verdicts, rows and classes may come in any order, more than once and unused; classes of ports may be
    /// finer than needed; subjects with equal tables may be apart, and their tables may list classes whose row
    /// is that of every other. Classes of peers are put in order, but kept: what tells them apart are the
    /// rules in force, and they are not here.
    #[must_use]
    pub fn canonical(self) -> Decision {
        self.in_canonical_form(PeerForm::of(&self))
    }

    /// As [`Decision::canonical`], with the peers put in order before: those of the decision itself are not
    /// looked at.
    pub(super) fn in_canonical_form(&self, peers: PeerForm) -> Decision {
        self.tables_in_form(&peers).with(peers)
    }

    /// Everything in canonical form but the peers, who are left out.
    pub(super) fn tables_in_form(&self, peers: &PeerForm) -> Decision {
        let (origins, origin_ranks) = rank(&self.origins, |_| true);
        let (l7, l7_ranks) = rank(&self.l7, |_| true);
        let mut outcomes = Interned::default();
        let verdicts = self.verdicts.iter().map(|outcome| {
            let outcome = renumber(outcome, &origin_ranks, &l7_ranks);
            VerdictId::new(outcomes.insert_full(outcome).0)
        });
        let verdicts: Vec<VerdictId> = verdicts.collect();

        let form = |direction| SideForm::new(self, direction, &verdicts);
        let ((ingress, ingress_rows), (egress, egress_rows)) =
            join(|| form(Direction::Ingress), || form(Direction::Egress));
        let mut rows = ByDirection { ingress: ingress_rows, egress: egress_rows };
        let sides = ByDirection { ingress, egress };
        let mut subjects = subjects(self, peers, &sides);
        let mut sides = ByDirection::from_fn(|direction| Side {
            rows: rows_by_use(&mut subjects, direction, std::mem::take(&mut rows[direction])),
            ports: sides[direction].columns.ports.clone(),
        });
        let verdicts = verdicts_by_use(&mut sides, outcomes);
        let (origins, l7, verdicts) = without_unused(&origins, &l7, verdicts);
        Decision { node: self.node.clone(), origins, l7, sides, verdicts, subjects, ..Decision::default() }
    }

    /// The same with these peers.
    pub(super) fn with(self, peers: PeerForm) -> Decision {
        let PeerForm { classes, entities, prefixes, .. } = peers;
        Decision { classes, entities, prefixes, ..self }
    }
}

/// The new number of an entry; one that no table has for an id that names nothing, so that the
/// [verifier](super::verify) still finds it.
fn number(numbers: &[usize], index: usize) -> usize {
    numbers.get(index).copied().unwrap_or(usize::MAX)
}

fn mark(used: &mut [bool], index: usize) {
    if let Some(used) = used.get_mut(index) {
        *used = true;
    }
}

/// The entries that are used, sorted and distinct, and the place there of each entry.
fn rank<T: Ord + Clone>(entries: &[T], used: impl Fn(usize) -> bool) -> (Vec<T>, Vec<usize>) {
    let mut order: Vec<usize> = (0..entries.len()).filter(|index| used(*index)).collect();
    order.sort_by(|a, b| entries[*a].cmp(&entries[*b]));
    let mut sorted: Vec<T> = Vec::new();
    let mut ranks = vec![usize::MAX; entries.len()];
    for index in order {
        if sorted.last() != Some(&entries[index]) {
            sorted.push(entries[index].clone());
        }
        ranks[index] = sorted.len() - 1;
    }
    (sorted, ranks)
}

fn renumber(outcome: &Outcome, origins: &[usize], l7: &[usize]) -> Outcome {
    let mut outcome = outcome.clone();
    for id in &mut outcome.origins {
        *id = OriginId::new(number(origins, id.index()));
    }
    for id in &mut outcome.l7 {
        *id = L7Id::new(number(l7, id.index()));
    }
    outcome.origins.sort_unstable();
    outcome.origins.dedup();
    outcome.l7.sort_unstable();
    outcome.l7.dedup();
    outcome
}

/// One direction with its rows by content.
struct SideForm {
    columns: Columns,
    /// For each row that is used its number among the distinct ones.
    rows: Vec<usize>,
}

impl SideForm {
    /// The form of a direction, and its distinct rows.
    fn new(decision: &Decision, direction: Direction, verdicts: &[VerdictId]) -> (SideForm, Interned<Row>) {
        let mut distinct = Interned::default();
        let side = &decision.sides[direction];
        let mut used = vec![false; side.rows.len()];
        for table in
            decision.subjects.iter().filter(|s| !s.endpoints.is_empty()).map(|s| &s.tables[direction])
        {
            for row in table.rows.iter().map(|(_, row)| row).chain([&table.otherwise]) {
                mark(&mut used, row.index());
            }
        }
        let in_use = || side.rows.iter().enumerate().filter(|(index, _)| used[*index]);
        let columns = Columns::new(&side.ports, in_use().map(|(_, row)| row), verdicts);
        let mut rows = vec![usize::MAX; side.rows.len()];
        for (index, row) in in_use() {
            rows[index] = distinct.insert_full(columns.pick(row, verdicts)).0;
        }
        (SideForm { columns, rows }, distinct)
    }
}

/// Endpoints together that have the same tables, in order.
fn subjects(decision: &Decision, peers: &PeerForm, sides: &ByDirection<SideForm>) -> Vec<Subject> {
    let tables = |subject: &Subject| {
        ByDirection::from_fn(|direction| table(&subject.tables[direction], peers, &sides[direction].rows))
    };
    let with_endpoints: Vec<&Subject> =
        decision.subjects.iter().filter(|subject| !subject.endpoints.is_empty()).collect();
    let tables: Vec<ByDirection<Table>> = with_endpoints.par_iter().map(|subject| tables(subject)).collect();
    let mut groups = Groups::default();
    for (subject, tables) in with_endpoints.into_iter().zip(tables) {
        groups.entry(tables).or_default().extend(subject.endpoints.iter().cloned());
    }
    let mut subjects: Vec<Subject> = groups
        .into_iter()
        .map(|(tables, mut endpoints)| {
            endpoints.sort();
            endpoints.dedup();
            Subject { endpoints, tables }
        })
        .collect();
    subjects.sort_by(|a, b| a.endpoints.cmp(&b.endpoints));
    subjects
}

fn table(table: &Table, peers: &PeerForm, rows: &[usize]) -> Table {
    let row = |id: RowId| RowId::new(number(rows, id.index()));
    let otherwise = row(table.otherwise);
    let listed = table.rows.iter().map(|(class, id)| (peers.class(*class), row(*id)));
    let mut rows: Vec<_> = listed.filter(|(_, row)| *row != otherwise).collect();
    rows.sort_unstable();
    rows.dedup();
    Table { otherwise, rows }
}

/// Numbers rows in the order of their first use, in the tables too.
fn rows_by_use(subjects: &mut [Subject], direction: Direction, rows: Interned<Row>) -> Vec<Row> {
    let mut by_use = ByUse::new(rows);
    for table in subjects.iter_mut().map(|subject| &mut subject.tables[direction]) {
        table.otherwise = RowId::new(by_use.number(table.otherwise.index()));
        for (_, row) in &mut table.rows {
            *row = RowId::new(by_use.number(row.index()));
        }
    }
    by_use.entries
}

/// Numbers verdicts in the order of their first use, in the rows too.
fn verdicts_by_use(sides: &mut ByDirection<Side>, outcomes: Interned<Outcome>) -> Vec<Outcome> {
    let mut by_use = ByUse::new(outcomes);
    for direction in Direction::BOTH {
        for cell in sides[direction].rows.iter_mut().flat_map(|row| row.0.iter_mut()) {
            *cell = VerdictId::new(by_use.number(cell.index()));
        }
    }
    by_use.entries
}

/// Numbers that are given on first use.
struct ByUse<T> {
    table: Vec<Option<T>>,
    numbers: Vec<usize>,
    entries: Vec<T>,
}

impl<T> ByUse<T> {
    fn new(table: Interned<T>) -> ByUse<T> {
        let table: Vec<Option<T>> = table.into_iter().map(Some).collect();
        ByUse { numbers: vec![usize::MAX; table.len()], entries: Vec::with_capacity(table.len()), table }
    }

    /// The new number; one that no table has for an entry that is not there.
    fn number(&mut self, index: usize) -> usize {
        if let Some(entry) = self.table.get_mut(index).and_then(Option::take) {
            self.numbers[index] = self.entries.len();
            self.entries.push(entry);
        }
        number(&self.numbers, index)
    }
}

/// Origins and layer 7 rules that verdicts name, and the verdicts with their new numbers.
fn without_unused<O: Ord + Clone, L: Ord + Clone>(
    origins: &[O],
    l7: &[L],
    mut verdicts: Vec<Outcome>,
) -> (Vec<O>, Vec<L>, Vec<Outcome>) {
    let (mut used_origins, mut used_l7) = (vec![false; origins.len()], vec![false; l7.len()]);
    for outcome in &verdicts {
        outcome.origins.iter().for_each(|id| mark(&mut used_origins, id.index()));
        outcome.l7.iter().for_each(|id| mark(&mut used_l7, id.index()));
    }
    let (origins, origin_ranks) = rank(origins, |index| used_origins[index]);
    let (l7, l7_ranks) = rank(l7, |index| used_l7[index]);
    for outcome in &mut verdicts {
        *outcome = renumber(outcome, &origin_ranks, &l7_ranks);
    }
    (origins, l7, verdicts)
}
