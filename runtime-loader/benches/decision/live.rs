//! The time from a change to its force, in a whole agent on a node of its own with a hundred interfaces.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, getpid, kill_process};
use sluice_backends::datapath::entries;
use sluice_backends::image::Room;
use sluice_compiler::classify::Limits as TableLimits;
use sluice_compiler::options::Options;
use sluice_compiler::resource::Resource;
use sluice_compiler::resource::endpoint_interfaces::{EndpointInterfaces, EndpointName, InterfaceRef};
use sluice_compiler::session::{Change, ObjectKey};
use sluice_compiler::source::Limits;
use sluice_compiler::{decide, load};
use sluice_ir::dns_name::{DnsName, LearnedName};
use sluice_loader::agent::{Applied, Feed, Inputs, run_fed};
use sluice_loader::node::{Node, Sizes};
use sluice_loader::pins::Pins;
use sluice_loader::prepare::{Settings, checks, generation, images};
use tokio::runtime::Runtime;

use crate::agent::config;
use crate::cluster::policies::{name, policy};
use crate::cluster::random::Random;
use crate::cluster::{Cluster, L, M, NODE, S, Shape, XL};
use crate::generation::{Place, locals};

/// Policies that change.
const CHANGES: usize = 60;
/// As many of them are compiled and loaded anew, which takes a while.
const ANEW: usize = 3;
/// Answers for names whose combination is known.
const ANSWERS: usize = 4_000;
/// Answers for two names at once.
const COMBINATIONS: usize = 400;
/// After so long programs for the generation to come are verified.
const CALM: Duration = Duration::from_secs(4);
/// Between two changes, so that the last packets of the generation before have passed.
const PAUSE: Duration = Duration::from_millis(60);

/// Prints the table.
pub(crate) fn tables() {
    let place = Place::new(100);
    println!("\n| size | what | fastest | median | 99 % | slowest |\n|---|---|---:|---:|---:|---:|");
    for (title, shape) in [("S", S), ("M", M), ("L", L), ("10,000 policies", Shape { pods: 20_000, ..XL })] {
        let mut world = World::new(shape, &place);
        tell(title, "a policy changed: compiled and loaded anew", world.anew(&place));
        let agent = Agent::begin(world, &place);
        agent.measure(title);
        agent.end();
    }
}

/// A cluster, and what becomes of it.
struct World {
    cluster: Cluster,
    /// Policies in the place of others with their names.
    changed: Vec<Resource>,
    interfaces: BTreeMap<EndpointName, InterfaceRef>,
    numbers: Vec<u32>,
}

impl World {
    fn new(shape: Shape, place: &Place) -> World {
        let mut cluster = Cluster::of(shape);
        let mut random = Random::new(99);
        let changed = (0..CHANGES).map(|number| {
            let mut text = String::new();
            policy(&mut text, &mut random, shape, number * shape.policies / CHANGES);
            let file = cluster.sources.add(format!("{number}.yaml"), text);
            load(&cluster.sources, &[file], &Options::default(), &Limits::default()).resources.remove(0)
        });
        let changed = changed.collect();
        let compiled = cluster.compile();
        let here = compiled.inventory.endpoints.iter().filter(|pod| pod.node.as_deref() == Some(NODE));
        let names = here.map(|pod| EndpointName {
            namespace: std::sync::Arc::clone(&pod.namespace),
            name: std::sync::Arc::clone(&pod.name),
        });
        let references = place.names().into_iter().map(|name| InterfaceRef::Interface(name.into()));
        let interfaces = names.zip(references).collect();
        World { cluster, changed, interfaces, numbers: place.interfaces() }
    }

    /// Everything from objects to force, with nothing kept from one change to the next.
    fn anew(&mut self, place: &Place) -> Vec<Duration> {
        let pins = place.pins.join("anew");
        let mut times = Vec::new();
        for changed in self.changed.clone().into_iter().take(ANEW) {
            let mut node = open(&pins);
            let key = ObjectKey::of(&changed);
            let before = self.cluster.resources.clone();
            self.cluster.resources.retain(|known| ObjectKey::of(known) != key);
            self.cluster.resources.push(changed);
            let began = Instant::now();
            let compiled = self.cluster.compile();
            let decided = decide(&compiled, Some(NODE), &TableLimits::default(), &mut |_| ()).unwrap();
            let locals = locals(&compiled, &decided, &self.numbers);
            let (decision, settings) = (&decided.classified.decision, Settings::default());
            let images = images(decision, &locals, &settings, &Room::NONE).unwrap();
            let questions = checks(decision, &locals, settings.checks);
            let prepared = generation(node.next(), &images, &settings, questions).unwrap();
            node.publish(&prepared).unwrap();
            times.push(began.elapsed());
            self.cluster.resources = before;
        }
        open(&pins).remove().unwrap();
        times
    }
}

fn open(pins: &Path) -> Node {
    let sizes = Sizes { connections: Some(65_536) };
    Node::open(Pins::new(pins), &entries().unwrap(), sizes).unwrap()
}

/// An agent in this process.
struct Agent {
    feed: Feed,
    runtime: Runtime,
    changed: Vec<Resource>,
    running: thread::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Agent {
    fn begin(world: World, place: &Place) -> Agent {
        let World { cluster: Cluster { sources, resources, answers }, changed, interfaces, .. } = world;
        let interfaces = EndpointInterfaces(interfaces);
        let folder = tempfile::tempdir().unwrap();
        let config = config(NODE, folder.path(), &place.pins);
        let (send, feeds) = mpsc::channel();
        // A file that comes makes the agent read again, and what it reads is the same.
        let read = move |_: &_| Inputs {
            sources: sources.clone(),
            resources: resources.clone(),
            answers: answers.clone(),
            interfaces: interfaces.clone(),
            ..Inputs::default()
        };
        let running = thread::spawn(move || {
            run_fed(&config, Box::new(read), |feed| send.send(feed).unwrap()).unwrap();
            open(&config.pins).remove().unwrap();
        });
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let agent = Agent { feed: feeds.recv().unwrap(), runtime, changed, running, _folder: folder };
        while agent.apply(Vec::new()).1 != Applied::InForce {
            thread::sleep(PAUSE);
        }
        thread::sleep(CALM);
        agent
    }

    /// How long it takes until packets are judged by some changes.
    fn apply(&self, changes: Vec<Change>) -> (Duration, Applied) {
        let began = Instant::now();
        let applied = self.runtime.block_on(self.feed.apply(changes));
        (began.elapsed(), applied)
    }

    fn times(&self, changes: impl Iterator<Item = Vec<Change>>, pause: Duration) -> Vec<Duration> {
        let time = |changes| {
            let (time, applied) = self.apply(changes);
            assert_eq!(applied, Applied::InForce);
            thread::sleep(pause);
            time
        };
        changes.map(time).collect()
    }

    fn measure(&self, title: &str) {
        let put = |policy: &Resource| vec![Change::Put(Box::new(policy.clone()))];
        tell(title, "a policy changed", self.times(self.changed.iter().map(put), PAUSE));
        let mut random = Random::new(5);
        let mut fresh = move || {
            IpAddr::V4(Ipv4Addr::from_bits(
                0x5000_0000 | (random.below(1 << 14) << 14 | random.below(1 << 14)) as u32,
            ))
        };
        let names: Vec<LearnedName> = (0..60).map(|at| DnsName::parse(&name(at)).unwrap().into()).collect();
        let one = (0..ANSWERS).map(|at| vec![Change::DnsAnswer(names[at % 4].clone(), fresh())]);
        tell(
            title,
            "a DNS answer, known names",
            self.times(one.collect::<Vec<_>>().into_iter(), Duration::ZERO),
        );
        let two = (0..COMBINATIONS).map(|at| {
            let (first, second) = (&names[at % 60], &names[(at + 1 + at / 60) % 60]);
            let address = fresh();
            [first, second].map(|name| Change::DnsAnswer(name.clone(), address)).to_vec()
        });
        let two: Vec<_> = two.collect();
        tell(title, "a DNS answer, two names at once", self.times(two.into_iter(), Duration::ZERO));
    }

    fn end(self) {
        kill_process(getpid(), Signal::TERM).unwrap();
        self.running.join().unwrap();
    }
}

fn tell(size: &str, what: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    let shown = [0, 50, 99, 100].map(|part| match at(part).as_secs_f64() {
        seconds if seconds < 1e-3 => format!("{:.0} µs", seconds * 1e6),
        seconds => format!("{:.1} ms", seconds * 1e3),
    });
    println!("| {size} | {what} | {} |", shown.join(" | "));
}
