//! What must hold of every policy.
//!
//! A [`Verified`] policy is proof that [`verify`] found nothing wrong; the stages behind it demand one.
//! The invariants:
//!
//! 1. Every selector, layer 7 and origin id of a rule names an entry of its table.
//! 2. A table holds each entry once, in the order in which rules first use them (a rule uses its subject's
//!    selector, then those of its peers), and none that no rule uses. [`Policy::canonical`] restores this.
//! 3. A deny rule has neither layer 7 rules nor authentication.
//! 4. Layer 7 rules that a rule names are not empty: an allow without work for the proxy has none.
//! 5. Layer 7 rules are only on protocols that have ports, HTTP rules only on TCP, and DNS rules only on
//!    egress (semantics.md 2.4, 12.2).
//! 6. A rule with layer 7 rules names protocols; with HTTP or DNS rules it names ports, so that it is on no
//!    protocol as a whole (semantics.md 2.4).
//! 7. A prefix peer has a length above 0; an exception lies inside its prefix, and all exceptions of
//!    one peer are distinct.
//! 8. A name peer is only on egress, and only in an allow (semantics.md 1.3).
//! 9. A range of ports does not end before it starts; a named port is of a protocol that has ports.
//! 10. An origin has a file, a line and a column from 1, a kind and a name.
//! 11. A selector is in canonical form: requirements and values are sorted and distinct, and a source that
//!     has a variant of [`LabelSource`](crate::label::LabelSource) is not spelled as another.
//! 12. A DNS rule has a `matchName` for a name and a `matchPattern` for a pattern.

use std::collections::BTreeSet;
use std::hash::Hash;

use rayon::join;
use rustc_hash::{FxBuildHasher, FxHashMap};

pub use crate::verified::Verified;

use super::{Action, Direction, L7Rules, Peer, Peers, Policy, PortMatch, PortSet, Ports, Rule};
use crate::ids::{L7Id, OriginId, RuleId, SelectorId};
use crate::net::{PortRange, Protocol};

/// A broken invariant. It always means a mistake in Sluice, never in the user's input.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// Invariant 1.
    #[error("{0}: names {1}, which is not in its table")]
    Dangling(RuleId, String),
    /// Invariant 2: the second of two equal entries, and the first.
    #[error("{0}: the same {2} as {1}")]
    Repeated(String, String, &'static str),
    /// Invariant 2.
    #[error("the tables are not in order of first use, or hold what no rule uses")]
    Order,
    /// Invariant 11.
    #[error("{0}: not in canonical form")]
    Selector(SelectorId),
    /// Invariants 3 to 9 and 12, with the sentence that does not hold.
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
    let (tables, rules) = (|| tables_are_sound(&policy), || rules_are_sound(&policy));
    let (tables, rules) = if policy.rules.len() < MANY { (tables(), rules()) } else { join(tables, rules) };
    // The error is the one that comes first here, whichever is found first.
    tables.and(rules)?;
    // Last, as it says the least about what went wrong.
    if policy.is_in_order_of_use() { Ok(Verified::attest(policy)) } else { Err(VerifyError::Order) }
}

/// To wake a second thread for fewer rules than this takes longer than it saves: an object that changes has a few.
const MANY: usize = 1024;

fn tables_are_sound(policy: &Policy) -> Result<(), VerifyError> {
    entries_are_distinct("selector", &policy.selectors, SelectorId::new)?;
    entries_are_distinct("layer 7 rules", &policy.l7, L7Id::new)?;
    entries_are_distinct("origin", &policy.origins, OriginId::new)
}

fn rules_are_sound(policy: &Policy) -> Result<(), VerifyError> {
    for (index, selector) in policy.selectors.iter().enumerate() {
        if !selector.is_canonical() {
            return Err(VerifyError::Selector(SelectorId::new(index)));
        }
    }
    for (index, origin) in policy.origins.iter().enumerate() {
        if !origin.is_whole() {
            return Err(VerifyError::Origin(index));
        }
    }
    for (id, rule) in policy.rules() {
        ids_name_entries(policy, id, rule)?;
        action_fits(policy, id, rule)?;
        l7_fits(policy, id, rule)?;
        peers_are_sound(id, rule)?;
        ports_are_sound(id, rule)?;
    }
    Ok(())
}

fn entries_are_distinct<T: Eq + Hash, Id: std::fmt::Display>(
    what: &'static str,
    table: &[T],
    id: fn(usize) -> Id,
) -> Result<(), VerifyError> {
    let mut seen = FxHashMap::with_capacity_and_hasher(table.len(), FxBuildHasher);
    for (index, entry) in table.iter().enumerate() {
        if let Some(first) = seen.insert(entry, index) {
            return Err(VerifyError::Repeated(id(index).to_string(), id(first).to_string(), what));
        }
    }
    Ok(())
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
    if rule.l7.is_some_and(|l7| policy.l7(l7).is_empty()) {
        return fails("layer 7 rules are not empty");
    }
    Ok(())
}

fn l7_fits(policy: &Policy, id: RuleId, rule: &Rule) -> Result<(), VerifyError> {
    let fails = |sentence| Err(VerifyError::Rule(id, sentence));
    let Some(l7) = rule.l7.map(|l7| policy.l7(l7)) else { return Ok(()) };
    let Ports::Of(ports) = &rule.ports else { return fails("a layer 7 rule names ports") };
    let whole = |port: &PortMatch| port.ports == PortSet::Range(PortRange::ALL);
    if !matches!(l7.rules, L7Rules::None) && ports.iter().any(whole) {
        return fails("a layer 7 rule names ports");
    }
    if matches!(l7.rules, L7Rules::Dns(_)) && rule.direction == Direction::Ingress {
        return fails("DNS rules are only on egress");
    }
    if !l7.rules.members_fit() {
        return fails("a DNS rule has a name and a pattern in their places");
    }
    let http = matches!(l7.rules, L7Rules::Http(_));
    let carries = |protocol: Protocol| if http { protocol == Protocol::TCP } else { protocol.has_ports() };
    if !ports.iter().all(|port| carries(port.protocol)) {
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
            Peer::Name { .. } if rule.direction == Direction::Ingress || rule.action == Action::Deny => {
                return fails("a name peer is only in an egress allow");
            }
            Peer::Cidr { except, .. } | Peer::Labels { except, .. } => {
                if except.iter().collect::<BTreeSet<_>>().len() != except.len() {
                    return fails("exceptions of one peer are distinct");
                }
            }
            Peer::Name { .. } => {}
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
