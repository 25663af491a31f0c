//! What images are built from, in one form: a decision, or the tables of a session.

use std::collections::BTreeMap;

use sluice_ir::decision::tables::Tables;
use sluice_ir::decision::{ByDirection, Decision, EndpointName, Outcome, PortClasses, Row};
use sluice_ir::ids::{ClassId, RowId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::Direction;

use super::BuildError;
use crate::abi::NO_CLASS;

/// The name of the entity whose class the datapath itself asks for.
const HOST: &str = "host";

/// No row: nobody can be in the class.
pub(super) const NO_ROW: u32 = u32::MAX;

pub(super) struct Source<'a> {
    pub(super) verdicts: Vec<&'a Outcome>,
    pub(super) ports: ByDirection<&'a PortClasses>,
    pub(super) rows: ByDirection<Vec<&'a Row>>,
    /// Endpoints with the row of each class.
    pub(super) subjects: Vec<(Vec<EndpointName>, ByDirection<Vec<u32>>)>,
    pub(super) classes: usize,
    pub(super) prefixes: Vec<(Cidr, u32)>,
    pub(super) host_class: u32,
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

impl<'a> Source<'a> {
    pub(super) fn of_decision(decision: &'a Decision) -> Source<'a> {
        let classes = decision.classes.len();
        let rows = |table: &sluice_ir::decision::Table| {
            let mut rows = vec![number(table.otherwise.index()); classes];
            table.rows.iter().for_each(|(class, row)| rows[class.index()] = number(row.index()));
            rows
        };
        let subjects = decision.subjects.iter().map(|subject| {
            let tables = ByDirection::from_fn(|direction| rows(&subject.tables[direction]));
            (subject.endpoints.clone(), tables)
        });
        let prefixes = decision.prefixes.iter();
        Source {
            verdicts: decision.verdicts.iter().collect(),
            ports: ByDirection {
                ingress: &decision.sides.ingress.ports,
                egress: &decision.sides.egress.ports,
            },
            rows: ByDirection::from_fn(|direction| decision.sides[direction].rows.iter().collect()),
            subjects: subjects.collect(),
            classes,
            prefixes: prefixes.map(|(prefix, class)| (prefix, number(class.index()))).collect(),
            host_class: decision.entities.get(HOST).map_or(NO_CLASS, |class| number(class.index())),
        }
    }

    /// Reads whole tables.
    pub(super) fn of_tables(tables: &'a Tables) -> Result<Source<'a>, BuildError> {
        let in_order = |(at, id): (usize, usize)| at == id;
        if !tables.verdicts.iter().map(|(id, _)| id.index()).enumerate().all(in_order) {
            return Err(BuildError::Tables("verdicts are not numbered from the first"));
        }
        let (Some(ingress), Some(egress)) = (&tables.ports.ingress, &tables.ports.egress) else {
            return Err(BuildError::Tables("a direction has no classes of ports"));
        };
        let sides = ByDirection { ingress, egress };
        for (_, (ports, rows)) in sides.iter() {
            let fits = |row: &Row| row.0.len() == ports.len();
            let known = |row: &Row| row.0.iter().all(|cell| cell.index() < tables.verdicts.len());
            if !rows.iter().all(|row| fits(row) && known(row)) {
                return Err(BuildError::Tables(
                    "a row does not fit its classes of ports, or names no verdict",
                ));
            }
        }
        let prefixes = tables.prefixes.iter();
        let classes = classes(tables);
        Ok(Source {
            verdicts: tables.verdicts.iter().map(|(_, outcome)| outcome).collect(),
            ports: ByDirection { ingress: &ingress.0, egress: &egress.0 },
            rows: ByDirection::from_fn(|direction| sides[direction].1.iter().collect()),
            subjects: subjects(tables, classes, &sides)?,
            classes,
            prefixes: prefixes
                .filter_map(|(prefix, class)| Some((*prefix, number((*class)?.index()))))
                .collect(),
            host_class: host_class(tables).unwrap_or(NO_CLASS),
        })
    }
}

/// The class of the host, if tables say one.
pub(super) fn host_class(tables: &Tables) -> Option<u32> {
    let host = tables.entities.iter().rfind(|(name, _)| &**name == HOST);
    host.map(|(_, class)| number(class.index()))
}

/// How many classes there are, by the highest name.
fn classes(tables: &Tables) -> usize {
    let cells = tables.each_cell().map(|cell| cell.class);
    let entities = tables.entities.iter().map(|(_, class)| *class);
    let prefixes = tables.prefixes.iter().filter_map(|(_, class)| *class);
    cells.chain(entities).chain(prefixes).map(|class| class.index() + 1).max().unwrap_or(0)
}

type Subjects = Vec<(Vec<EndpointName>, ByDirection<Vec<u32>>)>;

fn subjects(
    tables: &Tables,
    classes: usize,
    sides: &ByDirection<&(PortClasses, Vec<Row>)>,
) -> Result<Subjects, BuildError> {
    let mut subjects: BTreeMap<&EndpointName, ByDirection<Vec<u32>>> = BTreeMap::new();
    for cell in tables.each_cell() {
        if cell.row.index() >= sides[cell.direction].1.len() {
            return Err(BuildError::Tables("a cell names no row"));
        }
        let rows = subjects
            .entry(cell.endpoint)
            .or_insert_with(|| ByDirection::from_fn(|_: Direction| vec![NO_ROW; classes]));
        set(&mut rows[cell.direction], cell.class, cell.row);
    }
    Ok(subjects.into_iter().map(|(name, rows)| (vec![name.clone()], rows)).collect())
}

fn set(rows: &mut [u32], class: ClassId, row: RowId) {
    if let Some(place) = rows.get_mut(class.index()) {
        *place = number(row.index());
    }
}
