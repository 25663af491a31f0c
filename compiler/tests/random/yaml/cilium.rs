//! Rules of Cilium policies.

use serde_json::{Value, json};

use super::selector;
use crate::shape::*;

pub(super) fn rule(rule: &Rule) -> Value {
    let mut tree = json!({"endpointSelector": selector(&rule.subject)});
    for (at, direction) in DIRECTIONS.into_iter().enumerate() {
        let entries = |entries: &Vec<Entry>| entries.iter().map(|e| entry(e, at)).collect::<Value>();
        if let Some(allow) = &rule.allow[at] {
            tree[direction] = entries(allow);
        }
        if let Some(deny) = &rule.deny[at] {
            tree[format!("{direction}Deny")] = entries(deny);
        }
        if let Some(value) = rule.default_deny[at] {
            tree["enableDefaultDeny"][direction] = json!(value);
        }
    }
    tree
}

pub(super) fn entry(entry: &Entry, direction: usize) -> Value {
    let side = ["from", "to"][direction];
    let mut tree = json!({});
    for kind in &entry.empty {
        tree[format!("{side}{kind}")] = json!([]);
    }
    if let Some(peers) = &entry.peers {
        tree[format!("{side}{}", peers.kind())] = match peers {
            Peers::Endpoints(selectors) => selectors.iter().map(selector).collect(),
            Peers::Cidr(cidrs) => json!(cidrs),
            Peers::CidrSet(items) => items.iter().map(cidr_item).collect(),
            Peers::Entities(entities) => json!(entities),
            Peers::Names(names) => names.iter().map(name).collect(),
        };
    }
    match &entry.traffic {
        Traffic::Absent => {}
        Traffic::Ports(rules) => tree["toPorts"] = rules.iter().map(port_rule).collect(),
        Traffic::Icmps(rules) => {
            let rule = |fields: &Vec<Icmp>| json!({"fields": fields.iter().map(icmp).collect::<Value>()});
            tree["icmps"] = rules.iter().map(rule).collect();
        }
    }
    tree
}

pub(super) fn cidr_item(item: &CidrItem) -> Value {
    let mut tree = match &item.base {
        CidrBase::Cidr(cidr) => json!({"cidr": cidr}),
        CidrBase::Group(name) => json!({"cidrGroupRef": name}),
        CidrBase::Groups(groups) => json!({"cidrGroupSelector": selector(groups)}),
    };
    if !item.except.is_empty() {
        tree["except"] = json!(item.except);
    }
    tree
}

pub(super) fn name(name: &Name) -> Value {
    match name {
        Name::Is(name) => json!({"matchName": name}),
        Name::Like(at) => json!({"matchPattern": PATTERNS[*at].0}),
    }
}

pub(super) fn port_rule(rule: &PortRule) -> Value {
    let mut tree = json!({});
    if let Some(ports) = &rule.ports {
        tree["ports"] = ports.iter().map(port).collect();
    }
    match rule.l7 {
        L7::Absent => {}
        L7::Empty { http: false } => tree["rules"] = json!({}),
        L7::Empty { http: true } => tree["rules"] = json!({"http": []}),
        L7::Http => tree["rules"] = json!({"http": [{"method": "GET"}]}),
        L7::Dns => tree["rules"] = json!({"dns": [{"matchPattern": "*.a.io"}]}),
        L7::ServerNames => tree["serverNames"] = json!(["x.a.io"]),
    }
    tree
}

pub(super) fn port(port: &Port) -> Value {
    let mut tree = match port.port {
        NumberOrName::Number(number) => json!({"port": number.to_string()}),
        NumberOrName::Name(name) => json!({"port": name}),
    };
    tree.as_object_mut().unwrap().extend(port.end.map(|end| ("endPort".to_owned(), json!(end))));
    tree.as_object_mut().unwrap().extend(port.protocol.map(|word| ("protocol".to_owned(), json!(word))));
    tree
}

pub(super) fn icmp(icmp: &Icmp) -> Value {
    let word = match (icmp.family, icmp.number) {
        (Some("IPv6"), 128) => Some("EchoRequest"),
        (Some("IPv6"), 3) => Some("TimeExceeded"),
        (None | Some("IPv4"), 8) => Some("EchoRequest"),
        (None | Some("IPv4"), 3) => Some("DestinationUnreachable"),
        (None | Some("IPv4"), 0) => Some("EchoReply"),
        _ => None,
    };
    let mut tree = match word.filter(|_| icmp.by_name) {
        Some(word) => json!({"type": word}),
        None => json!({"type": icmp.number}),
    };
    if let Some(family) = icmp.family {
        tree["family"] = json!(family);
    }
    tree
}
