//! The DNS proxy: how fast what was learned is enforced, what it holds, how fast it comes back, and what it costs beside
//! asking the server itself.
//!
//! `cargo bench -p sluice-loader --bench dns`. The first tables need root and BPF, the last unbound and dnsperf
//! (`scripts/setup`); what is missing is said. One part alone: `-- enforce`, `held` or `load`.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "a benchmark prints")]

#[path = "../shared/agent.rs"]
mod agent;
mod enforce;
#[path = "../../tests/harness/mod.rs"]
mod harness;
mod held;
mod load;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/dns/scene.rs"]
mod scene;
#[allow(dead_code, reason = "the tests use the rest")]
#[path = "../../tests/dns/servers.rs"]
mod servers;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wants = |part: &str| wanted.is_empty() || wanted.iter().any(|word| word == part);
    if wants("enforce") {
        enforce::tables();
    }
    if wants("held") {
        held::table();
        println!();
    }
    if wants("load") {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        runtime.unwrap().block_on(load::table());
    }
}
