//! What so many addresses take, and how fast an agent has them again.

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use sluice_compiler::options::{DnsOptions, Scope};
use sluice_ir::dns_name::DnsName;
use sluice_loader::api::time::Moment;
use sluice_loader::dns::cache::{Endpoint, Lookup};
use sluice_loader::dns::disk::Disk;
use sluice_loader::dns::names::Names;

const ADDRESSES: u32 = 100_000;

/// A core takes so long for an address that is not to be enforced any more.
const ENFORCING: Duration = Duration::from_micros(5);

/// Prints the table.
pub(crate) fn table() {
    println!(
        "| 100,000 addresses | memory | learn one name | restore | on disk |\n|---|---:|---:|---:|---:|"
    );
    held("of 1,000 names", 1_000);
    held("of 100,000 names", 100_000);
    println!(
        "\n| 100,000 addresses, wait at most | nothing is over | one in a hundred is | and nobody uses those | all the rest is |\n\
         |---|---:|---:|---:|---:|"
    );
    expire("of 1,000 names", 1_000);
    expire("of 100,000 names", 100_000);
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

/// For how long at most whoever learns has to wait for those who tell that time passes, from the second round on.
fn expire(what: &str, of_names: u32) {
    let names = Arc::new(Names::restored(Vec::new()));
    let (endpoint, options): (Endpoint, _) = ("shop/web".into(), DnsOptions::default());
    let (each, began) = (ADDRESSES / of_names, Moment::now());
    let after = |seconds: u64| Moment::of_micros(began.micros() + seconds * 1_000_000);
    for number in 0..of_names {
        let name = DnsName::parse(&format!("host-{number}.storage.example.com")).unwrap();
        let addresses: Vec<IpAddr> = (0..each).map(|at| address(number * each + at)).collect();
        let ttl = Duration::from_secs(if number % 100 == 0 { 600 } else { 3_600 });
        let lookup =
            Lookup { endpoint: &endpoint, asker: None, name: &name, addresses: &addresses, ttl, at: began };
        names.learn(lookup).unwrap();
    }
    let round = |seconds: u64, expected: u32| {
        let (mut most, mut expired) = (Duration::ZERO, 0);
        loop {
            let began = Instant::now();
            let (some, more) = names.expire(after(seconds), &options);
            most = most.max(began.elapsed());
            expired += some;
            if !more {
                assert_eq!(expired, expected as usize);
                return most;
            }
        }
    };
    round(1, 0);
    let nothing = round(60, 0);
    let some = round(601, ADDRESSES / 100);
    let (looked, gone) = waits(&names, async {
        let in_use = BTreeMap::new();
        let first = names.looked(after(602), &options, &in_use).await;
        [first, names.looked(after(603), &options, &in_use).await]
    });
    assert_eq!(gone, [0, u64::from(ADDRESSES) / 100]);
    let rest = round(3_601, ADDRESSES / 100 * 99);
    let shown = [nothing, some, looked, rest].map(|time| format!("{:.1} µs", time.as_secs_f64() * 1e6));
    println!("| {what} | {} |", shown.join(" | "));
}

/// What becomes of something, and how long at most whoever looks at names has to wait meanwhile. What follows is enforced
/// as fast as a core does it.
fn waits<T>(names: &Arc<Names>, act: impl Future<Output = T>) -> (Duration, T) {
    let ends = AtomicBool::new(false);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    thread::scope(|threads| {
        let most = threads.spawn(|| {
            let mut most = Duration::ZERO;
            while !ends.load(Ordering::Relaxed) {
                let began = Instant::now();
                names.size();
                most = most.max(began.elapsed());
            }
            most
        });
        let core = Arc::clone(names);
        let done = runtime.block_on(async {
            tokio::spawn(async move {
                loop {
                    let work = core.work().await;
                    let began = Instant::now();
                    while began.elapsed() < ENFORCING * work.changes.len() as u32 {
                        std::hint::spin_loop();
                    }
                    core.enforced(work.batch);
                }
            });
            act.await
        });
        ends.store(true, Ordering::Relaxed);
        (most.join().unwrap(), done)
    })
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
        let lookup = Lookup {
            endpoint: &endpoint,
            asker: None,
            name: &name,
            addresses: &addresses,
            ttl,
            at: Moment::now(),
        };
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
