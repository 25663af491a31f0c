//! What so many addresses take, and how fast an agent has them again.

use std::fs;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use sluice_compiler::options::Scope;
use sluice_ir::dns_name::DnsName;
use sluice_loader::api::time::Moment;
use sluice_loader::dns::cache::{Endpoint, Lookup};
use sluice_loader::dns::disk::Disk;
use sluice_loader::dns::names::Names;

const ADDRESSES: u32 = 100_000;

/// Prints the table.
pub(crate) fn table() {
    println!(
        "| 100,000 addresses | memory | learn one name | restore | on disk |\n|---|---:|---:|---:|---:|"
    );
    held("of 1,000 names", 1_000);
    held("of 100,000 names", 100_000);
}

/// The memory of this process, in KiB.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn address(number: u32) -> IpAddr {
    IpAddr::from((0x0a00_0000 + number).to_be_bytes())
}

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
    let answers = restored.answers(Scope::Node);
    let took = began.elapsed();
    assert_eq!(answers.len(), ADDRESSES as usize);
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
