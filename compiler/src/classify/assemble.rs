//! The parts of a decision, numbered and put together.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use indexmap::IndexSet;
use rustc_hash::FxBuildHasher;
use sluice_ir::decision::verify::verify;
use sluice_ir::decision::{ByDirection, Decision, Outcome, PeerClass, PortClasses, Side, Subject, Table};
use sluice_ir::ids::{ClassId, RowId};
use sluice_ir::policy::{Identity, Policy};

use super::population::{Judged, PeerId, Population};
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
    /// How many classes there are.
    pub(crate) classes: usize,
    /// The endpoints of each subject, as places in `judged`.
    pub(crate) subjects: Vec<Vec<usize>>,
    /// The tables of each subject.
    pub(crate) tables: ByDirection<Vec<RawTable>>,
    pub(crate) outcomes: IndexSet<Outcome, FxBuildHasher>,
}

pub(crate) fn assemble(parts: Parts<'_>, limits: &Limits) -> Result<Classified, ClassifyError> {
    let Parts { policy, population, judged, class_of, classes, subjects, tables, outcomes } = parts;
    let order = Order::new(population, class_of, classes);
    let names = order.names();
    let ingress = number_rows(tables.ingress, &names);
    let egress = number_rows(tables.egress, &names);
    let ports = ByDirection {
        ingress: ports::port_classes(ingress.functions.iter()),
        egress: ports::port_classes(egress.functions.iter()),
    };
    check_size(policy, limits, &[(&ingress, &ports.ingress), (&egress, &ports.egress)])?;
    let side = |numbered: &Numbered, ports: PortClasses| Side {
        rows: numbered.functions.iter().map(|function| ports::cells(function, &ports)).collect(),
        ports,
    };
    let sides = ByDirection { ingress: side(&ingress, ports.ingress), egress: side(&egress, ports.egress) };
    let tables = ingress.tables.into_iter().zip(egress.tables);
    let subjects = subjects.into_iter().zip(tables).map(|(endpoints, (ingress, egress))| Subject {
        endpoints: endpoints.into_iter().map(|at| judged[at].name.clone()).collect(),
        tables: ByDirection { ingress, egress },
    });
    let of_peer = |peer: PeerId| names[class_of[peer.index()] as usize];
    let entity = |(name, peer): (&Arc<str>, &PeerId)| (Arc::clone(name), of_peer(*peer));
    let decision = Decision {
        node: population.view.clone(),
        origins: policy.origins.clone(),
        l7: policy.l7.clone(),
        classes: order.examples.into_iter().map(|example| PeerClass { example }).collect(),
        entities: population.entities.iter().map(entity).collect(),
        prefixes: population.addresses.iter().map(|(cidr, peer)| (cidr, of_peer(*peer))).collect(),
        sides,
        verdicts: outcomes.into_iter().collect(),
        subjects: subjects.collect(),
    };
    let classes = population.iter().map(|(peer, _)| of_peer(peer)).collect();
    Ok(Classified { decision: verify(decision.canonical())?, classes })
}

fn check_size(
    policy: &Policy,
    limits: &Limits,
    sides: &[(&Numbered, &PortClasses); 2],
) -> Result<(), TooLarge> {
    let rows = sides.iter().map(|(numbered, _)| numbered.functions.len()).sum();
    let ports = sides.iter().map(|(_, ports)| ports.len()).sum();
    let cells = sides.iter().map(|(numbered, ports)| numbered.functions.len().saturating_mul(ports.len()));
    limits.check_cells(policy, cells.fold(0, usize::saturating_add), rows, ports)
}

/// The names of classes in canonical order, with an example of each.
struct Order {
    /// The name of each class; none yet while they are being named.
    of_class: Vec<Option<ClassId>>,
    /// An example of each, by name.
    examples: Vec<Arc<Identity>>,
}

impl Order {
    /// Entities first, then by lowest address, then the rest by what they are: nothing of it depends on the
    /// order in which peers were found.
    fn new(population: &Population, class_of: &[u32], classes: usize) -> Order {
        let mut order = Order { of_class: vec![None; classes], examples: Vec::with_capacity(classes) };
        let class = |peer: PeerId| class_of[peer.index()] as usize;
        for peer in population.entities.values() {
            order.name(class(*peer), population.identity(*peer));
        }
        let atoms = population.addresses.atoms().into_iter().zip(population.addresses.iter());
        let lowest = atoms.filter_map(|((_, lowest), (_, peer))| Some((lowest?, *peer)));
        let mut lowest: Vec<(IpAddr, PeerId)> = lowest.collect();
        lowest.sort_unstable();
        for (_, peer) in lowest {
            order.name(class(peer), population.identity(peer));
        }
        let unnamed = |(peer, _): &(PeerId, &Arc<Identity>)| order.of_class[class(*peer)].is_none();
        let mut others: Vec<(PeerId, &Arc<Identity>)> = population.iter().filter(unnamed).collect();
        others.sort_by_key(|(_, identity)| *identity);
        for (peer, identity) in others {
            order.name(class(peer), identity);
        }
        order
    }

    /// Gives a class the next name, unless it has one.
    fn name(&mut self, class: usize, example: &Arc<Identity>) {
        if self.of_class[class].is_none() {
            self.of_class[class] = Some(ClassId::new(self.examples.len()));
            self.examples.push(Arc::clone(example));
        }
    }

    /// The names, by class: every class has a peer, so every class has a name.
    fn names(&self) -> Vec<ClassId> {
        self.of_class.iter().flatten().copied().collect()
    }
}

/// The rows of a direction, each once, and the tables that name them.
struct Numbered {
    functions: IndexSet<PortFunction, FxBuildHasher>,
    tables: Vec<Table>,
}

/// The row of most classes; of several the one whose first class comes first.
fn commonest(of_row: &BTreeMap<RowId, Vec<ClassId>>) -> Option<RowId> {
    let rank = |classes: &Vec<ClassId>| (classes.len(), Reverse(classes.iter().min().copied()));
    of_row.iter().max_by_key(|(_, classes)| rank(classes)).map(|(row, _)| *row)
}

fn number_rows(tables: Vec<RawTable>, names: &[ClassId]) -> Numbered {
    let mut functions: IndexSet<PortFunction, FxBuildHasher> = IndexSet::default();
    let mut id = |function: PortFunction| RowId::new(functions.insert_full(function).0);
    let number = |table: RawTable| {
        let mut of_row: BTreeMap<RowId, Vec<ClassId>> = BTreeMap::new();
        for (function, classes) in table.rows {
            let classes = classes.into_iter().map(|class| names[class as usize]);
            of_row.entry(id(function)).or_default().extend(classes);
        }
        let listed: usize = of_row.values().map(Vec::len).sum();
        // Where the rules name every peer that there is, a row of nobody would be a row that nothing proves.
        let otherwise = if listed < names.len() { None } else { commonest(&of_row) };
        let otherwise = otherwise.unwrap_or_else(|| id(table.otherwise));
        of_row.remove(&otherwise);
        let listed =
            of_row.into_iter().flat_map(|(row, classes)| classes.into_iter().map(move |class| (class, row)));
        let mut rows: Vec<(ClassId, RowId)> = listed.collect();
        rows.sort_unstable();
        Table { otherwise, rows }
    };
    let tables = tables.into_iter().map(number).collect();
    Numbered { functions, tables }
}
