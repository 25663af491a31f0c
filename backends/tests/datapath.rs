//! The committed objects of the datapath, linked for a node and run without a kernel.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use sluice_backends::abi::{
    Config, Counter, DIRECTION_EGRESS, DIRECTION_INGRESS, ENDPOINT_ENFORCE_EGRESS, ENDPOINT_ENFORCE_INGRESS,
    ENDPOINT_TRACK_EGRESS, ENDPOINT_TRACK_INGRESS, EVENT_DROP, Endpoint, Event, MAPS, MARK_GENERATION_ONE,
    MARK_OF_PROXY, MARK_TEST, MARK_TO_PROXY, MapKind, NO_CLASS, NO_VERDICT, PROXY_DNS, Reason, Stub,
    TEST_SEGMENTS, Verdict, map,
};
use sluice_backends::packet::{self, Crossing, Lifetimes, Memory, Outcome as Slow, Policy, Question, Way};
use sluice_backends::program::Register::{R0, R1, R2, R4};
use sluice_backends::program::interpret::{
    Context, Machine, MapId, Outcome, Packet, ProgramId, Socket, Sockets,
};
use sluice_backends::program::{
    Assembler, Code, Condition, Constants, Helper, LinkError, Operation, Template, decode, link,
    read_template,
};
use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;
use zerocopy::{FromBytes, IntoBytes};

const PASS: i32 = -1;
const DROP: i32 = 2;
const IFINDEX: u32 = 3;
/// The interface of another endpoint, which may send to nobody but class 1 at one port.
const BESIDE: u32 = 4;
/// An interface of nobody.
const OUTSIDE: u32 = 9;
/// Who talks to the endpoint: class 1, and everybody else is in class 2.
const FRIEND: u8 = 2;
const STRANGER: u8 = 3;
/// The endpoint's last byte.
const ENDPOINT: u8 = 1;
/// The mark of what generation 6 has let pass.
const MARK: u32 = 3 * MARK_GENERATION_ONE;
/// Class 1 is allowed here.
const WEB: u16 = 80;
/// Class 1 goes to the DNS proxy here.
const NAMES: u16 = 53;

/// Verdict 0.
const DENY: Verdict =
    Verdict { action: 0, reason: Reason::Policy as u8, proxy: 0, reserved: 0, counter: 600 };

fn template(name: &str) -> Template {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("objects").join(name);
    read_template(&fs::read(file).unwrap()).unwrap()
}

fn assemble(write: impl FnOnce(&mut Assembler)) -> Code {
    let mut asm = Assembler::new();
    write(&mut asm);
    asm.finish().unwrap()
}

/// Class 1 if a register ends with a byte, else class 2.
fn class(register: sluice_backends::program::Register) -> Code {
    assemble(|asm| {
        let end = asm.label("end");
        asm.alu32(sluice_backends::program::Alu::And, register, 0xff);
        asm.move32(R0, 1);
        asm.branch32(Condition::Equal, register, i32::from(FRIEND), end);
        asm.move32(R0, 2);
        asm.place(end);
    })
}

/// For class 1 verdict 1 at a port and 2 at another, else verdict 0.
fn verdict() -> Code {
    assemble(|asm| {
        let end = asm.label("end");
        asm.move32(R0, 0);
        asm.branch32(Condition::NotEqual, R2, 1, end);
        asm.move32(R0, 2);
        asm.branch32(Condition::Equal, R4, i32::from(NAMES), end);
        asm.move32(R0, 0);
        asm.branch32(Condition::NotEqual, R4, i32::from(WEB), end);
        asm.move32(R0, 1);
        asm.place(end);
    })
}

fn bodies() -> BTreeMap<Stub, Code> {
    BTreeMap::from([
        (Stub::Class4, class(R1)),
        (Stub::Class6, class(R2)),
        (Stub::Ingress, verdict()),
        (Stub::Egress, verdict()),
    ])
}

fn constants() -> Constants {
    Constants::default().with(Config::EndpointMask, 7).with(Config::Verdicts, 2)
}

/// A machine with one endpoint, whose programs are in both banks' places of generation 6.
struct Node {
    machine: Machine,
    maps: BTreeMap<&'static str, MapId>,
    entries: [ProgramId; 2],
}

impl Node {
    fn new(constants: &Constants) -> Node {
        let mut machine = Machine::new();
        machine.surroundings.time = 5_000_000_000;
        let mut maps = BTreeMap::new();
        for name in MAPS.map(|spec| spec.name) {
            let spec = map(name).unwrap();
            let size = if spec.kind == MapKind::Memory { 512 } else { spec.entries as usize };
            maps.insert(name, machine.add_map(spec, size));
        }
        let mut load = |code: &Code| machine.load("datapath", code, &maps).unwrap();
        let endpoint = template("endpoint.o");
        let [ingress, egress] = ["to_endpoint", "from_endpoint"]
            .map(|name| load(&link(&endpoint.programs[name], &bodies(), constants).unwrap()));
        let entry = template("entry.o");
        let entries = ["entry_to", "entry_from"]
            .map(|name| load(&link(&entry.programs[name], &BTreeMap::new(), constants).unwrap()));
        machine.set_program(maps["sluice_calls"], DIRECTION_INGRESS as usize, Some(ingress)).unwrap();
        machine.set_program(maps["sluice_calls"], DIRECTION_EGRESS as usize, Some(egress)).unwrap();
        let mut node = Node { machine, maps, entries };
        node.write_images();
        node
    }

    fn write_images(&mut self) {
        let flags = ENDPOINT_TRACK_INGRESS
            | ENDPOINT_TRACK_EGRESS
            | ENDPOINT_ENFORCE_INGRESS
            | ENDPOINT_ENFORCE_EGRESS;
        let endpoint = Endpoint { flags, generation: 6, host_class: NO_CLASS, ..Endpoint::default() };
        for (ifindex, id) in [(IFINDEX, 77), (BESIDE, 78)] {
            let slot = ((ifindex.wrapping_mul(0x9e37_79b1) >> 16) ^ ifindex) & 7;
            let endpoint = Endpoint { ifindex, id, ..endpoint };
            self.image("sluice_endpoints", slot as usize * size_of::<Endpoint>(), endpoint.as_bytes());
        }
        let allow = Verdict { action: 1, counter: 601, ..Verdict::default() };
        let names = Verdict { action: 2, proxy: PROXY_DNS as u8, counter: 602, ..Verdict::default() };
        self.image("sluice_verdicts", 0, [DENY, allow, names].as_bytes());
        self.image("sluice_word", 0, [6_u32, 6, MARK, 0].as_bytes());
    }

    fn image(&mut self, name: &str, at: usize, bytes: &[u8]) {
        let memory = self.machine.memory_mut(self.maps[name]).unwrap();
        memory[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn run(&mut self, direction: u32, packet: Vec<u8>, mark: u32) -> Outcome {
        let gso_segments = if mark == MARK_TEST { TEST_SEGMENTS } else { 0 };
        let around = Context { mark, gso_segments, ..Context::default() };
        self.run_with(direction, packet, &Context { ingress_ifindex: OUTSIDE, ..around })
    }

    fn run_with(&mut self, direction: u32, packet: Vec<u8>, around: &Context) -> Outcome {
        self.enter(direction, packet, &Context { ifindex: IFINDEX, ..*around })
    }

    fn enter(&mut self, direction: u32, packet: Vec<u8>, context: &Context) -> Outcome {
        // As a device gives them: only the headers can be addressed at first.
        let packet = Packet { linear: 34.min(packet.len()), bytes: packet };
        self.machine.run(self.entries[direction as usize], packet, context).unwrap()
    }

    /// Does something while policy allows everything.
    fn while_open(&mut self, act: impl FnOnce(&mut Node)) {
        let allow = Verdict { action: 1, counter: 603, ..Verdict::default() };
        self.image("sluice_verdicts", 0, allow.as_bytes());
        act(self);
        self.image("sluice_verdicts", 0, DENY.as_bytes());
    }

    /// Has a generation that allows everything let a packet pass that the endpoint beside sends.
    fn let_out(&mut self, packet: Vec<u8>) {
        let context = Context { ifindex: BESIDE, ingress_ifindex: BESIDE, ..Context::default() };
        self.while_open(|node| assert_eq!(node.enter(DIRECTION_EGRESS, packet, &context).code, PASS));
    }

    /// Packets that a counter has counted.
    fn counted(&mut self, counter: u32) -> u64 {
        let value = self.machine.value(self.maps["sluice_counters"], &counter.to_le_bytes()).unwrap();
        Counter::read_from_bytes(value).unwrap().packets
    }
}

/// A TCP segment over IPv4 from one last byte of an address to another.
fn tcp4(source: u8, destination: u8, ports: [u16; 2], flags: u8) -> Vec<u8> {
    let mut packet = vec![0; 12];
    packet.extend([0x08, 0x00, 0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0, 0]);
    packet.extend([10, 0, 0, source, 10, 0, 0, destination]);
    packet.extend(tcp(ports, flags));
    packet
}

/// The same over IPv6.
fn tcp6(source: u8, destination: u8, ports: [u16; 2], flags: u8) -> Vec<u8> {
    let mut packet = vec![0; 12];
    packet.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, 20, 6, 64]);
    for last in [source, destination] {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    packet.extend(tcp(ports, flags));
    packet
}

fn tcp([source, destination]: [u16; 2], flags: u8) -> Vec<u8> {
    let mut segment = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    segment.extend([0, 0, 0, 0, 0, 0, 0, 0, 0x50, flags, 0, 0, 0, 0, 0, 0]);
    segment
}

const SYN: u8 = 0x02;
const SYN_ACK: u8 = 0x12;
const ACK: u8 = 0x10;
const RST: u8 = 0x04;
const RST_ACK: u8 = 0x14;

/// The endpoint sends a segment, or the friend does; and whether it passes.
type Segment = (Direction, u8, bool);
const OUT: Direction = Direction::Egress;
const IN: Direction = Direction::Ingress;

/// The node's policy once more: class 1 may be sent to or may send to one port, unless everybody may do everything.
struct Rules {
    open: bool,
}

impl Policy for Rules {
    fn is_host(&self, _: IpAddr) -> bool {
        false
    }

    fn verdict(&self, question: &Question) -> Result<Way, Reason> {
        match self.open || question.port == WEB {
            true => Ok(Way::On),
            false => Err(Reason::Policy),
        }
    }

    fn verdict_of_host(&self, _: &Question) -> Result<Way, Reason> {
        Err(Reason::NoConfiguration)
    }
}

/// Segments between two ports of the endpoint and its friend, judged by the programs and by the slow reading of the RFCs.
struct Talk {
    node: Node,
    memory: Memory,
    /// The endpoint's and the friend's.
    ports: [u16; 2],
}

impl Talk {
    fn new(ports: [u16; 2]) -> Talk {
        Talk { node: Node::new(&constants()), memory: Memory::default(), ports }
    }

    /// What becomes of segments in a second.
    fn at(&mut self, now: u64, segments: &[Segment]) {
        for (index, (way, flags, passes)) in segments.iter().enumerate() {
            let [own, peer] = self.ports;
            let (hook, frame) = match way {
                Direction::Egress => (DIRECTION_EGRESS, tcp4(ENDPOINT, FRIEND, [own, peer], *flags)),
                Direction::Ingress => (DIRECTION_INGRESS, tcp4(FRIEND, ENDPOINT, [peer, own], *flags)),
            };
            self.node.machine.surroundings.time = now * 1_000_000_000;
            let what = format!("{way:?}, number {index}, flags {flags:#x}, in second {now}");
            assert_eq!(self.slowly(*way, &frame, now), *passes, "slowly: {what}");
            assert_eq!(self.node.run(hook, frame, 0).code == PASS, *passes, "{what}");
        }
    }

    /// The same while policy allows everything, where all passes.
    fn open_at(&mut self, now: u64, segments: &[(Direction, u8)]) {
        let allow = Verdict { action: 1, counter: 603, ..Verdict::default() };
        self.node.image("sluice_verdicts", 0, allow.as_bytes());
        let segments: Vec<_> = segments.iter().map(|(way, flags)| (*way, *flags, true)).collect();
        self.at(now, &segments);
        self.node.image("sluice_verdicts", 0, DENY.as_bytes());
    }

    fn slowly(&mut self, hook: Direction, frame: &[u8], now: u64) -> bool {
        let both = ByDirection { ingress: true, egress: true };
        let endpoint = packet::Endpoint { tracks: both, enforces: both, ..packet::Endpoint::default() };
        let lifetimes = Lifetimes { tcp: 8_000, opening: 60, closed: 10, other: 60 };
        let node = packet::Node { ipv4: true, ipv6: true, allow_frag_needed: true, lifetimes };
        let crossing =
            Crossing { frame, hook, made_here: false, of_proxy: false, asks: false, proxied: false, now };
        let rules = Rules { open: self.is_open() };
        let outcome = packet::judge(&node, &endpoint, &rules, &mut self.memory, &crossing);
        !matches!(outcome, Slow::Dropped(_))
    }

    fn is_open(&self) -> bool {
        let verdicts = self.node.machine.memory(self.node.maps["sluice_verdicts"]).unwrap();
        Verdict::read_from_prefix(verdicts).unwrap().0.action == 1
    }
}

/// The numbers that a program calls.
fn calls(code: &Code) -> Vec<u32> {
    let (mut calls, mut at) = (Vec::new(), 0);
    while at < code.instructions.len() {
        let operation = decode(&code.instructions, at).unwrap();
        if let Operation::Call { helper } = operation {
            calls.push(helper);
        }
        at += operation.length();
    }
    calls
}

#[test]
fn the_interpreter_knows_every_helper_of_the_datapath() {
    for (name, code) in ["entry.o", "endpoint.o"].iter().flat_map(|name| template(name).programs) {
        for helper in calls(&code) {
            let known = Helper::of_number(helper).is_some() || Stub::of_number(helper).is_some();
            assert!(known, "`{name}` calls {helper}");
        }
    }
}

#[test]
fn only_where_a_proxy_is_asked_for_and_packets_come_in_is_one_looked_for() {
    let sockets = [
        Helper::LookupTcp,
        Helper::LookupUdp,
        Helper::LookupTcpCommon,
        Helper::FullSocket,
        Helper::AssignSocket,
    ];
    for (name, code) in template("endpoint.o").programs {
        for proxied in [0, 1] {
            let linked = link(&code, &bodies(), &constants().with(Config::DnsProxy, proxied)).unwrap();
            let calls = calls(&linked);
            let found = sockets.iter().filter(|helper| calls.contains(&helper.number())).count();
            let expected = if proxied == 1 && name == "from_endpoint" { sockets.len() } else { 0 };
            assert_eq!(found, expected, "`{name}`, {proxied}");
        }
    }
}

#[test]
fn where_policy_of_the_host_refuses_nothing_no_program_asks_it() {
    for (name, code) in template("endpoint.o").programs {
        let of = |asks: u32| {
            let linked = link(&code, &bodies(), &constants().with(Config::HostPolicy, asks));
            linked.unwrap().instructions.len()
        };
        assert!(of(0) + 50 < of(1), "`{name}`: {} and {} instructions", of(0), of(1));
    }
}

#[test]
fn a_family_that_a_node_does_not_have_needs_no_instructions() {
    for (family, stub) in [(Config::Ipv4, Stub::Class4), (Config::Ipv6, Stub::Class6)] {
        for code in template("endpoint.o").programs.values() {
            let mut bodies = bodies();
            let all = link(code, &bodies, &constants()).unwrap();
            bodies.remove(&stub);
            assert_eq!(link(code, &bodies, &constants()), Err(LinkError::NoBody { stub }));
            let without = link(code, &bodies, &constants().with(family, 0)).unwrap();
            let (some, all) = (without.instructions.len(), all.instructions.len());
            assert!(some < all, "{some} of {all} instructions are left");
        }
    }
}

#[test]
fn policy_decides_and_connections_are_answered() {
    for packet in [tcp4, tcp6] {
        let mut node = Node::new(&constants());
        let mark = MARK;
        let mut run = |direction, packet| node.run(direction, packet, 0);
        let reply = packet(FRIEND, ENDPOINT, [WEB, 999], SYN_ACK);
        assert_eq!(run(DIRECTION_INGRESS, reply.clone()).code, DROP);
        let begin = run(DIRECTION_EGRESS, packet(ENDPOINT, FRIEND, [999, WEB], SYN));
        assert_eq!((begin.code, begin.context.mark), (PASS, mark));
        assert_eq!(run(DIRECTION_INGRESS, reply).code, PASS);
        assert_eq!(run(DIRECTION_INGRESS, packet(FRIEND, ENDPOINT, [WEB, 998], SYN_ACK)).code, DROP);
        assert_eq!(run(DIRECTION_INGRESS, packet(FRIEND, ENDPOINT, [999, WEB], SYN)).code, PASS);
        assert_eq!(run(DIRECTION_INGRESS, packet(STRANGER, ENDPOINT, [999, WEB], SYN)).code, DROP);
        assert_eq!(node.machine.entries(node.maps["sluice_conntrack"]).count(), 2);
        assert_eq!([600, 601].map(|counter| node.counted(counter)), [3, 2]);
    }
}

#[test]
fn nobody_turns_a_connection_round_by_a_reset() {
    // What the endpoint sends is allowed for a while, what the friend sends always is.
    let mut talk = Talk::new([WEB, 999]);
    talk.open_at(1, &[(OUT, SYN), (IN, SYN_ACK), (OUT, ACK), (OUT, RST)]);
    // The friend has ignored the reset, and goes on when the table knows nothing of them any more.
    talk.at(
        12,
        &[(IN, ACK, true), (OUT, ACK, false), (IN, RST, true), (IN, SYN_ACK, true), (OUT, ACK, false)],
    );
    // What it begins itself is answered.
    talk.at(13, &[(IN, SYN, true), (OUT, SYN_ACK, true), (OUT, ACK, true)]);
}

#[test]
fn whoever_accepts_or_resets_a_connection_has_not_begun_it() {
    for flags in [SYN_ACK, RST, RST_ACK, SYN | RST] {
        let mut talk = Talk::new([WEB, 999]);
        talk.at(1, &[(IN, flags, true), (OUT, SYN, false), (OUT, ACK, false), (OUT, RST, false)]);
        assert_eq!(talk.node.machine.entries(talk.node.maps["sluice_conntrack"]).count(), 0, "{flags:#x}");
    }
}

#[test]
fn who_opens_a_connection_answers_none_that_was_learned_late() {
    let mut talk = Talk::new([WEB, 999]);
    talk.at(1, &[(IN, ACK, true), (OUT, SYN, false), (OUT, ACK, true), (OUT, SYN, false)]);
    // Both may open one at once.
    let mut talk = Talk::new([WEB, 999]);
    talk.at(
        1,
        &[(IN, SYN, true), (OUT, SYN, true), (OUT, SYN_ACK, true), (IN, ACK, true), (OUT, SYN, false)],
    );
}

#[test]
fn a_reset_that_is_ignored_ends_nothing() {
    // Only the endpoint may begin.
    let mut talk = Talk::new([999, WEB]);
    talk.at(1, &[(OUT, SYN, true), (IN, SYN_ACK, true), (OUT, ACK, true), (IN, RST, true), (OUT, ACK, true)]);
    talk.at(5_000, &[(IN, ACK, true), (OUT, RST, true), (IN, ACK, true)]);
    talk.at(10_000, &[(IN, ACK, true)]);
}

#[test]
fn a_reset_that_is_taken_ends_a_connection() {
    let begin = [(OUT, SYN, true), (IN, SYN_ACK, true), (OUT, ACK, true)];
    // What was on its way is answered by another reset; and nobody revives a connection by repeating his own.
    for reset in [
        &[(IN, RST, true)][..],
        &[(OUT, RST, true), (IN, ACK, true), (OUT, RST, true)],
        &[(IN, RST, true), (IN, ACK, true)],
        &[(OUT, RST_ACK, true), (IN, RST_ACK, true)],
    ] {
        let mut talk = Talk::new([999, WEB]);
        talk.at(1, &[&begin[..], reset].concat());
        talk.at(12, &[(IN, ACK, false)]);
    }
    // Whoever asks again from the same port begins another one.
    let mut talk = Talk::new([999, WEB]);
    talk.at(1, &[(OUT, SYN, true), (IN, RST_ACK, true), (OUT, SYN, true), (IN, SYN_ACK, true)]);
    talk.at(50, &[(IN, SYN_ACK, true)]);
}

#[test]
fn connections_of_whoever_had_the_address_before_are_not_those_of_whoever_has_it_now() {
    for packet in [tcp4, tcp6] {
        let mut node = Node::new(&constants());
        let mut cross = |ifindex, way, packet| {
            let context = Context { ifindex, ingress_ifindex: OUTSIDE, ..Context::default() };
            node.enter(way, packet, &context).code
        };
        let opens = packet(ENDPOINT, FRIEND, [999, WEB], SYN);
        let reply = packet(FRIEND, ENDPOINT, [WEB, 999], SYN_ACK);
        assert_eq!(cross(IFINDEX, DIRECTION_EGRESS, opens.clone()), PASS);
        assert_eq!(cross(IFINDEX, DIRECTION_INGRESS, reply.clone()), PASS);
        assert_eq!(cross(BESIDE, DIRECTION_INGRESS, reply.clone()), DROP);
        assert_eq!(cross(BESIDE, DIRECTION_EGRESS, opens), PASS);
        assert_eq!(cross(BESIDE, DIRECTION_INGRESS, reply), PASS);
    }
}

#[test]
fn queries_are_given_to_the_proxy() {
    let proxied = constants().with(Config::Verdicts, 3).with(Config::DnsProxy, 1);
    let proxy = Socket { mark: MARK_OF_PROXY, state: 10 };
    let connection = Socket { mark: MARK_OF_PROXY, state: 1 };
    for packet in [tcp4, tcp6] {
        let mut node = Node::new(&proxied);
        let mut query = |port: u32, sockets: Sockets, flags, mark| {
            node.image("sluice_proxy", 0, &port.to_le_bytes());
            node.machine.surroundings.sockets = sockets;
            node.run(DIRECTION_EGRESS, packet(ENDPOINT, FRIEND, [999, NAMES], flags), mark)
        };
        let listens = Sockets { listener: Some(proxy), connection: None };
        let given = query(9, listens, SYN, 0);
        let mark = MARK | MARK_TO_PROXY;
        assert_eq!((given.code, given.given_to, given.context.mark), (PASS, Some(proxy), mark));
        let connected = Sockets { connection: Some(connection), ..listens };
        assert_eq!(query(9, connected, 0x10, 0).given_to, Some(connection));
        // The connection before has just ended, and its socket has to say so to whoever repeats the end.
        let ended = Sockets { connection: Some(Socket { state: 6, ..connection }), ..listens };
        assert_eq!(query(9, ended, SYN, 0).given_to, Some(proxy));
        assert_eq!(query(9, ended, 0x11, 0).given_to.map(|socket| socket.state), Some(6));
        // Somebody on this machine listens at the server's port.
        let beside = Sockets { connection: Some(Socket { mark: 0, state: 10 }), ..listens };
        assert_eq!(query(9, beside, SYN, 0).given_to, Some(proxy));
        // Or has a connection with the endpoint from before.
        let before = Sockets { connection: Some(Socket { mark: 0, state: 1 }), ..listens };
        assert_eq!(query(9, before, 0x10, 0).given_to, Some(proxy));
        // One that is being made shows no mark.
        let begins = Sockets { connection: Some(Socket { mark: 0, state: 12 }), ..listens };
        assert_eq!(query(9, begins, 0x10, 0).given_to.map(|socket| socket.state), Some(12));
        let foreign = Sockets { listener: Some(Socket { mark: 0, state: 10 }), connection: None };
        for (port, sockets) in [(0, listens), (9, Sockets::default()), (9, foreign)] {
            let absent = query(port, sockets, SYN, 0);
            assert_eq!((absent.code, absent.given_to, absent.context.mark), (DROP, None, 0));
        }
        let asked = query(0, Sockets::default(), SYN, MARK_TEST);
        assert_eq!((asked.code, asked.given_to, asked.context.cb), (PASS, None, [2, 1, 0, 77, 0]));
        let absent = 2 * u32::from(Reason::ProxyAbsent as u8) + DIRECTION_EGRESS;
        assert_eq!([602, absent].map(|counter| node.counted(counter)), [10, 3]);
        // Who is asked has no proxy before it, and what it answers passes.
        assert_eq!(node.run(DIRECTION_INGRESS, packet(FRIEND, ENDPOINT, [1, NAMES], SYN), 0).code, DROP);
        assert_eq!(
            node.run(DIRECTION_INGRESS, packet(FRIEND, ENDPOINT, [NAMES, 999], SYN_ACK), 0).code,
            PASS
        );
    }
}

#[test]
fn a_drop_is_told() {
    let mut node = Node::new(&constants());
    let outcome = node.run(DIRECTION_INGRESS, tcp6(STRANGER, ENDPOINT, [999, WEB], SYN), 0);
    let [(_, event)] = &outcome.events[..] else { panic!("{:?}", outcome.events) };
    let event = Event::read_from_bytes(event).unwrap();
    let expected = Event {
        time: 5_000_000_000,
        source: [0xfd00_0000_0000_0000, u64::from(STRANGER)],
        destination: [0xfd00_0000_0000_0000, u64::from(ENDPOINT)],
        generation: 6,
        ifindex: IFINDEX,
        endpoint: 77,
        class: 2,
        length: 60,
        source_port: 999,
        destination_port: WEB,
        protocol: 6,
        family: 6,
        direction: DIRECTION_INGRESS as u8,
        kind: EVENT_DROP as u8,
        reason: Reason::Policy as u8,
        tcp_flags: SYN,
        ..Event::default()
    };
    assert_eq!(event, expected);
}

#[test]
fn who_asks_gets_an_answer_and_leaves_no_trace() {
    let mut node = Node::new(&constants());
    let packet = tcp4(STRANGER, ENDPOINT, [999, WEB], SYN);
    let outcome = node.run(DIRECTION_INGRESS, packet, MARK_TEST);
    assert_eq!((outcome.code, outcome.context.cb), (DROP, [0, 2, u32::from(Reason::Policy as u8), 77, 0]));
    assert_eq!((outcome.context.mark, outcome.events.len(), node.counted(600)), (MARK_TEST, 0, 0));
    let outcome = node.run(DIRECTION_INGRESS, tcp4(FRIEND, ENDPOINT, [999, WEB], SYN), MARK_TEST);
    assert_eq!((outcome.code, outcome.context.cb), (PASS, [1, 1, 0, 77, 0]));
    assert_eq!(node.machine.entries(node.maps["sluice_conntrack"]).count(), 0);
    let outcome = node.run(DIRECTION_INGRESS, vec![0; 20], MARK_TEST);
    let [verdict, _, reason, ..] = outcome.context.cb;
    assert_eq!((outcome.code, verdict), (DROP, NO_VERDICT), "{reason}");
}

#[test]
fn without_programs_nothing_passes() {
    let mut node = Node::new(&constants());
    node.image("sluice_word", 0, &7_u32.to_le_bytes());
    let packet = tcp4(FRIEND, ENDPOINT, [999, WEB], SYN);
    assert_eq!(node.run(DIRECTION_INGRESS, packet.clone(), 0).code, DROP);
    assert_eq!(node.counted(2 * u32::from(Reason::MissedTailCall as u8) + DIRECTION_INGRESS), 1);
    // Generation 6 judged it before.
    node.image("sluice_word", 0, [7_u32, 6].as_bytes());
    assert_eq!(node.run(DIRECTION_INGRESS, packet.clone(), MARK).code, PASS);
    // It is not asked what this machine sends, nor what comes in.
    let made_here = Context { mark: MARK, ..Context::default() };
    assert_eq!(node.run_with(DIRECTION_INGRESS, packet.clone(), &made_here).code, DROP);
    assert_eq!(node.run(DIRECTION_EGRESS, packet, MARK).code, DROP);
}

#[test]
fn what_another_generation_has_judged_is_judged_as_a_whole() {
    for packet in [tcp4, tcp6] {
        let mut node = Node::new(&constants());
        // Its receiver may be sent it, and its sender may not send it: class 2 is the endpoint's.
        let sent = packet(FRIEND, ENDPOINT, [999, WEB], SYN);
        node.let_out(sent.clone());
        let come = |node: &mut Node, ingress_ifindex, mark| {
            let around = Context { ingress_ifindex, mark, ..Context::default() };
            node.run_with(DIRECTION_INGRESS, sent.clone(), &around)
        };
        assert_eq!(come(&mut node, BESIDE, MARK).code, PASS, "this generation has judged it");
        for mark in [0, MARK_GENERATION_ONE, 0xf000_0000, 0x4000, 0x0600_0000] {
            for nobody in [0, OUTSIDE] {
                assert_eq!(come(&mut node, nobody, mark).code, PASS, "no endpoint sent it: {mark:#x}");
            }
            let outcome = come(&mut node, BESIDE, mark);
            assert_eq!(outcome.code, DROP, "{mark:#x}");
            let event = Event::read_from_bytes(&outcome.events[0].1).unwrap();
            let who = (event.endpoint, event.direction, event.class, event.verdict, event.reason);
            assert_eq!(who, (78, DIRECTION_EGRESS as u8, 2, 0, Reason::Policy as u8));
        }
        let of_policy = u32::from(Reason::Policy as u8) * 2;
        let dropped = [DIRECTION_INGRESS, DIRECTION_EGRESS].map(|way| node.counted(of_policy + way));
        assert_eq!(dropped, [0, 5]);
        // No mark is free: then none is that of this generation.
        node.image("sluice_word", 8, &[0; 8]);
        assert_eq!(come(&mut node, BESIDE, 0).code, DROP);
    }
}

#[test]
fn the_mark_of_the_generation_before_is_not_believed() {
    for packet in [tcp4, tcp6] {
        let mut node = Node::new(&constants());
        let sent = packet(FRIEND, ENDPOINT, [999, WEB], SYN);
        node.let_out(sent.clone());
        let around = Context { ingress_ifindex: BESIDE, mark: MARK, ..Context::default() };
        let mut come = |word: [u32; 2]| {
            node.image("sluice_word", 0, word.as_bytes());
            node.run_with(DIRECTION_INGRESS, sent.clone(), &around)
        };
        assert_eq!(come([6, 6]).code, PASS);
        // Generation 6 judges it, and may have let it in, or the next has, and others have brought the mark back.
        let outcome = come([7, 6]);
        let event = Event::read_from_bytes(&outcome.events[0].1).unwrap();
        assert_eq!((outcome.code, event.generation, event.endpoint), (DROP, 6, 78));
    }
}

#[test]
fn nobody_is_asked_about_what_was_translated() {
    for packet in [tcp4, tcp6] {
        let mut node = Node::new(&constants());
        let beside = Context { ingress_ifindex: BESIDE, ..Context::default() };
        // It was sent to another address, and came from another port.
        for sent in [packet(FRIEND, STRANGER, [999, WEB], SYN), packet(FRIEND, ENDPOINT, [998, WEB], SYN)] {
            node.let_out(sent);
        }
        let mut come = |source, port| {
            let packet = packet(source, ENDPOINT, [999, port], SYN);
            node.run_with(DIRECTION_INGRESS, packet, &beside).code
        };
        assert_eq!(come(FRIEND, WEB), PASS);
        // Its receiver is.
        assert_eq!([come(STRANGER, WEB), come(FRIEND, 81)], [DROP; 2]);
    }
}

#[test]
fn what_belongs_to_a_connection_of_its_receiver_passes_whatever_its_sender_may_send() {
    let mut node = Node::new(&constants());
    let opens = tcp4(ENDPOINT, FRIEND, [999, WEB], SYN);
    assert_eq!(node.run(DIRECTION_EGRESS, opens, 0).code, PASS);
    // Its sender knows of none, as that came to it under another address.
    let reply = tcp4(FRIEND, ENDPOINT, [WEB, 999], SYN_ACK);
    let beside = Context { ingress_ifindex: BESIDE, ..Context::default() };
    assert_eq!(node.run_with(DIRECTION_INGRESS, reply.clone(), &beside).code, PASS);
    node.let_out(reply.clone());
    assert_eq!(node.run_with(DIRECTION_INGRESS, reply, &beside).code, PASS);
}

#[test]
fn a_reply_that_another_generation_let_pass_is_one_for_its_sender_too() {
    // The receiver knows of no connection any more.
    let opens = tcp4(ENDPOINT, FRIEND, [WEB, WEB], SYN);
    let reply = tcp4(FRIEND, ENDPOINT, [WEB, WEB], SYN_ACK);
    for (begun, code) in [(false, DROP), (true, PASS)] {
        let mut node = Node::new(&constants());
        if begun {
            let context =
                Context { ifindex: BESIDE, ingress_ifindex: IFINDEX, mark: MARK, ..Context::default() };
            node.while_open(|node| {
                assert_eq!(node.enter(DIRECTION_INGRESS, opens.clone(), &context).code, PASS)
            });
        }
        node.let_out(reply.clone());
        let beside = Context { ingress_ifindex: BESIDE, ..Context::default() };
        assert_eq!(node.run_with(DIRECTION_INGRESS, reply.clone(), &beside).code, code, "begun: {begun}");
    }
}

#[test]
fn nobody_asks_by_a_mark_alone() {
    let mut node = Node::new(&constants());
    let mut send = |sent: Context, to| {
        let packet = tcp4(to, ENDPOINT, [999, WEB], SYN);
        let outcome = node.run_with(DIRECTION_INGRESS, packet, &Context { mark: MARK_TEST, ..sent });
        (outcome.code, outcome.context.mark, outcome.context.cb[3])
    };
    let asks = Context { gso_segments: TEST_SEGMENTS, ..Context::default() };
    assert_eq!(send(asks, STRANGER), (DROP, MARK_TEST, 77));
    let rest = MARK_TEST & 0x00ff_ffff;
    for sent in [Context::default(), Context { gso_size: 1_400, ..asks }, Context { gso_segments: 2, ..asks }]
    {
        assert_eq!(send(sent, STRANGER), (DROP, rest, 0));
        assert_eq!(send(sent, FRIEND), (PASS, rest, 0));
    }
    assert_eq!([600, 601].map(|counter| node.counted(counter)), [3, 3]);
    assert_eq!(node.machine.entries(node.maps["sluice_conntrack"]).count(), 1);
}

#[test]
fn nothing_in_a_packet_stops_the_programs() {
    let mut node = Node::new(&constants());
    for packet in [tcp4, tcp6] {
        let whole = packet(FRIEND, ENDPOINT, [999, WEB], SYN);
        for length in (0..whole.len()).step_by(3) {
            node.run(DIRECTION_INGRESS, whole[..length].to_vec(), 0);
        }
        for at in 12..whole.len() {
            for byte in [0, 0xff] {
                let mut damaged = whole.clone();
                damaged[at] = byte;
                node.run(DIRECTION_EGRESS, damaged, 0);
            }
        }
    }
}

/// An address of one site, by its last byte.
fn global(last: u8) -> [u8; 16] {
    [0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]
}

/// A packet of IPv6 with a hop limit.
fn packet6(source: [u8; 16], destination: [u8; 16], hop_limit: u8, protocol: u8, body: &[u8]) -> Vec<u8> {
    let length = (body.len() as u16).to_be_bytes();
    let fixed = [0x86, 0xdd, 0x60, 0, 0, 0, length[0], length[1], protocol, hop_limit];
    [&[0; 12][..], &fixed, &source, &destination, body].concat()
}

#[test]
fn neighbour_discovery_leaves_only_for_the_link() {
    let link = |last| [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    let solicited = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 1];
    let mut node = Node::new(&constants());
    let mut run = |way, source, destination, hop_limit, kind| {
        let mut body = [0; 1_400];
        body[0] = kind;
        node.run(way, packet6(source, destination, hop_limit, 58, &body), 0).code
    };
    let (own, friend) = (global(ENDPOINT), global(FRIEND));
    let (sends, comes) = (DIRECTION_EGRESS, DIRECTION_INGRESS);
    // This machine would pass it on.
    for kind in 133..=136 {
        assert_eq!(run(sends, own, friend, 255, kind), DROP, "{kind}");
    }
    let stays = [(own, solicited), (own, link(9)), (link(ENDPOINT), friend), (link(ENDPOINT), solicited)];
    for (source, destination) in stays {
        assert_eq!(run(sends, source, destination, 255, 135), PASS, "{source:x?} to {destination:x?}");
    }
    // Whoever asks is answered, and may be asked; others are not.
    assert_eq!(run(comes, friend, solicited, 254, 135), DROP);
    assert_eq!(run(sends, own, friend, 255, 136), DROP);
    assert_eq!(run(comes, friend, solicited, 255, 135), PASS);
    assert_eq!([136, 135].map(|kind| run(sends, own, friend, 255, kind)), [PASS; 2]);
    assert_eq!(run(sends, own, global(STRANGER), 255, 136), DROP);
    // Routers count down to one.
    assert_eq!([run(comes, friend, own, 1, 143), run(comes, link(9), solicited, 1, 130)], [DROP, PASS]);
    node.machine.surroundings.time += 3_600_000_000_000;
    let late = packet6(own, friend, 255, 58, &[136, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(node.run(DIRECTION_EGRESS, late, 0).code, DROP);
}

#[test]
fn errors_leave_only_for_the_other_side_of_their_connection() {
    // Without Ethernet; an error repeats it.
    let internet = |packet: Vec<u8>| packet[14..].to_vec();
    let error4 = |to: u8, about: &[u8]| {
        let length = (28 + about.len()) as u8;
        let ends = [10, 0, 0, ENDPOINT, 10, 0, 0, to];
        let fixed = [8, 0, 0x45, 0, 0, length, 0, 1, 0, 0, 64, 1, 0, 0];
        [&[0; 12][..], &fixed, &ends, &[3, 3, 0, 0, 0, 0, 0, 0], about].concat()
    };
    let error6 = |to: u8, about: &[u8]| {
        packet6(global(ENDPOINT), global(to), 64, 58, &[&[1, 4, 0, 0, 0, 0, 0, 0][..], about].concat())
    };
    for v6 in [false, true] {
        let packet = if v6 { tcp6 } else { tcp4 };
        let mut node = Node::new(&constants());
        let came = packet(FRIEND, ENDPOINT, [999, WEB], SYN);
        assert_eq!(node.run(DIRECTION_INGRESS, came.clone(), 0).code, PASS);
        let mut send = |to| {
            let about = internet(came.clone());
            let error = if v6 { error6(to, &about) } else { error4(to, &about) };
            node.run(DIRECTION_EGRESS, error, 0).code
        };
        assert_eq!([send(FRIEND), send(STRANGER), send(9)], [PASS, DROP, DROP], "IPv6: {v6}");
    }
}

#[test]
fn fragments_that_this_machine_cut_anew_are_not_its_own() {
    let mut node = Node::new(&constants());
    // The host is class 1, which may come to this port.
    let slot = ((IFINDEX.wrapping_mul(0x9e37_79b1) >> 16) ^ IFINDEX) & 7;
    let at = slot as usize * size_of::<Endpoint>() + std::mem::offset_of!(Endpoint, host_class);
    node.image("sluice_endpoints", at, 1_u32.as_bytes());
    let mut come = |source, first: Option<bool>| {
        let segment = [&tcp([999, WEB], SYN)[..], &[0; 4]].concat();
        // Eight units after the first one's three, or the whole.
        let body = match first {
            Some(true) => [&[6, 0, 0, 1, 0, 0, 0, 7][..], &segment].concat(),
            Some(false) => [&[6, 0, 0, 24, 0, 0, 0, 7][..], &[0; 8]].concat(),
            None => segment,
        };
        let protocol = if first.is_some() { 44 } else { 6 };
        let packet = packet6(global(source), global(ENDPOINT), 64, protocol, &body);
        node.run_with(DIRECTION_INGRESS, packet, &Context::default()).code
    };
    // Whatever address the host took; but a fragment may be anybody's.
    assert_eq!([come(STRANGER, None), come(FRIEND, None)], [PASS; 2]);
    for first in [true, false] {
        assert_eq!(come(STRANGER, Some(first)), DROP, "the first: {first}");
        assert_eq!(come(FRIEND, Some(first)), PASS, "the first: {first}");
    }
}

#[test]
fn of_fragments_that_are_dropped_nothing_is_remembered() {
    let first = |to, identification, ports| {
        let body = [&tcp(ports, SYN)[..], &[0; 4]].concat();
        packet6(
            global(ENDPOINT),
            global(to),
            64,
            44,
            &[&[6, 0, 0, 1, 0, 0, 0, identification], &body[..]].concat(),
        )
    };
    let later = |to, identification| {
        let cut = [6, 0, 0, 24, 0, 0, 0, identification];
        packet6(global(ENDPOINT), global(to), 64, 44, &[cut, [0; 8]].concat())
    };
    let mut node = Node::new(&constants());
    for identification in 0..9 {
        let packet = first(STRANGER, identification, [999, WEB]);
        assert_eq!(node.run(DIRECTION_EGRESS, packet, 0).code, DROP);
    }
    assert_eq!(node.machine.entries(node.maps["sluice_fragments"]).count(), 0);
    // Their later ones have none before them.
    assert_eq!(node.run(DIRECTION_EGRESS, later(STRANGER, 1), 0).code, DROP);
    let missing = 2 * u32::from(Reason::FragmentMissing as u8) + DIRECTION_EGRESS;
    assert_eq!(node.counted(missing), 1);
    assert_eq!(node.run(DIRECTION_EGRESS, first(FRIEND, 1, [999, WEB]), 0).code, PASS);
    assert_eq!(node.run(DIRECTION_EGRESS, later(FRIEND, 1), 0).code, PASS);
    assert_eq!(node.machine.entries(node.maps["sluice_fragments"]).count(), 1);
}
