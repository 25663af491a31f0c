//! Random policies, and every question about a tiny world: for tests and fuzzing.
//!
//! The world is small so that rules often meet: three namespaces, four pods, two of them with a port of
//! one name, ports 4 to 7, prefixes of 1 to 3 bits with one address in each eighth of IPv4. What a
//! policy does in it is the list of answers to [`questions`].

pub(crate) mod pool;
mod rule;
pub(crate) mod wild;
mod world;

use proptest::prelude::*;

pub use self::world::{endpoints, identities, questions};

use self::pool::{tiny_l7, tiny_origins, tiny_selectors};
use self::rule::rule;
use self::wild::{wild_l7, wild_origin, wild_selector};
use super::verify::{Verified, verify};
use super::{
    Action, Direction, Enforcement, L7, L7Rules, Peer, Peers, Policy, PortSet, Ports, Rule, Settings,
};
use crate::net::{PortRange, Protocol};
use crate::origin::Origin;
use crate::selector::Selector;

/// How many selectors, layer 7 rules and origins random rules choose from.
pub(crate) const POOL: usize = 12;

/// Verified policies about the tiny world.
pub fn policies() -> impl Strategy<Value = Verified<Policy>> {
    assemble(Just(tiny_selectors()), Just(tiny_l7()), Just(tiny_origins()))
}

/// Verified policies with any text wherever text can stand.
pub fn wild_policies() -> impl Strategy<Value = Verified<Policy>> {
    let pool = |l7: L7| prop::collection::vec(wild_l7(l7), 1);
    let l7: Vec<_> = tiny_l7().into_iter().map(pool).collect();
    assemble(
        prop::collection::vec(wild_selector(), POOL),
        l7.prop_map(|l7| l7.concat()),
        prop::collection::vec(wild_origin(), POOL),
    )
}

/// Policies over tables of [`POOL`] entries; what no rule uses goes away.
fn assemble(
    selectors: impl Strategy<Value = Vec<Selector>>,
    l7: impl Strategy<Value = Vec<L7>>,
    origins: impl Strategy<Value = Vec<Origin>>,
) -> impl Strategy<Value = Verified<Policy>> {
    let rules = prop::collection::vec(rule(), 0..7);
    (settings(), selectors, l7, origins, rules).prop_filter_map("must be sound", |parts| {
        let (settings, selectors, l7, origins, mut rules) = parts;
        rules.iter_mut().for_each(|rule| make_sound(rule, &l7));
        verify(Policy { settings, selectors, l7, origins, rules }.canonical()).ok()
    })
}

fn settings() -> impl Strategy<Value = Settings> {
    let enforcement = prop_oneof![
        6 => Just(Enforcement::Default),
        3 => Just(Enforcement::Always),
        1 => Just(Enforcement::Never),
    ];
    (enforcement, any::<bool>(), any::<bool>()).prop_map(|(enforcement, allow_localhost, host_firewall)| {
        Settings { enforcement, allow_localhost, host_firewall }
    })
}

/// Takes away what the [verifier](super::verify) does not allow beside the rest of the rule.
fn make_sound(rule: &mut Rule, l7: &[L7]) {
    let names = rule.direction == Direction::Egress && rule.action == Action::Allow;
    if let (Peers::Of(peers), false) = (&mut rule.peers, names) {
        peers.retain(|peer| !matches!(peer, Peer::Name { .. }));
    }
    if rule.action == Action::Deny {
        (rule.l7, rule.authentication) = (None, None);
    }
    let rules = rule.l7.and_then(|id| l7.get(id.index())).map(|l7| &l7.rules);
    let fits = |protocol: Protocol| match rules {
        Some(L7Rules::Http(_)) => protocol == Protocol::TCP,
        _ => protocol.has_ports(),
    };
    match (rules, &mut rule.ports) {
        (None, _) => rule.l7 = None,
        (Some(L7Rules::Dns(_)), _) if rule.direction == Direction::Ingress => rule.l7 = None,
        (Some(_), Ports::Any) => rule.l7 = None,
        (Some(_), Ports::Of(ports)) => {
            ports.retain(|port| fits(port.protocol) && port.ports != PortSet::Range(PortRange::ALL));
        }
    }
}
