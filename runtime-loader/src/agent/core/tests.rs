//! The core turn by turn, with a real node. What is done beside it ends when the test lets it. Needs root and BPF; says so
//! where they are missing.

#[allow(dead_code, reason = "the tests of nodes use the rest")]
#[path = "../../../tests/harness/network.rs"]
mod network;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use network::Network;
use sluice_backends::image::{BuildError, Image};
use sluice_backends::simulate::Simulator;
use sluice_compiler::load;
use sluice_compiler::options::Options;
use sluice_compiler::source::{Limits, Sources};
use sluice_ir::dns_name::DnsName;
use sluice_ir::policy::Direction;

use super::*;
use crate::agent::{Config, Inputs, agent};
use crate::dns::cache::Lookup;

/// So many answers, each far from all others, come while larger images are made.
const MEANWHILE: usize = 2_000;

/// A pod with a rule about names.
const CLUSTER: &str = "
{apiVersion: v1, kind: Node, metadata: {name: n1}, status: {addresses: [{type: InternalIP, address: 10.9.200.1}]}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: shop}}
---
apiVersion: v1
kind: Pod
metadata: {name: web, namespace: shop, labels: {app: web}}
spec: {nodeName: n1, containers: [{name: c, image: example.invalid/c}]}
status: {phase: Running, podIP: 10.9.0.2, podIPs: [{ip: 10.9.0.2}]}
---
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: web}}
  egress:
  - toFQDNs: [{matchPattern: '*.example.test'}]
    toPorts: [{ports: [{port: \"443\", protocol: TCP}]}]
";

fn inputs_of(text: &str) -> Inputs {
    let mut sources = Sources::default();
    let file = sources.add("cluster.yaml".to_owned(), text.to_owned());
    let loaded = load(&sources, &[file], &Options::default(), &Limits::default());
    Inputs { sources, resources: loaded.resources, diagnostics: loaded.diagnostics, ..Inputs::default() }
}

fn config(root: &Path, network: &Network) -> Config {
    Config {
        node: "n1".to_owned(),
        version: "1.2.3".to_owned(),
        watched: Vec::new(),
        keep_going: false,
        socket: root.join("sluice.sock"),
        state: root.join("state"),
        pins: network.pins.clone(),
        metrics: None,
        host_interfaces: Vec::new(),
        audit_host: false,
        tell_new: false,
    }
}

/// A core that does nothing by itself.
struct Bench {
    core: Core,
    enforcer: Enforcer,
    beside: Beside,
    /// What the files say.
    files: Arc<Mutex<String>>,
    /// How often they were read.
    reads: Arc<AtomicUsize>,
    /// How many answers there were.
    answers: u32,
}

/// Runs a test with a core on a node of its own, if that can be.
fn with_core<F>(test: &str, act: impl FnOnce(Bench) -> F)
where
    F: Future<Output = ()>,
{
    if !rustix::process::geteuid().is_root() || !Path::new("/sys/fs/bpf").is_dir() {
        eprintln!("{test}: not run, as it needs root and BPF");
        return;
    }
    let network = Network::new(1);
    let folder = tempfile::tempdir().unwrap();
    let config = config(folder.path(), &network);
    let reads = Arc::new(AtomicUsize::new(0));
    let files = Arc::new(Mutex::new(CLUSTER.to_owned()));
    let (counted, said) = (Arc::clone(&reads), Arc::clone(&files));
    let read = Box::new(move |_: &Sources| {
        counted.fetch_add(1, Ordering::SeqCst);
        inputs_of(&said.lock().unwrap())
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let run = async |mut core: Core| {
        let (_telling, enforcer, beside) = begin(&mut core)?;
        act(Bench { core, enforcer, beside, files, reads, answers: 0 }).await;
        Ok(())
    };
    runtime.block_on(agent(&config, read, drop, run)).unwrap();
    drop(runtime);
    Node::open(Pins::new(&config.pins), &entries().unwrap(), Sizes::default())
        .and_then(Node::remove)
        .unwrap();
}

impl Bench {
    fn go_on(&mut self) {
        self.beside.go_on(&mut self.core, &mut self.enforcer);
    }

    /// Waits for what is under way until nothing is.
    async fn calm(&mut self) {
        loop {
            self.go_on();
            let Beside { work, grace, ahead, .. } = &self.beside;
            if work.is_none() && grace.is_none() && ahead.is_none() {
                return;
            }
            let ended = self.beside.ended().await.unwrap();
            ended.take_in(&mut self.core, &mut self.enforcer, &mut self.beside);
        }
    }

    /// An answer with an address far from all others, as one is fed. Its address, and what tells when it is in force.
    async fn answer(&mut self) -> (IpAddr, oneshot::Receiver<Applied>) {
        self.answers += 1;
        // An odd factor visits every address once; none of them is the node's.
        let address: IpAddr = Ipv4Addr::from_bits(self.answers.wrapping_mul(0x9e37_79b1)).into();
        (address, self.feed(address).await)
    }

    async fn feed(&mut self, address: IpAddr) -> oneshot::Receiver<Applied> {
        let name = DnsName::parse("a.example.test").unwrap();
        let (done, told) = oneshot::channel();
        let changes = vec![Change::DnsAnswer(name.into(), address)];
        feed(&mut self.core, &mut self.enforcer, &mut self.beside, changes, Asker::Feed(done)).await;
        self.go_on();
        told
    }

    /// Reads the files, which say this beside the cluster from now on. What comes of that is not awaited if it waits for
    /// larger images.
    async fn read(&mut self, more: &str) {
        *self.files.lock().unwrap() = format!("{CLUSTER}---\n{more}");
        self.beside.want(Task::Read);
        self.go_on();
        while self.beside.work.is_some() || self.beside.done.is_some() {
            let ended = self.beside.ended().await.unwrap();
            ended.take_in(&mut self.core, &mut self.enforcer, &mut self.beside);
            self.go_on();
        }
    }

    /// What the agent says of the files.
    fn state(&self) -> SourcesState {
        self.core.snapshot.borrow().status.sources.state
    }

    /// What the files said that are in force.
    fn said(&self) -> (Arc<Inputs>, Arc<sluice_compiler::Compiled>) {
        let live = self.enforcer.live().unwrap();
        (Arc::clone(&live.inputs), Arc::clone(&live.compiled))
    }

    /// The class of an address in the images in force.
    fn class(&self, address: IpAddr) -> u32 {
        Simulator::from(&self.enforcer.live().unwrap().images).class(address)
    }

    fn generation(&self) -> u32 {
        self.enforcer.generation().unwrap().word()
    }

    fn size(&self) -> usize {
        self.enforcer.live().unwrap().images.bytes(Image::Trie4).len()
    }
}

#[test]
fn work_begins_as_soon_as_the_worker_is_there() {
    with_core("work_begins_as_soon_as_the_worker_is_there", async |mut bench| {
        assert!(bench.beside.work.is_none());
        bench.go_on();
        assert!(bench.beside.work.is_some(), "the first reading");
        for task in [Task::Find, Task::Read, Task::Find] {
            bench.beside.want(task);
            bench.go_on();
        }
        assert_eq!(bench.beside.wanted, Some(Task::Read), "there is one worker, and who reads finds");
        let Ended::Work(done) = bench.beside.ended().await.unwrap() else {
            panic!("nothing else is under way")
        };
        assert_eq!(bench.reads.load(Ordering::SeqCst), 1);
        bench.beside.done = Some(*done);
        bench.go_on();
        assert_eq!(bench.generation(), 1, "what was read is in force");
        // The next turn may be half a second away.
        assert!(bench.beside.work.is_some() && bench.beside.wanted.is_none(), "the next reading has begun");
        bench.calm().await;
        assert_eq!((bench.reads.load(Ordering::SeqCst), bench.generation()), (2, 1));
    });
}

#[test]
fn no_answer_waits_for_larger_images_while_names_come_steadily() {
    with_core("no_answer_waits_for_larger_images_while_names_come_steadily", async |mut bench| {
        bench.calm().await;
        let mut sizes = vec![bench.size()];
        let mut meanwhile = 0;
        for number in 0..10_000 {
            let (address, mut told) = bench.answer().await;
            assert_eq!(
                told.try_recv(),
                Ok(Applied::InForce),
                "answer {number}, {meanwhile} since it is short"
            );
            assert_eq!(bench.class(address), bench.class([158, 55, 121, 177].into()));
            meanwhile += usize::from(bench.beside.ahead.is_some());
            if meanwhile == MEANWHILE {
                bench.calm().await;
                sizes.push(bench.size());
                meanwhile = 0;
            }
        }
        assert!(sizes.windows(2).all(|pair| pair[1] >= 2 * pair[0] - (1 << 18)), "{sizes:?}");
        assert_eq!(sizes.len(), 3, "{sizes:?}");
    });
}

#[test]
fn who_does_not_fit_waits_for_the_images_that_are_on_their_way() {
    with_core("who_does_not_fit_waits_for_the_images_that_are_on_their_way", async |mut bench| {
        bench.calm().await;
        let (first, _) = bench.answer().await;
        let known = bench.class(first);
        let (address, mut told) = loop {
            let (address, mut told) = bench.answer().await;
            if told.try_recv() != Ok(Applied::InForce) {
                break (address, told);
            }
        };
        assert!(bench.beside.ahead.is_some() && bench.enforcer.is_waited_for());
        assert_ne!(bench.class(address), known, "it is not in force");
        // Whoever asks for the same again, and who comes later, is not told earlier.
        let mut again = bench.feed(address).await;
        let (later, mut told_later) = bench.answer().await;
        assert!(again.try_recv().is_err() && told_later.try_recv().is_err() && told.try_recv().is_err());
        assert_eq!(bench.generation(), 1);
        bench.calm().await;
        assert_eq!(bench.generation(), 2, "for all of them one generation");
        for told in [&mut told, &mut again, &mut told_later] {
            assert_eq!(told.try_recv(), Ok(Applied::InForce));
        }
        assert_eq!([address, later].map(|address| bench.class(address)), [known; 2]);
    });
}

#[test]
fn who_waits_is_not_forgotten_when_there_are_no_larger_images() {
    with_core("who_waits_is_not_forgotten_when_there_are_no_larger_images", async |mut bench| {
        bench.calm().await;
        let (address, mut told) = loop {
            let (address, mut told) = bench.answer().await;
            if told.try_recv() != Ok(Applied::InForce) {
                break (address, told);
            }
        };
        bench.beside.ahead = None;
        let failed = Ended::Ahead(Box::new(Err(AheadError::Build(BuildError::Endpoints(1)))));
        failed.take_in(&mut bench.core, &mut bench.enforcer, &mut bench.beside);
        assert_eq!((told.try_recv(), bench.generation()), (Ok(Applied::InForce), 2));
        assert_eq!(bench.class(address), bench.class([158, 55, 121, 177].into()));
        bench.calm().await;
        // Another generation that comes first has what waits as well.
        let (address, mut told) = loop {
            let (address, mut told) = bench.answer().await;
            if told.try_recv() != Ok(Applied::InForce) {
                break (address, told);
            }
        };
        let (done, mut rebuilt) = oneshot::channel();
        let another =
            inputs_of("{apiVersion: v1, kind: Namespace, metadata: {name: other}}").resources.remove(0);
        let changes = vec![Change::Put(Box::new(another))];
        feed(&mut bench.core, &mut bench.enforcer, &mut bench.beside, changes, Asker::Feed(done)).await;
        bench.go_on();
        assert_eq!(rebuilt.try_recv(), Ok(Applied::InForce));
        assert_eq!((told.try_recv(), bench.generation()), (Ok(Applied::InForce), 3));
        assert_eq!(bench.class(address), bench.class([158, 55, 121, 177].into()));
        bench.calm().await;
        assert!(!bench.enforcer.is_waited_for());
    });
}

/// A policy of the pod with some rules.
fn policy(rules: &[String]) -> String {
    let rules = rules.join(", ");
    format!(
        "{{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {{name: more, namespace: shop}}, \
         spec: {{endpointSelector: {{}}, egress: [{rules}]}}}}\n"
    )
}

/// So many peers, each with a port of its own.
fn peers(count: u16) -> String {
    let rule = |at| {
        let port = 2 * at + 1;
        format!("{{toCIDR: [192.0.2.{at}/32], toPorts: [{{ports: [{{port: \"{port}\", protocol: TCP}}]}}]}}")
    };
    policy(&(1..=count).map(rule).collect::<Vec<_>>())
}

/// One rule for so many addresses, each far from all others.
fn far(count: u32) -> String {
    let addresses = (1..=count).map(|number| Ipv4Addr::from_bits(number.wrapping_mul(0x9e37_79b1)));
    let addresses: Vec<String> = addresses.map(|address| format!("{address}/32")).collect();
    policy(&[format!("{{toCIDR: [{}]}}", addresses.join(", "))])
}

#[test]
fn files_that_are_refused_leave_nothing_behind() {
    with_core("files_that_are_refused_leave_nothing_behind", async |mut bench| {
        bench.beside.worker.as_mut().unwrap().reader.limits.cells = 500;
        bench.calm().await;
        assert_eq!(bench.state(), SourcesState::Ok);
        let (inputs, compiled) = bench.said();
        bench.read(&peers(40)).await;
        assert_eq!(bench.state(), SourcesState::Refused);
        let said = bench.said();
        assert!(Arc::ptr_eq(&said.0, &inputs) && Arc::ptr_eq(&said.1, &compiled));
        // An interface that comes or goes makes no file better.
        bench.beside.want(Task::Find);
        bench.calm().await;
        assert_eq!(bench.state(), SourcesState::Refused);
        assert_eq!(bench.core.snapshot.borrow().status.sources.findings[0].code.as_deref(), Some("S0806"));
        bench.read(&peers(2)).await;
        bench.calm().await;
        assert_eq!(bench.state(), SourcesState::Ok);
        assert!(!Arc::ptr_eq(&bench.said().0, &inputs));
    });
}

#[test]
fn files_that_were_refused_when_there_was_room_are_read_again() {
    with_core("files_that_were_refused_when_there_was_room_are_read_again", async |mut bench| {
        bench.read(&far(1)).await;
        bench.calm().await;
        let ((inputs, _), generation) = (bench.said(), bench.generation());
        bench.read(&far(4_500)).await;
        assert!(bench.enforcer.is_waited_for() && bench.beside.ahead.is_some());
        // Nothing is made where a folder should be and is none.
        let pins = Pins::new(&bench.core.config.pins);
        let bank = pins.bank(bench.enforcer.generation().unwrap().next().bank());
        let (entry, aside) = (pins.entry(Direction::Egress), bank.with_file_name("elsewhere"));
        if bank.exists() {
            std::fs::rename(&bank, &aside).unwrap();
        }
        std::fs::rename(&entry, &bank).unwrap();
        bench.beside.ahead = None;
        let failed = Ended::Ahead(Box::new(Err(AheadError::Build(BuildError::Endpoints(1)))));
        failed.take_in(&mut bench.core, &mut bench.enforcer, &mut bench.beside);
        assert_eq!(bench.generation(), generation);
        assert!(Arc::ptr_eq(&bench.said().0, &inputs), "they are not in force");
        std::fs::rename(&bank, &entry).unwrap();
        let reads = bench.reads.load(Ordering::SeqCst);
        bench.calm().await;
        assert_eq!((bench.reads.load(Ordering::SeqCst), bench.generation()), (reads + 1, generation + 1));
        assert_eq!(bench.state(), SourcesState::Ok);
        let [known, other] = [[158, 55, 121, 177], [158, 55, 121, 178]].map(IpAddr::from);
        assert_ne!(bench.class(known), bench.class(other));
    });
}

#[test]
fn whoever_floods_with_names_keeps_no_policy_out_of_force() {
    with_core("whoever_floods_with_names_keeps_no_policy_out_of_force", async |mut bench| {
        bench.calm().await;
        let mut snapshot = bench.core.snapshot.subscribe();
        let since = snapshot.borrow_and_update().status.sources.since;
        let (names, ends) = (Arc::clone(bench.core.dns.proxy().names()), Arc::new(AtomicBool::new(false)));
        let end = Arc::clone(&ends);
        let flood = std::thread::spawn(move || {
            let (endpoint, ttl) = ("shop/web".into(), Duration::from_secs(3_600));
            let mut asked = 0_u32;
            while !end.load(Ordering::SeqCst) {
                asked += 1;
                let name = DnsName::parse(&format!("n{asked}.example.test")).unwrap();
                let addresses = &[Ipv4Addr::from_bits(0x1400_0000 + asked % 500).into()];
                let (asker, at) = (None, Moment::now());
                // Where too much waits it is not learned.
                let _ = names.learn(Lookup { asker, endpoint: &endpoint, name: &name, addresses, ttl, at });
            }
        });
        bench.beside.want(Task::Read);
        let Bench { core, enforcer, beside, .. } = &mut bench;
        tokio::select! {
            ended = attend(core, enforcer, beside) => panic!("{:?}", ended.map_err(|error| error.to_string())),
            read = snapshot.wait_for(|now| now.status.sources.since > since) => drop(read.unwrap()),
            () = tokio::time::sleep(Duration::from_secs(30)) => panic!("the files are not read"),
        }
        ends.store(true, Ordering::SeqCst);
        flood.join().unwrap();
    });
}
