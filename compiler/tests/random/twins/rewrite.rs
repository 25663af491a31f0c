//! Other ways to write the same rules.

use crate::shape::*;

/// Rewrites the rules of a Cilium policy; others stay.
pub(super) fn with_rules(policy: &Policy, rewrite: impl Fn(&Rule) -> Vec<Rule>) -> Vec<Policy> {
    let mut policy = policy.clone();
    if let Policy::Cilium(policy) = &mut policy {
        policy.rules = policy.rules.iter().flat_map(rewrite).collect();
    }
    vec![policy]
}

/// Rewrites the entries of a rule in their lists.
pub(super) fn with_entries(rule: &Rule, rewrite: impl Fn(&Entry) -> Vec<Entry>) -> Rule {
    let mut rule = rule.clone();
    for entries in rule.allow.iter_mut().chain(&mut rule.deny).flatten() {
        *entries = entries.iter().flat_map(&rewrite).collect();
    }
    rule
}

/// A range of several ports as two; nothing else changes.
pub(super) fn split_range(port: &Port) -> Vec<Port> {
    match (port.port, port.end) {
        (NumberOrName::Number(first), Some(end)) if first > 0 && first < end => {
            let middle = first.midpoint(end);
            let upper = NumberOrName::Number(middle + 1);
            vec![Port { end: Some(middle), ..port.clone() }, Port { port: upper, ..port.clone() }]
        }
        _ => vec![port.clone()],
    }
}

/// `ANY` as its three protocols.
pub(super) fn spelled_out(port: &Port) -> Vec<Port> {
    match port.protocol {
        None | Some("ANY") => {
            ["TCP", "UDP", "SCTP"].map(|word| Port { protocol: Some(word), ..port.clone() }).to_vec()
        }
        _ => vec![port.clone()],
    }
}

pub(super) fn with_ports(entry: &Entry, rewrite: impl Fn(&PortRule, &Port) -> Vec<Port>) -> Entry {
    let mut entry = entry.clone();
    if let Traffic::Ports(rules) = &mut entry.traffic {
        for rule in rules {
            let ports = rule.ports.clone();
            rule.ports = ports.map(|ports| ports.iter().flat_map(|port| rewrite(rule, port)).collect());
        }
    }
    entry
}

pub(super) fn one_by_one<T: Clone>(items: &[T]) -> Vec<Vec<T>> {
    items.iter().map(|item| vec![item.clone()]).collect()
}

/// An entry for each of the peers, and for each element of `toPorts`: a cross product.
pub(super) fn multiplied(entry: &Entry) -> Vec<Entry> {
    let peers: Vec<Option<Peers>> = match &entry.peers {
        None => vec![None],
        Some(Peers::Endpoints(all)) => one_by_one(all).into_iter().map(Peers::Endpoints).map(Some).collect(),
        Some(Peers::Cidr(all)) => one_by_one(all).into_iter().map(Peers::Cidr).map(Some).collect(),
        Some(Peers::CidrSet(all)) => one_by_one(all).into_iter().map(Peers::CidrSet).map(Some).collect(),
        Some(Peers::Entities(all)) => one_by_one(all).into_iter().map(Peers::Entities).map(Some).collect(),
        Some(Peers::Names(all)) => one_by_one(all).into_iter().map(Peers::Names).map(Some).collect(),
    };
    let traffic: Vec<Traffic> = match &entry.traffic {
        Traffic::Ports(rules) if !rules.is_empty() => {
            one_by_one(rules).into_iter().map(Traffic::Ports).collect()
        }
        Traffic::Icmps(rules) if !rules.is_empty() => {
            one_by_one(rules).into_iter().map(Traffic::Icmps).collect()
        }
        other => vec![other.clone()],
    };
    let entry = |peers: &Option<Peers>, traffic: &Traffic| Entry {
        peers: peers.clone(),
        empty: entry.empty.clone(),
        traffic: traffic.clone(),
    };
    peers.iter().flat_map(|peers| traffic.iter().map(move |traffic| entry(peers, traffic))).collect()
}

/// A rule for each entry.
pub(super) fn entry_by_entry(rule: &Rule) -> Vec<Rule> {
    let bare = Rule { allow: [None, None], deny: [None, None], ..rule.clone() };
    let mut rules = Vec::new();
    for at in 0..2 {
        for entry in rule.allow[at].iter().flatten() {
            rules.push(bare.clone());
            rules.last_mut().unwrap().allow[at] = Some(vec![entry.clone()]);
        }
        for entry in rule.deny[at].iter().flatten() {
            rules.push(bare.clone());
            rules.last_mut().unwrap().deny[at] = Some(vec![entry.clone()]);
        }
    }
    rules
}

/// A selector with the sources of its keys written out. `tier` and `zone` are also keys of groups, and a
/// subject's namespace is overwritten only under `k8s`.
pub(super) fn with_sources(selector: &Selector) -> Selector {
    let rewrite = |r: &Requirement| {
        let source = match r.source {
            None if ["tier", "zone", "io.kubernetes.pod.namespace"].contains(&r.key) => Some("any"),
            None => Some("k8s"),
            Some("any") => None,
            other => other,
        };
        Requirement { source, ..r.clone() }
    };
    selector.iter().map(rewrite).collect()
}

pub(super) fn with_selectors(rule: &Rule, rewrite: impl Fn(&Selector) -> Selector) -> Rule {
    let subject = rewrite(&rule.subject);
    let entry = |entry: &Entry| {
        let peers = entry.peers.as_ref().map(|peers| match peers {
            Peers::Endpoints(selectors) => Peers::Endpoints(selectors.iter().map(&rewrite).collect()),
            other => other.clone(),
        });
        vec![Entry { peers, ..entry.clone() }]
    };
    Rule { subject, ..with_entries(rule, entry) }
}

/// A prefix as a set of one item without exceptions.
pub(super) fn as_sets(entry: &Entry) -> Vec<Entry> {
    let item = |cidr: &&'static str| CidrItem { base: CidrBase::Cidr(cidr), except: Vec::new() };
    let peers = match &entry.peers {
        // A set takes no bare address, and no second list of its kind.
        Some(Peers::Cidr(cidrs)) if cidrs.iter().all(|cidr| cidr.contains('/')) && entry.empty.is_empty() => {
            Some(Peers::CidrSet(cidrs.iter().map(item).collect()))
        }
        other => other.clone(),
    };
    vec![Entry { peers, ..entry.clone() }]
}
