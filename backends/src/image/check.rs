//! Whether a change can be done in place, as far as it is not about prefixes.

use sluice_ir::decision::tables::{Cell, Tables};
use sluice_ir::decision::{ByDirection, Row};
use sluice_ir::ids::{RowId, VerdictId};
use sluice_ir::policy::Direction;

use super::memory::Image;
use super::source::host_class;
use super::update::number;
use super::verdicts::is_for_dns_proxy;
use super::{Images, NeedsGeneration, Refused, record, rows};

impl Images {
    /// Everything but prefixes.
    pub(super) fn check(&self, tables: &Tables) -> Result<(), Refused> {
        if let Some(direction) = Direction::BOTH.into_iter().find(|way| tables.ports[*way].is_some()) {
            return Err(NeedsGeneration::Ports(direction).into());
        }
        let verdicts = self.check_verdicts(tables)?;
        for direction in Direction::BOTH {
            self.check_rows(direction, &tables.rows[direction], verdicts)?;
        }
        if host_class(tables).is_some_and(|class| class != self.shape.host_class) {
            return Err(NeedsGeneration::HostClass.into());
        }
        self.check_classes(tables)?;
        let open = self.open(tables);
        tables.each_cell().try_for_each(|cell| self.check_cell(cell, &open))
    }

    /// How many verdicts there will be.
    pub(super) fn check_verdicts(&self, tables: &Tables) -> Result<usize, NeedsGeneration> {
        let verdicts = self.state.verdicts..self.state.verdicts + tables.verdicts.len();
        if !verdicts.clone().eq(tables.verdicts.iter().map(|(id, _)| id.index())) {
            return Err(NeedsGeneration::Tables("verdicts do not follow those that were there"));
        }
        if verdicts.end > self.shape.verdicts {
            return Err(NeedsGeneration::VerdictsFull);
        }
        if !self.shape.dns_proxy && tables.verdicts.iter().any(|(_, outcome)| is_for_dns_proxy(outcome)) {
            return Err(NeedsGeneration::Proxy);
        }
        Ok(verdicts.end)
    }

    pub(super) fn check_classes(&self, tables: &Tables) -> Result<(), NeedsGeneration> {
        let cells = tables.each_cell().map(|cell| cell.class);
        let mut classes = cells.chain(tables.prefixes.iter().filter_map(|(_, class)| *class));
        if classes.any(|class| class.index() >= self.shape.classes) {
            return Err(NeedsGeneration::ClassesFull);
        }
        Ok(())
    }

    pub(super) fn check_rows(
        &self,
        direction: Direction,
        rows: &[(RowId, Row)],
        verdicts: usize,
    ) -> Result<(), NeedsGeneration> {
        let known = self.state.open[direction].len();
        if !(known..known + rows.len()).eq(rows.iter().map(|(id, _)| id.index())) {
            return Err(NeedsGeneration::Tables("rows do not follow those that were there"));
        }
        let ports = self.state.ports[direction].len();
        if rows.iter().any(|(_, row)| row.0.len() != ports || row.0.iter().any(|id| id.index() >= verdicts)) {
            return Err(NeedsGeneration::Tables(
                "a row does not fit its classes of ports, or names no verdict",
            ));
        }
        if known + rows.len() > self.shape.sides[direction].rows {
            return Err(NeedsGeneration::RowsFull(direction));
        }
        Ok(())
    }

    /// For each row that is new, whether every verdict in it allows.
    pub(super) fn open(&self, tables: &Tables) -> ByDirection<Vec<bool>> {
        let state = &self.state;
        let allows = |id: &VerdictId| match state.allows.get(id.index()) {
            Some(allows) => *allows,
            None => tables.verdicts.iter().any(|(new, outcome)| new == id && record(0, outcome).allows()),
        };
        let is_open = |(_, row): &(RowId, Row)| row.0.iter().all(allows);
        ByDirection::from_fn(|direction| tables.rows[direction].iter().map(is_open).collect())
    }

    fn check_cell(&self, cell: Cell<'_>, open: &ByDirection<Vec<bool>>) -> Result<(), Refused> {
        let Cell { endpoint, direction, class, row } = cell;
        let state = &self.state;
        let Some(subject) = state.subjects.get(endpoint) else {
            return Err(NeedsGeneration::Endpoint(endpoint.clone()).into());
        };
        let known = &state.open[direction];
        let open = known.iter().chain(&open[direction]).nth(row.index());
        let open = *open.ok_or(NeedsGeneration::Tables("a cell names no row"))?;
        let now = self.row(subject.tables[direction], direction, number(class));
        if now == Some(row.index() as u32) {
            return Ok(());
        }
        if self.shape.sides[direction].row.is_some() {
            return Err(NeedsGeneration::RowsFull(direction).into());
        }
        if state.classes.contains(&number(class)) {
            return Err(NeedsGeneration::Cell(endpoint.clone(), class).into());
        }
        if state.gone.contains(&number(class)) {
            return Err(Refused::Settling);
        }
        if !open && !subject.enforced[direction] {
            return Err(NeedsGeneration::Enforcement(endpoint.clone(), direction).into());
        }
        Ok(())
    }

    /// The row of a class in a table.
    pub(super) fn row(&self, table: u32, direction: Direction, class: u32) -> Option<u32> {
        let shape = &self.shape;
        let load =
            || rows::load(&self.memory, Image::Tables, shape.row_width, rows::entry(shape, table, class));
        shape.sides[direction].row.or_else(load)
    }
}
