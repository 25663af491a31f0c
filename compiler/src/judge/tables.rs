//! Flows answered by the table that a node would have.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::decision::verify::Verified;
use sluice_ir::decision::{ByDirection, Decision, EndpointName, Subject};
use sluice_ir::ids::ClassId;
use sluice_ir::policy::{Direction, Identity};

use super::{Case, End, EndError, FlowAnswer, Judge};
use crate::classify::{Classified, Judged, Limits, PeerId, Population, classify};
use crate::decide::DecideError;
use crate::optimise::optimise;
use crate::resource::flow::Flow;
use crate::validate::{InForce, agrees_or_refutes};

/// Flows that were judged, with the table that judged them.
#[derive(Debug)]
pub struct Tabled {
    /// The answers, in the order of the flows.
    pub answers: Vec<Result<FlowAnswer, EndError>>,
    /// The table.
    pub decision: Verified<Decision>,
    /// For each flow the side of its source and that of its destination, where one is judged; what somebody else who has the
    /// table needs to answer too.
    pub sides: Vec<ByDirection<Option<TabledSide>>>,
}

/// One side of a flow, in terms of the table.
#[derive(Clone, Debug)]
pub struct TabledSide {
    /// The endpoint that is judged.
    pub endpoint: EndpointName,
    /// The class of the other side.
    pub class: ClassId,
    /// The addresses of the endpoint, as far as they are known.
    pub own: Vec<IpAddr>,
    /// Those of the other side.
    pub peer: Vec<IpAddr>,
}

/// One side of a flow, with the places of its ends.
struct Asked {
    case: Case,
    peer: PeerId,
}

/// Both sides of a flow.
struct Sides {
    egress: Option<Asked>,
    ingress: Option<Asked>,
}

impl Judge<'_> {
    /// Judges many flows by the table of the endpoints that they are about. Each answer is that of the
    /// table, explained by the reference semantics.
    ///
    /// # Errors
    ///
    /// A table that would be too large. Or one that contradicts the reference, which is a mistake in Sluice. A
    /// flow that cannot be asked has an error of its own.
    pub fn flows_by_tables(&self, flows: &[&Flow], limits: &Limits) -> Result<Tabled, DecideError> {
        let answers = self.flows(flows);
        let ends: Vec<Option<(End, End)>> = flows.iter().map(|flow| self.ends(flow).ok()).collect();
        let cases: Vec<[Option<Case>; 2]> = ends.iter().map(|ends| self.cases(ends.as_ref())).collect();
        let judged = judged(cases.iter().flatten().flatten());
        let in_force = InForce::new(&self.compiled.policy, &judged);
        let view = self.view.as_deref();
        let mut population =
            Population::new(&self.compiled.inventory, &self.compiled.policy, in_force.rules(), view);
        let asked: Vec<Sides> = cases
            .into_iter()
            .zip(&ends)
            .map(|([egress, ingress], ends)| Sides {
                egress: egress.zip(ends.as_ref()).map(|(case, ends)| asked(case, &ends.1, &mut population)),
                ingress: ingress.zip(ends.as_ref()).map(|(case, ends)| asked(case, &ends.0, &mut population)),
            })
            .collect();
        let subjects: Vec<&Identity> = judged.iter().map(|judged| &*judged.identity).collect();
        let optimised = optimise(&self.compiled.policy, Some(&subjects))?;
        let classified = classify(&optimised.policy, &population, &judged, limits)?;
        let tables = Tables::new(&classified);
        for ((flow, answer), sides) in flows.iter().zip(&answers).zip(&asked) {
            let Ok(answer) = answer else { continue };
            tables.compare(
                self,
                flow,
                Direction::Egress,
                sides.egress.as_ref().zip(answer.egress.as_ref()),
            )?;
            tables.compare(
                self,
                flow,
                Direction::Ingress,
                sides.ingress.as_ref().zip(answer.ingress.as_ref()),
            )?;
        }
        let sides =
            asked.iter().zip(&ends).map(|(sides, ends)| self.tabled(sides, ends.as_ref(), &classified));
        let sides = sides.collect();
        Ok(Tabled { answers, decision: classified.decision, sides })
    }

    fn tabled(
        &self,
        sides: &Sides,
        ends: Option<&(End, End)>,
        classified: &Classified,
    ) -> ByDirection<Option<TabledSide>> {
        let Some((from, to)) = ends else { return ByDirection::default() };
        let side = |asked: &Option<Asked>, own: &End, peer: &End| {
            let Asked { case, peer: id } = asked.as_ref()?;
            Some(TabledSide {
                endpoint: case.name.clone(),
                class: classified.class(*id),
                own: own.addresses(&self.compiled.inventory),
                peer: peer.addresses(&self.compiled.inventory),
            })
        };
        ByDirection { egress: side(&sides.egress, from, to), ingress: side(&sides.ingress, to, from) }
    }

    fn cases(&self, ends: Option<&(End, End)>) -> [Option<Case>; 2] {
        let Some((from, to)) = ends else { return [None, None] };
        [self.case(from, to), self.case(to, from)]
    }
}

/// The endpoints that cases are about, each once.
fn judged<'c>(cases: impl Iterator<Item = &'c Case>) -> Vec<Judged> {
    let named: BTreeMap<&EndpointName, &Arc<Identity>> =
        cases.map(|case| (&case.name, &case.subject)).collect();
    let judged = |(name, identity): (&EndpointName, &Arc<Identity>)| Judged {
        name: name.clone(),
        identity: Arc::clone(identity),
    };
    named.into_iter().map(judged).collect()
}

/// A case with the place of its peer in the population: as the node would find it, by address, or else by what
/// it is.
fn asked(case: Case, peer: &End, population: &mut Population) -> Asked {
    let found = match peer {
        End::Endpoint(at) => Some(population.endpoint(*at)),
        End::Address(address) => population.at_address(*address, case.view.as_deref()),
        End::Name(_) | End::HostNetwork(_) | End::Entity(_) => None,
    };
    let peer = found.unwrap_or_else(|| population.add(Arc::clone(&case.peer)));
    Asked { case, peer }
}

/// A table, and the subject that each endpoint belongs to.
struct Tables<'t> {
    classified: &'t Classified,
    subjects: BTreeMap<&'t EndpointName, &'t Subject>,
}

impl<'t> Tables<'t> {
    fn new(classified: &'t Classified) -> Tables<'t> {
        let decision: &Decision = &classified.decision;
        let of = |subject: &'t Subject| subject.endpoints.iter().map(move |endpoint| (endpoint, subject));
        Tables { classified, subjects: decision.subjects.iter().flat_map(of).collect() }
    }

    /// Looks a side up and holds what is found against what the reference said.
    fn compare(
        &self,
        judge: &Judge<'_>,
        flow: &Flow,
        direction: Direction,
        side: Option<(&Asked, &super::Side)>,
    ) -> Result<(), DecideError> {
        let Some((Asked { case, peer }, side)) = side else { return Ok(()) };
        let decision: &Decision = &self.classified.decision;
        let subject = self.subjects.get(&case.name).copied();
        let outcome = subject.map(|subject| {
            decision.outcome(subject, direction, self.classified.class(*peer), flow.protocol, flow.port)
        });
        let question = case.question(direction, flow);
        Ok(agrees_or_refutes(&judge.compiled.policy, decision, &case.name, &question, &side.answer, outcome)?)
    }
}
