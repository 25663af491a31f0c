//! Metrics over real connections.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use sluice_loader::api::dns::{Bucket, DnsStatus, Phase};
use sluice_loader::api::policy::{PolicyObject, RuleStatus, Verdict};
use sluice_loader::api::snapshot::{
    Count, Counts, Direction, DropReason, Drops, EndpointSide, EndpointStatus, Publish, Snapshot,
    SourcesState, StageTime,
};
use sluice_loader::api::time::Moment;
use sluice_loader::metrics::{Metrics, Server};
use tokio::runtime::Runtime;
use tokio::sync::watch;

fn snapshot() -> Snapshot {
    let mut snapshot = Snapshot::default();
    let count = |packets| Count { packets, bytes: packets * 100 };
    let status = &mut snapshot.status;
    status.node = "node-a".to_owned();
    status.version = "1.2.3".to_owned();
    status.since = Moment::of_micros(1_500_000);
    status.generation = Some(7);
    (status.published, status.refused) = (7, 2);
    status.publish = Some(Publish {
        generation: 7,
        seconds: 0.25,
        stages: vec![StageTime { stage: "load".to_owned(), seconds: 0.125 }],
        sizes: [("sluice_trie4".to_owned(), 262_144)].into(),
        ..Publish::default()
    });
    status.traffic.forwarded = Counts { ingress: count(10), egress: count(20) };
    let reason = DropReason { number: 133, text: "no rule allows it".to_owned() };
    status.traffic.drops = vec![Drops { reason, direction: Direction::Egress, count: count(3) }];
    (status.traffic.connections, status.traffic.connections_max) = (5, 1_024);
    (status.traffic.events, status.traffic.events_lost) = (8, 1);
    let bucket = |seconds, count| Bucket { seconds, count };
    status.dns = Some(DnsStatus {
        queries: 9,
        refused: 2,
        failures: [("timeout".to_owned(), 1)].into(),
        phases: vec![Phase {
            phase: "total".to_owned(),
            buckets: vec![bucket(0.001, 3), bucket(0.01, 2)],
            count: 6,
            seconds: 0.5,
        }],
        ..DnsStatus::default()
    });
    let side = |enforced| EndpointSide { enforced, ..EndpointSide::default() };
    snapshot.endpoints = vec![
        EndpointStatus { ingress: side(true), egress: side(true), ..EndpointStatus::default() },
        EndpointStatus { problem: Some("no interface".to_owned()), ..EndpointStatus::default() },
    ];
    snapshot.policy.default_deny.egress = count(3);
    let rule = RuleStatus {
        path: "spec.egress[0]".to_owned(),
        direction: Direction::Egress,
        verdict: Verdict::Allow,
        count: count(9),
        ..RuleStatus::default()
    };
    snapshot.policy.objects = vec![PolicyObject {
        kind: "CiliumNetworkPolicy".to_owned(),
        namespace: Some("shop".to_owned()),
        name: "a\"b\\c".to_owned(),
        rules: vec![rule],
    }];
    snapshot
}

/// The status line, and what follows the headers.
fn get(address: SocketAddr, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: node\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.lines().next().unwrap().to_owned(), body.to_owned())
}

#[test]
fn every_series_of_a_snapshot() {
    let (_sender, receiver) = watch::channel(Arc::new(snapshot()));
    let text = Metrics::new(receiver).text().unwrap();
    let expected = include_str!("../../golden/agent/metrics.txt");
    if std::env::var_os("SLUICE_BLESS").is_some() {
        std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/../golden/agent/metrics.txt"), text).unwrap();
    } else {
        assert_eq!(text, expected, "`make golden` rewrites golden/agent/metrics.txt");
    }
}

#[test]
fn prometheus_and_whoever_watches_the_agent_are_answered() {
    let (sender, receiver) = watch::channel(Arc::default());
    let runtime = Runtime::new().unwrap();
    let server = runtime.block_on(Server::listen(([127, 0, 0, 1], 0).into(), receiver.clone())).unwrap();
    let address = server.address().unwrap();
    runtime.spawn(server.serve());

    let (status, body) = get(address, "/healthz");
    assert_eq!(
        (status.as_str(), body.as_str()),
        ("HTTP/1.1 503 Service Unavailable", "no generation is in force yet\n")
    );
    sender.send_replace(Arc::new(snapshot()));
    assert_eq!(get(address, "/healthz").1, "generation 7 is in force\n");
    sender.send_modify(|now| Arc::make_mut(now).status.sources.state = SourcesState::Refused);
    let (status, body) = get(address, "/healthz");
    assert_eq!(status, "HTTP/1.1 200 OK", "to begin again would not mend the files");
    assert_eq!(body, "generation 7 is in force, and newer files are refused\n");

    let (status, body) = get(address, "/metrics");
    assert!(
        status.ends_with("200 OK") && body.contains("sluice_generation 7") && body.ends_with("# EOF\n"),
        "{body}"
    );
    assert!(get(address, "/").0.ends_with("404 Not Found"));
    let error = runtime.block_on(Server::listen(address, receiver)).unwrap_err().to_string();
    assert!(error.starts_with(&format!("cannot serve metrics on `{address}`")), "{error}");
}
