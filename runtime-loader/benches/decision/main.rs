//! One decision in the kernel, beside the ways in which others decide; and a decision on its way into force:
//! `cargo bench -p sluice-loader --features bench-peers --bench decision`.
//!
//! Tables for docs/benchmarks.md. Needs root and BPF; says so where they are missing.

#![allow(clippy::unwrap_used, reason = "a benchmark that cannot run has to fail")]
#![allow(clippy::print_stdout, reason = "its tables are what it is for")]

#[path = "../shared/agent.rs"]
mod agent;
#[allow(dead_code, reason = "another benchmark uses the rest of it")]
#[path = "../../../compiler/benches/cluster/mod.rs"]
mod cluster;
mod generation;
mod live;
mod programs;
mod scene;
mod times;
mod world;

use std::path::Path;

fn main() {
    if !rustix::process::geteuid().is_root() || !Path::new("/sys/fs/bpf").is_dir() {
        println!("not run: one decision in the kernel needs root and BPF");
        return;
    }
    // What is asked for by name, or everything.
    let wanted = |name: &str| {
        let names: Vec<String> = std::env::args().skip(1).filter(|name| !name.starts_with('-')).collect();
        names.is_empty() || names.iter().any(|wanted| wanted == name)
    };
    if wanted("decision") {
        times::tables();
    }
    if wanted("generation") {
        generation::tables();
    }
    if wanted("live") {
        live::tables();
    }
}
