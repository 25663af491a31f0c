//! Who reaches whom: for every pair of ends, what the egress of one and the ingress of the other let pass.
//!
//! | module | what |
//! |---|---|
//! | [`ends`] | who there is: pods of a workload that policy treats alike, nodes, entities, the world outside |
//! | `gather` | from an inventory and a table to these |
//! | `columns` | classes of peers that no table tells apart |
//! | `isolation` | which ends are isolated, and by which lines |
//! | [`Reach`] | the answer about each pair |
//!
//! # Why it is exact
//!
//! Traffic passes if neither side denies it (semantics.md 4.1); a side that is no endpoint has no word. What a side
//! says is a row of its table, and which row depends on the class of the peer alone. So an answer is a pair of rows,
//! equal pairs are equal answers, and ports are cut where either direction cuts them. Nothing is sampled, and the
//! table itself is proved.

mod columns;
pub mod ends;
mod gather;
mod isolation;

use sluice_ir::decision::{Decision, Outcome, Subject};
use sluice_ir::ids::{ClassId, PortClassId, RowId, VerdictId};
use sluice_ir::net::{PortRange, Protocol};
use sluice_ir::policy::eval::{Reason, Verdict};
use sluice_ir::policy::{Direction, Identity};

use crate::Compiled;
use crate::classify::{Limits, Population, classify, judged};
use crate::compare::roster::Roster;
use crate::compare::{Pieces, Traffic};
use crate::decide::{DecideError, Decided};
use crate::optimise::optimise;
use crate::validate::{InForce, validate};
use ends::{End, EndId, Who};
use gather::Gather;

/// Who is there, and what each may send to each.
#[derive(Debug)]
pub struct Reach {
    decided: Decided,
    ends: Vec<End>,
    pieces: Pieces,
    /// Whether a node's view is taken: then every pod that is judged is on that node.
    viewed: bool,
}

/// What both sides say about traffic between two ends: a row of the sender's egress and one of the receiver's ingress.
/// None for a side that is no endpoint of the nodes that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Answer {
    /// What the sender's side says.
    pub egress: Option<RowId>,
    /// What the receiver's side says.
    pub ingress: Option<RowId>,
}

/// Traffic about which each side says one thing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stretch {
    /// Protocol and ports.
    pub traffic: Traffic,
    /// What the sender's side says; none if it is no endpoint.
    pub egress: Option<VerdictId>,
    /// What the receiver's side says.
    pub ingress: Option<VerdictId>,
}

/// Puts a policy into a table, for a node or without one for the whole cluster, and finds who is in it. Names that
/// rules speak of are ends too, whether an answer for them is known or not.
///
/// # Errors
///
/// A table that would be too large; any other error is a mistake in Sluice.
pub fn reach(compiled: &Compiled, node: Option<&str>, limits: &Limits) -> Result<Reach, DecideError> {
    let Compiled { inventory, policy, .. } = compiled;
    let judged = judged(inventory, policy, node);
    let in_force = InForce::new(policy, &judged);
    let mut population = Population::new(inventory, policy, in_force.rules(), node);
    let promised = ends::promised(inventory, policy, in_force.rules(), &mut population);
    let subjects: Vec<&Identity> = judged.iter().map(|judged| &*judged.identity).collect();
    let optimised = optimise(policy, Some(&subjects))?;
    let classified = classify(&optimised.policy, &population, &judged, limits)?;
    let proof = validate(policy, &population, &judged, &in_force, &classified)?;
    let decided = Decided { classified, population, judged, passes: optimised.passes, proof };
    let roster = Roster::of_inventory(inventory, &decided);
    let ends = Gather::new(compiled, &decided, &roster, &in_force).ends(&promised);
    let sides = &decided.classified.decision.sides;
    let pieces = Pieces::new(&sides.egress.ports, &sides.ingress.ports);
    let mut reach = Reach { ends, pieces, viewed: node.is_some(), decided };
    reach.forget_strangers();
    Ok(reach)
}

impl Reach {
    /// The table behind it all.
    pub fn decision(&self) -> &Decision {
        &self.decided.classified.decision
    }

    /// Who is there: pods by namespace and name, then entities, nodes, and what is outside.
    pub fn ends(&self) -> &[End] {
        &self.ends
    }

    /// Every end with its id, in order.
    pub fn iter(&self) -> impl Iterator<Item = (EndId, &End)> {
        self.ends.iter().enumerate().map(|(at, end)| (EndId::new(at), end))
    }

    /// The end that `id` names.
    pub fn end(&self, id: EndId) -> &End {
        &self.ends[id.index()]
    }

    /// A verdict with its reason.
    pub fn outcome(&self, verdict: VerdictId) -> &Outcome {
        &self.decision().verdicts[verdict.index()]
    }

    /// What is said about traffic from one end to another. None where no packet goes that way, or no endpoint of
    /// the nodes that are looked at is at either end.
    pub fn between(&self, from: EndId, to: EndId) -> Option<Answer> {
        let (from, to) = (self.end(from), self.end(to));
        if !self.meet(from, to) {
            return None;
        }
        let row = |end: &End, direction: Direction, peer: ClassId| {
            Some(self.subject(end)?.tables[direction].row(peer))
        };
        let answer = Answer {
            egress: row(from, Direction::Egress, to.class),
            ingress: row(to, Direction::Ingress, from.class),
        };
        (answer.egress.is_some() || answer.ingress.is_some()).then_some(answer)
    }

    /// Leaves out ends that nobody meets, such as the host of a node without pods.
    fn forget_strangers(&mut self) {
        let ids = || (0..self.ends.len()).map(EndId::new);
        let meets =
            |one| ids().any(|other| self.between(one, other).or_else(|| self.between(other, one)).is_some());
        let mut met = ids().map(meets).collect::<Vec<bool>>().into_iter();
        self.ends.retain(|_| met.next().unwrap_or(true));
    }

    fn subject(&self, end: &End) -> Option<&Subject> {
        end.subject.map(|at| &self.decision().subjects[at])
    }

    /// Whether packets go from one end to the other under these names. A node is the host for its own pods and a
    /// remote node for all others; what hosts say to each other they say as remote nodes.
    fn meet(&self, from: &End, to: &End) -> bool {
        match (&from.who, &to.who) {
            (Who::Pods(_), Who::Pods(_)) => true,
            (Who::Pods(_), _) => self.viewed || from.sees(to),
            (_, Who::Pods(_)) => self.viewed || to.sees(from),
            (Who::RemoteNode(a), Who::RemoteNode(b)) => a.differ(b),
            (Who::RemoteNode(_), _) | (_, Who::RemoteNode(_)) => false,
            (Who::Host(_), Who::Host(_)) => false,
            _ => true,
        }
    }

    /// All traffic between two ends, cut only where a side says another thing or has other lines for it: first
    /// the protocols that need no word of their own.
    pub fn stretches(&self, answer: Answer) -> Vec<Stretch> {
        let sides = &self.decision().sides;
        let egress = answer.egress.map(|row| &sides.egress.rows[row.index()]);
        let ingress = answer.ingress.map(|row| &sides.ingress.rows[row.index()]);
        let said = self
            .pieces
            .stretches(|(a, b)| (egress.map(|row| row.0[a.index()]), ingress.map(|row| row.0[b.index()])));
        said.into_iter()
            .map(|stretch| Stretch {
                traffic: stretch.traffic,
                egress: stretch.said.0,
                ingress: stretch.said.1,
            })
            .collect()
    }

    /// Stretches of ports that neither direction cuts, with their class for egress and for ingress. Protocols that are not
    /// there are in the first class of both.
    pub fn pieces(&self) -> impl Iterator<Item = (Protocol, PortRange, PortClassId, PortClassId)> {
        self.pieces.iter()
    }

    /// Whether an end is an endpoint of the nodes that are looked at.
    pub fn is_endpoint(&self, id: EndId) -> bool {
        self.end(id).subject.is_some()
    }

    /// What becomes of some traffic: a denial of one side denies, a redirect of one side redirects.
    pub fn verdict(&self, stretch: &Stretch) -> Verdict {
        self.outcomes(stretch).map(|outcome| outcome.verdict).min().unwrap_or(Verdict::Allow)
    }

    /// Whether some traffic passes because nothing restricts it: no rule of either side is about it.
    pub fn is_unrestricted(&self, stretch: &Stretch) -> bool {
        self.outcomes(stretch)
            .all(|outcome| matches!(outcome.reason, Reason::NotIsolated | Reason::NotEnforced))
    }

    /// The outcomes of the sides that have a word.
    pub fn outcomes(&self, stretch: &Stretch) -> impl Iterator<Item = &Outcome> {
        [stretch.egress, stretch.ingress].into_iter().flatten().map(|verdict| self.outcome(verdict))
    }
}
