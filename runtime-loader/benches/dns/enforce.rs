//! From an answer to its force: learned, written down, applied to the tables, written into the images of a real node, and
//! whoever waits is woken. Everything but the network, in a whole agent.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, geteuid, getpid, kill_process};
use sluice_backends::datapath::entries;
use sluice_compiler::load;
use sluice_compiler::options::{DnsOptions, Options};
use sluice_compiler::source::{Limits, Sources};
use sluice_ir::dns_name::DnsName;
use sluice_loader::agent::{Feed, Inputs, run_fed};
use sluice_loader::api::time::Moment;
use sluice_loader::dns::cache::{Endpoint, Lookup};
use sluice_loader::dns::names::{Names, Waited};
use sluice_loader::node::{Node, Sizes};
use sluice_loader::pins::Pins;
use tokio::sync::{Notify, oneshot, watch};

use crate::agent::config;
use crate::harness::network::Network;
use crate::held::resident;

/// Starts, each with one first answer.
const STARTS: usize = 5;
/// Answers of each kind.
const ANSWERS: u32 = 10_000;
/// Between answers each of which takes as much room as an answer can: so many come of a busy node.
const PAUSE: Duration = Duration::from_millis(1);
/// Addresses that expire at once.
const EXPIRING: u32 = 20_000;
/// Answers that wait for each other.
const TOGETHER: u32 = 16;
/// Names with a rule of their own: an address of two of them is a combination.
const NAMES: u32 = 40;
/// What is not in force by then is a fault.
const PATIENCE: Duration = Duration::from_secs(30);
/// After so long the programs for the generation to come are verified.
const CALM: Duration = Duration::from_secs(2);

/// Prints the tables.
pub(crate) fn tables() {
    if !geteuid().is_root() || !PathBuf::from("/sys/fs/bpf").is_dir() {
        eprintln!("what enforcing costs is not measured, as that needs root and BPF");
        return;
    }
    let network = Network::new(2);
    println!(
        "| answer to enforced | answers | p50 | p99 | p99.9 | slowest |\n|---|---:|---:|---:|---:|---:|"
    );
    let first = (0..STARTS).map(|_| agent(&network, |learning| async move { vec![learning.first().await] }));
    let first: Vec<Duration> = first.flatten().collect();
    tell("the first after a start", first);
    agent(&network, |mut learning| async move {
        learning.first().await;
        tokio::time::sleep(CALM).await;
        learning.all().await;
        Vec::new()
    });
    println!();
}

/// Whoever learns, beside a core that enforces.
struct Learning {
    names: Arc<Names>,
    endpoint: Endpoint,
    next: u32,
}

/// What there is between two answers.
#[derive(Clone, Copy, Debug)]
enum Between {
    /// Nothing.
    Nothing,
    /// A pause in which the processor may sleep.
    Sleep,
    /// As long a pause in which it does not: what is less then is what waking it takes.
    Spin,
}

impl Between {
    async fn wait(self) {
        match self {
            Between::Nothing => {}
            Between::Sleep => tokio::time::sleep(PAUSE).await,
            Between::Spin => {
                let began = Instant::now();
                while began.elapsed() < PAUSE {
                    std::hint::spin_loop();
                }
                // As after a pause, others come first.
                tokio::task::yield_now().await;
            }
        }
    }
}

/// Where the addresses of answers lie.
#[derive(Clone, Copy, Debug)]
enum Where {
    /// Side by side.
    Near,
    /// Each far from all others, which is the most that it can take.
    Far,
    /// The same in IPv6.
    Far6,
}

impl Learning {
    fn begin(feed: &Feed) -> Learning {
        Learning { names: Arc::clone(feed.names()), endpoint: "shop/web".into(), next: 0 }
    }

    /// The first answer: nobody is answered before a generation is in force, so what is learned before is not waited for.
    async fn first(&self) -> Duration {
        while learn(&self.names, &self.endpoint, "n0.early.test", &[[192, 0, 2, 1].into()], CALM / 100)
            .await
            .is_none()
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let addresses = [[192, 0, 2, 2].into()];
        learn(&self.names, &self.endpoint, "n0.example.test", &addresses, PATIENCE).await.unwrap()
    }

    fn address(&mut self, place: Where) -> IpAddr {
        self.next += 1;
        let number = self.next;
        // An odd factor visits every address once.
        let spread = number.wrapping_mul(0x9e37_79b1);
        match place {
            Where::Near => Ipv4Addr::from_bits(0x1400_0000 + number).into(),
            Where::Far => Ipv4Addr::from_bits(spread).into(),
            Where::Far6 => {
                Ipv6Addr::from_bits(0x2001 << 112 | u128::from(spread) << 40 | u128::from(number)).into()
            }
        }
    }

    async fn one_by_one(&mut self, place: Where, answers: u32, between: Between) -> Vec<Duration> {
        let mut times = Vec::new();
        for number in 0..answers {
            between.wait().await;
            let addresses = [self.address(place)];
            let name = format!("n{number}.example.test");
            times.push(learn(&self.names, &self.endpoint, &name, &addresses, PATIENCE).await.unwrap());
        }
        times
    }

    /// Answers while many addresses expire that nobody uses.
    async fn while_others_expire(&mut self) -> Vec<Duration> {
        let name = DnsName::parse("short.example.test").unwrap();
        let addresses: Vec<IpAddr> = (0..EXPIRING).map(|_| self.address(Where::Near)).collect();
        let (ttl, at) = (Duration::ZERO, Moment::now());
        for addresses in addresses.chunks(100) {
            let lookup = Lookup { endpoint: &self.endpoint, asker: None, name: &name, addresses, ttl, at };
            self.names.learn(lookup).unwrap();
            self.names.wait(lookup, PATIENCE).await;
        }
        let names = Arc::clone(&self.names);
        let expiring = tokio::spawn(async move {
            let (options, in_use) = (DnsOptions::default(), BTreeMap::new());
            while names.expire(Moment::now(), &options).1 {}
            let mut gone = 0;
            for _ in 0..2 {
                gone += names.looked(Moment::now(), &options, &in_use).await;
            }
            assert_eq!(gone, u64::from(EXPIRING));
        });
        let mut times = Vec::new();
        while !expiring.is_finished() {
            times.extend(self.one_by_one(Where::Near, 10, Between::Nothing).await);
        }
        expiring.await.unwrap();
        times
    }

    async fn together(&mut self, answers: u32) -> Vec<Duration> {
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TOGETHER {
            let addresses: Vec<IpAddr> = (0..answers / TOGETHER).map(|_| self.address(Where::Near)).collect();
            let (names, endpoint) = (Arc::clone(&self.names), Arc::clone(&self.endpoint));
            tasks.spawn(async move {
                let mut times = Vec::new();
                for (number, address) in addresses.into_iter().enumerate() {
                    let name = format!("t{task}-{number}.example.test");
                    times.push(learn(&names, &endpoint, &name, &[address], PATIENCE).await.unwrap());
                }
                times
            });
        }
        tasks.join_all().await.concat()
    }

    /// Two names with a rule each at one address: the second is what is measured.
    async fn combinations(&mut self) -> Vec<Duration> {
        let mut times = Vec::new();
        for first in 0..NAMES {
            for second in first + 1..NAMES {
                let addresses = [self.address(Where::Near)];
                let [one, two] = [first, second].map(|number| format!("own{number}.test"));
                learn(&self.names, &self.endpoint, &one, &addresses, PATIENCE).await.unwrap();
                times.push(learn(&self.names, &self.endpoint, &two, &addresses, PATIENCE).await.unwrap());
            }
        }
        times
    }

    async fn all(&mut self) {
        let before = resident();
        // What one endpoint may know is bounded, so this comes while it knows little.
        let meanwhile = self.while_others_expire().await;
        tell(&format!("known names, while {EXPIRING} addresses expire"), meanwhile);
        for (between, apart) in [
            (Between::Nothing, "one after the other"),
            (Between::Sleep, "1 ms apart, asleep in between"),
            (Between::Spin, "1 ms apart, awake in between"),
        ] {
            tell(&format!("nothing: a task wakes another, and is woken, {apart}"), woken(between).await);
            for (place, of) in [
                (Where::Near, "addresses side by side"),
                (Where::Far, "addresses far from each other"),
                (Where::Far6, "IPv6"),
            ] {
                // What one endpoint may know is bounded.
                if matches!((place, between), (Where::Near | Where::Far6, Between::Spin)) {
                    continue;
                }
                tell(&format!("known names, {of}, {apart}"), self.one_by_one(place, ANSWERS, between).await);
            }
        }
        tell(&format!("known names, {TOGETHER} at a time"), self.together(ANSWERS).await);
        tell("a new combination of names", self.combinations().await);
        let many: Vec<IpAddr> = (0..1_000).map(|_| self.address(Where::Near)).collect();
        let time = learn(&self.names, &self.endpoint, "many.example.test", &many, PATIENCE).await.unwrap();
        tell("one name with 1,000 addresses", vec![time]);
        let (more, size) = (resident().saturating_sub(before) / 1024, self.names.size().addresses);
        println!("\nThe agent takes {more} MiB more with {size} addresses learned and enforced.");
    }
}

/// What is measured of an answer without any work: whoever waits wakes a task that wakes it.
async fn woken(between: Between) -> Vec<Duration> {
    let (wake, (enforced, mut waits)) = (Arc::new(Notify::new()), watch::channel(0));
    let woken = Arc::clone(&wake);
    let other = tokio::spawn(async move {
        for number in 1..=ANSWERS {
            woken.notified().await;
            enforced.send_replace(number);
        }
    });
    let mut times = Vec::new();
    for number in 1..=ANSWERS {
        between.wait().await;
        let began = Instant::now();
        wake.notify_one();
        waits.wait_for(|it| *it >= number).await.unwrap();
        times.push(began.elapsed());
    }
    other.await.unwrap();
    times
}

/// Learns an answer, and waits until packets are judged by it. None if that takes too long.
async fn learn(
    names: &Names,
    endpoint: &Endpoint,
    name: &str,
    addresses: &[IpAddr],
    patience: Duration,
) -> Option<Duration> {
    let name = DnsName::parse(name).unwrap();
    let ttl = Duration::from_secs(3_600);
    let began = Instant::now();
    let lookup = Lookup { endpoint, asker: None, name: &name, addresses, ttl, at: Moment::now() };
    names.learn(lookup).unwrap();
    (names.wait(lookup, patience).await != Waited::InVain).then(|| began.elapsed())
}

/// Runs an agent, and what measures beside it on the same threads.
fn agent<F>(network: &Network, measure: impl FnOnce(Learning) -> F + Send + 'static) -> Vec<Duration>
where
    F: Future<Output = Vec<Duration>> + Send + 'static,
{
    let folder = tempfile::tempdir().unwrap();
    let config = config("n1", folder.path(), &network.pins);
    let (send, times) = mpsc::channel();
    let pins = config.pins.clone();
    let running = thread::spawn(move || {
        let (done, result) = oneshot::channel();
        let feed = |feed: Feed| {
            tokio::spawn(async move {
                let _ = done.send(measure(Learning::begin(&feed)).await);
            });
        };
        thread::spawn(move || {
            send.send(result.blocking_recv().unwrap()).unwrap();
            kill_process(getpid(), Signal::TERM).unwrap();
        });
        run_fed(&config, Box::new(|_: &_| inputs()), feed).unwrap();
    });
    let times = times.recv().unwrap();
    running.join().unwrap();
    remove(&pins);
    times
}

fn remove(pins: &Path) {
    Node::open(Pins::new(pins), &entries().unwrap(), Sizes::default()).and_then(Node::remove).unwrap();
}

/// A pod with a rule for all names of a zone, and one for each of some names.
fn inputs() -> Inputs {
    let mut text = "{apiVersion: v1, kind: Node, metadata: {name: n1}, \
        status: {addresses: [{type: InternalIP, address: 10.9.0.1}]}}\n\
        ---\n{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n"
        .to_owned();
    for (at, pod) in ["web", "dns"].into_iter().enumerate() {
        let address = Network::address4(at);
        text.push_str(&format!(
            "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: {pod}, namespace: shop, labels: {{app: {pod}}}}}, \
             spec: {{nodeName: n1, containers: [{{name: c, image: example.invalid/c}}]}}, \
             status: {{phase: Running, podIP: {address}, podIPs: [{{ip: {address}}}]}}}}\n"
        ));
    }
    text.push_str(
        "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: web, namespace: shop}\nspec:\n  \
         endpointSelector: {matchLabels: {app: web}}\n  egress:\n  \
         - toFQDNs: [{matchPattern: '*.example.test'}]\n    toPorts: [{ports: [{port: \"443\", protocol: TCP}]}]\n",
    );
    for number in 0..NAMES {
        let port = 1_000 + number;
        text.push_str(&format!(
            "  - toFQDNs: [{{matchName: own{number}.test}}]\n    \
             toPorts: [{{ports: [{{port: \"{port}\", protocol: TCP}}]}}]\n"
        ));
    }
    let mut sources = Sources::default();
    let file = sources.add("cluster.yaml".to_owned(), text);
    let loaded = load(&sources, &[file], &Options::default(), &Limits::default());
    Inputs { sources, resources: loaded.resources, diagnostics: loaded.diagnostics, ..Inputs::default() }
}

fn tell(what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 1_000];
    let shown = [500, 990, 999, 1_000].map(|part| match at(part).as_secs_f64() {
        seconds if seconds < 1e-3 => format!("{:.0} µs", seconds * 1e6),
        seconds => format!("{:.1} ms", seconds * 1e3),
    });
    println!("| {what} | {} | {} |", times.len(), shown.join(" | "));
}
