//! Classes of peers that no table tells apart.

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use sluice_ir::decision::{Decision, Table};
use sluice_ir::ids::{ClassId, RowId};
use sluice_ir::policy::Direction;

/// The place of a column among the different ones.
pub(super) type Column = u32;

/// What all tables say about each class of peers: classes with equal columns are treated alike by every endpoint in both
/// directions. A table has more classes than columns, as rules that a side's own deny hides tell peers apart too.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

impl Columns {
    pub(super) fn new(decision: &Decision) -> Columns {
        let mut columns: Vec<Column> = vec![0; decision.classes.len()];
        for direction in Direction::BOTH {
            let tables: IndexSet<&Table, FxBuildHasher> =
                decision.subjects.iter().map(|subject| &subject.tables[direction]).collect();
            tables.into_iter().for_each(|table| refine(&mut columns, table));
        }
        Columns(columns)
    }

    pub(super) fn of(&self, class: ClassId) -> Column {
        self.0[class.index()]
    }
}

/// Tells classes apart that were alike so far and have different rows in a table.
fn refine(columns: &mut [Column], table: &Table) {
    let mut listed = table.rows.iter().peekable();
    let mut known: IndexSet<(Column, RowId), FxBuildHasher> = IndexSet::default();
    for (class, column) in columns.iter_mut().enumerate() {
        let row = match listed.peek() {
            Some((listed_class, row)) if listed_class.index() == class => {
                listed.next();
                *row
            }
            _ => table.otherwise,
        };
        *column = Column::try_from(known.insert_full((*column, row)).0).unwrap_or(Column::MAX);
    }
}
