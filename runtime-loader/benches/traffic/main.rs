//! Real packets between two endpoints of a node, with a policy of so many rules in force by different means:
//! `cargo bench -p sluice-loader --features bench-peers --bench traffic`.
//!
//! A table for docs/benchmarks.md. Needs root and BPF, and iptables, ipset and nft; says so where they are missing.
//! Everything happens in network namespaces that it makes, and takes about three minutes.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has to fail")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "its table is what it is for")]

#[path = "../../tests/harness/mod.rs"]
mod harness;
mod load;
mod means;
mod rules;

use std::io::{IsTerminal, Write};
use std::process::Command;

use harness::network::Network;
use load::{Load, Servers};
use means::{Means, Sluice};

/// Each means has so many turns, and its best counts: what disturbs one turn of a short measure rarely disturbs all.
const TURNS: usize = 5;

const RULES: [usize; 3] = [10, 100, 1_000];

fn main() {
    if !harness::root("traffic") {
        return;
    }
    for tool in ["iptables", "ipset", "nft"] {
        if Command::new(tool).arg("--version").output().is_err() {
            println!("not run: `{tool}` is missing (packages iptables, ipset and nftables)");
            return;
        }
    }
    let network = Network::new(2);
    let servers = Servers::begin(&network);
    let mut sluice = Sluice::new(&network);
    println!("| rules | means | {} |", Load::ALL.map(Load::name).join(" | "));
    println!("|---:|---|{}", "---:|".repeat(Load::ALL.len()));
    let none = measure(&network, &servers, &mut sluice, 0, &[Means::Nothing]);
    print_rows(0, &none, &none[0].1);
    for rules in RULES {
        let rows = measure(&network, &servers, &mut sluice, rules, &Means::ALL);
        print_rows(rules, &rows[1..], &rows[0].1);
    }
}

/// What each means reached at most, by load, in turns with the others.
fn measure(
    network: &Network,
    servers: &Servers,
    sluice: &mut Sluice,
    rules: usize,
    means: &[Means],
) -> Vec<(Means, [f64; 4])> {
    let mut best: Vec<(Means, [f64; 4])> = means.iter().map(|means| (*means, [0.0; 4])).collect();
    for turn in 1..=TURNS {
        for (means, best) in &mut best {
            progress(&format!("{rules} rules, turn {turn} of {TURNS}, {}", means.name()));
            means.begin(network, sluice, rules);
            for (load, best) in Load::ALL.into_iter().zip(best.iter_mut()) {
                *best = best.max(load.measure(network, servers));
            }
            means.end(network, sluice);
        }
    }
    progress("");
    best
}

fn print_rows(rules: usize, rows: &[(Means, [f64; 4])], without: &[f64; 4]) {
    for (means, best) in rows {
        let cell = |(load, (best, without)): (Load, (&f64, &f64))| {
            format!("{} ({:.0} %)", load.show(*best), best / without * 100.0)
        };
        let cells = Load::ALL.into_iter().zip(best.iter().zip(without)).map(cell);
        println!("| {rules} | {} | {} |", means.name(), cells.collect::<Vec<_>>().join(" | "));
    }
}

/// Shows on a terminal where it is; in a pipe nothing.
fn progress(text: &str) {
    if std::io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
        let _ = std::io::stderr().flush();
    }
}
