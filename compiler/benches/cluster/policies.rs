//! Policies of every kind, in the proportions in which published ones have them.

use std::fmt::Write as _;

use super::random::Random;
use super::{Labels, Shape, labels};

const PORTS: [u16; 16] =
    [22, 53, 80, 123, 179, 443, 2379, 3306, 5432, 6379, 6443, 8080, 8443, 9090, 9200, 27017];

/// Kinds of policies, each with its weight.
const KINDS: [(Kind, usize); 12] = [
    (Kind::IngressLabels, 22),
    (Kind::IngressExpressions, 8),
    (Kind::EgressLabels, 14),
    (Kind::EgressNames, 9),
    (Kind::EgressPrefixes, 9),
    (Kind::Entities, 7),
    (Kind::NamedPorts, 5),
    (Kind::Range, 4),
    (Kind::Deny, 5),
    (Kind::Http, 4),
    (Kind::Clusterwide, 1),
    (Kind::Kubernetes, 12),
];

#[derive(Clone, Copy)]
enum Kind {
    IngressLabels,
    IngressExpressions,
    EgressLabels,
    EgressNames,
    EgressPrefixes,
    Entities,
    NamedPorts,
    Range,
    Deny,
    Http,
    Clusterwide,
    Kubernetes,
}

/// The name of a number.
pub(crate) fn name(at: usize) -> String {
    format!("api-{at}.example-{}.com", at % 11)
}

/// The prefix of a number; neighbours lie inside each other.
fn prefix(at: usize) -> (u32, u32) {
    let length = [8, 12, 16, 20, 24, 28, 32][at % 7];
    let first = [20_u32, 34, 52, 104, 172][at / 7 % 5] << 24 | (at as u32).wrapping_mul(2_654_435_761) >> 8;
    (first & u32::MAX.checked_shl(32 - length).unwrap_or(0), length)
}

fn cidr((first, length): (u32, u32)) -> String {
    format!("{}/{length}", std::net::Ipv4Addr::from(first))
}

/// Prefixes with exceptions, as `key: prefix, except: [...]` items.
fn cidr_set(random: &mut Random, shape: Shape, count: usize) -> String {
    let item = |random: &mut Random| {
        let (first, length) = prefix(random.below(shape.cidrs));
        let mut item = format!("{{cidr: {}", cidr((first, length)));
        if length <= 24 && random.percent(50) {
            let inner = length + [2, 4, 8][random.below(3)];
            let part = (random.below(1 << 24) as u32) << 8 >> length;
            let first = (first | part) & (u32::MAX << (32 - inner));
            write!(item, ", except: [{}]", cidr((first, inner))).unwrap();
        }
        item + "}"
    };
    (0..count).map(|_| item(random)).collect::<Vec<_>>().join(", ")
}

/// Groups of prefixes.
pub(crate) fn groups(text: &mut String, random: &mut Random) {
    for at in 0..5 {
        let prefixes: Vec<String> = (0..6).map(|_| cidr(prefix(random.below(200)))).collect();
        let zone = if at % 2 == 0 { "a" } else { "b" };
        write!(text, "apiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\nmetadata: {{name: group-{at}, labels: {{zone: {zone}}}}}\nspec: {{externalCIDRs: [{}]}}\n---\n", prefixes.join(", ")).unwrap();
    }
}

/// A set of labels that pods of a namespace have.
fn some(random: &mut Random, shape: Shape, namespace: usize) -> Labels {
    let sets = shape.label_sets.div_ceil(shape.namespaces);
    labels((random.below(sets) * shape.namespaces + namespace) % shape.label_sets, shape)
}

fn subject(random: &mut Random, shape: Shape, namespace: usize) -> String {
    let Labels { app, tier, .. } = some(random, shape, namespace);
    match random.below(100) {
        0..8 => "{}".into(),
        8..75 => format!("{{matchLabels: {{app: app-{app}}}}}"),
        75..90 => format!("{{matchLabels: {{tier: t{tier}}}}}"),
        _ => format!(
            "{{matchExpressions: [{{key: app, operator: In, values: [app-{app}, app-{}]}}]}}",
            app + 1
        ),
    }
}

fn peer(random: &mut Random, shape: Shape, namespace: usize) -> String {
    let Labels { app, tier, .. } = some(random, shape, namespace);
    match random.below(100) {
        0..4 => "{}".into(),
        4..25 => {
            let other = random.below(shape.namespaces);
            let app = some(random, shape, other).app;
            format!("{{matchLabels: {{'k8s:io.kubernetes.pod.namespace': ns-{other}, app: app-{app}}}}}")
        }
        25..35 => {
            let env = random.of(&["prod", "stage", "dev"]);
            format!("{{matchLabels: {{'k8s:io.cilium.k8s.namespace.labels.env': {env}, tier: t{tier}}}}}")
        }
        35..40 => format!(
            "{{matchExpressions: [{{key: io.kubernetes.pod.namespace, operator: Exists}}], matchLabels: {{tier: t{tier}}}}}"
        ),
        40..82 => format!("{{matchLabels: {{app: app-{app}}}}}"),
        _ => format!("{{matchLabels: {{tier: t{tier}}}}}"),
    }
}

fn peers(random: &mut Random, shape: Shape, namespace: usize) -> String {
    let count = 1 + random.below(3);
    (0..count).map(|_| peer(random, shape, namespace)).collect::<Vec<_>>().join(", ")
}

fn expressions(random: &mut Random) -> String {
    let tier = random.below(5);
    match random.below(4) {
        0 => format!("{{key: tier, operator: In, values: [t{tier}, t{}]}}", (tier + 1) % 5),
        1 => format!("{{key: tier, operator: NotIn, values: [t{tier}]}}"),
        2 => "{key: version, operator: Exists}".into(),
        _ => "{key: version, operator: DoesNotExist}, {key: app, operator: Exists}".into(),
    }
}

fn ports(random: &mut Random, most: usize) -> String {
    let port = |random: &mut Random| {
        let protocol = random.of(&["TCP", "TCP", "TCP", "TCP", "UDP", "ANY"]);
        format!("{{port: '{}', protocol: {protocol}}}", random.of(&PORTS))
    };
    let count = 1 + random.below(most);
    format!("toPorts: [{{ports: [{}]}}]", (0..count).map(|_| port(random)).collect::<Vec<_>>().join(", "))
}

const DNS: &str = "{toEndpoints: [{matchLabels: {'k8s:io.kubernetes.pod.namespace': kube-system, k8s-app: kube-dns}}], toPorts: [{ports: [{port: '53', protocol: ANY}], rules: {dns: [{matchPattern: '*'}]}}]}";

fn names(random: &mut Random, shape: Shape) -> String {
    let one = |random: &mut Random| {
        let at = random.below(shape.names);
        match random.below(10) {
            0..6 => format!("{{matchName: {}}}", name(at)),
            6..9 => format!("{{matchPattern: '*.{}'}}", name(at)),
            _ => format!("{{matchPattern: '*.example-{}.com'}}", at % 11),
        }
    };
    (0..1 + random.below(4)).map(|_| one(random)).collect::<Vec<_>>().join(", ")
}

/// One policy.
pub(crate) fn policy(text: &mut String, random: &mut Random, shape: Shape, number: usize) {
    let mut at = random.below(KINDS.iter().map(|(_, weight)| weight).sum());
    let kind = KINDS.iter().find(|(_, weight)| {
        let here = at < *weight;
        at = at.saturating_sub(*weight);
        here
    });
    let kind = kind.map_or(Kind::IngressLabels, |(kind, _)| *kind);
    let namespace = random.below(shape.namespaces);
    let subject = subject(random, shape, namespace);
    let (api, word, place) = match kind {
        Kind::Kubernetes => ("networking.k8s.io/v1", "NetworkPolicy", format!(", namespace: ns-{namespace}")),
        Kind::Clusterwide => ("cilium.io/v2", "CiliumClusterwideNetworkPolicy", String::new()),
        _ => ("cilium.io/v2", "CiliumNetworkPolicy", format!(", namespace: ns-{namespace}")),
    };
    let spec = match kind {
        Kind::Kubernetes => kubernetes(random, shape, namespace),
        _ => format!("endpointSelector: {subject}, {}", body(random, shape, namespace, kind)),
    };
    write!(
        text,
        "apiVersion: {api}\nkind: {word}\nmetadata: {{name: policy-{number}{place}}}\nspec: {{{spec}}}\n---\n"
    )
    .unwrap();
}

fn body(random: &mut Random, shape: Shape, namespace: usize, kind: Kind) -> String {
    let from = peers(random, shape, namespace);
    match kind {
        Kind::IngressLabels => format!("ingress: [{{fromEndpoints: [{from}], {}}}]", ports(random, 3)),
        Kind::IngressExpressions => format!(
            "ingress: [{{fromEndpoints: [{{matchExpressions: [{}]}}], {}}}]",
            expressions(random),
            ports(random, 3)
        ),
        Kind::EgressLabels => format!("egress: [{{toEndpoints: [{from}], {}}}, {DNS}]", ports(random, 3)),
        Kind::EgressNames => format!(
            "egress: [{DNS}, {{toFQDNs: [{}], toPorts: [{{ports: [{{port: '443', protocol: TCP}}]}}]}}]",
            names(random, shape)
        ),
        Kind::EgressPrefixes if random.percent(15) => {
            format!(
                "egress: [{{toCIDRSet: [{{cidrGroupRef: group-{}}}], {}}}]",
                random.below(5),
                ports(random, 1)
            )
        }
        Kind::EgressPrefixes => {
            let count = 1 + random.below(4);
            format!("egress: [{{toCIDRSet: [{}], {}}}]", cidr_set(random, shape, count), ports(random, 1))
        }
        Kind::Entities => {
            let entity =
                random.of(&["world", "cluster", "host", "remote-node", "kube-apiserver", "all", "health"]);
            format!("egress: [{{toEntities: [{entity}], {}}}]", ports(random, 1))
        }
        Kind::NamedPorts => {
            let port = random.of(&["http", "metrics", "grpc"]);
            let to_ports = format!("toPorts: [{{ports: [{{port: {port}, protocol: TCP}}]}}]");
            if random.percent(50) {
                format!("ingress: [{{fromEndpoints: [{from}], {to_ports}}}]")
            } else {
                format!("egress: [{{toEndpoints: [{from}], {to_ports}}}]")
            }
        }
        Kind::Range => {
            let start = *random.of(&[80, 1000, 1024, 8000, 30000]);
            let end = start + random.of(&[1, 7, 9, 100, 999, 2767]);
            format!(
                "ingress: [{{fromEndpoints: [{from}], toPorts: [{{ports: [{{port: '{start}', endPort: {end}, protocol: TCP}}]}}]}}]"
            )
        }
        Kind::Deny if random.percent(50) => {
            format!("ingressDeny: [{{fromEndpoints: [{from}]}}], ingress: [{{fromEntities: [cluster]}}]")
        }
        Kind::Deny => {
            format!(
                "egressDeny: [{{toCIDRSet: [{}]}}], egress: [{{toEntities: [all]}}]",
                cidr_set(random, shape, 2)
            )
        }
        Kind::Http => format!(
            "ingress: [{{fromEndpoints: [{from}], toPorts: [{{ports: [{{port: '8080', protocol: TCP}}], rules: {{http: [{{method: GET, path: '/v{}/.*'}}]}}}}]}}]",
            random.below(3)
        ),
        Kind::Clusterwide => {
            "egressDeny: [{toCIDR: [169.254.169.254/32]}], enableDefaultDeny: {egress: false, ingress: false}"
                .into()
        }
        Kind::Kubernetes => String::new(),
    }
}

fn kubernetes(random: &mut Random, shape: Shape, namespace: usize) -> String {
    let app = some(random, shape, namespace).app;
    let pods = format!("podSelector: {{matchLabels: {{app: app-{app}}}}}");
    if random.percent(25) {
        return format!("{pods}, policyTypes: [Ingress]");
    }
    let other = some(random, shape, namespace).app;
    let from = match random.below(4) {
        0 => format!("podSelector: {{matchLabels: {{app: app-{other}}}}}"),
        1 => format!("namespaceSelector: {{matchLabels: {{env: {}}}}}", random.of(&["prod", "stage", "dev"])),
        2 => format!(
            "namespaceSelector: {{matchExpressions: [{{key: team, operator: In, values: [team-{}]}}]}}, podSelector: {{matchLabels: {{tier: t{}}}}}",
            random.below(7),
            random.below(5)
        ),
        _ => format!("ipBlock: {{cidr: {}}}", cidr(prefix(random.below(shape.cidrs)))),
    };
    format!(
        "{pods}, policyTypes: [Ingress], ingress: [{{from: [{{{from}}}], ports: [{{port: {}, protocol: TCP}}]}}]",
        random.of(&PORTS)
    )
}
