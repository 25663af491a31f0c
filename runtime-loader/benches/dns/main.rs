//! The DNS proxy: what it holds, how fast it comes back, and what it costs beside asking the server itself.
//!
//! `cargo bench -p sluice-loader --bench dns`. The last table needs unbound and dnsperf (`scripts/setup`). What enforcing costs is
//! measured where it is done, by the agent: `dns_duration_seconds{phase="enforce"}`.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]

#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/dns/scene.rs"]
mod scene;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/dns/servers.rs"]
mod servers;

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use scene::{Recorder, Scene, WEB, policy};
use sluice_compiler::options::DnsOptions;
use sluice_ir::dns_name::DnsName;
use sluice_loader::api::time::Moment;
use sluice_loader::dns::cache::{Endpoint, Lookup};
use sluice_loader::dns::disk::Disk;
use sluice_loader::dns::names::Names;

const ADDRESSES: u32 = 100_000;

fn main() {
    println!("| 100,000 addresses | memory | learn one | to restore | on disk |\n|---|---:|---:|---:|---:|");
    held("of 1,000 names", 1_000);
    held("of 100,000 names", 100_000);
    println!();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(load());
}

fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn address(number: u32) -> IpAddr {
    IpAddr::from((0x0a00_0000 + number).to_be_bytes())
}

/// What so many addresses take, and how fast an agent has them again.
fn held(what: &str, of_names: u32) {
    let before = resident();
    let names = Names::restored(Vec::new());
    let endpoint: Endpoint = "shop/web".into();
    let each = ADDRESSES / of_names;
    let began = Instant::now();
    for number in 0..of_names {
        let name = DnsName::parse(&format!("host-{number}.storage.example.com")).unwrap();
        let addresses: Vec<IpAddr> = (0..each).map(|at| address(number * each + at)).collect();
        let ttl = Duration::from_secs(3_600);
        let lookup =
            Lookup { endpoint: &endpoint, name: &name, addresses: &addresses, ttl, at: Moment::now() };
        names.learn(lookup).unwrap();
    }
    let learned = began.elapsed() / of_names;
    let records = names.records();
    let folder = tempfile::tempdir().unwrap();
    let (mut disk, _) = Disk::open(folder.path()).unwrap();
    disk.turn().unwrap().write(&records).unwrap();
    drop(records);
    let bytes = fs::metadata(folder.path().join("dns-cache")).unwrap().len();
    let began = Instant::now();
    let (_, found) = Disk::open(folder.path()).unwrap();
    let restored = Names::restored(found.records);
    let answers = restored.answers();
    let took = began.elapsed();
    assert_eq!(answers.0.len(), of_names as usize);
    drop((restored, answers));
    // What waits to be enforced and written down goes at once on a node.
    drop(futures_util::FutureExt::now_or_never(names.work()));
    let memory = resident().saturating_sub(before) / 1024;
    println!(
        "| {what} | {memory} MiB | {:.1} µs | {:.0} ms | {:.1} MiB |",
        learned.as_secs_f64() * 1e6,
        took.as_secs_f64() * 1e3,
        bytes as f64 / f64::from(1 << 20)
    );
    drop(names);
}

/// Questions as fast as they are answered, and at half of that.
async fn load() {
    let data: Vec<String> =
        (0..1_000).map(|at| format!("n{at}.example.test. 300 IN A 10.1.{}.{}", at / 250, at % 250)).collect();
    let data: Vec<&str> = data.iter().map(String::as_str).collect();
    let Some(server) = servers::unbound("load", &data) else { return };
    if Command::new("dnsperf").arg("-h").output().is_err() {
        eprintln!("dnsperf is not installed (scripts/setup)");
        return;
    }
    let text = policy(server.address.port(), "[{matchPattern: '*.example.test'}]");
    let mut scene = Scene::new(&text, DnsOptions::default(), Recorder::default());
    let front = scene.front(WEB, server.address).await;
    let folder = tempfile::tempdir().unwrap();
    let questions: String = (0..1_000).map(|at| format!("n{at}.example.test A\n")).collect();
    let file = folder.path().join("questions");
    fs::write(&file, questions).unwrap();
    println!("| dnsperf | queries/s | mean | most | lost |\n|---|---:|---:|---:|---:|");
    for (name, address, mode) in [
        ("unbound itself, UDP", server.address, "udp"),
        ("through the proxy, UDP", front, "udp"),
        ("unbound itself, TCP", server.address, "tcp"),
        ("through the proxy, TCP", front, "tcp"),
    ] {
        let file = file.clone();
        tokio::task::spawn_blocking(move || row(name, address, mode, &file)).await.unwrap();
    }
    let proxy = Arc::clone(&scene.proxy);
    for phase in proxy.status().phases {
        println!(
            "\n{}: {} queries, {:.0} µs in the mean",
            phase.phase,
            phase.count,
            phase.seconds * 1e6 / phase.count.max(1) as f64
        );
    }
}

fn row(name: &str, address: SocketAddr, mode: &str, questions: &Path) {
    let (host, port) = (address.ip().to_string(), address.port().to_string());
    let output = Command::new("dnsperf")
        .args(["-s", &host, "-p", &port, "-m", mode, "-l", "5", "-c", "20", "-q", "100", "-d"])
        .arg(questions)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let value = |label: &str| {
        let line = text.lines().find(|line| line.trim_start().starts_with(label));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
            .unwrap_or_default()
    };
    let latency = value("Average Latency (s)");
    let (mean, rest) = latency.split_once(' ').unwrap_or((&latency, ""));
    let most = rest.rsplit_once("max ").map(|(_, most)| most.trim_end_matches(')')).unwrap_or_default();
    let micros =
        |seconds: &str| seconds.parse::<f64>().map(|it| format!("{:.0} µs", it * 1e6)).unwrap_or_default();
    println!(
        "| {name} | {} | {} | {} | {} |",
        value("Queries per second").split('.').next().unwrap_or_default(),
        micros(mean),
        micros(most),
        value("Queries lost").split(' ').next().unwrap_or_default()
    );
}
