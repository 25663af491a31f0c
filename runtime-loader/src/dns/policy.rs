//! Who may ask which server for what: the rules in force, as the proxy needs them.
//!
//! The reference semantics says whether an endpoint's queries to a server are redirected, and by which rules; the table
//! in the kernel says the same, cell by cell. It is asked once for each endpoint, server and port, and the answer is
//! remembered with what it does not say:
//!
//! * which line a name is from;
//! * whether a rule without names for the same port lets every name pass. A rule without ports does not (semantics.md 4.6,
//!   vector 20);
//! * whether nothing isolates the endpoint, so that rules restrict nothing (semantics.md 4.1).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use sluice_compiler::Compiled;
use sluice_ir::decision::EndpointName;
use sluice_ir::dns_name::{DnsName, LearnedName};
use sluice_ir::ids::RuleId;
use sluice_ir::net::{PortRange, Protocol};
use sluice_ir::policy::eval::{
    Answer, Question, Verdict, eval_among, named_range, rule_matches, rule_verdict, subject_matches,
};
use sluice_ir::policy::{
    Direction, DnsRule, Enforcement, Identity, L7Rules, Peer, Peers, Policy, Ports, Rule,
};

use super::cache::Endpoint;
use super::rules::{Lines, NameRules};
use crate::api::policy::RuleRef;

/// So many judgements are remembered of each endpoint: one for each of its DNS servers. Who asks more servers than that
/// has them judged again, and nobody else has.
const MOST_JUDGED: usize = 256;

/// So many groups of rules are shared before those are looked for that nobody has any more.
const MANY_SHARED: usize = 1_024;

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
    node: Arc<str>,
    askers: BTreeMap<IpAddr, Arc<Asker>>,
    /// Whether servers are chosen by name, so that what was judged may be another thing with the next answer.
    by_name: bool,
    judged: Mutex<BTreeMap<Endpoint, Judged>>,
    shared: Mutex<BTreeMap<Basis, Weak<NameRules>>>,
}

/// What one endpoint may ask its servers, each with the names that the server had then.
type Judged = BTreeMap<(SocketAddr, Transport), (Vec<DnsName>, Access)>;

/// What names follow from, and nothing else does: so there is one index of them, however many servers and endpoints it
/// is for. A rule may have thousands of names, and an endpoint may ask thousands of servers.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Basis {
    /// The rules with the names.
    rules: Vec<RuleId>,
    /// Rules that let every name pass.
    widening: Vec<RuleId>,
    /// Whether anything is restricted at all.
    isolates: bool,
}

/// Whether any rule of a policy sends packets to the proxy.
pub fn needs_proxy(policy: &Policy) -> bool {
    let is_dns = |rule: &Rule| rule.l7.is_some_and(|id| matches!(policy.l7(id).rules, L7Rules::Dns(_)));
    policy.rules().any(|(_, rule)| is_dns(rule))
}

impl Book {
    /// The rules of a generation in force, seen from a node, for its endpoints with their addresses.
    pub fn new<'e>(
        generation: u32,
        node: &str,
        compiled: Arc<Compiled>,
        endpoints: impl IntoIterator<Item = (&'e EndpointName, &'e [IpAddr])>,
    ) -> Book {
        let inventory = &compiled.inventory;
        let mut askers = BTreeMap::new();
        for (name, addresses) in endpoints {
            let Some(namespace) = &name.namespace else { continue };
            let Some(at) = inventory.endpoint(namespace, &name.name) else { continue };
            let asker = Arc::new(Asker {
                endpoint: name.to_string().into(),
                identity: Arc::clone(&inventory.endpoints[at].identity),
                selecting: OnceLock::new(),
            });
            askers.extend(addresses.iter().map(|address| (*address, Arc::clone(&asker))));
        }
        let by_name = compiled.policy.rules().any(|(_, rule)| names_servers(&compiled.policy, rule));
        let (judged, shared) = (Mutex::default(), Mutex::default());
        Book { generation, compiled, node: node.into(), askers, by_name, judged, shared }
    }

    /// The generation.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// The endpoint with an address; none if it is of somebody else, who gets no answer.
    pub fn asker(&self, address: IpAddr) -> Option<&Arc<Asker>> {
        self.askers.get(&address)
    }

    /// Whether any rule sends queries to the proxy.
    pub fn needs_proxy(&self) -> bool {
        needs_proxy(&self.compiled.policy)
    }

    /// Whether there is an endpoint of this name.
    pub fn has(&self, endpoint: &str) -> bool {
        self.askers.values().any(|asker| &*asker.endpoint == endpoint)
    }

    /// What an endpoint may ask a server. `names_of` says which names an address was learned for since the files were read.
    pub fn access(
        &self,
        asker: &Asker,
        server: SocketAddr,
        transport: Transport,
        names_of: impl FnOnce(IpAddr) -> Vec<DnsName>,
    ) -> Access {
        let named = self.by_name && self.compiled.inventory.owner(server.ip()).is_none();
        let names = if named { names_of(server.ip()) } else { Vec::new() };
        let key = (server, transport);
        if let Some((as_named, access)) =
            locked(&self.judged).get(&asker.endpoint).and_then(|of| of.get(&key))
            && *as_named == names
        {
            return access.clone();
        }
        let mut peer = self.compiled.inventory.identity_of(server.ip(), Some(&self.node));
        // Rules are as they were written: they know nothing of who asked.
        peer.names.retain(|learned| learned.by.as_ref().is_none_or(|by| by.as_str() == &*asker.endpoint));
        peer.names.iter_mut().for_each(|learned| learned.by = None);
        peer.names.extend(names.iter().cloned().map(LearnedName::from));
        let access = self.judge(asker, &peer, transport.protocol(), server.port());
        let mut judged = locked(&self.judged);
        let known = judged.entry(Arc::clone(&asker.endpoint)).or_default();
        if known.len() >= MOST_JUDGED {
            known.clear();
        }
        known.insert(key, (names, access.clone()));
        access
    }

    fn judge(&self, asker: &Asker, peer: &Identity, protocol: Protocol, port: u16) -> Access {
        let policy = &self.compiled.policy;
        let subject = &*asker.identity;
        let question = Question { subject, peer, direction: Direction::Egress, protocol, port };
        let selecting = asker.selecting.get_or_init(|| selecting(policy, subject));
        let answer = eval_among(policy, selecting, &question);
        match answer.verdict {
            Verdict::Allow => Access::Open,
            Verdict::Deny => Access::Closed(lines(policy, &answer.rules)),
            Verdict::Redirect => match basis(policy, selecting, &answer, &question) {
                Some(basis) => Access::Names(self.names(basis)),
                // Another proxy is the stricter, and this is not it.
                None => Access::Closed(lines(policy, &answer.rules)),
            },
        }
    }

    /// The names that follow from some rules, made once.
    fn names(&self, basis: Basis) -> Arc<NameRules> {
        let there = |shared: &BTreeMap<Basis, Weak<NameRules>>| shared.get(&basis).and_then(Weak::upgrade);
        if let Some(names) = there(&locked(&self.shared)) {
            return names;
        }
        // It may take long, and others go on meanwhile.
        let made = Arc::new(names(&self.compiled.policy, &basis));
        let mut shared = locked(&self.shared);
        if let Some(names) = there(&shared) {
            return names;
        }
        if shared.len() >= MANY_SHARED {
            shared.retain(|_, names| names.strong_count() > 0);
        }
        shared.insert(basis, Arc::downgrade(&made));
        made
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether a rule chooses DNS servers by name.
fn names_servers(policy: &Policy, rule: &Rule) -> bool {
    let by_name = |peers: &Peers| match peers {
        Peers::Of(peers) => peers.iter().any(|peer| matches!(peer, Peer::Name { .. })),
        Peers::Any => false,
    };
    let dns = rule.l7.is_some_and(|id| matches!(policy.l7(id).rules, L7Rules::Dns(_)));
    dns && by_name(&rule.peers)
}

/// The rules for what an endpoint sends.
fn selecting(policy: &Policy, subject: &Identity) -> Vec<RuleId> {
    let selects =
        |rule: &Rule| rule.direction == Direction::Egress && subject_matches(policy, rule.subject, subject);
    policy.rules().filter(|(_, rule)| selects(rule)).map(|(id, _)| id).collect()
}

/// What names follow from for a question that is redirected; none if it is not to this proxy.
fn basis(policy: &Policy, selecting: &[RuleId], answer: &Answer, question: &Question<'_>) -> Option<Basis> {
    if !answer.rules.iter().all(|id| alternatives(policy, *id).is_some()) {
        return None;
    }
    let widens = |id: &RuleId| {
        let rule = policy.rule(*id);
        is_for_port(rule, question) && rule_matches(policy, rule, question)
    };
    let widening: Vec<RuleId> = match answer.widened {
        true => selecting.iter().copied().filter(|id| widens(id)).collect(),
        false => Vec::new(),
    };
    let isolates = policy.settings.enforcement == Enforcement::Always
        || selecting.iter().any(|id| policy.rule(*id).default_deny);
    Some(Basis { rules: answer.rules.clone(), widening, isolates })
}

/// What a rule says of names; none if it says something else.
fn alternatives(policy: &Policy, id: RuleId) -> Option<&[DnsRule]> {
    match policy.rule(id).l7.map(|l7| &policy.l7(l7).rules) {
        Some(L7Rules::Dns(alternatives)) => Some(alternatives),
        _ => None,
    }
}

/// The names of rules.
fn names(policy: &Policy, basis: &Basis) -> NameRules {
    let of_rule = |id: &RuleId| {
        let line = lines(policy, std::slice::from_ref(id));
        let alternatives = alternatives(policy, *id).unwrap_or_default();
        alternatives.iter().map(move |rule| (rule, Arc::clone(&line)))
    };
    let mut names = NameRules::new(basis.rules.iter().flat_map(of_rule));
    if !basis.widening.is_empty() {
        names.allow_everything(lines(policy, &basis.widening));
    } else if !basis.isolates {
        names.allow_everything(lines(policy, &basis.rules));
    }
    names
}

fn lines(policy: &Policy, rules: &[RuleId]) -> Lines {
    rules.iter().map(|id| RuleRef::from(policy.origin(*id))).collect()
}

/// Whether a rule lets everything pass to exactly the port of the question.
fn is_for_port(rule: &Rule, question: &Question<'_>) -> bool {
    let Ports::Of(ports) = &rule.ports else { return false };
    let exact = Some(PortRange::single(question.port));
    rule_verdict(rule) == Verdict::Allow
        && ports.iter().any(|port| port.protocol == question.protocol && named_range(port, question) == exact)
}
