//! Tables as one who keeps them up to date hears of them: whole at first, then part by part.
//!
//! A [`Decision`](super::Decision) is canonical, so one change can rename everything in it. Here names keep their
//! meaning from one change to the next, and only what is different is said.

use std::sync::Arc;

use super::{ByDirection, EndpointName, Outcome, PortClasses, Row};
use crate::ids::{ClassId, RowId, VerdictId};
use crate::net::Cidr;
use crate::policy::Direction;

/// The parts of tables that are others now. In the order of the fields nothing is named before it is there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tables {
    /// Verdicts that are new, in order; they follow those that were there.
    pub verdicts: Vec<(VerdictId, Outcome)>,
    /// Classes of ports that tell more ports apart than before, with every row in their terms.
    pub ports: ByDirection<Option<(PortClasses, Vec<Row>)>>,
    /// Rows that are new, in the terms of the classes of ports.
    pub rows: ByDirection<Vec<(RowId, Row)>>,
    /// The rows of classes in tables. A class that is not named keeps its row.
    pub cells: Vec<Cells>,
    /// Entities that are in another class.
    pub entities: Vec<(Arc<str>, ClassId)>,
    /// Prefixes that are in another class; none: the prefix is no more, and the one around it holds.
    pub prefixes: Vec<(Cidr, Option<ClassId>)>,
    /// Classes that nobody is in any more. Their names can come again for others.
    pub gone: Vec<ClassId>,
}

/// Rows of classes in one table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cells {
    /// Of several endpoints with one identity the first.
    pub endpoint: EndpointName,
    /// Which way.
    pub direction: Direction,
    /// Classes in order, each with its row.
    pub rows: Vec<(ClassId, RowId)>,
}

/// The row of a class in a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell<'t> {
    /// Whose table, as [`Cells`] has it.
    pub endpoint: &'t EndpointName,
    /// Which way.
    pub direction: Direction,
    /// The class.
    pub class: ClassId,
    /// Its row.
    pub row: RowId,
}

impl Tables {
    /// Whether nothing is different.
    pub fn is_empty(&self) -> bool {
        *self == Tables::default()
    }

    /// The cells one by one, in the order in which they are there.
    pub fn each_cell(&self) -> impl Iterator<Item = Cell<'_>> {
        self.cells.iter().flat_map(|Cells { endpoint, direction, rows }| {
            let direction = *direction;
            rows.iter().map(move |(class, row)| Cell { endpoint, direction, class: *class, row: *row })
        })
    }
}
