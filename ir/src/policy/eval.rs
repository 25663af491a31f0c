//! The reference semantics.
//!
//! Short and slow on purpose: every faster engine is tested against it. The steps are the numbered
//! ones of the [module above](super).

use super::{
    Action, Authentication, Direction, Enforcement, Identity, Peer, Peers, Policy, PortMatch, PortSet, Ports,
    Rule, Subject, Tier,
};
use crate::ids::RuleId;
use crate::net::{PortRange, Protocol};

/// A question: may this traffic pass on this side?
#[derive(Clone, Copy, Debug)]
pub struct Question<'i> {
    /// The endpoint that is judged.
    pub subject: &'i Identity,
    /// The other side.
    pub peer: &'i Identity,
    /// Which way, seen from the subject.
    pub direction: Direction,
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port, or the ICMP type; 0 for protocols without either.
    pub port: u16,
}

/// What happens to traffic on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Dropped.
    Deny,
    /// Sent to the proxy.
    Redirect,
    /// Passed on.
    Allow,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Verdict::Deny => "deny",
            Verdict::Redirect => "redirect",
            Verdict::Allow => "allow",
        })
    }
}

/// Which step decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// Step 1: nothing is enforced on this endpoint.
    NotEnforced,
    /// Step 2: the rules of a tier.
    Rules,
    /// Step 3: the host may reach its own endpoints.
    Localhost,
    /// Step 4: the direction is isolated and nothing allowed it.
    DefaultDeny,
    /// Step 5: the direction is not isolated.
    NotIsolated,
}

/// A verdict and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What happens.
    pub verdict: Verdict,
    /// Which step decided.
    pub reason: Reason,
    /// The rules that made it, in order: those that matched with the deciding action, or for a
    /// default deny those that isolate the direction.
    pub rules: Vec<RuleId>,
    /// Authentication that the traffic must have first, the strictest of the rules that allowed it.
    pub authentication: Option<Authentication>,
    /// For a redirect, whether a rule without layer 7 rules matched too: then the proxy restricts HTTP no
    /// further (semantics.md 4.6).
    pub widened: bool,
}

/// Answers a question by looking at every rule.
pub fn eval(policy: &Policy, question: &Question<'_>) -> Answer {
    eval_among(policy, &selecting(policy, question.subject, question.direction), question)
}

/// The rules of one direction that select an endpoint, whatever their peers and ports.
pub fn selecting(policy: &Policy, subject: &Identity, direction: Direction) -> Vec<RuleId> {
    let selects = |rule: &Rule| rule.direction == direction && subject_matches(policy, rule.subject, subject);
    policy.rules().filter(|(_, rule)| selects(rule)).map(|(id, _)| id).collect()
}

/// Answers a question when the rules that [select](selecting) its subject are already known.
pub fn eval_among(policy: &Policy, selecting: &[RuleId], question: &Question<'_>) -> Answer {
    let matches = |id: &RuleId| rule_matches(policy, policy.rule(*id), question);
    let matching: Vec<RuleId> = selecting.iter().copied().filter(matches).collect();
    eval_matching(policy, selecting, &matching, question)
}

/// Answers a question when it is also known which of these rules [match](rule_matches) the peer and the port.
pub fn eval_matching(
    policy: &Policy,
    selecting: &[RuleId],
    matching: &[RuleId],
    question: &Question<'_>,
) -> Answer {
    let answer =
        |verdict, reason, rules| Answer { verdict, reason, rules, authentication: None, widened: false };
    let settings = policy.settings;
    let unguarded_host = question.subject.is_host() && !settings.host_firewall;
    if settings.enforcement == Enforcement::Never || unguarded_host {
        return answer(Verdict::Allow, Reason::NotEnforced, Vec::new());
    }
    for tier in Tier::ORDER {
        let of_tier: Vec<RuleId> =
            matching.iter().copied().filter(|id| policy.rule(*id).tier == tier).collect();
        if let Some(answer) = tier_verdict(policy, &of_tier) {
            return answer;
        }
    }
    let ingress = question.direction == Direction::Ingress;
    if ingress && question.peer.is_host() && settings.allow_localhost && !selecting.is_empty() {
        return answer(Verdict::Allow, Reason::Localhost, Vec::new());
    }
    let isolating: Vec<RuleId> =
        selecting.iter().copied().filter(|id| policy.rule(*id).default_deny).collect();
    let always = settings.enforcement == Enforcement::Always || question.subject.labels.is_reserved("init");
    if always || !isolating.is_empty() {
        return answer(Verdict::Deny, Reason::DefaultDeny, isolating);
    }
    answer(Verdict::Allow, Reason::NotIsolated, Vec::new())
}

/// Step 2 for one tier: deny before redirect before allow.
fn tier_verdict(policy: &Policy, matching: &[RuleId]) -> Option<Answer> {
    let verdict = matching.iter().map(|id| rule_verdict(policy.rule(*id))).min()?;
    let rules: Vec<RuleId> =
        matching.iter().copied().filter(|id| rule_verdict(policy.rule(*id)) == verdict).collect();
    let authentication = match verdict {
        Verdict::Deny => None,
        // Authentication narrows: where several rules allow the traffic, the strictest demand holds.
        _ => matching.iter().filter_map(|id| policy.rule(*id).authentication).max(),
    };
    let plain = || matching.iter().any(|id| rule_verdict(policy.rule(*id)) == Verdict::Allow);
    let widened = verdict == Verdict::Redirect && plain();
    Some(Answer { verdict, reason: Reason::Rules, rules, authentication, widened })
}

/// What a rule does with traffic that it matches.
pub fn rule_verdict(rule: &Rule) -> Verdict {
    match (rule.action, rule.l7) {
        (Action::Deny, _) => Verdict::Deny,
        (Action::Allow, Some(_)) => Verdict::Redirect,
        (Action::Allow, None) => Verdict::Allow,
    }
}

/// Whether a rule judges the traffic of an endpoint.
pub fn subject_matches(policy: &Policy, subject: Subject, endpoint: &Identity) -> bool {
    let host = endpoint.is_host();
    match subject {
        Subject::Endpoints(selector) => !host && policy.selector(selector).matches(&endpoint.labels),
        Subject::Nodes(selector) => host && policy.selector(selector).matches(&endpoint.labels),
    }
}

/// Whether a rule that selects the subject matches the peer and the port too.
pub fn rule_matches(policy: &Policy, rule: &Rule, question: &Question<'_>) -> bool {
    ports_match(&rule.ports, question) && peers_match(policy, &rule.peers, question.peer)
}

/// Whether one of a rule's peers matches an identity.
pub fn peers_match(policy: &Policy, peers: &Peers, identity: &Identity) -> bool {
    match peers {
        Peers::Any => true,
        Peers::Of(peers) => peers.iter().any(|peer| peer_matches(policy, peer, identity)),
    }
}

/// Whether a peer matches an identity.
pub fn peer_matches(policy: &Policy, peer: &Peer, identity: &Identity) -> bool {
    let excepted = |except: &[crate::net::Cidr]| {
        identity.address.is_some_and(|address| except.iter().any(|cidr| cidr.contains(address)))
    };
    match peer {
        Peer::Labels { selector, except } => {
            policy.selector(*selector).matches(&identity.labels) && !excepted(except)
        }
        Peer::Cidr { cidr, except } => {
            identity.address.is_some_and(|address| cidr.contains(address)) && !excepted(except)
        }
        Peer::Name { pattern, by } => {
            identity.names.iter().any(|learned| learned.by == *by && pattern.matches(&learned.name))
        }
    }
}

/// Whether one of a rule's ports matches the traffic.
pub fn ports_match(ports: &Ports, question: &Question<'_>) -> bool {
    match ports {
        Ports::Any => true,
        Ports::Of(ports) => ports.iter().any(|port| port_matches(port, question)),
    }
}

/// Whether a protocol with some of its ports matches the traffic.
pub fn port_matches(port: &PortMatch, question: &Question<'_>) -> bool {
    port.protocol == question.protocol
        && named_range(port, question).is_some_and(|range| range.contains(question.port))
}

/// The numbers that a port match stands for in a question; `None` for a name that nobody has.
pub fn named_range(port: &PortMatch, question: &Question<'_>) -> Option<PortRange> {
    match (&port.ports, question.direction) {
        (PortSet::Range(range), _) => Some(*range),
        (PortSet::Named { name, end }, Direction::Ingress) => {
            let number = container_port(question.subject, name, port.protocol)?;
            Some(PortRange { start: number, end: end.unwrap_or(number).max(number) })
        }
        (PortSet::Named { name, .. }, Direction::Egress) => {
            container_port(question.peer, name, port.protocol).map(PortRange::single)
        }
    }
}

fn container_port(identity: &Identity, name: &crate::net::PortName, protocol: Protocol) -> Option<u16> {
    identity.ports.get(name).filter(|(of, _)| *of == protocol).map(|(_, number)| *number)
}
