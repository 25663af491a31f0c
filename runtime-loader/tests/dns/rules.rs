//! Which names may be asked for, and which line says so.

use std::net::SocketAddr;
use std::sync::Arc;

use sluice_ir::dns_name::DnsName;
use sluice_loader::dns::policy::{Access, Book, Transport};

use crate::scene::{CART, WEB, book, policy};

fn server(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

/// The lines that allow a name, or `None` where it is refused.
fn allowing(book: &Book, port: u16, name: &str) -> Option<Vec<String>> {
    let asker = book.asker(WEB).unwrap();
    let lines = match book.access(asker, server(port), Transport::Udp, |_| Vec::new()) {
        Access::Open => return Some(vec!["open".to_owned()]),
        Access::Closed(_) => return None,
        Access::Names(rules) => rules.allowing(DnsName::parse(name).ok().as_ref())?.to_vec(),
    };
    Some(lines.iter().map(|line| format!("{}:{}", line.name, line.path)).collect())
}

fn plain(name: &str, body: &str) -> String {
    format!(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\n\
         spec: {{endpointSelector: {{}}, egress: [{body}]}}\n"
    )
}

#[test]
fn the_line_behind_a_name_is_known() {
    let text = policy(53, "[{matchName: a.io}, {matchPattern: '*.x.io'}]");
    let book = book(&text);
    assert_eq!(allowing(&book, 53, "a.io").unwrap(), ["dns:spec.egress[0].toPorts[0]"]);
    assert!(allowing(&book, 53, "q.x.io").is_some());
    assert_eq!(allowing(&book, 53, "a.b.x.io"), None);
    assert_eq!(allowing(&book, 54, "a.io"), None, "another port is denied");
    assert!(book.asker([10, 0, 0, 9].into()).is_none());
}

#[test]
fn a_rule_without_ports_lets_no_name_pass() {
    let text = policy(53, "[{matchName: a.io}]") + &plain("plain", "{toCIDR: [127.0.0.0/8]}");
    let book = book(&text);
    assert_eq!(allowing(&book, 53, "b.io"), None, "semantics.md 4.6, vector 20");
    assert_eq!(allowing(&book, 54, "b.io").unwrap(), ["open"]);
}

#[test]
fn a_rule_for_the_same_port_lets_every_name_pass() {
    let port = "toPorts: [{ports: [{port: '53', protocol: UDP}]}]";
    for peer in ["toCIDR: [127.0.0.0/8]", "toCIDR: [127.0.0.0/16]", "toEntities: [all]"] {
        let text = policy(53, "[{matchName: a.io}]") + &plain("plain", &format!("{{{peer}, {port}}}"));
        let lines = allowing(&book(&text), 53, "b.io").unwrap();
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(lines[0].starts_with("plain:"), "{lines:?}");
    }
    let other = plain("plain", "{toCIDR: [127.9.0.0/16], toPorts: [{ports: [{port: '53', protocol: UDP}]}]}");
    assert_eq!(allowing(&book(&(policy(53, "[{matchName: a.io}]") + &other)), 53, "b.io"), None);
    let range = plain("plain", "{toCIDR: [127.0.0.0/8], toPorts: [{ports: [{port: '50', endPort: 60}]}]}");
    assert_eq!(allowing(&book(&(policy(53, "[{matchName: a.io}]") + &range)), 53, "b.io"), None);
}

#[test]
fn rules_of_several_lines_are_alternatives() {
    let more = policy(53, "[{matchName: b.io}]").replace("name: dns", "name: more");
    let book = book(&format!("{}---\n{more}", policy(53, "[{matchName: a.io}]")));
    assert!(allowing(&book, 53, "a.io").unwrap()[0].starts_with("dns:"));
    assert!(allowing(&book, 53, "b.io").unwrap()[0].starts_with("more:"));
    assert_eq!(allowing(&book, 53, "c.io"), None);
}

#[test]
fn where_nothing_isolates_rules_restrict_nothing() {
    let text =
        policy(53, "[{matchName: a.io}]").replace("spec:\n", "spec:\n  enableDefaultDeny: {egress: false}\n");
    assert!(allowing(&book(&text), 53, "b.io").is_some(), "semantics.md 4.1");
}

#[test]
fn an_empty_rule_allows_no_name() {
    let book = book(&policy(53, "[{}]"));
    assert_eq!(allowing(&book, 53, "a.io"), None);
}

#[test]
fn a_server_that_is_chosen_by_name_is_known_when_its_name_is() {
    let text = policy(53, "[{matchName: a.io}]")
        .replace("toCIDR: [127.0.0.0/8, '::1/128']", "toFQDNs: [{matchName: dns.example}]");
    let book = book(&text);
    let asker = book.asker(WEB).unwrap();
    let learned = |names: &'static [&str]| {
        let names_of = move |_| names.iter().map(|name| DnsName::parse(name).unwrap()).collect();
        book.access(asker, ([203, 0, 113, 53], 53).into(), Transport::Udp, names_of)
    };
    assert!(matches!(learned(&[]), Access::Closed(_)));
    assert!(matches!(learned(&["dns.example"]), Access::Names(_)));
}

#[test]
fn who_asks_thousands_of_servers_takes_no_memory_for_each() {
    let text = policy(53, "[{matchPattern: '*.x.io'}]")
        .replace("endpointSelector: {}", "endpointSelector: {matchLabels: {app: web}}");
    let book = book(
        &(text.clone() + "---\n" + &text.replace("app: web", "app: cart").replace("name: dns", "name: cart")),
    );
    let rules = |from, at: u32| match book.access(
        book.asker(from).unwrap(),
        ((0x7f00_0000 + at).to_be_bytes(), 53).into(),
        Transport::Udp,
        |_| Vec::new(),
    ) {
        Access::Names(rules) => rules,
        other => panic!("{other:?}"),
    };
    let of_other = Arc::downgrade(&rules(CART, 1));
    let first = rules(WEB, 1);
    for at in 0..10_000 {
        assert!(Arc::ptr_eq(&first, &rules(WEB, at)), "{at}: the same rules");
    }
    // What is remembered holds it.
    assert!(Arc::strong_count(&first) <= 257, "{}", Arc::strong_count(&first));
    assert_eq!(of_other.strong_count(), 1, "what others were told is remembered");
}
