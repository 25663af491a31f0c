//! Whether one rule matches whatever another does, as far as that is plain.

use sluice_ir::net::PortRange;
use sluice_ir::policy::{Peer, Peers, Policy, PortMatch, PortSet, Ports, Rule};

use crate::lint::facts::covers as selector_covers;

/// Whether `wide` has every peer of `narrow`.
pub(super) fn peers_cover(policy: &Policy, wide: &Rule, narrow: &Rule) -> bool {
    match (&wide.peers, &narrow.peers) {
        (Peers::Any, _) => true,
        (Peers::Of(_), Peers::Any) => false,
        (Peers::Of(wide), Peers::Of(narrow)) => {
            !narrow.is_empty()
                && narrow.iter().all(|one| wide.iter().any(|other| peer_covers(policy, other, one)))
        }
    }
}

fn peer_covers(policy: &Policy, wide: &Peer, narrow: &Peer) -> bool {
    match (wide, narrow) {
        (Peer::Labels { selector: a, except: out }, Peer::Labels { selector: b, except }) => {
            (a == b || selector_covers(policy.selector(*a), policy.selector(*b)))
                && out.iter().all(|out| except.iter().any(|other| other.covers(*out)))
        }
        (Peer::Cidr { cidr: a, except: out }, Peer::Cidr { cidr: b, except }) => {
            a.covers(*b)
                && out.iter().all(|out| {
                    except.iter().any(|other| other.covers(*out)) || !(b.covers(*out) || out.covers(*b))
                })
        }
        (Peer::Name { pattern: a, by }, Peer::Name { pattern: b, by: other }) => a == b && by == other,
        _ => false,
    }
}

/// Whether `wide` has every port of `narrow`.
pub(super) fn ports_cover(wide: &Rule, narrow: &Rule) -> bool {
    match (&wide.ports, &narrow.ports) {
        (Ports::Any, _) => true,
        (Ports::Of(_), Ports::Any) => false,
        (Ports::Of(wide), Ports::Of(narrow)) => {
            !narrow.is_empty() && narrow.iter().all(|one| wide.iter().any(|other| port_covers(other, one)))
        }
    }
}

/// Whether the two have a port in common.
pub(super) fn ports_meet(a: &Rule, b: &Rule) -> bool {
    match (&a.ports, &b.ports) {
        (Ports::Any, _) | (_, Ports::Any) => true,
        (Ports::Of(a), Ports::Of(b)) => a.iter().any(|one| b.iter().any(|other| port_meets(one, other))),
    }
}

fn port_covers(wide: &PortMatch, narrow: &PortMatch) -> bool {
    wide.protocol == narrow.protocol
        && match (&wide.ports, &narrow.ports) {
            (PortSet::Range(a), PortSet::Range(b)) => a.start <= b.start && b.end <= a.end,
            (PortSet::Range(all), PortSet::Named { .. }) => *all == PortRange::ALL,
            (a, b) => a == b,
        }
}

fn port_meets(a: &PortMatch, b: &PortMatch) -> bool {
    a.protocol == b.protocol
        && match (&a.ports, &b.ports) {
            (PortSet::Range(a), PortSet::Range(b)) => a.start <= b.end && b.start <= a.end,
            (PortSet::Range(all), _) | (_, PortSet::Range(all)) => *all == PortRange::ALL,
            (a, b) => a == b,
        }
}
