//! What a server of the tests tells: one of everything.

use std::net::IpAddr;

use sluice_ir::dns_name::DnsName;
use sluice_loader::api::dns::{Bucket, DnsStatus, DnsTold, FiniteSeconds, Phase};
use sluice_loader::api::policy::{PolicyObject, PolicyStatus, RuleRef, RuleStatus, Verdict};
use sluice_loader::api::snapshot::{
    Count, Counts, Direction, DropReason, Drops, EndpointSide, EndpointStatus, Publish, Snapshot,
    SourcesState, SourcesStatus, StageTime, Status, Traffic,
};
use sluice_loader::api::time::Moment;
use sluice_loader::api::told::{End, Flow, Kind, Nearest, Told};
use sluice_loader::dns::record::Record;

fn count(packets: u64) -> Count {
    Count { packets, bytes: packets * 100 }
}

fn moment(text: &str) -> Moment {
    text.parse().unwrap()
}

fn default_deny() -> DropReason {
    DropReason { number: 133, text: "no rule allows it".to_owned() }
}

/// A node in the middle of its life.
pub(crate) fn snapshot() -> Snapshot {
    Snapshot { status: status(), endpoints: endpoints(), policy: policy() }
}

fn status() -> Status {
    let stage = |stage: &str, seconds| StageTime { stage: stage.to_owned(), seconds };
    let denied = DropReason { number: 181, text: "a rule denies it".to_owned() };
    Status {
        node: "node-a".to_owned(),
        version: "1.2.3".to_owned(),
        since: moment("2026-05-01T09:00:00Z"),
        generation: Some(7),
        policy_hash: Some("3fa81c".to_owned()),
        input_hash: Some("9b02d4".to_owned()),
        sources: SourcesStatus {
            state: SourcesState::Ok,
            since: moment("2026-05-01T09:29:59.5Z"),
            findings: Vec::new(),
        },
        publish: Some(Publish {
            at: moment("2026-05-01T09:30:00Z"),
            generation: 7,
            seconds: 0.0032,
            stages: vec![stage("compile", 0.002), stage("load", 0.0011)],
            sizes: [("sluice_cells".to_owned(), 512), ("sluice_trie4".to_owned(), 262_144)].into(),
        }),
        published: 7,
        refused: 2,
        traffic: Traffic {
            forwarded: Counts { ingress: count(120_000), egress: count(98_000) },
            drops: vec![
                Drops { reason: default_deny(), direction: Direction::Egress, count: count(31) },
                Drops { reason: denied, direction: Direction::Ingress, count: count(2) },
            ],
            connections: 412,
            connections_max: 524_288,
            events: 33,
            events_lost: 1,
        },
        dns: Some(dns()),
    }
}

fn dns() -> DnsStatus {
    let bucket = |seconds, count| Bucket { seconds, count };
    DnsStatus {
        queries: 41,
        refused: 3,
        forwarded: 38,
        answered: 36,
        failures: [("timeout".to_owned(), 2)].into(),
        dropped: [("malformed".to_owned(), 1)].into(),
        phases: vec![Phase {
            phase: "total".to_owned(),
            buckets: vec![bucket(0.001, 30), bucket(0.01, 5)],
            count: 36,
            seconds: 0.125,
        }],
        names: 12,
        addresses: 31,
        leaving: 2,
        ..DnsStatus::default()
    }
}

/// What was answered, as disk has it.
pub(crate) fn records() -> Vec<Record> {
    let record = |endpoint: &str, name: &str, addresses: &[&str], expires: &str| Record::Learned {
        endpoint: endpoint.into(),
        name: DnsName::parse(name).unwrap(),
        addresses: addresses.iter().map(|text| text.parse().unwrap()).collect(),
        looked_up: moment("2026-05-01T09:30:00Z"),
        expires: moment(expires),
    };
    let many: Vec<String> = (1..=6).map(|last| format!("192.0.2.{last}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    vec![
        record("shop/web", "api.example.com", &["203.0.113.7", "2001:db8::7"], "2026-05-01T09:30:55Z"),
        record("shop/web", "many.example.com", &many, "2026-05-01T10:30:00Z"),
        record("shop/cart", "api.example.com", &["203.0.113.7"], "2026-05-01T09:31:00Z"),
    ]
}

fn endpoints() -> Vec<EndpointStatus> {
    let side = |enforced, dropped| EndpointSide {
        enforced,
        forwarded: Some(count(10)),
        dropped: Some(count(dropped)),
    };
    let endpoint = |name: &str, address: [u8; 4]| EndpointStatus {
        name: name.to_owned(),
        addresses: vec![address.into()],
        ..EndpointStatus::default()
    };
    let mut web = endpoint("shop/web", [10, 0, 0, 1]);
    web.addresses.push("fd00::1".parse().unwrap());
    (web.interface, web.ifindex) = (Some("veth0".to_owned()), Some(12));
    (web.ingress, web.egress) = (side(true, 2), side(true, 31));
    let mut postgres = endpoint("data/postgres", [10, 0, 0, 9]);
    (postgres.interface, postgres.ifindex) = (Some("vethbd1f2a7c".to_owned()), Some(7));
    postgres.ingress.enforced = true;
    let mut cart = endpoint("shop/cart", [10, 0, 0, 2]);
    cart.problem = Some("no interface of the node leads to 10.0.0.2".to_owned());
    vec![postgres, cart, web]
}

fn policy() -> PolicyStatus {
    let rule = |line, path: &str, direction, verdict, packets| RuleStatus {
        file: "policies/shop.yaml".to_owned(),
        line,
        column: 5,
        path: path.to_owned(),
        direction,
        verdict,
        count: count(packets),
    };
    let object = |kind: &str, namespace: Option<&str>, name: &str, rules| PolicyObject {
        kind: kind.to_owned(),
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
        rules,
    };
    PolicyStatus {
        generation: Some(7),
        objects: vec![
            object(
                "CiliumClusterwideNetworkPolicy",
                None,
                "baseline",
                vec![rule(4, "spec.ingressDeny[0]", Direction::Ingress, Verdict::Deny, 2)],
            ),
            object(
                "CiliumNetworkPolicy",
                Some("shop"),
                "web",
                vec![
                    rule(20, "spec.ingress[0]", Direction::Ingress, Verdict::Allow, 118_000),
                    rule(28, "spec.egress[0].toPorts[0]", Direction::Egress, Verdict::Redirect, 40),
                ],
            ),
        ],
        default_deny: Counts { ingress: Count::default(), egress: count(31) },
    }
}

fn origin(name: &str, line: u32, path: &str) -> RuleRef {
    RuleRef {
        kind: "CiliumNetworkPolicy".to_owned(),
        namespace: Some("shop".to_owned()),
        name: name.to_owned(),
        file: "policies/shop.yaml".to_owned(),
        line,
        column: 5,
        path: path.to_owned(),
    }
}

fn end(name: Option<&str>, address: &str, port: Option<u16>) -> End {
    let address: IpAddr = address.parse().unwrap();
    End { name: name.map(str::to_owned), address, port }
}

/// One event of each kind, and more.
pub(crate) fn events() -> Vec<Told> {
    let tcp = |source, destination, flags: &str| Flow {
        source,
        destination,
        protocol: "tcp".to_owned(),
        tcp_flags: Some(flags.to_owned()),
        length: 60,
        ..Flow::default()
    };
    let web = || end(Some("shop/web"), "10.0.0.1", Some(40_000));
    let postgres = || end(Some("data/postgres"), "10.0.0.9", Some(5432));
    let first = Told {
        time: moment("2026-05-01T09:30:00.000125Z"),
        kind: Kind::Drop,
        verdict: Verdict::Deny,
        reason: Some(default_deny()),
        flow: tcp(web(), postgres(), "SYN"),
        direction: Direction::Egress,
        endpoint: "shop/web".to_owned(),
        generation: 7,
        rules: vec![origin("default-deny", 12, "spec.egress[0]")],
        nearest: Some(Nearest {
            rule: origin("web", 28, "spec.egress[0].toPorts[0]"),
            misses: vec!["it allows 443/tcp".to_owned()],
        }),
        dns: None,
    };
    let later = |told: Told| Told { time: Moment::of_micros(first.time.micros() + 1_000_000), ..told };
    let ping = Flow {
        source: end(None, "fd00::77", None),
        destination: end(Some("shop/web"), "fd00::1", None),
        protocol: "icmpv6".to_owned(),
        icmp_type: Some(128),
        icmp_code: Some(0),
        length: 64,
        ..Flow::default()
    };
    let denied = DropReason { number: 181, text: "a rule denies it".to_owned() };
    let api = || end(Some("api.example.com"), "203.0.113.7", Some(443));
    let asked = Told {
        kind: Kind::Query,
        reason: None,
        flow: Flow {
            source: web(),
            destination: end(None, "10.0.0.53", Some(53)),
            protocol: "udp".to_owned(),
            ..Flow::default()
        },
        rules: vec![origin("web", 33, "spec.egress[2].toPorts[0]")],
        nearest: None,
        dns: Some(DnsTold {
            query: "evil.example.org.".to_owned(),
            qtype: "A".to_owned(),
            rcode: Some("REFUSED".to_owned()),
            ..DnsTold::default()
        }),
        ..first.clone()
    };
    let answered = Told {
        kind: Kind::Answer,
        verdict: Verdict::Redirect,
        dns: Some(DnsTold {
            query: "api.example.com.".to_owned(),
            qtype: "AAAA".to_owned(),
            rcode: Some("NOERROR".to_owned()),
            ips: (1..=5).map(|last| IpAddr::from([203, 0, 113, last])).collect(),
            ttl: Some(60),
            cnames: vec!["edge.example.net.".to_owned()],
            seconds: Some(FiniteSeconds::of(std::time::Duration::from_micros(1_250))),
            problem: None,
        }),
        ..asked.clone()
    };
    vec![
        first.clone(),
        later(Told {
            reason: Some(denied),
            flow: ping,
            direction: Direction::Ingress,
            rules: (0..5).map(|at| origin("deny", 40 + at, &format!("spec.ingressDeny[{at}]"))).collect(),
            nearest: None,
            ..first.clone()
        }),
        later(Told {
            kind: Kind::Audit,
            flow: tcp(web(), postgres(), "SYN"),
            direction: Direction::Ingress,
            endpoint: "data/postgres".to_owned(),
            rules: Vec::new(),
            nearest: None,
            ..first.clone()
        }),
        later(Told {
            kind: Kind::New,
            verdict: Verdict::Allow,
            reason: None,
            flow: tcp(web(), end(None, "10.0.0.2", Some(8080)), "SYN"),
            rules: vec![origin("web", 30, "spec.egress[1]")],
            nearest: None,
            ..first.clone()
        }),
        later(Told {
            kind: Kind::Redirect,
            verdict: Verdict::Redirect,
            reason: None,
            flow: tcp(web(), api(), "SYN"),
            rules: vec![origin("web", 28, "spec.egress[0].toPorts[0]")],
            nearest: None,
            ..first.clone()
        }),
        later(asked),
        later(answered),
    ]
}
