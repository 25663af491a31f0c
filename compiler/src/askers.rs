//! Names that count for who asked alone (`dns-proxy-scope: pod`).
//!
//! An address is known then by each of its names together with the endpoint that learned it. Rules are written for
//! many endpoints, so each rule about names gets a copy for each endpoint that asks and that it selects: for this one
//! endpoint, with the same names as it has learned them. The rule itself stays: it isolates, its other peers are for
//! all, and it matches names that count for everybody, as a file of answers has them.
//!
//! So nothing else has to know who asked. Endpoints differ in the rules that select them, and addresses in what these
//! match, as they always do: what makes tables, proves them and puts them into the kernel stays as it is.
//!
//! An endpoint that asks has one more label, which no object can write and nobody sees as a peer: by it a copy finds
//! its subject.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_ir::dns_name::{Asker, LearnedName};
use sluice_ir::ids::SelectorId;
use sluice_ir::label::{Label, LabelSource};
use sluice_ir::policy::eval::subject_matches;
use sluice_ir::policy::verify::{VerifyError, verify};
use sluice_ir::policy::{Identity, Peer, Peers, Policy, Rule, Subject};
use sluice_ir::selector::Requirement;

use crate::Compiled;
use crate::inventory::{Endpoint, Inventory};

/// The key of the label of who asks. Keys that people write have no space.
const KEY: &str = "who asks";

/// An endpoint that asks, and what policy sees of it as a subject.
pub(crate) type AskingEndpoint = (Asker, Arc<Identity>);

fn asking(endpoint: &Endpoint) -> AskingEndpoint {
    let asker = Asker::new(endpoint.endpoint_name().to_string());
    let label = Label::new(LabelSource::Reserved, KEY, asker.as_str());
    let labels = endpoint.identity.labels.iter().cloned().chain([label]).collect();
    (asker, Arc::new(Identity { labels, ..Identity::clone(&endpoint.identity) }))
}

/// A policy with copies of its rules about names, for each endpoint that asks.
pub(crate) fn with_own_names(policy: Policy, inventory: &Inventory) -> Policy {
    let mut own = Vec::new();
    for rule in &policy.rules {
        let Subject::Endpoints(selector) = rule.subject else { continue };
        if names(rule).next().is_none() {
            continue;
        }
        let selected =
            inventory.askers().filter(|(_, identity)| subject_matches(&policy, rule.subject, identity));
        own.extend(selected.map(|(asker, _)| (selector, own_names(rule, asker), asker)));
    }
    if own.is_empty() {
        return policy;
    }
    let mut policy = policy;
    for (selector, rule, asker) in own {
        let asks = Requirement::equals(LabelSource::Reserved, KEY, asker.as_str());
        let requirements = policy.selector(selector).requirements().iter().cloned();
        let alone = requirements.chain([asks]).collect();
        let at = policy.selectors.len();
        policy.selectors.push(alone);
        policy.rules.push(Rule { subject: Subject::Endpoints(SelectorId::new(at)), ..rule });
    }
    policy.canonical()
}

/// The names among the peers of a rule that count for everybody.
fn names(rule: &Rule) -> impl Iterator<Item = &Peer> {
    rule.peers.listed().iter().filter(|peer| matches!(peer, Peer::Name { by: None, .. }))
}

/// A rule about the same names, as one endpoint has learned them.
fn own_names(rule: &Rule, asker: &Asker) -> Rule {
    let own = names(rule).filter_map(|peer| match peer {
        Peer::Name { pattern, .. } => Some(Peer::Name { pattern: pattern.clone(), by: Some(asker.clone()) }),
        _ => None,
    });
    // The rule itself isolates already.
    Rule { peers: Peers::Of(own.collect()), default_deny: false, ..rule.clone() }
}

impl Inventory {
    /// The endpoints that ask, each as a subject.
    pub(crate) fn askers(&self) -> impl Iterator<Item = &AskingEndpoint> {
        self.asking.values()
    }

    /// An endpoint as a subject.
    pub(crate) fn subject(&self, at: usize) -> Arc<Identity> {
        let asking = self.asking.get(&at).map(|(_, identity)| identity);
        Arc::clone(asking.unwrap_or(&self.endpoints[at].identity))
    }

    /// Answers count from now on for those endpoints of a node that got them.
    pub(crate) fn expect_askers(&mut self, node: &str) {
        let places = (0..self.endpoints.len()).filter(|at| self.endpoints[*at].may_run_on(node));
        let asking: Vec<_> = places.map(|at| (at, asking(&self.endpoints[at]))).collect();
        self.asking.extend(asking);
    }

    /// Answers that are known count for the endpoints that got them.
    pub(crate) fn find_askers(&mut self) {
        let place = |learned: &LearnedName| {
            let (namespace, name) = learned.by.as_ref()?.as_str().split_once('/')?;
            self.endpoint_named(namespace, name)
        };
        let places: BTreeSet<usize> = self.answers().0.keys().filter_map(place).collect();
        self.asking = places.into_iter().map(|at| (at, asking(&self.endpoints[at]))).collect();
    }
}

impl Compiled {
    /// The same with the rules of those endpoints that have answers of their own: what makes tables, or judges, must
    /// know them. Where no answer says who got it, nothing is another.
    ///
    /// # Errors
    ///
    /// A broken invariant of the policy, which is a mistake in Sluice.
    pub fn with_own_names(self) -> Result<Compiled, VerifyError> {
        if self.inventory.askers().next().is_none() {
            return Ok(self);
        }
        let policy = verify(with_own_names(self.policy.into_inner(), &self.inventory))?;
        Ok(Compiled { policy, ..self })
    }

    /// The rules as they are written, for whoever looks at what people wrote; none where there are no others.
    pub(crate) fn as_written(&self) -> Option<Compiled> {
        let rules = self.policy.rules.get(..self.written.len())?;
        if rules.len() == self.policy.rules.len() {
            return None;
        }
        let policy = verify(self.policy.of_rules(rules.iter().cloned())).ok()?;
        let (inventory, aws, written) = (self.inventory.clone(), self.aws.clone(), self.written.clone());
        Some(Compiled { inventory, aws, policy, written, diagnostics: Vec::new() })
    }
}
