//! Images for the generation to come, from those of the one in force and what is different.
//!
//! Nobody reads them yet. So whatever fits into their shape can be written, and the programs are those of before.

use sluice_ir::decision::ByDirection;
use sluice_ir::decision::tables::{Cell, Tables};
use sluice_ir::policy::Direction;

use super::endpoints::{self, Interface};
use super::memory::Image;
use super::source::host_class;
use super::update::{in_order, number};
use super::{BuildError, Images, NeedsGeneration, Refused, ports, record, rows, state};

/// Why images are to be built anew.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NeedsImages {
    /// What is different does not fit into their shape.
    #[error(transparent)]
    Shape(#[from] NeedsGeneration),
    /// The endpoints are no endpoints.
    #[error(transparent)]
    Endpoints(#[from] BuildError),
}

impl Images {
    /// Takes in what is different, with the counters of the verdicts that are new, as [`Images::apply_counted`] has them.
    /// To be called for everything that is different, and then [`Images::place`].
    ///
    /// # Errors
    ///
    /// It does not fit. Then these images are of no use any more.
    pub fn renew(&mut self, tables: &Tables, counters: &[u32]) -> Result<(), NeedsImages> {
        // Who reads the images of the generation in force does not read these.
        self.settle();
        self.renew_ports(tables)?;
        self.check_numbers(tables)?;
        self.store_rows(tables, counters);
        for (prefix, class) in in_order(&tables.prefixes) {
            match self.set_prefix(prefix, class.map(number), false, &mut Vec::new()) {
                Err(Refused::Generation(reason)) => return Err(reason.into()),
                // Nobody reads what would be used again.
                Err(Refused::Settling) | Ok(()) => {}
            }
        }
        self.note(tables);
        self.settle();
        if let Some(class) = host_class(tables) {
            self.shape.host_class = class;
        }
        self.renew_subjects(tables);
        if self.asks_host() && !self.shape.host_policy {
            return Err(NeedsGeneration::HostPolicy.into());
        }
        Ok(())
    }

    /// Puts endpoints in the place of those that were there.
    ///
    /// # Errors
    ///
    /// They are no endpoints, or do not fit. Then these images are of no use any more.
    pub fn place(&mut self, interfaces: &[Interface]) -> Result<(), NeedsImages> {
        let slots = self.shape.endpoints;
        let endpoints = state::endpoints(&self.state, interfaces, self.shape.host_class)?;
        let bytes = endpoints::image(&endpoints, slots)?;
        if bytes.len() != slots * endpoints::SLOT {
            return Err(NeedsGeneration::EndpointsFull.into());
        }
        self.memory.store(Image::Endpoints, 0, &bytes);
        Ok(())
    }

    /// Classes of ports, and every row in their terms.
    fn renew_ports(&mut self, tables: &Tables) -> Result<(), NeedsImages> {
        let changed = Direction::BOTH.into_iter().filter_map(|way| Some((way, tables.ports[way].as_ref()?)));
        let changed: Vec<_> = changed.collect();
        if changed.is_empty() {
            return Ok(());
        }
        for (direction, (classes, rows)) in &changed {
            let side = &self.shape.sides[*direction];
            if side.row.is_some() || rows.len() > side.rows {
                return Err(NeedsGeneration::RowsFull(*direction).into());
            }
            if classes.len() > side.stride {
                return Err(NeedsGeneration::Ports(*direction).into());
            }
            self.state.ports[*direction] = classes.clone();
        }
        let classes = ByDirection::from_fn(|direction| &self.state.ports[direction]);
        let size = self.memory.bytes(Image::Ports).len();
        let (planned, bytes) = ports::lay_out(&classes, &self.state.room, Some(size));
        for direction in Direction::BOTH {
            if planned[direction] != self.shape.sides[direction].ports || bytes.len() != size {
                return Err(NeedsGeneration::Ports(direction).into());
            }
        }
        self.memory.store(Image::Ports, 0, &bytes);
        let known = |index: usize| match self.state.allows.get(index) {
            Some(allows) => *allows,
            None => {
                let new = tables.verdicts.iter().find(|(id, _)| id.index() == index);
                new.is_some_and(|(_, outcome)| record(0, outcome).allows())
            }
        };
        for (direction, (classes, rows)) in changed {
            if rows.iter().any(|row| row.0.len() != classes.len()) {
                return Err(NeedsGeneration::Tables("a row does not fit its classes of ports").into());
            }
            let open = rows.iter().map(|row| row.0.iter().all(|id| known(id.index()))).collect();
            for (at, row) in (0..).zip(rows) {
                rows::set_cells(&mut self.memory, &self.shape, direction, at, row);
            }
            self.state.open[direction] = open;
        }
        Ok(())
    }

    /// Whether every number fits.
    fn check_numbers(&self, tables: &Tables) -> Result<(), NeedsGeneration> {
        let verdicts = self.check_verdicts(tables)?;
        for direction in Direction::BOTH {
            self.check_rows(direction, &tables.rows[direction], verdicts)?;
        }
        self.check_classes(tables)?;
        for Cell { endpoint, direction, row, .. } in tables.each_cell() {
            if self.shape.sides[direction].row.is_some() {
                return Err(NeedsGeneration::RowsFull(direction));
            }
            if !self.state.subjects.contains_key(endpoint) {
                return Err(NeedsGeneration::Endpoint(endpoint.clone()));
            }
            if row.index() >= self.state.open[direction].len() + tables.rows[direction].len() {
                return Err(NeedsGeneration::Tables("a cell names no row"));
            }
        }
        Ok(())
    }

    /// Whether something is not let pass to or from the endpoints whose tables are others.
    fn renew_subjects(&mut self, tables: &Tables) {
        for direction in Direction::BOTH {
            let every = tables.ports[direction].is_some();
            let named = tables.cells.iter().filter(|cells| cells.direction == direction);
            let named: Vec<_> = named.map(|cells| &cells.endpoint).collect();
            let subjects = self.state.subjects.iter().filter(|(name, _)| every || named.contains(name));
            let table = |subject: &state::Subject| subject.tables[direction];
            let renewed: Vec<_> = subjects
                .map(|(name, subject)| (name.clone(), self.is_enforced(table(subject), direction)))
                .collect();
            for (name, enforced) in renewed {
                if let Some(subject) = self.state.subjects.get_mut(&name) {
                    subject.enforced[direction] = enforced;
                }
            }
        }
    }

    fn is_enforced(&self, table: u32, direction: Direction) -> bool {
        let open = &self.state.open[direction];
        let mut rows = self.state.classes.iter().filter_map(|class| self.row(table, direction, *class));
        rows.any(|row| open.get(row as usize) == Some(&false))
    }
}
