//! The parts of a decision, numbered and put together.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use indexmap::IndexSet;
use rayon::join;
use rustc_hash::FxBuildHasher;
use sluice_ir::decision::verify::verify_canonical;
use sluice_ir::decision::{ByDirection, Decision, Outcome, PeerForm, PortClasses, Row, Side, Subject, Table};
use sluice_ir::ids::{ClassId, RowId, VerdictId};
use sluice_ir::policy::Policy;

use super::population::{Judged, Population};
use super::row::PortFunction;
use super::table::RawTable;
use super::{Classified, ClassifyError, Limits, TooLarge, ports};

/// What a decision is put together from.
pub(crate) struct Parts<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) population: &'a Population,
    pub(crate) judged: &'a [Judged],
    /// The class of each peer, numbered without gaps.
    pub(crate) class_of: &'a [u32],
    /// These classes in canonical form.
    pub(crate) peers: PeerForm,
    /// The endpoints of each subject, as places in `judged`.
    pub(crate) subjects: Vec<Vec<usize>>,
    /// The tables of each subject.
    pub(crate) tables: ByDirection<Vec<RawTable>>,
    /// Verdicts; one may be there more than once.
    pub(crate) verdicts: Vec<Outcome>,
    /// Where in `verdicts` those begin that the rows of a direction number from 0.
    pub(crate) first_verdict: ByDirection<usize>,
}

pub(crate) fn assemble(parts: Parts<'_>, limits: &Limits) -> Result<Classified, ClassifyError> {
    let Parts { policy, population, judged, class_of, peers, subjects, tables, verdicts, first_verdict } =
        parts;
    let names: Vec<ClassId> = (0..peers.len()).map(|class| peers.class(ClassId::new(class))).collect();
    let (ingress, egress) =
        join(|| Numbered::new(tables.ingress, &names), || Numbered::new(tables.egress, &names));
    check_size(policy, limits, [&ingress, &egress])?;
    let (ingress_rows, egress_rows) =
        join(|| ingress.rows(first_verdict.ingress), || egress.rows(first_verdict.egress));
    let tables = ingress.tables.into_iter().zip(egress.tables);
    let subjects = subjects.into_iter().zip(tables).map(|(endpoints, (ingress, egress))| Subject {
        endpoints: endpoints.into_iter().map(|at| judged[at].name.clone()).collect(),
        tables: ByDirection { ingress, egress },
    });
    let decision = Decision {
        node: population.view.clone(),
        origins: policy.origins.clone(),
        l7: policy.l7.clone(),
        sides: ByDirection {
            ingress: Side { ports: ingress.ports, rows: ingress_rows },
            egress: Side { ports: egress.ports, rows: egress_rows },
        },
        verdicts,
        subjects: subjects.collect(),
        // The peers are put in place in canonical form.
        ..Decision::default()
    };
    let classes = class_of.iter().map(|class| names[*class as usize]).collect();
    Ok(Classified { decision: verify_canonical(&decision, peers)?, classes })
}

fn check_size(policy: &Policy, limits: &Limits, sides: [&Numbered; 2]) -> Result<(), TooLarge> {
    let rows = sides.iter().map(|side| side.functions.len()).sum();
    let ports = sides.iter().map(|side| side.ports.len()).sum();
    let cells = sides.iter().map(|side| side.functions.len().saturating_mul(side.ports.len()));
    limits.check_cells(policy, cells.fold(0, usize::saturating_add), rows, ports)
}

/// The rows of a direction, each once, and the tables that name them.
struct Numbered {
    functions: IndexSet<PortFunction, FxBuildHasher>,
    /// The classes of ports that these rows tell apart.
    ports: PortClasses,
    tables: Vec<Table>,
}

impl Numbered {
    /// `names` are the canonical names of classes, for what depends on their order; the tables keep the others.
    fn new(tables: Vec<RawTable>, names: &[ClassId]) -> Numbered {
        let mut functions: IndexSet<PortFunction, FxBuildHasher> = IndexSet::default();
        let tables = tables.into_iter().map(|table| numbered(table, names, &mut functions)).collect();
        Numbered { ports: ports::port_classes(functions.iter()), functions, tables }
    }

    /// The rows in terms of the classes of ports, their verdicts counted from `first` on.
    fn rows(&self, first: usize) -> Vec<Row> {
        let row = |function| {
            let mut row = ports::cells(function, &self.ports);
            row.0.iter_mut().for_each(|verdict| *verdict = VerdictId::new(verdict.index() + first));
            row
        };
        self.functions.iter().map(row).collect()
    }
}

fn numbered(
    table: RawTable,
    names: &[ClassId],
    functions: &mut IndexSet<PortFunction, FxBuildHasher>,
) -> Table {
    let mut id = |function: PortFunction| RowId::new(functions.insert_full(function).0);
    let mut of_row: BTreeMap<RowId, Vec<u32>> = BTreeMap::new();
    for (function, classes) in table.rows {
        of_row.entry(id(function)).or_default().extend(classes);
    }
    let listed: usize = of_row.values().map(Vec::len).sum();
    // Where the rules name every peer that there is, a row of nobody would be a row that nothing proves.
    let otherwise = if listed < names.len() { None } else { commonest(&of_row, names) };
    let otherwise = otherwise.unwrap_or_else(|| id(table.otherwise));
    of_row.remove(&otherwise);
    let listed =
        of_row.into_iter().flat_map(|(row, classes)| classes.into_iter().map(move |class| (class, row)));
    Table { otherwise, rows: listed.map(|(class, row)| (ClassId::new(class as usize), row)).collect() }
}

/// The row of most classes; of several the one whose first class comes first.
fn commonest(of_row: &BTreeMap<RowId, Vec<u32>>, names: &[ClassId]) -> Option<RowId> {
    let first = |classes: &[u32]| classes.iter().map(|class| names[*class as usize]).min();
    let rank = |classes: &Vec<u32>| (classes.len(), Reverse(first(classes)));
    of_row.iter().max_by_key(|(_, classes)| rank(classes)).map(|(row, _)| *row)
}
