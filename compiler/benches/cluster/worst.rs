//! Inputs that are as bad as they can be.

use std::fmt::Write as _;

use sluice_compiler::resource::dns_answers::DnsAnswers;
use sluice_ir::dns_name::DnsName;

use super::{Cluster, Labels, pod};

/// A bad case: its name, what makes it, and how large.
pub(crate) type Case = (&'static str, fn(usize) -> Cluster, usize);

/// Bad cases by name.
pub(crate) const CASES: [Case; 6] = [
    ("5,000 ports and ranges over 500 rules", ports, 5_000),
    ("10,000 prefixes with nested exceptions", prefixes, 10_000),
    ("one name with 2,000 addresses", one_name, 2_000),
    ("20,000 pods, each an identity of its own", identities, 20_000),
    ("5,000 rules, each a selector of its own", selectors, 5_000),
    ("100 subjects, each with 1,000 ports of its own", subjects, 100_000),
];

/// Pods of one namespace, so many on the node that is looked at.
fn pods(text: &mut String, count: usize, local: usize) {
    for number in 0..count {
        let labels = Labels { namespace: 0, app: number, tier: number % 5, version: None };
        pod(text, number, &labels, number < local);
    }
}

fn policy(text: &mut String, number: usize, subject: &str, spec: &str) {
    write!(text, "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: policy-{number}, namespace: ns-0}}\nspec: {{endpointSelector: {subject}, {spec}}}\n---\n").unwrap();
}

fn read(text: String) -> Cluster {
    Cluster::read(text, DnsAnswers::default())
}

/// Ports and ranges that are all different, ten to a rule, for the same pods and different peers.
pub(crate) fn ports(count: usize) -> Cluster {
    let mut text = String::new();
    pods(&mut text, 600, 10);
    for rule in 0..count / 10 {
        let port = |at: usize| {
            let start = 1 + (rule * 10 + at) * 12;
            if at.is_multiple_of(2) {
                format!("{{port: '{start}', protocol: TCP}}")
            } else {
                format!("{{port: '{start}', endPort: {}, protocol: TCP}}", start + 7)
            }
        };
        let ports: Vec<String> = (0..10).map(port).collect();
        let spec = format!(
            "ingress: [{{fromEndpoints: [{{matchLabels: {{app: app-{rule}}}}}], toPorts: [{{ports: [{}]}}]}}]",
            ports.join(", ")
        );
        policy(&mut text, rule, "{}", &spec);
    }
    read(text)
}

/// Prefixes inside prefixes, each with two exceptions that lie in each other.
pub(crate) fn prefixes(count: usize) -> Cluster {
    let mut text = String::new();
    pods(&mut text, 100, 10);
    for rule in 0..count / 100 {
        let prefix = |at: usize| {
            let (a, b) = (11 + (rule * 100 + at) / 1_000, (rule * 100 + at) % 1_000);
            let (length, inner, innermost) = (14 + b % 5, 20 + b % 4, 26 + b % 6);
            let address = format!("{a}.{}.0.0", (b / 4 % 256) & !(255 >> (length - 8).min(8)));
            let first: std::net::Ipv4Addr = address.parse().unwrap();
            let masked = |length: usize| u32::from(first) & (u32::MAX << (32 - length));
            let inside = |bits: usize, to: usize| {
                (masked(length) | (b as u32 * 97 % (1 << (bits - length))) << (32 - bits))
                    & (u32::MAX << (32 - to))
            };
            let text =
                |address: u32, length: usize| format!("{}/{length}", std::net::Ipv4Addr::from(address));
            format!(
                "{{cidr: {}, except: [{}, {}]}}",
                text(masked(length), length),
                text(inside(inner, inner), inner),
                text(inside(innermost, innermost), innermost)
            )
        };
        let set: Vec<String> = (0..100).map(prefix).collect();
        policy(
            &mut text,
            rule,
            &format!("{{matchLabels: {{app: app-{}}}}}", rule % 10),
            &format!("egress: [{{toCIDRSet: [{}]}}]", set.join(", ")),
        );
    }
    read(text)
}

/// A name that was answered with so many addresses.
pub(crate) fn one_name(count: usize) -> Cluster {
    let mut text = String::new();
    pods(&mut text, 100, 10);
    policy(
        &mut text,
        0,
        "{}",
        "egress: [{toFQDNs: [{matchName: one.example.com}, {matchPattern: '*.example.com'}]}]",
    );
    let mut answers = DnsAnswers::default();
    let addresses = (0..count)
        .map(|at| format!("198.{}.{}.{}", 18 + at / 65_536, at / 256 % 256, at % 256).parse().unwrap());
    if let Ok(name) = DnsName::parse("one.example.com") {
        answers.0.insert(name.into(), addresses.collect());
    }
    Cluster::read(text, answers)
}

/// Pods that no label is common to.
pub(crate) fn identities(count: usize) -> Cluster {
    let mut text = String::new();
    pods(&mut text, count, 100);
    for rule in 0..100 {
        policy(
            &mut text,
            rule,
            &format!("{{matchLabels: {{tier: t{}}}}}", rule % 5),
            &format!(
                "ingress: [{{fromEndpoints: [{{matchLabels: {{app: app-{}}}}}, {{matchLabels: {{tier: t{}}}}}]}}]",
                rule * 7,
                rule % 5
            ),
        );
    }
    read(text)
}

/// Rules for all local pods, each with a peer of its own.
pub(crate) fn selectors(count: usize) -> Cluster {
    let mut text = String::new();
    pods(&mut text, count, 20);
    for rule in 0..count {
        policy(
            &mut text,
            rule,
            "{}",
            &format!(
                "ingress: [{{fromEndpoints: [{{matchLabels: {{app: app-{rule}}}}}], toPorts: [{{ports: [{{port: '{}', protocol: TCP}}]}}]}}]",
                1 + rule % 50
            ),
        );
    }
    read(text)
}

/// A hundred subjects, each with a rule for each of a hundred peers, and ports that nobody else has.
pub(crate) fn subjects(ports: usize) -> Cluster {
    let mut text = String::new();
    pods(&mut text, 200, 100);
    for rule in 0..100 * 10 {
        let (subject, tenth) = (rule % 100, rule / 100);
        let port = |at: usize| {
            format!(
                "{{port: '{}', protocol: {}}}",
                1 + (subject * ports / 100 + tenth * ports / 1_000 + at) % 65_535,
                if subject % 2 == 0 { "TCP" } else { "UDP" }
            )
        };
        let ports: Vec<String> = (0..ports / 1_000).map(port).collect();
        let peers: Vec<String> = (0..10)
            .map(|at| {
                format!(
                    "{{fromEndpoints: [{{matchLabels: {{app: app-{}}}}}], toPorts: [{{ports: [{}]}}]}}",
                    tenth * 10 + at,
                    ports[at * ports.len() / 10..(at + 1) * ports.len() / 10].join(", ")
                )
            })
            .collect();
        policy(
            &mut text,
            rule,
            &format!("{{matchLabels: {{app: app-{subject}}}}}"),
            &format!("ingress: [{}]", peers.join(", ")),
        );
    }
    read(text)
}
