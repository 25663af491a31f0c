//! The ports of a rule without overlap.
//!
//! Ports are alternatives, so a rule's ports are a set of (protocol, number), and any other list of the
//! same set will do:
//!
//! * `a-b` and `c-d` of one protocol, where `c <= b + 1`, are `a-max(b, d)`.
//! * A name beside every number of its protocol says nothing new: whatever number it has is there.
//! * On ingress a name stands for `number - max(number, end)`, so of two ends the higher one covers the
//!   other, and no end is the end 0. On egress the end does not count (semantics.md 12.1).
//!
//! **Why the answer survives**: the rule matches the same questions, so the same rules match, with
//! the same actions and origins.
//!
//! HTTP and DNS rules may not be on a protocol as a whole, and ranges that were written apart do not make
//! them so: there the merge stops short of [`PortRange::ALL`] and leaves `0` and `1-65535`.

use std::collections::BTreeMap;

use sluice_ir::net::{PortName, PortRange, Protocol};
use sluice_ir::policy::{Direction, L7Rules, Policy, PortMatch, PortSet, Ports, Rule};

/// Ports without overlap in every rule, in order of protocol and number, names last.
pub fn ports(policy: &Policy) -> Policy {
    let rules = policy.rules.iter().map(|rule| match &rule.ports {
        Ports::Any => rule.clone(),
        Ports::Of(ports) => Rule { ports: Ports::Of(merged(policy, rule, ports)), ..rule.clone() },
    });
    policy.of_rules(rules)
}

/// What a rule says about one protocol.
#[derive(Default)]
struct OfProtocol {
    ranges: Vec<PortRange>,
    /// Where the range of a name ends, or 0.
    names: BTreeMap<PortName, u16>,
}

fn merged(policy: &Policy, rule: &Rule, ports: &[PortMatch]) -> Vec<PortMatch> {
    let mut protocols: BTreeMap<Protocol, OfProtocol> = BTreeMap::new();
    for port in ports {
        let of = protocols.entry(port.protocol).or_default();
        match &port.ports {
            PortSet::Range(range) => of.ranges.push(*range),
            PortSet::Named { name, end } => {
                let end = end.filter(|_| rule.direction == Direction::Ingress).unwrap_or(0);
                let known = of.names.entry(name.clone()).or_default();
                *known = end.max(*known);
            }
        }
    }
    let may_be_whole = rule.l7.is_none_or(|l7| matches!(policy.l7(l7).rules, L7Rules::None));
    protocols.into_iter().flat_map(|(protocol, of)| matches_of(protocol, of, may_be_whole)).collect()
}

fn matches_of(protocol: Protocol, of: OfProtocol, may_be_whole: bool) -> impl Iterator<Item = PortMatch> {
    let ranges = without_overlap(of.ranges);
    let whole = ranges.contains(&PortRange::ALL);
    let ranges = match whole && !may_be_whole {
        true => vec![PortRange::single(0), PortRange { start: 1, end: u16::MAX }],
        false => ranges,
    };
    let name = |(name, end): (PortName, u16)| PortSet::Named { name, end: Some(end).filter(|end| *end > 0) };
    let names = of.names.into_iter().filter(move |_| !whole).map(name);
    ranges.into_iter().map(PortSet::Range).chain(names).map(move |ports| PortMatch { protocol, ports })
}

/// The same numbers in ranges that neither overlap nor touch, in order.
fn without_overlap(mut ranges: Vec<PortRange>) -> Vec<PortRange> {
    ranges.sort();
    let mut apart: Vec<PortRange> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match apart.last_mut() {
            Some(last) if range.start <= last.end.saturating_add(1) => last.end = last.end.max(range.end),
            _ => apart.push(range),
        }
    }
    apart
}
