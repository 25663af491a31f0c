//! S1302: a name that may not be looked up.

use sluice_ir::dns_name::{DnsName, DnsPattern};
use sluice_ir::policy::{Direction, DnsRule, Peer, Peers, Rule};

use super::{dns_rules, has_names};
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::who_else::Others;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::NameNotAsked, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = &context.compiled.policy;
    let lookups = Others::new(context, Direction::Egress, |rule| dns_rules(policy, rule).is_some());
    let named: Vec<super::Name<'_>> = super::names(context).collect();
    let mut told = Vec::new();
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
            let here = |one: &&super::Name<'_>| one.pattern == pattern && one.span.file == written.span.file;
            let places =
                named.iter().filter(here).min_by_key(|one| one.span.start.abs_diff(written.span.start));
            let Some(place) = places.filter(|place| !told.contains(&place.span)) else { continue };
            told.push(place.span);
            let message =
                format!("no DNS rule lets these pods ask for `{name}`, so its addresses are never learned");
            let help = format!("add `{}` to the DNS rules of these pods", pattern.text());
            found.push(context.finding(Code::NameNotAsked, place.resource, place.span, message).help(help));
        }
    }
}

fn patterns(rule: &Rule) -> impl Iterator<Item = &DnsPattern> {
    let peers = match &rule.peers {
        Peers::Of(peers) => peers.as_slice(),
        Peers::Any => &[],
    };
    peers.iter().filter_map(|peer| match peer {
        Peer::Name(pattern) => Some(pattern),
        _ => None,
    })
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
