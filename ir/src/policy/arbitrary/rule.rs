//! Random rules over tables of a fixed size.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::POOL;
use super::pool::{askers, names, prefixes};
use crate::ids::{L7Id, OriginId, SelectorId};
use crate::net::{PortName, PortRange, Protocol};
use crate::policy::{
    Action, Authentication, Direction, Peer, Peers, PortMatch, PortSet, Ports, Rule, Subject, Tier,
};

pub(super) fn rule() -> impl Strategy<Value = Rule> {
    let subject = (prop::bool::weighted(0.2), selector_id()).prop_map(|(nodes, selector)| match nodes {
        true => Subject::Nodes(selector),
        false => Subject::Endpoints(selector),
    });
    let authentication =
        select(vec![None, None, Some(Authentication::Disabled), Some(Authentication::Required)]);
    let what = (
        select(vec![Direction::Ingress, Direction::Egress]),
        select(vec![Action::Allow, Action::Allow, Action::Deny]),
        peers(),
        ports(),
        prop::option::weighted(0.3, (0..POOL).prop_map(L7Id::new)),
    );
    let when = (
        authentication,
        select(vec![Tier::Admin, Tier::Normal, Tier::Normal, Tier::Normal, Tier::Baseline]),
        prop::bool::weighted(0.7),
        (0..POOL).prop_map(OriginId::new),
    );
    (subject, what, when).prop_map(|(subject, what, when)| {
        let (direction, action, peers, ports, l7) = what;
        let (authentication, tier, default_deny, origin) = when;
        Rule { subject, direction, action, peers, ports, l7, authentication, tier, default_deny, origin }
    })
}

fn selector_id() -> impl Strategy<Value = SelectorId> {
    (0..POOL).prop_map(SelectorId::new)
}

fn peers() -> impl Strategy<Value = Peers> {
    let some = prop::collection::vec(peer(), 0..4).prop_map(Peers::Of);
    prop_oneof![1 => Just(Peers::Any), 4 => some]
}

fn peer() -> impl Strategy<Value = Peer> {
    let except = || prop_oneof![4 => Just(Vec::new()), 1 => subsequence(prefixes(), 0..3)];
    let labels = (selector_id(), except()).prop_map(|(selector, except)| Peer::Labels { selector, except });
    let cidr = (select(prefixes()), subsequence(prefixes(), 0..4)).prop_map(|(cidr, mut except)| {
        except.retain(|inner| cidr.covers(*inner));
        Peer::Cidr { cidr, except }
    });
    let name = (select(names()), select(askers())).prop_map(|(pattern, by)| Peer::Name { pattern, by });
    prop_oneof![4 => labels, 3 => cidr, 1 => name]
}

fn ports() -> impl Strategy<Value = Ports> {
    let some = prop::collection::vec(port(), 0..4).prop_map(Ports::Of);
    prop_oneof![1 => Just(Ports::Any), 4 => some]
}

fn port() -> impl Strategy<Value = PortMatch> {
    let range = (4..=7_u16, 4..=7_u16).prop_map(|(a, b)| PortRange { start: a.min(b), end: a.max(b) });
    let range = prop_oneof![5 => range, 1 => Just(PortRange::ALL)].prop_map(PortSet::Range);
    let name = select(["web", "dns"].into_iter().filter_map(PortName::parse).collect::<Vec<_>>());
    let named = (name, prop::option::of(4..=7_u16)).prop_map(|(name, end)| PortSet::Named { name, end });
    let any_protocol =
        select(vec![Protocol::TCP, Protocol::TCP, Protocol::UDP, Protocol::ICMP, Protocol(47)]);
    prop_oneof![
        3 => (any_protocol, range).prop_map(|(protocol, ports)| PortMatch { protocol, ports }),
        1 => (select(vec![Protocol::TCP, Protocol::UDP]), named)
            .prop_map(|(protocol, ports)| PortMatch { protocol, ports }),
    ]
}
