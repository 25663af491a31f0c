//! Questions as fast as they are answered, by the server itself and through the proxy.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use sluice_compiler::options::DnsOptions;

use crate::scene::{Recorder, Scene, WEB, policy};
use crate::servers;

/// Prints the table.
pub(crate) async fn table() {
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
