//! The rule that almost allowed a flow.
//!
//! "Nothing matched" is the least helpful answer there is. So each allow that could concern the
//! subject is tried, and the one with the fewest unmet conditions is named together with them.

use std::fmt;

use sluice_ir::ids::RuleId;
use sluice_ir::label::{Label, LabelSet, LabelSource};
use sluice_ir::net::{Cidr, PortRange};
use sluice_ir::policy::eval::{Question, peer_matches, peers_match, ports_match, subject_matches};
use sluice_ir::policy::{Action, Identity, Peer, Peers, Policy, PortMatch, PortSet, Ports, Rule};
use sluice_ir::selector::{Operator, Requirement, Selector};

/// A rule that did not match, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The rule.
    pub rule: RuleId,
    /// The conditions that it lacked, the subject's first.
    pub misses: Vec<Miss>,
}

/// A condition of a rule that a flow does not meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// The subject lacks labels that the rule asks for.
    Subject(Vec<LabelMiss>),
    /// The peer lacks labels.
    PeerLabels(Vec<LabelMiss>),
    /// The peer's address lies outside the prefix.
    PeerOutside(Cidr),
    /// The peer's address lies in an exception.
    PeerExcepted(Cidr),
    /// Prefixes never match this peer: it is a pod or a node.
    PeerHasNoAddress(Cidr),
    /// The peer was not learned under a name that matches.
    PeerName(String),
    /// It was, and that counts for those alone that asked.
    PeerNameOfOthers(String),
    /// The rule has no peers at all.
    NoPeers,
    /// The protocol is right, and the port is another.
    Port(Vec<PortMatch>),
    /// The protocol is another.
    Protocol(Vec<PortMatch>),
    /// The rule has no ports at all.
    NoPorts,
}

/// A requirement that is not met, and what is there instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelMiss {
    /// What was asked for.
    pub wanted: Requirement,
    /// The label with that key, if there is one.
    pub found: Option<Label>,
}

/// The allow with the fewest unmet conditions; of equals the first.
pub(super) fn nearest(policy: &Policy, candidates: &[RuleId], question: &Question<'_>) -> Option<NearMiss> {
    let allows = candidates.iter().copied().filter(|id| {
        let rule = policy.rule(*id);
        rule.action == Action::Allow && rule.direction == question.direction
    });
    let scored = allows.filter_map(|id| {
        let misses = misses(policy, policy.rule(id), question);
        (!hopeless(&misses)).then(|| (distance(&misses), NearMiss { rule: id, misses }))
    });
    scored.min_by_key(|(distance, near)| (*distance, near.rule)).map(|(_, near)| near)
}

/// A rule that allows nothing is no help to anyone.
fn hopeless(misses: &[Miss]) -> bool {
    misses.iter().any(|miss| matches!(miss, Miss::NoPeers | Miss::NoPorts))
}

/// How far a rule is from matching. A wrong port is nearest: it is the commonest slip. A rule for
/// other pods is farthest.
fn distance(misses: &[Miss]) -> usize {
    let of = |miss: &Miss| match miss {
        Miss::Port(_) => 2,
        Miss::Protocol(_) => 5,
        Miss::PeerLabels(missing) => 2 + missing.len(),
        Miss::PeerExcepted(_) => 3,
        Miss::PeerOutside(_) | Miss::PeerName(_) => 4,
        Miss::PeerNameOfOthers(_) => 3,
        Miss::PeerHasNoAddress(_) => 5,
        Miss::Subject(missing) => 4 + 2 * missing.len(),
        Miss::NoPeers | Miss::NoPorts => 100,
    };
    misses.iter().map(of).sum::<usize>() * misses.len().max(1)
}

fn misses(policy: &Policy, rule: &Rule, question: &Question<'_>) -> Vec<Miss> {
    let mut misses = Vec::new();
    if !subject_matches(policy, rule.subject, question.subject) {
        let selector = policy.selector(rule.subject.selector());
        misses.push(Miss::Subject(unmet(selector, &question.subject.labels)));
    }
    if !peers_match(policy, &rule.peers, question.peer) {
        misses.push(match &rule.peers {
            Peers::Of(peers) => peers
                .iter()
                .map(|peer| peer_miss(policy, peer, question.peer))
                .min_by_key(|miss| distance(std::slice::from_ref(miss)))
                .unwrap_or(Miss::NoPeers),
            Peers::Any => Miss::NoPeers,
        });
    }
    if !ports_match(&rule.ports, question) {
        misses.push(match &rule.ports {
            Ports::Of(ports) if !ports.is_empty() => port_miss(ports, question),
            _ => Miss::NoPorts,
        });
    }
    misses
}

/// The ports of the same protocol if there are any, else all.
fn port_miss(ports: &[PortMatch], question: &Question<'_>) -> Miss {
    let same: Vec<PortMatch> =
        ports.iter().filter(|port| port.protocol == question.protocol).cloned().collect();
    if same.is_empty() { Miss::Protocol(ports.to_vec()) } else { Miss::Port(same) }
}

fn peer_miss(policy: &Policy, peer: &Peer, identity: &Identity) -> Miss {
    debug_assert!(!peer_matches(policy, peer, identity));
    let excepted = |except: &[Cidr]| {
        identity.address.and_then(|address| except.iter().find(|cidr| cidr.contains(address)).copied())
    };
    match peer {
        Peer::Labels { selector, except } => match excepted(except) {
            Some(cidr) => Miss::PeerExcepted(cidr),
            None => Miss::PeerLabels(unmet(policy.selector(*selector), &identity.labels)),
        },
        Peer::Cidr { cidr, except } => match (identity.address, excepted(except)) {
            (None, _) => Miss::PeerHasNoAddress(*cidr),
            (Some(address), Some(except)) if cidr.contains(address) => Miss::PeerExcepted(except),
            _ => Miss::PeerOutside(*cidr),
        },
        Peer::Name { pattern, .. } => {
            let text = pattern.text().to_owned();
            match identity.names.iter().any(|learned| pattern.matches(&learned.name)) {
                true => Miss::PeerNameOfOthers(text),
                false => Miss::PeerName(text),
            }
        }
    }
}

fn unmet(selector: &Selector, labels: &LabelSet) -> Vec<LabelMiss> {
    let miss =
        |wanted: &Requirement| LabelMiss { wanted: wanted.clone(), found: labels.get(&wanted.key).cloned() };
    selector.requirements().iter().filter(|r| !r.matches(labels)).map(miss).collect()
}

impl fmt::Display for Miss {
    /// A sentence in lower case: `the port is not 443/tcp`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Miss::Subject(missing) => write!(f, "it is for other pods: {}", Labels(missing)),
            Miss::PeerLabels(missing) => write!(f, "the peer does not fit: {}", Labels(missing)),
            Miss::PeerOutside(cidr) => write!(f, "the peer's address is not in `{cidr}`"),
            Miss::PeerExcepted(cidr) => write!(f, "the peer's address is in the exception `{cidr}`"),
            Miss::PeerHasNoAddress(cidr) => {
                write!(f, "`{cidr}` never matches pods or nodes: they are matched by labels and entities")
            }
            Miss::PeerName(pattern) => {
                write!(f, "no recorded DNS answer gives the peer a name that `{pattern}` matches")
            }
            Miss::PeerNameOfOthers(pattern) => {
                write!(f, "only other pods have asked for a name of the peer that `{pattern}` matches")
            }
            Miss::Port(ports) => write!(f, "the port is not {}", alternatives(ports)),
            Miss::Protocol(ports) => write!(f, "it is for {}", alternatives(ports)),
            Miss::NoPeers => f.write_str("it has no peers"),
            Miss::NoPorts => f.write_str("it has no ports"),
        }
    }
}

struct Labels<'m>(&'m [LabelMiss]);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, miss) in self.0.iter().enumerate() {
            if at > 0 {
                f.write_str("; ")?;
            }
            match &miss.found {
                Some(found) => write!(
                    f,
                    "`{}` is asked for, and `{}` is there",
                    requirement_text(&miss.wanted),
                    label_text(found)
                )?,
                None => write!(
                    f,
                    "`{}` is asked for, and there is no such label",
                    requirement_text(&miss.wanted)
                )?,
            }
        }
        Ok(())
    }
}

/// Of many ports this many are named.
const MOST_PORTS: usize = 4;

fn alternatives(ports: &[PortMatch]) -> String {
    let mut texts: Vec<String> = ports.iter().take(MOST_PORTS).map(port_text).collect();
    if ports.len() > MOST_PORTS {
        texts.push(format!("{} more", ports.len() - MOST_PORTS));
    }
    texts.join(" or ")
}

/// A requirement as people write it: `app=web`, `tier in (a, b)`, `!canary`, `reserved:host`. The sources
/// that nearly all labels have are left out.
pub fn requirement_text(requirement: &Requirement) -> String {
    let key = keyed(&requirement.source, &requirement.key);
    let list = |values: &[std::sync::Arc<str>]| values.join(", ");
    match &requirement.operator {
        Operator::In(values) if values.len() == 1 => format!("{key}={}", list(values)),
        Operator::In(values) => format!("{key} in ({})", list(values)),
        Operator::NotIn(values) => format!("{key} not in ({})", list(values)),
        Operator::Exists => key,
        Operator::DoesNotExist => format!("!{key}"),
    }
}

fn label_text(label: &Label) -> String {
    let key = keyed(&label.source, &label.key);
    if label.value.is_empty() { key } else { format!("{key}={}", label.value) }
}

fn keyed(source: &LabelSource, key: &str) -> String {
    match source {
        LabelSource::Any | LabelSource::K8s => key.to_owned(),
        other => format!("{}:{key}", other.word()),
    }
}

/// A port as people write it: `443/tcp`, `8000-8100/udp`, `web/tcp`, `icmp type 8`, `tcp` for all of it.
pub fn port_text(port: &PortMatch) -> String {
    let protocol = port.protocol;
    match &port.ports {
        PortSet::Range(PortRange::ALL) => protocol.to_string(),
        PortSet::Range(range) if protocol.is_icmp() => format!("{protocol} type {range}"),
        PortSet::Range(range) => format!("{range}/{protocol}"),
        PortSet::Named { name, end: None } => format!("{name}/{protocol}"),
        PortSet::Named { name, end: Some(end) } => format!("{name}-{end}/{protocol}"),
    }
}
