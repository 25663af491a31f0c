//! An agent that is killed, at every step of a publish and at any moment. What is in force stays whole, and whoever
//! comes next goes on with it. Needs root and BPF; says so where they are missing.

#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr, reason = "tests may")]

mod harness;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{env, thread};

use harness::network::Network;
use harness::policies::{A, B, Compiled, KEPT, KEPT_BESIDE};
use harness::root;
use harness::traffic::{Pair, Probe, ping_and_echo};
use rustix::process::{Signal, getpid, kill_process};
use sluice_backends::abi::Reason;
use sluice_backends::datapath::entries;
use sluice_loader::generation::{Bank, Number};
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::pins::Pins;
use sluice_loader::plan::{Step, publish, rewrite, settle};

/// What the agent to be killed is told: where its pins are, the interfaces, and after which step it dies, if of itself.
const PINS: &str = "SLUICE_TEST_PINS";
const INTERFACES: &str = "SLUICE_TEST_INTERFACES";
const LAST_STEP: &str = "SLUICE_TEST_LAST_STEP";

const SIZES: Sizes = Sizes { connections: Some(1_024) };

/// It is this program once more, as a process that can be killed. Where nobody tells it where, it does nothing.
#[test]
fn agent_to_be_killed() {
    let (Ok(pins), Ok(interfaces)) = (env::var(PINS), env::var(INTERFACES)) else { return };
    let last = env::var(LAST_STEP).ok().map(|step| step.parse::<usize>().unwrap());
    let mut numbers = interfaces.split(',').map(|number| number.parse().unwrap());
    let policies = compiled([(); 2].map(|()| numbers.next().unwrap()));
    let mut node = Node::open(Pins::new(pins), &entries().unwrap(), SIZES).unwrap();
    println!("open");
    let mut steps = 0;
    loop {
        let next = node.next();
        let mut watch = |_: &Step| {
            if last == Some(steps) {
                kill_process(getpid(), Signal::KILL).unwrap();
            }
            steps += 1;
        };
        node.publish_watched(&of_bank(&policies, next.bank()).prepared(next), &mut watch).unwrap();
    }
}

fn compiled(ifindexes: [u32; 2]) -> [Compiled; 2] {
    [A, B].map(|policy| Compiled::new(policy, ifindexes))
}

/// Whoever publishes, even numbers are the first policy and odd ones the second.
fn of_bank(policies: &[Compiled; 2], bank: Bank) -> &Compiled {
    &policies[bank.index() as usize]
}

struct Bed {
    network: Network,
    ifindexes: [u32; 2],
    policies: [Compiled; 2],
}

impl Bed {
    /// With a generation in force, and nobody there.
    fn new() -> Bed {
        let network = Network::new(2);
        let ifindexes = [0, 1].map(|endpoint| network.ifindex(endpoint));
        let bed = Bed { network, ifindexes, policies: compiled(ifindexes) };
        let mut node = bed.open();
        bed.publish(&mut node);
        let interface = |endpoint: usize| Interface {
            ifindex: ifindexes[endpoint],
            name: bed.network.interface(endpoint),
        };
        node.attach(&BTreeSet::from([0, 1].map(interface))).unwrap();
        bed
    }

    fn open(&self) -> Node {
        Node::open(self.network.pins(), &entries().unwrap(), SIZES).unwrap()
    }

    fn publish(&self, node: &mut Node) {
        let next = node.next();
        node.publish(&of_bank(&self.policies, next.bank()).prepared(next)).unwrap();
    }

    /// An agent that begins to publish.
    fn agent(&self, last_step: Option<usize>) -> Child {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", "agent_to_be_killed", "--nocapture"]).stdout(Stdio::piped());
        command
            .env(PINS, &self.network.pins)
            .env(INTERFACES, self.ifindexes.map(|i| i.to_string()).join(","));
        if let Some(step) = last_step {
            command.env(LAST_STEP, step.to_string());
        }
        command.spawn().unwrap()
    }

    /// The datapath is as one generation wants it, whole; which.
    fn judges(&self, probe: &mut Probe, what: &str) -> Bank {
        let passing = probe.passing(KEPT);
        let whole =
            Bank::BOTH.into_iter().find(|bank| of_bank(&self.policies, *bank).policy.passing() == passing);
        assert!(whole.is_some(), "{what}: {passing:?} pass");
        whole.unwrap()
    }
}

/// Ends with a node on which every packet has found the programs of its generation.
fn end(node: Node) {
    let counters = node.counters().unwrap();
    let missed = [0, 1].map(|way| counters.sum(Reason::MissedTailCall as u32 * 2 + way).unwrap().packets);
    assert_eq!(missed, [0, 0], "packets that found no programs");
    node.remove().unwrap();
}

/// Lets nothing of a flow that every generation allows be lost while something is done.
fn without_loss(network: &Network, act: impl FnOnce()) {
    let pair = Pair::new(network, KEPT_BESIDE);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let ping = scope.spawn(|| ping_and_echo(&pair, &stop));
        // Even if what is done fails, the flow has to end.
        let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(act));
        stop.store(true, Ordering::Relaxed);
        let count = ping.join().unwrap();
        done.unwrap();
        eprintln!("beside it {count:?}");
        assert!(count.sent > 0 && count.lost == 0, "{count:?}");
    });
}

#[test]
fn an_agent_may_be_killed_after_every_step() {
    if !root("an_agent_may_be_killed_after_every_step") {
        return;
    }
    let bed = Bed::new();
    let mut probe = Probe::new(&bed.network);
    without_loss(&bed.network, || {
        // One that finds the programs of another agent, and loads its own, twice; then it finds these.
        let rounds = [publish, publish, rewrite].map(|publish| publish(Number::FIRST));
        let settle = settle(Number::FIRST);
        let steps = rounds.map(|publish| [publish, settle.clone()].concat()).concat();
        for (at, step) in steps.iter().enumerate() {
            let before = bed.judges(&mut probe, "before");
            let output = bed.agent(Some(at)).wait_with_output().unwrap();
            assert!(!output.status.success());
            let now = bed.judges(&mut probe, &format!("killed after {step:?}"));
            let flips = steps[..=at].iter().filter(|step| matches!(step, Step::Flip(_))).count();
            assert_eq!(now == before, flips % 2 == 0, "killed after {step:?}");
            let mut node = bed.open();
            assert_eq!(node.current().map(Number::bank), Some(now), "killed after {step:?}");
            assert_eq!(bed.judges(&mut probe, "found again"), now);
            bed.publish(&mut node);
            assert_eq!(bed.judges(&mut probe, "published by the next"), now.other());
        }
    });
    end(bed.open());
}

#[test]
fn an_agent_may_be_killed_at_any_moment() {
    if !root("an_agent_may_be_killed_at_any_moment") {
        return;
    }
    let bed = Bed::new();
    let mut probe = Probe::new(&bed.network);
    without_loss(&bed.network, || {
        for round in 0..12 {
            let mut agent = bed.agent(None);
            let mut lines = BufReader::new(agent.stdout.take().unwrap()).lines();
            assert!(lines.any(|line| line.unwrap().contains("open")));
            // The moments are spread over a publish and its settling, which take 20 to 100 ms.
            thread::sleep(Duration::from_micros(20_000 + round * 7_300));
            agent.kill().unwrap();
            agent.wait().unwrap();
            let now = bed.judges(&mut probe, &format!("killed in round {round}"));
            let mut node = bed.open();
            assert_eq!(node.current().map(Number::bank), Some(now));
            bed.publish(&mut node);
            assert_eq!(bed.judges(&mut probe, "published by the next"), now.other());
        }
    });
    end(bed.open());
}

#[test]
fn an_agent_may_be_killed_before_anything_is_in_force() {
    if !root("an_agent_may_be_killed_before_anything_is_in_force") {
        return;
    }
    let bed = Bed::new();
    for (at, step) in publish(Number::FIRST).iter().enumerate() {
        bed.open().remove().unwrap();
        assert!(!Path::new(&bed.network.pins).exists());
        bed.agent(Some(at)).wait().unwrap();
        let mut node = bed.open();
        let expected = matches!(step, Step::Flip(_)).then_some(Number::FIRST);
        assert_eq!(node.current(), expected, "killed after {step:?}");
        bed.publish(&mut node);
    }
    end(bed.open());
}
