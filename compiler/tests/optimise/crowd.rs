//! Random policies whose rules are in each other's way.
//!
//! Rules that are drawn one by one seldom cover each other. Here most are copies of another with one thing
//! changed, which is where a pass that looks away for a moment goes wrong.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};
use sluice_ir::ids::{OriginId, SelectorId};
use sluice_ir::label::LabelSource;
use sluice_ir::net::{Cidr, PortRange};
use sluice_ir::policy::arbitrary::policies;
use sluice_ir::policy::verify::{Verified, verify};
use sluice_ir::policy::{
    Authentication, Enforcement, Peer, Peers, Policy, PortSet, Ports, Rule, Subject, Tier,
};
use sluice_ir::selector::{Operator, Requirement, Selector};

/// Verified policies of the tiny world in which rules have much in common.
pub(crate) fn crowded() -> impl Strategy<Value = Verified<Policy>> {
    let copies = prop::collection::vec((any::<Index>(), prop::collection::vec(change(), 0..3)), 1..8);
    let selectors = prop::option::of(prop::collection::vec(selector(), 12));
    (policies(), selectors, prop::bool::weighted(0.8), copies).prop_filter_map("must be sound", |parts| {
        let (policy, selectors, lively, copies) = parts;
        let mut policy = policy.into_inner();
        if policy.rules.is_empty() {
            return None;
        }
        if let Some(mut selectors) = selectors {
            selectors.truncate(policy.selectors.len());
            policy.selectors = selectors;
        }
        if lively {
            enliven(&mut policy);
        }
        for (which, changes) in copies {
            let at = which.index(policy.rules.len());
            let mut copy = policy.rules[at].clone();
            changes.into_iter().for_each(|change| change.apply(&policy, &mut copy));
            // A copy in front of the rule and one behind it are not the same to a pass.
            policy.rules.insert(which.index(at + 1), copy);
        }
        verify(policy.canonical()).ok()
    })
}

/// Makes rules select and match more often than by chance.
fn enliven(policy: &mut Policy) {
    policy.settings.enforcement = policy.settings.enforcement.min(Enforcement::Always);
    policy.selectors.push(Selector::default());
    let everyone = SelectorId::new(policy.selectors.len() - 1);
    for (at, rule) in policy.rules.iter_mut().enumerate() {
        rule.subject = Subject::Endpoints(everyone);
        if at % 3 > 0 && matches!(&rule.peers, Peers::Of(peers) if peers.is_empty()) {
            rule.peers = Peers::Any;
        }
        if at % 3 > 0 && rule.l7.is_none() && matches!(&rule.ports, Ports::Of(ports) if ports.is_empty()) {
            rule.ports = Ports::Any;
        }
    }
}

/// What is changed in a copy.
#[derive(Clone, Debug)]
enum Change {
    DefaultDeny,
    Authentication(Option<Authentication>),
    Tier(Tier),
    Layer7,
    Origin(Index),
    Selector(Index, Index),
    Except(Index, Cidr),
    WithoutPeer(Index),
    AnyPeer,
    PortEnd(Index, u16),
    AllPorts(Index),
    WithoutPort(Index),
}

fn change() -> impl Strategy<Value = Change> {
    let authentication = vec![None, Some(Authentication::Disabled), Some(Authentication::Required)];
    let cidrs: Vec<Cidr> = ["0.0.0.0/1", "64.0.0.0/2", "32.0.0.0/3", "160.0.0.0/3", "2000::/3"]
        .into_iter()
        .map(|text| text.parse().unwrap())
        .collect();
    let at = any::<Index>;
    prop_oneof![
        3 => Just(Change::DefaultDeny),
        2 => select(authentication).prop_map(Change::Authentication),
        1 => select(Tier::ORDER.to_vec()).prop_map(Change::Tier),
        1 => Just(Change::Layer7),
        1 => at().prop_map(Change::Origin),
        4 => (at(), at()).prop_map(|(peer, selector)| Change::Selector(peer, selector)),
        4 => (at(), select(cidrs)).prop_map(|(peer, cidr)| Change::Except(peer, cidr)),
        2 => at().prop_map(Change::WithoutPeer),
        1 => Just(Change::AnyPeer),
        3 => (at(), 3..9_u16).prop_map(|(port, end)| Change::PortEnd(port, end)),
        1 => at().prop_map(Change::AllPorts),
        1 => at().prop_map(Change::WithoutPort),
    ]
}

impl Change {
    fn apply(self, policy: &Policy, rule: &mut Rule) {
        let peers = match &mut rule.peers {
            Peers::Any => &mut Vec::new(),
            Peers::Of(peers) => peers,
        };
        let ports = match &mut rule.ports {
            Ports::Any => &mut Vec::new(),
            Ports::Of(ports) => ports,
        };
        let (some_peer, some_port) = (peers.len().max(1), ports.len().max(1));
        match self {
            Change::DefaultDeny => rule.default_deny = !rule.default_deny,
            Change::Authentication(authentication) => rule.authentication = authentication,
            Change::Tier(tier) => rule.tier = tier,
            Change::Layer7 => rule.l7 = None,
            Change::Origin(at) => rule.origin = OriginId::new(at.index(policy.origins.len())),
            Change::AnyPeer => rule.peers = Peers::Any,
            Change::WithoutPeer(at) => drop(peers.splice(cut(peers.len(), &at), [])),
            Change::WithoutPort(at) => drop(ports.splice(cut(ports.len(), &at), [])),
            Change::Selector(at, to) => {
                if let Some(Peer::Labels { selector, .. }) = peers.get_mut(at.index(some_peer)) {
                    *selector = SelectorId::new(to.index(policy.selectors.len()));
                }
            }
            Change::Except(at, cidr) => match peers.get_mut(at.index(some_peer)) {
                Some(Peer::Labels { except, .. } | Peer::Cidr { except, .. }) => match except.pop() {
                    Some(_) => {}
                    None => except.push(cidr),
                },
                Some(Peer::Name { .. }) | None => {}
            },
            Change::PortEnd(at, to) => match ports.get_mut(at.index(some_port)).map(|port| &mut port.ports) {
                Some(PortSet::Range(range)) => range.end = to.max(range.start),
                Some(PortSet::Named { end, .. }) => *end = Some(to).filter(|to| *to > 3),
                None => {}
            },
            Change::AllPorts(at) => {
                if let Some(port) = ports.get_mut(at.index(some_port)) {
                    port.ports = PortSet::Range(PortRange::ALL);
                }
            }
        }
    }
}

/// The place of one of `length` things, if there are any.
fn cut(length: usize, at: &Index) -> std::ops::Range<usize> {
    if length == 0 { 0..0 } else { at.index(length)..at.index(length) + 1 }
}

/// Up to four requirements on two keys.
fn selector() -> impl Strategy<Value = Selector> {
    let source = select(vec![LabelSource::Any, LabelSource::K8s, LabelSource::Node]);
    let values = || {
        subsequence(vec!["x", "y", "z"], 0..=2)
            .prop_map(|values| values.into_iter().map(Arc::from).collect::<Arc<[_]>>())
    };
    let operator = prop_oneof![
        3 => values().prop_map(Operator::In),
        2 => values().prop_map(Operator::NotIn),
        1 => Just(Operator::Exists),
        1 => Just(Operator::DoesNotExist),
    ];
    let requirement = (source, select(vec!["app", "app", "role"]), operator)
        .prop_map(|(source, key, operator)| Requirement::new(source, key, operator));
    prop::collection::vec(requirement, 0..=4).prop_map(Selector::from_iter)
}
