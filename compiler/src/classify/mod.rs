//! From rules to a finite table, an [`sluice_ir::decision::Decision`].
//!
//! | step | what |
//! |---|---|
//! | [`population`] | who can be at the other side, and who is at which address |
//! | `members`, `classes` | peers into classes: those that every rule treats alike |
//! | `subjects` | endpoints into subjects: those that the same rules select |
//! | `table`, `row` | for each subject and direction, a row for each class of peers |
//! | `order` | classes of peers in canonical order, each with an example |
//! | `ports` | ports into classes: those that no row tells apart |
//! | `assemble` | all of it numbered and put together |
//! | `matching` | for each cell all rules that match, and not only those that decide |
//!
//! Nothing here is sampled: each partition is exact, so the table says the same as the policy about every
//! peer and port. [`validate`](crate::validate) proves that for each compile.

pub(crate) mod assemble;
pub(crate) mod classes;
mod limit;
pub(crate) mod matching;
pub(crate) mod members;
pub(crate) mod order;
pub mod population;
pub(crate) mod ports;
pub(crate) mod row;
pub(crate) mod signature;
pub(crate) mod subjects;
pub(crate) mod table;

use std::sync::Arc;

use rayon::join;
use sluice_ir::decision::verify::VerifyError;
use sluice_ir::decision::{ByDirection, Decision, EndpointName};
use sluice_ir::ids::ClassId;
use sluice_ir::policy::verify::Verified;
use sluice_ir::policy::{Direction, Policy};

pub use limit::{Limits, TooLarge};
pub use population::{Judged, PeerId, Population};

use crate::inventory::Inventory;

/// A decision, and which class each peer of the population is in.
#[derive(Clone, Debug)]
pub struct Classified {
    /// The table, in canonical form.
    pub decision: Verified<Decision>,
    /// The class of each peer.
    classes: Vec<ClassId>,
}

impl Classified {
    /// The class of a peer of the population.
    pub fn class(&self, peer: PeerId) -> ClassId {
        self.classes[peer.index()]
    }
}

/// Why there is no table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClassifyError {
    /// It would be too large.
    #[error(transparent)]
    TooLarge(#[from] TooLarge),
    /// It breaks an invariant.
    #[error(transparent)]
    Broken(#[from] VerifyError),
}

/// Puts everything that a policy says about some endpoints into a table.
///
/// # Errors
///
/// The table would be larger than a limit allows; the error names the rules that make it so. Or a broken
/// invariant of the table, which is a mistake in Sluice.
pub fn classify(
    policy: &Verified<Policy>,
    population: &Population,
    judged: &[Judged],
    limits: &Limits,
) -> Result<Classified, ClassifyError> {
    let of_peers = || {
        let sets = classes::PeerSets::new(policy, population);
        let classes = classes::Classes::new(&sets, population);
        (sets, classes)
    };
    let ((sets, classes), subjects) = join(of_peers, || subjects::subjects(policy, judged));
    let maker = table::Maker { policy, sets: &sets, classes: &classes };
    let (peers, (ingress, egress)) = join(
        || order::in_order(population, &classes.of_peer, classes.len()),
        || {
            join(
                || tables(&maker, &subjects, Direction::Ingress, limits),
                || tables(&maker, &subjects, Direction::Egress, limits),
            )
        },
    );
    let ((ingress, of_ingress), (egress, of_egress)) = (ingress?, egress?);
    limits.check_reasons(policy, &[&of_ingress, &of_egress])?;
    let first_verdict = ByDirection { ingress: 0, egress: of_ingress.all.len() };
    let parts = assemble::Parts {
        policy,
        population,
        judged,
        class_of: &classes.of_peer,
        peers,
        subjects: subjects.into_values().collect(),
        tables: ByDirection { ingress, egress },
        verdicts: of_ingress.all.into_iter().chain(of_egress.all).collect(),
        first_verdict,
    };
    assemble::assemble(parts, limits)
}

/// The tables of every subject in one direction, and their verdicts.
fn tables(
    maker: &table::Maker<'_>,
    subjects: &subjects::Subjects,
    direction: Direction,
    limits: &Limits,
) -> Result<(Vec<table::RawTable>, row::Outcomes), TooLarge> {
    let mut outcomes = row::Outcomes::default();
    let mut tables = Vec::with_capacity(subjects.len());
    for subject in subjects.keys() {
        tables.push(maker.table(subject, direction, &mut outcomes));
        limits.check_reasons(maker.policy, &[&outcomes])?;
    }
    Ok((tables, outcomes))
}

/// The endpoints that live on a node, or all of them; and the host, where policy is enforced on it.
pub fn judged(inventory: &Inventory, policy: &Policy, view: Option<&str>) -> Vec<Judged> {
    let here = |at: &usize| view.is_none_or(|view| inventory.endpoints[*at].may_run_on(view));
    let judged =
        |at: usize| Judged { name: inventory.endpoints[at].endpoint_name(), identity: inventory.subject(at) };
    let mut judged: Vec<Judged> = (0..inventory.endpoints.len()).filter(here).map(judged).collect();
    if policy.settings.host_firewall {
        judged.extend(hosts(inventory, view));
    }
    judged
}

/// The hosts of the nodes that are looked at, as subjects.
fn hosts(inventory: &Inventory, view: Option<&str>) -> impl Iterator<Item = Judged> {
    let nodes = inventory.nodes.iter().filter(move |node| view.is_none_or(|view| *node.name == *view));
    nodes.map(|node| {
        let identity = inventory.node_identity(node, node.addresses.first().copied(), Some(&node.name));
        let identity = inventory.host_subject(&identity, Some(&node.name));
        Judged {
            name: EndpointName { namespace: None, name: Arc::clone(&node.name) },
            identity: identity.into(),
        }
    })
}
