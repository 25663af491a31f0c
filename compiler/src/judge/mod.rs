//! One flow: who is at its ends, and what the policy says on both sides.
//!
//! The reference semantics explains: beside the verdict an answer holds the rules that made it and, for a
//! default deny, the rule that came nearest to allowing the flow and what it lacked. The table decides, as
//! on a node; [`Judge::flows_by_tables`] asks both and demands that they agree.

mod end;
mod near;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use sluice_ir::decision::EndpointName;
use sluice_ir::ids::RuleId;
use sluice_ir::policy::eval::{Answer, Question, Reason, Verdict, eval_among, subject_matches};
use sluice_ir::policy::{Direction, Identity};

pub use end::{End, EndError};
pub use near::{LabelMiss, Miss, NearMiss, port_text, requirement_text};
pub use tables::{Tabled, TabledSide};

use crate::Compiled;
use crate::inventory::{confined_to, keys};
use crate::resource::flow::Flow;

/// Answers questions about flows.
pub struct Judge<'c> {
    compiled: &'c Compiled,
    /// The node whose view is taken; without one each endpoint is judged on its own node.
    view: Option<Arc<str>>,
    /// Rules that are confined to a namespace, by it, in order.
    confined: BTreeMap<Arc<str>, Vec<RuleId>>,
    /// All other rules, in order.
    free: Vec<RuleId>,
}

/// One side of a flow as policy sees it.
#[derive(Debug)]
struct Case {
    /// The endpoint that is judged.
    name: EndpointName,
    subject: Arc<Identity>,
    peer: Arc<Identity>,
    /// The node that looks.
    view: Option<Arc<str>>,
}

impl Case {
    fn question(&self, direction: Direction, flow: &Flow) -> Question<'_> {
        let (protocol, port) = (flow.protocol, flow.port);
        Question { subject: &self.subject, peer: &self.peer, direction, protocol, port }
    }
}

/// What is said about a flow.
#[derive(Clone, Debug)]
pub struct FlowAnswer {
    /// What the source's side says; none if it is no endpoint.
    pub egress: Option<Side>,
    /// What the destination's side says; none if it is no endpoint.
    pub ingress: Option<Side>,
    /// Both together: a denial of one side denies, a redirect of one side redirects.
    pub verdict: Verdict,
}

/// One side of a flow.
#[derive(Clone, Debug)]
pub struct Side {
    /// The verdict with its reason and rules.
    pub answer: Answer,
    /// For a default deny, the rule that came nearest to allowing the flow.
    pub nearest: Option<NearMiss>,
}

impl<'c> Judge<'c> {
    /// A judge who looks from a node, or from everywhere.
    pub fn new(compiled: &'c Compiled, view: Option<Arc<str>>) -> Judge<'c> {
        let mut judge = Judge { compiled, view, confined: BTreeMap::new(), free: Vec::new() };
        for (id, rule) in compiled.policy.rules() {
            match confined_to(compiled.policy.selector(rule.subject.selector())) {
                Some(namespace) => judge.confined.entry(Arc::clone(namespace)).or_default().push(id),
                None => judge.free.push(id),
            }
        }
        judge
    }

    /// The two ends of a flow.
    ///
    /// # Errors
    ///
    /// An end that is not in the inventory.
    pub fn ends(&self, flow: &Flow) -> Result<(End, End), EndError> {
        let inventory = &self.compiled.inventory;
        let to = |error| EndError { destination: true, ..error };
        Ok((End::resolve(inventory, &flow.from)?, End::resolve(inventory, &flow.to).map_err(to)?))
    }

    /// Judges a flow on both sides.
    ///
    /// # Errors
    ///
    /// An end that is not in the inventory.
    pub fn flow(&self, flow: &Flow) -> Result<FlowAnswer, EndError> {
        let (from, to) = self.ends(flow)?;
        let egress = self.side(&from, &to, Direction::Egress, flow);
        let ingress = self.side(&to, &from, Direction::Ingress, flow);
        let verdicts = [&egress, &ingress].into_iter().flatten().map(|side| side.answer.verdict);
        let verdict = verdicts.min().unwrap_or(Verdict::Allow);
        Ok(FlowAnswer { egress, ingress, verdict })
    }

    /// Judges many flows, on all cores; the answers are in the order of the flows.
    pub fn flows(&self, flows: &[&Flow]) -> Vec<Result<FlowAnswer, EndError>> {
        flows.par_iter().map(|flow| self.flow(flow)).collect()
    }

    fn side(&self, subject: &End, peer: &End, direction: Direction, flow: &Flow) -> Option<Side> {
        let case = self.case(subject, peer)?;
        let question = case.question(direction, flow);
        let selecting = self.selecting(&case.subject, direction);
        let answer = eval_among(&self.compiled.policy, &selecting, &question);
        let nearest = match answer.reason {
            Reason::DefaultDeny => {
                near::nearest(&self.compiled.policy, &self.candidates(&case.subject), &question)
            }
            _ => None,
        };
        Some(Side { answer, nearest })
    }

    /// One side of a flow as policy sees it; none if nobody judges it here.
    fn case(&self, subject: &End, peer: &End) -> Option<Case> {
        let inventory = &self.compiled.inventory;
        let view = self.view.as_deref().or(subject.node(inventory)).or(peer.node(inventory));
        let node = subject.node(inventory);
        let here = self.view.is_none() || node.is_none() || node == self.view.as_deref();
        let identity = subject.identity(inventory, view);
        let guarded_host = identity.is_host() && self.compiled.policy.settings.host_firewall;
        if !(subject.is_endpoint() && here || guarded_host) {
            return None;
        }
        let name = match subject {
            End::Endpoint(at) if !guarded_host => inventory.endpoints[*at].endpoint_name(),
            _ => EndpointName { namespace: None, name: view.unwrap_or_default().into() },
        };
        let subject = match subject {
            _ if guarded_host => Arc::new(inventory.host_subject(&identity, view)),
            End::Endpoint(at) => inventory.subject(*at),
            _ => identity,
        };
        Some(Case { name, subject, peer: peer.identity(inventory, view), view: view.map(Into::into) })
    }

    /// The rules of a direction that select an endpoint.
    fn selecting(&self, subject: &Identity, direction: Direction) -> Vec<RuleId> {
        let policy = &self.compiled.policy;
        let selects = |id: &RuleId| {
            let rule = policy.rule(*id);
            rule.direction == direction && subject_matches(policy, rule.subject, subject)
        };
        self.candidates(subject).into_iter().filter(selects).collect()
    }

    /// The rules that could select an endpoint, going by namespace alone, in order.
    fn candidates(&self, subject: &Identity) -> Vec<RuleId> {
        let namespace = subject.labels.get(keys::NAMESPACE).map(|label| &label.value);
        let confined = namespace.and_then(|namespace| self.confined.get(namespace));
        let mut rules: Vec<RuleId> =
            self.free.iter().chain(confined.into_iter().flatten()).copied().collect();
        rules.sort();
        rules
    }
}
