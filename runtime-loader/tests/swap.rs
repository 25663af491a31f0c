//! The swap of generations under real packets, with the real programs. Needs root and BPF; says so where they are
//! missing.
//!
//! A packet crosses two hooks on the node. Two policies are put in force in turn that a mix of would let packets pass
//! which neither lets pass alone, so a packet that was judged by a mix is seen where it arrives.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may")]

mod harness;

use std::collections::BTreeSet;
use std::mem::offset_of;
use std::net::UdpSocket;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use harness::network::Network;
use harness::policies::{A, B, C, Compiled, KEPT, KEPT_BESIDE, MIX_AB, MIX_BA, ONLY_A, ONLY_B, Policy};
use harness::traffic::{Connection, Deadline, Pair, Probe, flood, inside, ping_and_echo, talk};
use harness::{programs, root};
use sluice_backends::abi::{MARK_GENERATION_ONE, Reason, Word, map};
use sluice_backends::datapath;
use sluice_backends::program::{Assembler, Code, Register};
use sluice_ir::decision::ByDirection;
use sluice_loader::generation::Number;
use sluice_loader::kernel::{Hook, Link, Map, Memory, Program, wait_for_readers};
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::plan::Step;

/// Tests that share a processor's queue of packets would make it overflow.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A node with two policies, one of them in force.
struct Bed {
    network: Network,
    node: Node,
    entries: ByDirection<Code>,
    policies: [Compiled; 2],
    /// How long the one store of each flip took.
    flips: Vec<Duration>,
}

const SIZES: Sizes = Sizes { connections: Some(4_096) };

impl Bed {
    fn new(entries: ByDirection<Code>) -> Bed {
        let network = Network::new(2);
        let ifindexes = [0, 1].map(|endpoint| network.ifindex(endpoint));
        let node = Node::open(network.pins(), &entries, SIZES).unwrap();
        let policies = [A, B].map(|policy| Compiled::new(policy, ifindexes));
        let mut bed = Bed { network, node, entries, policies, flips: Vec::new() };
        bed.flip();
        let interface = |endpoint: usize| Interface {
            ifindex: ifindexes[endpoint],
            name: bed.network.interface(endpoint),
        };
        bed.node.attach(&BTreeSet::from([0, 1].map(interface))).unwrap();
        bed
    }

    /// Puts the other policy in force.
    fn flip(&mut self) {
        let next = self.node.next();
        let prepared = self.policies[next.bank().index() as usize].prepared(next);
        let mut last = Instant::now();
        let flips = &mut self.flips;
        let mut watch = |step: &Step| {
            if matches!(step, Step::Flip(_)) {
                flips.push(last.elapsed());
            }
            last = Instant::now();
        };
        self.node.publish_watched(&prepared, &mut watch).unwrap();
    }

    /// Publishes for some seconds.
    fn publish_on(&mut self, seconds: u64) {
        let deadline = Deadline::after(seconds);
        while !deadline.is_over() {
            self.flip();
        }
    }

    /// Flips between the two generations that were published last for some seconds, by the steps of a publish but for
    /// the slow ones, which make programs. Each keeps its number's place and its mark.
    fn flip_on(&mut self, seconds: u64) {
        let deadline = Deadline::after(seconds);
        let word = self.word();
        let mut current = word.load(offset_of!(Word, generation)).unwrap();
        let mut before = current - 1;
        while !deadline.is_over() {
            wait_for_readers().unwrap();
            word.store(offset_of!(Word, previous), current).unwrap();
            wait_for_readers().unwrap();
            (current, before) = (before, current);
            let began = Instant::now();
            word.store(offset_of!(Word, generation), current).unwrap();
            self.flips.push(began.elapsed());
        }
        self.node = Node::open(self.network.pins(), &self.entries, SIZES).unwrap();
        assert_eq!(self.node.current().map(Number::word), Some(current));
    }

    fn word(&self) -> Memory {
        let spec = map("sluice_word").unwrap();
        Memory::of(&Map::open(spec, &self.network.pins().shared(spec)).unwrap()).unwrap()
    }

    /// Has both generations mark packets alike, so that each takes what the other has judged for its own.
    fn mark_alike(&self) {
        for bank in [0, 4] {
            self.word().store(offset_of!(Word, marks) + bank, MARK_GENERATION_ONE).unwrap();
        }
    }

    /// How many packets the datapath dropped for a reason, or for any, by direction.
    fn drops(&self, reason: Option<Reason>) -> ByDirection<u64> {
        let counters = self.node.counters().unwrap();
        let mut drops = ByDirection::default();
        for known in Reason::ALL.iter().filter(|known| reason.is_none_or(|reason| reason == **known)) {
            let index = *known as u32 * 2;
            drops.ingress += counters.sum(index).unwrap().packets;
            drops.egress += counters.sum(index + 1).unwrap().packets;
        }
        drops
    }

    fn latency(&self) -> String {
        let mut flips = self.flips.clone();
        flips.sort_unstable();
        let at = |part: usize| flips[(flips.len() - 1) * part / 100].as_nanos();
        format!("store of a flip: {} ns at least, {} ns median, {} ns at 99 %", at(0), at(50), at(99))
    }
}

/// A program behind the entry program that takes its time, so that more packets are between two hooks at a flip.
fn dawdle(network: &Network) -> Link {
    const KTIME_GET_NS: u32 = 5;
    const GO_ON: i32 = -1;
    let mut asm = Assembler::new();
    for _ in 0..400 {
        asm.call(KTIME_GET_NS);
    }
    asm.move64(Register::R0, GO_ON);
    asm.exit();
    let mut program = Program::load("dawdle", &asm.finish().unwrap(), &[]).unwrap();
    Link::attach(&mut program, &network.interface(0), Hook::In).unwrap()
}

/// Floods the ports that only a mix lets pass, while generations are flipped. How many packets were sent, and how many
/// arrived.
fn mixed(bed: &mut Bed, flip: impl FnOnce(&mut Bed, &dyn Fn() -> bool)) -> (u64, usize) {
    let pairs = [MIX_AB, MIX_BA].map(|port| Pair::new(&bed.network, port));
    let _slow = dawdle(&bed.network);
    let stop = AtomicBool::new(false);
    let seen = || pairs.iter().any(|pair| pair.server.peek(&mut [0; 8]).is_ok());
    pairs.iter().for_each(|pair| pair.server.set_nonblocking(true).unwrap());
    let sent = thread::scope(|scope| {
        let flood = scope.spawn(|| flood(&pairs, &stop));
        flip(bed, &seen);
        stop.store(true, Ordering::Relaxed);
        flood.join().unwrap()
    });
    pairs.iter().for_each(|pair| pair.server.set_nonblocking(false).unwrap());
    (sent, pairs.iter().map(Pair::arrived).sum())
}

#[test]
fn no_packet_is_judged_by_a_mix_of_generations() {
    if !root("no_packet_is_judged_by_a_mix_of_generations") {
        return;
    }
    let _alone = alone();
    let mut bed = Bed::new(datapath::entries().unwrap());
    let (sent, arrived) = mixed(&mut bed, |bed, _| {
        bed.publish_on(6);
        bed.flip_on(6);
    });
    let drops = bed.drops(Some(Reason::Policy));
    let flips = bed.flips.len();
    eprintln!("{flips} flips, {sent} packets, {arrived} mixed, {drops:?}; {}", bed.latency());
    assert_eq!(arrived, 0);
    assert!(flips > 10, "only {flips} flips");
    // Both generations judged, and every packet was dropped once.
    assert!(drops.ingress > 0 && drops.egress > 0, "{drops:?}");
    assert_eq!(bed.drops(None), drops);
    assert!(drops.ingress + drops.egress >= sent, "{drops:?} of {sent}");
    bed.node.remove().unwrap();
}

#[test]
fn the_test_sees_a_mix_where_marks_are_ignored() {
    if !root("the_test_sees_a_mix_where_marks_are_ignored") {
        return;
    }
    let _alone = alone();
    // These look at the word alone, and programs that cannot tell marks apart follow them.
    let mut bed = Bed::new(programs::entries());
    // How often a packet is on its way at a flip is the scheduler's affair.
    let (sent, arrived) = mixed(&mut bed, |bed, seen| {
        for _ in 0..4 {
            if !seen() {
                bed.flip();
                bed.mark_alike();
                bed.flip_on(5);
            }
        }
    });
    eprintln!("{} flips, {sent} packets, {arrived} mixed", bed.flips.len());
    assert!(arrived > 0, "none of {sent} packets, by {} flips", bed.flips.len());
    bed.node.remove().unwrap();
}

#[test]
fn what_every_generation_allows_is_never_lost() {
    if !root("what_every_generation_allows_is_never_lost") {
        return;
    }
    let _alone = alone();
    let mut bed = Bed::new(datapath::entries().unwrap());
    let pair = Pair::new(&bed.network, KEPT);
    let mut connections = [(); 3].map(|()| Connection::open(&bed.network));
    let stop = AtomicBool::new(false);
    let (count, rounds) = thread::scope(|scope| {
        let stop = &stop;
        let ping = scope.spawn(|| ping_and_echo(&pair, stop));
        let talk = scope.spawn(|| talk(&mut connections, stop));
        bed.publish_on(6);
        bed.flip_on(6);
        stop.store(true, Ordering::Relaxed);
        (ping.join().unwrap(), talk.join().unwrap())
    });
    let flips = bed.flips.len();
    eprintln!("{flips} flips, UDP {count:?}, TCP messages {rounds:?}; {}", bed.latency());
    assert_eq!(count.lost, 0);
    assert!(flips > 10 && count.sent > 0);
    assert!(rounds.is_ok_and(|rounds| rounds > 0), "{rounds:?}");
    assert_eq!(bed.drops(None), ByDirection::default(), "the datapath dropped something");
    cut(&mut bed, pair, &mut connections);
    bed.node.remove().unwrap();
}

/// A policy comes that allows less.
fn cut(bed: &mut Bed, pair: Pair, connections: &mut [Connection]) {
    let ifindexes = [0, 1].map(|endpoint| bed.network.ifindex(endpoint));
    let less = Compiled::new(C, ifindexes);
    bed.node.publish(&less.prepared(bed.node.next())).unwrap();
    pair.client.send(&[0; 8]).unwrap();
    assert_eq!(pair.arrived(), 0, "what is not allowed any more is cut");
    drop(pair);
    for connection in connections {
        assert!(!connection.reaches(), "even where the connection was established before");
    }
    assert_eq!(Probe::new(&bed.network).passing(ONLY_A), C.passing());
    let allowed = Pair::new(&bed.network, ONLY_A);
    let stop = AtomicBool::new(false);
    let count = thread::scope(|scope| {
        let ping = scope.spawn(|| ping_and_echo(&allowed, &stop));
        thread::sleep(Duration::from_millis(200));
        stop.store(true, Ordering::Relaxed);
        ping.join().unwrap()
    });
    assert!(count.sent > 0 && count.lost == 0, "replies of what is allowed still come: {count:?}");
    let unasked = (Network::address4(0), ONLY_A);
    let client = inside(&bed.network, 0, || UdpSocket::bind(unasked).unwrap());
    client.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    allowed.server.send_to(&[0], unasked).unwrap();
    assert!(client.recv(&mut [0; 8]).is_err(), "and nothing but replies");
}

/// Packets that wait between the hooks, until the address of their next one is known, for longer than the generation
/// lives that let them in.
struct Waiting {
    mix: Pair,
    kept: Pair,
    /// The policy that let them in.
    first: Policy,
    address: String,
}

impl Waiting {
    fn begin(bed: &Bed) -> Waiting {
        let first = bed.policies[bed.node.current().unwrap().bank().index() as usize].policy;
        let mix = Pair::new(&bed.network, if first == A { MIX_AB } else { MIX_BA });
        let kept = Pair::new(&bed.network, KEPT);
        let out = bed.network.run(1, "ip link set eth0 arp off; ip -o link show eth0");
        let link = String::from_utf8(out.stdout).unwrap();
        let address = link.split_whitespace().skip_while(|word| *word != "link/ether").nth(1).unwrap();
        bed.network.on_node("ip neigh flush dev ep1");
        mix.client.send(&[0]).unwrap();
        kept.client.send(&[0]).unwrap();
        Waiting { mix, kept, first, address: address.to_owned() }
    }

    /// How many of what only a mix lets pass arrive, and of what every generation does.
    fn end(self, bed: &Bed) -> [usize; 2] {
        let known = format!(
            "ip neigh replace {} lladdr {} dev ep1 nud permanent",
            Network::address4(1),
            self.address
        );
        assert!(bed.network.on_node(&known).status.success());
        let arrived = [&self.mix, &self.kept].map(Pair::arrived);
        bed.network.run(1, "ip link set eth0 arp on");
        bed.network.on_node("ip neigh flush dev ep1 nud permanent");
        arrived
    }
}

#[test]
fn a_packet_that_outlives_its_generation_is_judged_by_the_next_as_a_whole() {
    if !root("a_packet_that_outlives_its_generation_is_judged_by_the_next_as_a_whole") {
        return;
    }
    let _alone = alone();
    let mut bed = Bed::new(datapath::entries().unwrap());
    // So both policies have been compiled, and the packet need not wait for that.
    bed.flip();
    bed.flip();
    // Marks come to an end at the second, and generations go on without.
    for flips in [1, 17, 8, 9] {
        let before = bed.drops(Some(Reason::Policy));
        let waiting = Waiting::begin(&bed);
        let first = waiting.first;
        for at in 0..flips {
            // What comes last would let the packet in where it arrives.
            let other = at + 1 == flips;
            let policy = bed.policies.iter().position(|known| (known.policy == first) != other).unwrap();
            let prepared = bed.policies[policy].prepared(bed.node.next());
            bed.node.publish(&prepared).unwrap();
        }
        bed.node.settle().unwrap();
        assert_eq!(waiting.end(&bed), [0, 1], "after {flips} flips");
        let after = bed.drops(Some(Reason::Policy));
        assert_eq!((after.egress - before.egress, after.ingress - before.ingress), (1, 0), "{flips} flips");
        bed.flip();
    }
    assert_eq!(bed.drops(None), bed.drops(Some(Reason::Policy)), "and nothing for another reason");
    bed.node.remove().unwrap();
}

/// What others do to marks on this machine, between the hooks.
const FOREIGN: [(&str, UnderLoad); 6] = [
    // Forgets ours.
    ("meta mark set 0x1", UnderLoad(true)),
    // What kube-proxy does, and others: bits of their own.
    ("meta mark set meta mark or 0x4000", UnderLoad(true)),
    ("meta mark set 0x0600ff00", UnderLoad(false)),
    // Keeps ours with the connection, and gives them to all that follows.
    ("ct mark != 0 counter meta mark set ct mark; ct mark 0 ct mark set meta mark", UnderLoad(true)),
    // As if it only asked.
    ("meta mark set 0x5c1ce7e5", UnderLoad(false)),
    // Any of ours, in turn: what says the one of the generation before is believed for the moment of a flip.
    (
        "meta mark set numgen inc mod 16 map { 0: 0, 1: 0x10000000, 2: 0x20000000, 3: 0x30000000, 4: 0x40000000, \
     5: 0x50000000, 6: 0x60000000, 7: 0x70000000, 8: 0x80000000, 9: 0x90000000, 10: 0xa0000000, 11: 0xb0000000, \
     12: 0xc0000000, 13: 0xd0000000, 14: 0xe0000000, 15: 0xf0000000 }",
        UnderLoad(false),
    ),
];

/// Whether many packets are on their way while policies change.
#[derive(Clone, Copy)]
struct UnderLoad(bool);

/// What is sent to each port during some flips is what the policy in force says.
fn flip_and_probe(bed: &mut Bed, rule: &str) {
    let pair = Pair::new(&bed.network, KEPT_BESIDE);
    let mut probe = Probe::new(&bed.network);
    let stop = AtomicBool::new(false);
    let count = thread::scope(|scope| {
        let ping = scope.spawn(|| ping_and_echo(&pair, &stop));
        for _ in 0..4 {
            bed.flip();
            bed.node.settle().unwrap();
            let policy = bed.policies[bed.node.current().unwrap().bank().index() as usize].policy;
            let surely = if policy == A { ONLY_A } else { ONLY_B };
            assert_eq!(probe.passing(surely), policy.passing(), "{rule}");
        }
        stop.store(true, Ordering::Relaxed);
        ping.join().unwrap()
    });
    assert!(count.sent > 0 && count.lost == 0, "{rule}: {count:?}");
}

#[test]
fn no_mark_of_others_changes_a_verdict() {
    if !root("no_mark_of_others_changes_a_verdict") {
        return;
    }
    let _alone = alone();
    for (rule, UnderLoad(loaded)) in FOREIGN {
        // With all marks at hand: where none is left, there is nothing that others could bring back.
        let mut bed = Bed::new(datapath::entries().unwrap());
        let rules = format!(
            "nft 'table inet marks {{ chain before {{ type filter hook prerouting priority mangle; {rule}; }}; \
             chain out {{ type route hook output priority mangle; {rule}; }}; }}'"
        );
        let made = bed.network.on_node(&rules);
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        flip_and_probe(&mut bed, rule);
        // The same flips under load: what others write over all the time says of no packet who has judged it.
        if loaded {
            bed.flip();
            let (sent, arrived) = mixed(&mut bed, |bed, _| bed.flip_on(2));
            assert_eq!(arrived, 0, "{rule}: of {sent}");
        }
        let listed = bed.network.on_node("nft list chain inet marks before").stdout;
        assert!(!String::from_utf8_lossy(&listed).contains("counter packets 0 "), "{rule}: it does nothing");
        assert_eq!(bed.drops(None), bed.drops(Some(Reason::Policy)), "and nothing for another reason");
        bed.node.remove().unwrap();
    }
}
