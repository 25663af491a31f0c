//! Random packets, good and bad, one after the other: what the programs make of them, in the interpreter and in the
//! kernel, is what the slow reading of the same rules says (`sluice_backends::packet`).

#![allow(clippy::unwrap_used, reason = "tests may")]

mod harness;

use std::net::IpAddr;
use std::time::{Duration, Instant};

use harness::case::{decision_of, endpoint_of, of_agent};
use harness::engines::{in_kernel, in_machine};
use harness::root;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sluice_backends::abi::{Counter, MARK_OF_PROXY, PROXY_DNS, Reason};
use sluice_backends::image::{Images, Room};
use sluice_backends::packet::arbitrary::{OWN4, OWN6, PEERS4, PEERS6, conversations, frames};
use sluice_backends::packet::{
    Crossing, Endpoint, HostPolicy, Lifetimes, Memory as Remembered, Node, Outcome, Peer, Policy, Question,
    Way, judge,
};
use sluice_backends::probe::CONTEXT;
use sluice_backends::program::interpret::{Context, Machine, MapId, Packet, ProgramId, Socket, Sockets};
use sluice_backends::simulate::{self, Simulator};
use sluice_compiler::options::Options;
use sluice_ir::decision::ByDirection;
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;
use sluice_loader::generation::{Number, Prepared};
use sluice_loader::kernel::{Asked, PerCpu, Program};
use sluice_loader::prepare::{Local, Settings, generation, images};
use zerocopy::FromBytes;

/// The only interface that is there everywhere, and any other.
const LOOPBACK: u32 = 1;
const ELSEWHERE: u32 = 99;

const DROP: i32 = 2;

/// Some of what random packets carry is allowed, each way, by either family.
const RULES: &str = "
  egress:
    - toCIDR: [20.0.0.0/8, '2a00::/16']
      toPorts: [{ports: [{port: '1', endPort: 2, protocol: TCP}, {port: '1', protocol: UDP}, {port: '1', protocol: SCTP}]}]
    - toCIDR: [20.0.0.0/8, '2a00::/16']
      icmps: [{fields: [{type: 8, family: IPv4}, {type: 128, family: IPv6}]}]
    - toEntities: [host]
      toPorts: [{ports: [{port: '3'}]}]
    - toCIDR: [30.0.0.0/8, '3a00::/16']
      toPorts: [{ports: [{port: '1'}, {port: '2'}], rules: {dns: [{matchPattern: '*'}]}}]
  ingress:
    - fromCIDR: [20.0.0.0/8, 30.0.0.0/8, '3a00::/16']
      toPorts: [{ports: [{port: '1'}]}]
    - fromEntities: [host]
      toPorts: [{ports: [{port: '2'}]}]
    - fromCIDR: [20.0.0.0/8, '3a00::/16']
      icmps: [{fields: [{type: 8, family: IPv4}, {type: 128, family: IPv6}]}]
";

/// Policy of the host, of which the endpoint's rules allow some, and others.
const RULES_OF_HOST: &str = "
  egress:
    - toEntities: [all]
      toPorts: [{ports: [{port: '1'}, {port: '2', protocol: UDP}]}]
  ingress:
    - fromEntities: [all]
      toPorts: [{ports: [{port: '3', protocol: TCP}, {port: '2'}]}]
    - fromEntities: [all]
      icmps: [{fields: [{type: 8, family: IPv4}]}]
";

/// The addresses of the host: of each family one of the other side's.
const HOST: [IpAddr; 2] = [IpAddr::V4(PEERS4[0]), IpAddr::V6(PEERS6[1])];

/// The number of any interface of the host.
const OF_HOST: u32 = 98;

/// Whose packets they are, and how a node can be set.
#[derive(Clone, Copy, Debug)]
struct World {
    host: bool,
    /// Whether the host has a policy and is one of the peers.
    beside: bool,
    /// Whether the DNS proxy listens.
    proxied: bool,
    settings: Settings,
}

fn worlds() -> [World; 7] {
    let strict = Settings { allow_frag_needed: false, ..Settings::default() };
    let pod = World { host: false, beside: false, proxied: true, settings: Settings::default() };
    let beside = World { beside: true, ..pod };
    [
        World { proxied: false, ..pod },
        pod,
        World { settings: Settings { audit: true, ..strict }, ..pod },
        World { host: true, settings: strict, ..pod },
        beside,
        World { settings: Settings { audit_host: true, ..strict }, ..beside },
        World { settings: Settings { audit: true, ..strict }, ..beside },
    ]
}

/// A generation, and what the reference must know of it.
struct Setting {
    world: World,
    node: Node,
    endpoint: Endpoint,
    images: Images,
    tables: ByDirection<u32>,
    of_host: Option<ByDirection<u32>>,
}

impl Setting {
    fn new(world: World) -> Setting {
        let pod_address = "192.0.2.2";
        let addresses = format!("{{ip: \"{OWN4}\"}}, {{ip: \"{OWN6}\"}}");
        let internal = |text: &str| format!("{{type: InternalIP, address: \"{text}\"}}");
        let of_node = match world {
            World { host: true, .. } => vec![OWN4.to_string(), OWN6.to_string()],
            World { beside: true, .. } => HOST.map(|address| address.to_string()).to_vec(),
            _ => vec!["192.0.2.1".to_owned()],
        };
        let node = of_node.iter().map(|address| internal(address)).collect::<Vec<_>>().join(", ");
        let of_host = match world.beside {
            true => format!(
                "---\napiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {{name: host}}\n\
                 spec:\n  nodeSelector: {{}}{RULES_OF_HOST}"
            ),
            false => String::new(),
        };
        let pod = if world.host { format!("{{ip: {pod_address}}}") } else { addresses };
        let selector = if world.host { "nodeSelector" } else { "endpointSelector" };
        let text = format!(
            "apiVersion: v1\nkind: Node\nmetadata: {{name: n1}}\nstatus: {{addresses: [{node}]}}\n---\n\
             apiVersion: v1\nkind: Namespace\nmetadata: {{name: shop}}\n---\n\
             apiVersion: v1\nkind: Pod\nmetadata: {{name: own, namespace: shop}}\n\
             spec: {{nodeName: n1, containers: [{{name: c, image: example.invalid/c}}]}}\n\
             status: {{phase: Running, podIPs: [{pod}]}}\n---\n\
             apiVersion: cilium.io/v2\nkind: CiliumClusterwideNetworkPolicy\nmetadata: {{name: rules}}\n\
             spec:\n  {selector}: {{}}{RULES}{of_host}"
        );
        let decision = decision_of(&[&text], &Options { host_firewall: true, ..of_agent() });
        let name = endpoint_of(&decision, (!world.host).then_some("own"));
        let addresses = vec![OWN4.into(), OWN6.into()];
        let mut locals =
            vec![Local { name: name.clone(), ifindex: LOOPBACK, addresses, is_host: world.host }];
        let host = endpoint_of(&decision, None);
        if world.beside {
            let (name, addresses) = (host.clone(), HOST.to_vec());
            locals.push(Local { name, ifindex: OF_HOST, addresses, is_host: true });
        }
        let images = images(&decision, &locals, &world.settings, &Room::NONE).unwrap();
        let both = ByDirection { ingress: true, egress: true };
        Setting {
            node: Node {
                ipv4: true,
                ipv6: true,
                allow_frag_needed: world.settings.allow_frag_needed,
                lifetimes: Lifetimes { tcp: 8_000, opening: 60, closed: 10, other: 60 },
            },
            endpoint: Endpoint {
                host: world.host,
                enforces: both,
                tracks: both,
                source4: (!world.host).then_some(OWN4),
                source6: (!world.host).then_some(OWN6),
                audits: world.settings.audit,
                host_policy: world.beside.then_some(HostPolicy { audits: world.settings.audits(true) }),
            },
            of_host: images.tables_of(&host).filter(|_| world.beside),
            tables: images.tables_of(&name).unwrap(),
            images,
            world,
        }
    }

    fn prepared(&self) -> Prepared<'_> {
        generation(Number::FIRST, &self.images, &self.world.settings, Vec::new()).unwrap()
    }

    /// The hook at which a packet is seen. The host is on the other side of its interface.
    fn hook(&self, leaves: bool) -> Direction {
        if leaves == self.world.host { Direction::Ingress } else { Direction::Egress }
    }

    /// What the reference says, as a counter: none for what is left alone.
    fn expected(&self, memory: &mut Remembered, sent: &Sent) -> (bool, Option<u32>) {
        let Sent { frame, leaves, made_here, of_proxy, .. } = sent;
        let (hook, proxied) = (self.hook(*leaves), self.world.proxied);
        let crossing = Crossing {
            frame,
            hook,
            made_here: *made_here,
            of_proxy: *of_proxy,
            asks: false,
            proxied,
            now: 0,
        };
        let reason = match judge(&self.node, &self.endpoint, self, memory, &crossing) {
            Outcome::Untouched => return (false, None),
            Outcome::Dropped(reason) => reason as u32,
            // What leaves the one comes to the other.
            Outcome::DroppedByHost(reason) => return (true, Some(reason as u32 * 2 + u32::from(!leaves))),
            Outcome::Passes | Outcome::Begins | Outcome::Proxied { .. } | Outcome::Audited(_) => 0,
        };
        (reason != 0, Some(reason * 2 + u32::from(*leaves)))
    }
}

impl Policy for Setting {
    fn is_host(&self, address: IpAddr) -> bool {
        let own = [IpAddr::V4(OWN4), IpAddr::V6(OWN6)];
        self.world.host && own.contains(&address) || self.world.beside && HOST.contains(&address)
    }

    fn verdict(&self, question: &Question) -> Result<Way, Reason> {
        self.verdict_of(&self.tables, question)
    }

    fn verdict_of_host(&self, question: &Question) -> Result<Way, Reason> {
        self.verdict_of(self.of_host.as_ref().unwrap(), question)
    }
}

impl Setting {
    fn verdict_of(&self, tables: &ByDirection<u32>, question: &Question) -> Result<Way, Reason> {
        let peer = match question.peer {
            Peer::Address(address) => simulate::Peer::Address(address),
            Peer::Here(_) => simulate::Peer::Class(self.images.shape().host_class),
        };
        let table = tables[question.direction];
        let (direction, protocol) = (question.direction, Protocol(question.protocol));
        let question = simulate::Question { direction, table, peer, protocol, port: question.port };
        let record = Simulator::from(&self.images).answer(&question).record;
        // An action of 1 allows, one of 2 redirects.
        match (Reason::of_code(record.reason), record.action) {
            (Some(reason), _) => Err(reason),
            (None, 1) => Ok(Way::On),
            (None, 2) if u32::from(record.proxy) == PROXY_DNS => Ok(Way::ToProxy),
            (None, _) => Err(Reason::NoConfiguration),
        }
    }
}

/// A packet on its way.
#[derive(Clone, Debug)]
struct Sent {
    frame: Vec<u8>,
    /// Whether its endpoint sends it.
    leaves: bool,
    /// Whether it came in by no interface.
    made_here: bool,
    /// Whether it has the mark of the DNS proxy's sockets.
    of_proxy: bool,
    /// How much of it programs can address before they ask for more; only the interpreter has such packets.
    linear: usize,
}

/// Whether this machine made a packet, whether it has the proxy's mark, and how much of it is at hand.
type Around = ((bool, bool), prop::sample::Index);

fn packets() -> impl Strategy<Value = Vec<Sent>> {
    let single = prop::collection::vec(frames(), 1..8);
    let frames = (single, conversations()).prop_map(|(single, together)| [single, together].concat());
    let weighted = prop::bool::weighted;
    let surroundings =
        prop::collection::vec(((weighted(0.5), weighted(0.2)), any::<prop::sample::Index>()), 20);
    (frames, surroundings).prop_map(|(frames, surroundings)| {
        let sent = |((frame, leaves), ((made_here, of_proxy), linear)): ((Vec<u8>, bool), &Around)| {
            // The kernel has the Ethernet header before it runs a program.
            let linear = 14 + linear.index(frame.len() - 13);
            Sent { frame, leaves, made_here: *made_here, of_proxy: *of_proxy, linear }
        };
        frames.into_iter().zip(surroundings.iter().cycle()).map(sent).collect()
    })
}

/// Whoever runs the programs of a generation.
trait Engine {
    /// What the program at a hook answers.
    fn run(&mut self, hook: Direction, sent: &Sent) -> i32;
    /// How many packets a counter has seen.
    fn count(&mut self, counter: u32) -> u64;
}

struct Interpreter {
    machine: Machine,
    counters: MapId,
    programs: ByDirection<ProgramId>,
}

impl Interpreter {
    fn new(prepared: &Prepared<'_>, proxied: bool) -> Interpreter {
        let (mut machine, maps, programs) = in_machine(prepared);
        machine.memory_mut(maps["sluice_proxy"]).unwrap()[0] = u8::from(proxied);
        let listener = proxied.then_some(Socket { mark: MARK_OF_PROXY, ..Socket::default() });
        machine.surroundings.sockets = Sockets { listener, connection: None };
        Interpreter { counters: maps["sluice_counters"], machine, programs }
    }
}

impl Engine for Interpreter {
    fn run(&mut self, hook: Direction, sent: &Sent) -> i32 {
        let context = Context {
            ifindex: LOOPBACK,
            ingress_ifindex: if sent.made_here { 0 } else { ELSEWHERE },
            protocol: u16::from_be_bytes([sent.frame[12], sent.frame[13]]),
            mark: if sent.of_proxy { MARK_OF_PROXY } else { 0 },
            ..Context::default()
        };
        let packet = Packet { bytes: sent.frame.clone(), linear: sent.linear };
        self.machine.run(self.programs[hook], packet, &context).unwrap().code
    }

    fn count(&mut self, counter: u32) -> u64 {
        let value = self.machine.value(self.counters, &counter.to_ne_bytes()).unwrap();
        Counter::read_from_bytes(value).unwrap().packets
    }
}

struct Kernel {
    counters: PerCpu<Counter>,
    programs: ByDirection<Program>,
    began: Instant,
}

impl Kernel {
    fn new(prepared: &Prepared<'_>) -> Kernel {
        let (maps, programs) = in_kernel(prepared, 65_536);
        let counters = maps.iter().find(|map| map.spec().name == "sluice_counters").unwrap();
        Kernel { counters: PerCpu::of(counters).unwrap(), programs, began: Instant::now() }
    }
}

impl Engine for Kernel {
    fn run(&mut self, hook: Direction, sent: &Sent) -> i32 {
        let mut context = [0; CONTEXT];
        let from: u32 = if sent.made_here { 0 } else { ELSEWHERE };
        let mark = if sent.of_proxy { MARK_OF_PROXY } else { 0 };
        context[8..12].copy_from_slice(&mark.to_ne_bytes());
        context[36..40].copy_from_slice(&from.to_ne_bytes());
        context[40..44].copy_from_slice(&LOOPBACK.to_ne_bytes());
        let asked = Asked { packet: &sent.frame, context: &context, repeat: 1 };
        self.programs[hook].ask(&asked).unwrap().code.cast_signed()
    }

    fn count(&mut self, counter: u32) -> u64 {
        self.counters.sum(counter).unwrap().packets
    }
}

/// Sends packets in turn; the first of which something else became than the reference says.
fn difference(
    setting: &Setting,
    engine: &mut dyn Engine,
    memory: &mut Remembered,
    packets: &[Sent],
) -> Option<String> {
    packets.iter().enumerate().find_map(|(at, sent)| {
        let (dropped, counter) = setting.expected(memory, sent);
        // What is left alone is not counted as let pass either.
        let watched = counter.unwrap_or(u32::from(sent.leaves));
        let before = engine.count(watched);
        let code = engine.run(setting.hook(sent.leaves), sent);
        let counted = engine.count(watched) - before;
        let agrees = (code == DROP) == dropped && counted == u64::from(counter.is_some());
        let said = format!("dropped {dropped}, counter {counter:?}; found {code}, counted {counted}");
        (!agrees).then(|| format!("{:?}: packet {at}: {said}: {sent:x?}", setting.world))
    })
}

#[test]
fn the_interpreter_agrees_with_the_reference() {
    let mut runner = TestRunner::new(ProptestConfig::with_cases(300));
    for setting in worlds().map(Setting::new) {
        let fresh = Interpreter::new(&setting.prepared(), setting.world.proxied);
        let Interpreter { counters, programs, .. } = fresh;
        let result = runner.run(&packets(), |packets| {
            let mut engine = Interpreter { machine: fresh.machine.clone(), counters, programs };
            let found = difference(&setting, &mut engine, &mut Remembered::default(), &packets);
            prop_assert!(found.is_none(), "{}", found.unwrap_or_default());
            Ok(())
        });
        assert!(result.is_ok(), "{}", result.unwrap_err());
    }
}

/// `BPF_PROG_TEST_RUN` takes no frame that ends within the network header, nor one that does not fit a page with all
/// that the kernel puts beside it (Linux 6.18).
fn is_taken(frame: &[u8]) -> bool {
    let least = match frame[12..14] {
        [0x08, 0x00] => 34,
        [0x86, 0xdd] => 54,
        _ => 15,
    };
    (least..=3_600).contains(&frame.len())
}

/// The reference's clock stands still, so after this the kernel could have forgotten what it has not.
const BEFORE_ANYTHING_IS_FORGOTTEN: Duration = Duration::from_secs(8);

#[test]
fn the_kernel_agrees_with_the_reference() {
    if !root("the_kernel_agrees_with_the_reference") {
        return;
    }
    let mut runner = TestRunner::deterministic();
    // No proxy listens here.
    for setting in worlds().map(|world| Setting::new(World { proxied: false, ..world })) {
        let (mut engine, mut memory) = (Kernel::new(&setting.prepared()), Remembered::default());
        for _ in 0..2_000 {
            let mut packets = packets().new_tree(&mut runner).unwrap().current();
            packets.retain(|sent| is_taken(&sent.frame));
            let found = difference(&setting, &mut engine, &mut memory, &packets);
            if engine.began.elapsed() > BEFORE_ANYTHING_IS_FORGOTTEN {
                (engine, memory) = (Kernel::new(&setting.prepared()), Remembered::default());
            } else {
                assert!(found.is_none(), "{}", found.unwrap_or_default());
            }
        }
    }
}
