//! Translation validation: every compile proves its table against the reference semantics.
//!
//! The proof is about the policy as it was lowered, so it covers every pass and the classification at
//! once. It shares no index with them: who matches what is asked of [`eval`](sluice_ir::policy::eval)'s own
//! functions, peer by peer.
//!
//! For each subject and direction, peers that the subject's rules cannot tell apart, by asking each rule
//! about each peer, are one group; ports likewise. What `eval` answers depends on which rules match both peer
//! and port, and on whether the peer is the host, so one answer holds wherever these are the same: `eval` gives it
//! for a member of each group, asking for this peer every rule that it found to match a port of the group. It is
//! compared with every cell that a member of the groups has in the table. Then the function from addresses to classes is compared, stretch by stretch, with that from
//! addresses to peers.
//!
//! The table must give the same verdict, reason, authentication and layer 7 rules, and name lines that the
//! reference names too: passes may drop a rule that another one covers, and never invent one.

mod addresses;
mod cells;
mod columns;
mod groups;
mod in_force;
mod ports;

use std::fmt;

pub(crate) use cells::agrees_or_refutes;
pub use in_force::InForce;

use sluice_ir::decision::{Decision, EndpointName, Outcome};
use sluice_ir::net::Protocol;
use sluice_ir::policy::eval::Answer;
use sluice_ir::policy::{Direction, Identity, Policy};

use crate::classify::{Classified, Judged, Population};

/// How much was proved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Cells that were compared, counted once for each subject and group that uses them.
    pub cells: usize,
    /// How often the reference semantics was asked.
    pub evaluations: usize,
    /// How many peers were asked about every rule's peers.
    pub peers: usize,
    /// Stretches of addresses that were compared.
    pub stretches: usize,
}

/// A place where the table differs from the reference. It always means a mistake in Sluice.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refuted {
    /// A cell is wrong.
    #[error("{0}")]
    Cell(Box<WrongCell>),
    /// An endpoint has no table.
    #[error("`{0}` is in no table")]
    Subject(EndpointName),
    /// An address is in the wrong class.
    #[error("the class of {0} is wrong")]
    Address(std::net::IpAddr),
}

/// A flow about which table and reference differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrongCell {
    /// Whose traffic.
    pub subject: EndpointName,
    /// Which way.
    pub direction: Direction,
    /// The other side.
    pub peer: Identity,
    /// The protocol.
    pub protocol: Protocol,
    /// The port.
    pub port: u16,
    /// What the reference says.
    pub expected: Answer,
    /// What the table says.
    pub found: Outcome,
}

impl fmt::Display for WrongCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let WrongCell { subject, direction, peer, protocol, port, expected, found } = self;
        write!(
            f,
            "{direction} of `{subject}` with [{}] on {port}/{protocol} is {} in the table and {} by the rules",
            peer.labels, found.verdict, expected.verdict
        )
    }
}

/// Proves a decision against the policy that it was made from. The population must tell apart the
/// addresses that the rules in force do.
///
/// # Errors
///
/// The first difference that is found.
pub fn validate(
    policy: &Policy,
    population: &Population,
    judged: &[Judged],
    in_force: &InForce,
    classified: &Classified,
) -> Result<Proof, Refuted> {
    let (proof, stretches) = rayon::join(
        || cells::compare(policy, population, judged, classified, in_force),
        || addresses::compare(population, classified),
    );
    let proof = proof?;
    Ok(Proof { peers: population.len(), stretches: stretches?, ..proof })
}

/// The decision of a classified table, for those who look a cell up.
fn decision(classified: &Classified) -> &Decision {
    &classified.decision
}
