//! What must hold of every policy.
//!
//! A [`Verified`] policy is proof that [`verify`] found nothing wrong; the stages behind it demand one.
//! The invariants:
//!
//! 1. Every selector, layer 7 and origin id of a rule names an entry of its table.
//! 2. Selectors are distinct: each is in the table once.
//! 3. A deny rule has neither layer 7 rules nor authentication.
//! 4. Layer 7 rules that a rule names are not empty: an allow without work for the proxy has none.
//! 5. HTTP rules, listeners, TLS and server names are only on TCP; DNS rules are only on egress, and
//!    on TCP, UDP or SCTP (semantics.md 2.4, 12.2).
//! 6. A layer 7 rule names ports: it is on no protocol as a whole (semantics.md 2.4).
//! 7. A prefix peer has a length above 0; an exception lies inside its prefix, and all exceptions of
//!    one peer are distinct.
//! 8. A name peer is only on egress, and only in an allow (semantics.md 1.3).
//! 9. A range of ports does not end before it starts; a named port is of a protocol that has ports.
//! 10. An origin has a file, a line and a column from 1, a kind and a name.

use std::collections::BTreeSet;

use super::{Action, Direction, L7Rules, Peer, Peers, Policy, PortSet, Ports, Rule};
use crate::ids::RuleId;
use crate::net::Protocol;

/// A policy that holds every invariant of [this module](self).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<T>(T);

impl<T> std::ops::Deref for Verified<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> Verified<T> {
    /// Gives up the proof, to change the thing.
    pub fn into_inner(self) -> T {
        self.0
    }
}

/// A broken invariant. It always means a mistake in Sluice, never in the user's input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Invariant 1.
    #[error("{0}: names {1}, which is not in its table")]
    Dangling(RuleId, String),
    /// Invariant 2.
    #[error("s{0}: the same selector as s{1}")]
    RepeatedSelector(usize, usize),
    /// Invariants 3 to 9, with the sentence that does not hold.
    #[error("{0}: {1}")]
    Rule(RuleId, &'static str),
    /// Invariant 10.
    #[error("o{0}: an origin needs a file, a line, a column, a kind and a name")]
    Origin(usize),
}

/// Checks every invariant.
///
/// # Errors
///
/// The first invariant that does not hold.
pub fn verify(policy: Policy) -> Result<Verified<Policy>, VerifyError> {
    selectors_are_distinct(&policy)?;
    for (index, origin) in policy.origins.iter().enumerate() {
        let incomplete = origin.file.is_empty() || origin.kind.is_empty() || origin.name.is_empty();
        if incomplete || origin.line == 0 || origin.column == 0 {
            return Err(VerifyError::Origin(index));
        }
    }
    for (id, rule) in policy.rules() {
        ids_name_entries(&policy, id, rule)?;
        action_fits(&policy, id, rule)?;
        peers_are_sound(id, rule)?;
        ports_are_sound(id, rule)?;
    }
    Ok(Verified(policy))
}

fn selectors_are_distinct(policy: &Policy) -> Result<(), VerifyError> {
    let mut order: Vec<usize> = (0..policy.selectors.len()).collect();
    order.sort_by(|a, b| policy.selectors[*a].cmp(&policy.selectors[*b]).then(a.cmp(b)));
    match order.windows(2).find(|pair| policy.selectors[pair[0]] == policy.selectors[pair[1]]) {
        Some(pair) => Err(VerifyError::RepeatedSelector(pair[1], pair[0])),
        None => Ok(()),
    }
}

fn ids_name_entries(policy: &Policy, id: RuleId, rule: &Rule) -> Result<(), VerifyError> {
    let dangling = |name: &dyn std::fmt::Display| Err(VerifyError::Dangling(id, name.to_string()));
    for selector in rule.selectors() {
        if selector.index() >= policy.selectors.len() {
            return dangling(&selector);
        }
    }
    match rule.l7 {
        Some(l7) if l7.index() >= policy.l7.len() => dangling(&l7),
        _ if rule.origin.index() >= policy.origins.len() => dangling(&rule.origin),
        _ => Ok(()),
    }
}

fn action_fits(policy: &Policy, id: RuleId, rule: &Rule) -> Result<(), VerifyError> {
    let fails = |sentence| Err(VerifyError::Rule(id, sentence));
    if rule.action == Action::Deny && (rule.l7.is_some() || rule.authentication.is_some()) {
        return fails("a deny has neither layer 7 rules nor authentication");
    }
    let Some(l7) = rule.l7.map(|l7| policy.l7(l7)) else { return Ok(()) };
    if l7.is_empty() {
        return fails("layer 7 rules are not empty");
    }
    let Ports::Of(ports) = &rule.ports else { return fails("a layer 7 rule names ports") };
    let dns = matches!(l7.rules, L7Rules::Dns(_));
    if dns && rule.direction == Direction::Ingress {
        return fails("DNS rules are only on egress");
    }
    let carries = |protocol: Protocol| if dns { protocol.has_ports() } else { protocol == Protocol::TCP };
    let only_names = matches!(l7.rules, L7Rules::None);
    if ports.iter().any(|port| !carries(port.protocol) && !only_names) {
        return fails("layer 7 rules are only on protocols that can carry them");
    }
    Ok(())
}

fn peers_are_sound(id: RuleId, rule: &Rule) -> Result<(), VerifyError> {
    let fails = |sentence| Err(VerifyError::Rule(id, sentence));
    let Peers::Of(peers) = &rule.peers else { return Ok(()) };
    for peer in peers {
        match peer {
            Peer::Cidr { cidr, .. } if cidr.length() == 0 => {
                return fails("a prefix peer has a length above 0");
            }
            Peer::Cidr { cidr, except } if except.iter().any(|e| !cidr.covers(*e)) => {
                return fails("an exception lies inside its prefix");
            }
            Peer::Name(_) if rule.direction == Direction::Ingress || rule.action == Action::Deny => {
                return fails("a name peer is only in an egress allow");
            }
            Peer::Cidr { except, .. } | Peer::Labels { except, .. } => {
                if except.iter().collect::<BTreeSet<_>>().len() != except.len() {
                    return fails("exceptions of one peer are distinct");
                }
            }
            Peer::Name(_) => {}
        }
    }
    Ok(())
}

fn ports_are_sound(id: RuleId, rule: &Rule) -> Result<(), VerifyError> {
    let Ports::Of(ports) = &rule.ports else { return Ok(()) };
    for port in ports {
        match &port.ports {
            PortSet::Range(range) if range.end < range.start => {
                return Err(VerifyError::Rule(id, "a range does not end before it starts"));
            }
            PortSet::Named { .. } if !port.protocol.has_ports() => {
                return Err(VerifyError::Rule(id, "a named port is of a protocol that has ports"));
            }
            _ => {}
        }
    }
    Ok(())
}
