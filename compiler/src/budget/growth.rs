//! How much DNS can add.
//!
//! A name that is allowed may be answered with any address, and each is a prefix of the node's table from then on. How
//! many there may be of one name is a limit of the agent. So the worst case can be made: every name answered with as
//! many addresses, none of them near another, and the table made with them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};

use sluice_ir::dns_name::{DnsName, DnsPattern};
use sluice_ir::origin::Origin;
use sluice_ir::policy::eval::subject_matches;
use sluice_ir::policy::{Peer, Peers, Policy, Rule};

use super::Table;
use crate::Compiled;
use crate::classify::{Judged, Limits};
use crate::decide::DecideError;

/// The table with so many answers.
#[derive(Debug)]
pub struct Growth {
    /// Each name or pattern that a rule in force allows, in order.
    pub names: Vec<NameGrowth>,
    /// How many addresses each was given.
    pub addresses_each: usize,
    /// The table with them.
    pub table: Table,
}

/// A name or pattern, and what it adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NameGrowth {
    /// As it is written.
    pub pattern: DnsPattern,
    /// The first line that has it.
    pub origin: Origin,
    /// Endpoints of the node that it is allowed for.
    pub endpoints: usize,
    /// Addresses known today.
    pub known: usize,
}

/// More made-up addresses than this tell nothing new.
const MOST: usize = 100_000;

/// The table of a node with `each` addresses for each name, or fewer where there are many names. None if no rule in force allows a name.
///
/// # Errors
///
/// As [`Table::new`].
pub fn growth(
    compiled: &Compiled,
    node: Option<&str>,
    limits: &Limits,
    table: &Table,
    each: usize,
) -> Result<Option<Growth>, DecideError> {
    let names = names(compiled, table);
    if names.is_empty() {
        return Ok(None);
    }
    let addresses_each = each.min(MOST / names.len()).max(1);
    let mut inventory = compiled.inventory.clone();
    let mut scattered = scattered();
    for name in names.iter().filter_map(|name| example(&name.pattern)) {
        for address in scattered.by_ref().take(addresses_each) {
            inventory.set_answer(&name.clone().into(), address, true);
        }
    }
    let table = Table::of(&inventory, &compiled.policy, node, limits)?;
    Ok(Some(Growth { names, addresses_each, table }))
}

fn names(compiled: &Compiled, table: &Table) -> Vec<NameGrowth> {
    let policy = &compiled.policy;
    let answers = compiled.inventory.answers();
    let mut found: BTreeMap<&DnsPattern, (&Origin, BTreeSet<usize>)> = BTreeMap::new();
    for at in table.in_force(policy) {
        let Some(rule) = policy.rules.get(at) else { continue };
        let Peers::Of(peers) = &rule.peers else { continue };
        for peer in peers {
            if let Peer::Name { pattern, .. } = peer {
                let origin = &policy.origins[rule.origin.index()];
                let (_, endpoints) = found.entry(pattern).or_insert_with(|| (origin, Default::default()));
                endpoints.extend(selected(table, policy, rule));
            }
        }
    }
    let known = |pattern: &DnsPattern| {
        let names = answers.0.iter().filter(|(learned, _)| pattern.matches(&learned.name));
        names.map(|(_, addresses)| addresses.len()).sum()
    };
    let growth = |(pattern, (origin, endpoints)): (&DnsPattern, (&Origin, BTreeSet<usize>))| NameGrowth {
        pattern: pattern.clone(),
        origin: origin.clone(),
        endpoints: endpoints.len(),
        known: known(pattern),
    };
    found.into_iter().map(growth).collect()
}

/// The places of the endpoints that a rule selects.
fn selected(table: &Table, policy: &Policy, rule: &Rule) -> impl Iterator<Item = usize> {
    let selects = |judged: &Judged| subject_matches(policy, rule.subject, &judged.identity);
    table.judged.iter().enumerate().filter(move |(_, judged)| selects(judged)).map(|(at, _)| at)
}

/// A name that a pattern allows.
fn example(pattern: &DnsPattern) -> Option<DnsName> {
    if let Some(name) = pattern.exact_name() {
        return Some(name.clone());
    }
    let text = pattern.text().replace("**.", "a.").replace('*', "a");
    let name = DnsName::parse(text.trim_start_matches('.')).ok()?;
    pattern.matches(&name).then_some(name)
}

/// Addresses that nobody has (RFC 1112, section 4: reserved), each in a /24 of its own.
fn scattered() -> impl Iterator<Item = IpAddr> {
    (0..1 << 20_u32).map(|at: u32| IpAddr::V4(Ipv4Addr::from(0xf000_0001 | at << 8)))
}

#[cfg(test)]
mod tests {
    use sluice_ir::dns_name::DnsPattern;

    #[test]
    fn a_pattern_allows_its_example() {
        for pattern in ["*", "*.example.com", "**.example.com", "a*b.example.com", "*.*.example.com"] {
            let pattern = DnsPattern::match_pattern(pattern).unwrap();
            assert!(super::example(&pattern).is_some(), "{}", pattern.text());
        }
    }
}
