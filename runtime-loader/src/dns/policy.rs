//! Who may ask which server for what: the policy in force, as the proxy needs it.
//!
//! The table says whether an endpoint's traffic to a server goes to the proxy, and which layer 7 rules apply. What it does not
//! say is found in the rules once for each endpoint, group of servers and port, and then remembered:
//!
//! * which line a name is from;
//! * whether a rule without names for the same port lets every name pass. A rule without ports does not (semantics.md 4.6,
//!   vector 20);
//! * whether nothing isolates the endpoint, so that rules restrict nothing (semantics.md 4.1).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use sluice_compiler::Compiled;
use sluice_ir::decision::verify::Verified;
use sluice_ir::decision::{Decision, EndpointName, Outcome};
use sluice_ir::ids::{ClassId, RuleId};
use sluice_ir::net::{PortRange, Protocol};
use sluice_ir::policy::eval::{Question, Verdict, named_range, rule_matches, rule_verdict, subject_matches};
use sluice_ir::policy::{Direction, Enforcement, Identity, L7, L7Rules, Ports, Rule};

use super::cache::Endpoint;
use super::rules::{Lines, NameRules};
use crate::api::policy::RuleRef;

/// So many judgements are remembered. There are as many as endpoints times DNS servers.
const MOST_JUDGED: usize = 100_000;

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// As a datagram.
    Udp,
    /// Over a connection.
    Tcp,
}

impl Transport {
    /// `udp` or `tcp`.
    pub fn name(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
        }
    }

    fn protocol(self) -> Protocol {
        match self {
            Transport::Udp => Protocol::UDP,
            Transport::Tcp => Protocol::TCP,
        }
    }
}

/// An endpoint of this node.
#[derive(Debug)]
pub struct Asker {
    /// Its name: `shop/web`.
    pub endpoint: Endpoint,
    name: EndpointName,
    identity: Arc<Identity>,
    /// Rules for what it sends, found when it asks first.
    selecting: OnceLock<Vec<RuleId>>,
}

/// What an endpoint may ask a server.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everything: no rule sends these queries here. They came while the rules changed.
    Open,
    /// Nothing, because of these lines; none if no rule allows it.
    Closed(Lines),
    /// These names.
    Names(Arc<NameRules>),
}

/// The policy in force.
#[derive(Debug)]
pub struct Book {
    generation: u32,
    compiled: Arc<Compiled>,
    decision: Arc<Verified<Decision>>,
    askers: BTreeMap<IpAddr, Arc<Asker>>,
    judged: Mutex<BTreeMap<Key, Access>>,
}

type Key = (Endpoint, ClassId, Protocol, u16);

impl Book {
    /// A generation in force, for the endpoints of this node with their addresses.
    pub fn new<'e>(
        generation: u32,
        compiled: Arc<Compiled>,
        decision: Arc<Verified<Decision>>,
        endpoints: impl IntoIterator<Item = (&'e EndpointName, &'e [IpAddr])>,
    ) -> Book {
        let identities: BTreeMap<EndpointName, &Arc<Identity>> = compiled
            .inventory
            .endpoints
            .iter()
            .map(|endpoint| (endpoint.endpoint_name(), &endpoint.identity))
            .collect();
        let mut askers = BTreeMap::new();
        for (name, addresses) in endpoints {
            let Some(identity) = identities.get(name) else { continue };
            let asker = Arc::new(Asker {
                endpoint: name.to_string().into(),
                name: name.clone(),
                identity: Arc::clone(identity),
                selecting: OnceLock::new(),
            });
            askers.extend(addresses.iter().map(|address| (*address, Arc::clone(&asker))));
        }
        Book { generation, compiled, decision, askers, judged: Mutex::default() }
    }

    /// The generation.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The endpoint with an address; none if it is of somebody else, who gets no answer.
    pub fn asker(&self, address: IpAddr) -> Option<&Arc<Asker>> {
        self.askers.get(&address)
    }

    /// Whether there is an endpoint of this name.
    pub fn has(&self, endpoint: &str) -> bool {
        self.askers.values().any(|asker| &*asker.endpoint == endpoint)
    }

    /// What an endpoint may ask a server.
    pub fn access(&self, asker: &Asker, server: SocketAddr, transport: Transport) -> Access {
        let Some(class) = self.decision.class_of(server.ip()) else { return Access::Closed(Lines::from([])) };
        let key = (Arc::clone(&asker.endpoint), class, transport.protocol(), server.port());
        let mut judged = self.judged.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(access) = judged.get(&key) {
            return access.clone();
        }
        let access = self.judge(asker, class, transport.protocol(), server.port());
        if judged.len() >= MOST_JUDGED {
            judged.clear();
        }
        judged.insert(key, access.clone());
        access
    }

    fn judge(&self, asker: &Asker, class: ClassId, protocol: Protocol, port: u16) -> Access {
        let decision = &self.decision;
        let Some(subject) = decision.subject_of(&asker.name) else { return Access::Closed(Lines::from([])) };
        let outcome = decision.outcome(subject, Direction::Egress, class, protocol, port);
        match outcome.verdict {
            Verdict::Allow => Access::Open,
            Verdict::Deny => Access::Closed(self.lines(outcome)),
            Verdict::Redirect => {
                let peer = &*decision.classes[class.index()].example;
                let subject = &*asker.identity;
                let question = Question { subject, peer, direction: Direction::Egress, protocol, port };
                self.names(asker, outcome, &question)
            }
        }
    }

    fn names(&self, asker: &Asker, outcome: &Outcome, question: &Question<'_>) -> Access {
        let policy = &self.compiled.policy;
        let dns: Vec<&L7> = outcome
            .l7
            .iter()
            .map(|id| &self.decision.l7[id.index()])
            .filter(|l7| matches!(l7.rules, L7Rules::Dns(_)))
            .collect();
        if dns.is_empty() {
            // Another proxy's.
            return Access::Closed(self.lines(outcome));
        }
        let selecting = asker.selecting.get_or_init(|| self.selecting(asker));
        let matching: Vec<RuleId> =
            selecting.iter().copied().filter(|id| rule_matches(policy, policy.rule(*id), question)).collect();
        let lines_of = |is: &dyn Fn(&Rule) -> bool| -> Lines {
            let meant = matching.iter().filter(|id| is(policy.rule(**id)));
            meant.map(|id| RuleRef::from(policy.origin(*id))).collect()
        };
        let mut rules = Vec::new();
        for l7 in dns {
            let lines = lines_of(&|rule| rule.l7.is_some_and(|id| policy.l7(id) == l7));
            let lines = if lines.is_empty() { self.lines(outcome) } else { lines };
            let L7Rules::Dns(alternatives) = &l7.rules else { continue };
            rules.extend(alternatives.iter().map(|rule| (rule, Arc::clone(&lines))));
        }
        let mut names = NameRules::new(rules);
        let widening =
            if outcome.widened { lines_of(&|rule| is_for_port(rule, question)) } else { Lines::from([]) };
        if !widening.is_empty() {
            names.allow_everything(widening);
        } else if !self.isolates(selecting) {
            names.allow_everything(self.lines(outcome));
        }
        Access::Names(Arc::new(names))
    }

    fn selecting(&self, asker: &Asker) -> Vec<RuleId> {
        let policy = &self.compiled.policy;
        let selects = |(id, rule): (RuleId, &Rule)| {
            let is =
                rule.direction == Direction::Egress && subject_matches(policy, rule.subject, &asker.identity);
            is.then_some(id)
        };
        policy.rules().filter_map(selects).collect()
    }

    /// Whether what no rule allows is denied.
    fn isolates(&self, selecting: &[RuleId]) -> bool {
        let policy = &self.compiled.policy;
        let always = policy.settings.enforcement == Enforcement::Always;
        always || selecting.iter().any(|id| policy.rule(*id).default_deny)
    }

    fn lines(&self, outcome: &Outcome) -> Lines {
        outcome.origins.iter().map(|origin| RuleRef::from(&self.decision.origins[origin.index()])).collect()
    }
}

/// Whether a rule lets everything pass to exactly the port of the question.
fn is_for_port(rule: &Rule, question: &Question<'_>) -> bool {
    let Ports::Of(ports) = &rule.ports else { return false };
    let exact = Some(PortRange::single(question.port));
    rule_verdict(rule) == Verdict::Allow
        && ports.iter().any(|port| port.protocol == question.protocol && named_range(port, question) == exact)
}
