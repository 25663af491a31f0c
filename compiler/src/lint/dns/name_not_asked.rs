//! S1302: a name that may not be looked up.

use std::collections::BTreeSet;

use sluice_ir::dns_name::{DnsName, DnsPattern};
use sluice_ir::policy::{Direction, DnsRule, Peer, Rule};

use super::{dns_rules, has_names};
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::EntryFact;
use crate::lint::who_else::Others;
use crate::lint::{Context, Lint};
use crate::resource::cilium::PeerItems;
use crate::source::Span;

pub(super) const LINT: Lint = Lint { code: Code::NameNotAsked, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = &context.compiled.policy;
    let lookups = Others::new(context, Direction::Egress, |rule| dns_rules(policy, rule).is_some());
    let mut told = BTreeSet::new();
    for ((_, rule), written) in policy.rules().zip(&context.compiled.written) {
        if !has_names(rule) {
            continue;
        }
        let may: Vec<&DnsRule> = lookups
            .meeting(rule.subject)
            .filter_map(|id| dns_rules(policy, policy.rule(id)))
            .flatten()
            .collect();
        if may.is_empty() {
            continue;
        }
        for pattern in patterns(rule) {
            let Some(name) = example(pattern).filter(|name| !asks(&may, name)) else { continue };
            let Some(entry) = context.facts.entry_of(written.span) else { continue };
            let Some(place) = place(entry, pattern).filter(|place| told.insert(*place)) else { continue };
            let message =
                format!("no DNS rule lets these pods ask for `{name}`, so its addresses are never learned");
            let help = format!("add `{}` to the DNS rules of these pods", pattern.text());
            found.push(context.finding(Code::NameNotAsked, entry.resource, place, message).help(help));
        }
    }
}

fn patterns(rule: &Rule) -> impl Iterator<Item = &DnsPattern> {
    rule.peers.listed().iter().filter_map(|peer| match peer {
        Peer::Name { pattern, .. } => Some(pattern),
        _ => None,
    })
}

/// Where a pattern stands in an entry.
fn place(entry: &EntryFact<'_>, pattern: &DnsPattern) -> Option<Span> {
    let lists = entry.cilium.into_iter().flat_map(|spec| &spec.peers);
    let mut items = lists.flat_map(|list| match &list.items {
        PeerItems::Names(names) => names.as_slice(),
        _ => &[],
    });
    items.find(|item| item.value.as_ref() == Some(pattern)).map(|item| item.span)
}

/// A name that a pattern stands for.
fn example(pattern: &DnsPattern) -> Option<DnsName> {
    if pattern.is_any_name() {
        return None;
    }
    let text = pattern.text().replace("**", "*").replace('*', "x");
    DnsName::parse(&text).ok().filter(|name| !name.is_root() && pattern.matches(name))
}

fn asks(rules: &[&DnsRule], name: &DnsName) -> bool {
    rules.iter().any(|rule| rule.name.iter().chain(&rule.pattern).any(|pattern| pattern.matches(name)))
}
