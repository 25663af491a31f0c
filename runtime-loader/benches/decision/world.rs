//! Made-up policies of a given number of rules and peers, and questions about them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use sluice_ir::decision::verify::{Verified, verify};
use sluice_ir::decision::{
    ByDirection, Decision, EndpointName, Outcome, PeerClass, PortClasses, PortSpan, Row, Side, Subject, Table,
};
use sluice_ir::ids::{ClassId, OriginId, PortClassId, RowId, VerdictId};
use sluice_ir::net::{Cidr, PortRange, Protocol};
use sluice_ir::origin::Origin;
use sluice_ir::policy::Identity;
use sluice_ir::policy::eval::{Reason, Verdict};
use sluice_ir::prefix_map::PrefixMap;

use crate::cluster::random::Random;

/// A port that a rule allows from anywhere.
const ANYONE: u16 = 443;
/// A port that no rule names.
const NOBODY: u16 = 7;

/// Where peers are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Addresses side by side, as pods have them.
    Dense,
    /// Prefixes of 24 to 28 bits anywhere in IPv4, of 48 to 64 bits anywhere in IPv6.
    Scattered,
}

/// How large a world is. Each identity has a rule for each port, and each rule a verdict of its own, so that nothing is
/// equal to anything: the most that so many rules can be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) layout: Layout,
    pub(crate) peers: usize,
    pub(crate) identities: usize,
    pub(crate) ports: usize,
}

/// A policy with its peers.
pub(crate) struct World {
    pub(crate) decision: Verified<Decision>,
    /// The peers of IPv4, then those of IPv6.
    pub(crate) peers: [Vec<Cidr>; 2],
    /// What was said of each prefix before the decision made it as few as can be.
    pub(crate) prefixes: Vec<(Cidr, ClassId)>,
    /// The ports that rules name, with that for anyone.
    pub(crate) ports: Vec<u16>,
}

/// The endpoint that is asked about.
pub(crate) fn endpoint() -> EndpointName {
    name("first")
}

fn name(name: &str) -> EndpointName {
    EndpointName { namespace: Some(Arc::from("a")), name: Arc::from(name) }
}

impl World {
    pub(crate) fn new(size: Size) -> World {
        let mut random = Random::new(11);
        let peers = [peers4(size, &mut random), peers6(size, &mut random)];
        let ports: Vec<u16> = (0..size.ports).map(|at| 1_000 + 37 * at as u16).chain([ANYONE]).collect();
        let said = decision(size, &peers, &ports, &mut random);
        let prefixes = said.prefixes.clone();
        let decision = verify(said.canonical()).unwrap();
        // Classes have other numbers now, and the same examples.
        let mut numbers = vec![ClassId::new(0); decision.classes.len()];
        for (now, class) in decision.classes.iter().enumerate() {
            numbers[number(class)] = ClassId::new(now);
        }
        let prefixes = prefixes.iter().map(|(prefix, class)| (prefix, numbers[class.index()]));
        World { prefixes: prefixes.collect(), decision, peers, ports }
    }

    /// The number of the verdict of a question to the endpoint.
    pub(crate) fn verdict(&self, class: ClassId, port: u16) -> VerdictId {
        let subject = self.decision.subject_of(&endpoint()).unwrap();
        let side = &self.decision.sides.ingress;
        let row = &side.rows[subject.tables.ingress.row(class).index()];
        row.0[side.ports.class(Protocol::TCP, port).index()]
    }

    /// The class of an address, which has one.
    pub(crate) fn class(&self, address: IpAddr) -> ClassId {
        self.decision.class_of(address).unwrap()
    }

    /// Addresses and ports to ask about: peers at random, ports of rules and one of none.
    pub(crate) fn questions(&self, is_ipv4: bool, count: usize) -> Vec<(IpAddr, u16)> {
        let mut random = Random::new(13);
        let peers = &self.peers[usize::from(!is_ipv4)];
        let ports: Vec<u16> = self.ports.iter().copied().chain([NOBODY]).collect();
        let one = |_| {
            let peer = *random.of(peers);
            (inside(peer, &mut random), *random.of(&ports))
        };
        (0..count).map(one).collect()
    }
}

/// Some address of a prefix.
fn inside(prefix: Cidr, random: &mut Random) -> IpAddr {
    let bits = if prefix.is_ipv4() { 32 } else { 128 };
    let host = random.below(1 << (bits - prefix.length()).min(30));
    match prefix.address() {
        IpAddr::V4(first) => IpAddr::V4((first.to_bits() | host as u32).into()),
        IpAddr::V6(first) => IpAddr::V6((first.to_bits() | host as u128).into()),
    }
}

fn peers4(size: Size, random: &mut Random) -> Vec<Cidr> {
    let dense = |at: usize| Cidr::host(Ipv4Addr::from_bits(0x0a00_0001 + at as u32).into());
    if size.layout == Layout::Dense {
        return (0..size.peers).map(dense).collect();
    }
    distinct(size.peers, || {
        let address = Ipv4Addr::from_bits(0x0100_0000 + random.below(0xde00_0000) as u32);
        Cidr::new(address.into(), 24 + random.below(5) as u8).unwrap()
    })
}

fn peers6(size: Size, random: &mut Random) -> Vec<Cidr> {
    // Nodes with a prefix of 64 bits each, and pods numbered from 1.
    let dense = |at: usize| {
        let (node, pod) = ((at / 250) as u16, (at % 250 + 1) as u16);
        Cidr::host(Ipv6Addr::new(0xfd00, 0x10, 0, node, 0, 0, 0, pod).into())
    };
    if size.layout == Layout::Dense {
        return (0..size.peers).map(dense).collect();
    }
    distinct(size.peers, || {
        let upper =
            0x2000_0000_0000_0000 | (random.below(1 << 31) as u64) << 29 | random.below(1 << 29) as u64;
        let address = Ipv6Addr::from_bits(u128::from(upper) << 64);
        Cidr::new(address.into(), 48 + random.below(17) as u8).unwrap()
    })
}

fn distinct(count: usize, mut make: impl FnMut() -> Cidr) -> Vec<Cidr> {
    let mut known = BTreeSet::new();
    while known.len() < count {
        let peer = make();
        known.insert(peer.truncated(peer.length()));
    }
    known.into_iter().collect()
}

fn decision(size: Size, peers: &[Vec<Cidr>; 2], ports: &[u16], random: &mut Random) -> Decision {
    let rules = size.identities * size.ports;
    let world = ClassId::new(size.identities);
    let mut prefixes = PrefixMap::default();
    for everything in [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)] {
        prefixes.insert(Cidr::new(everything, 0).unwrap(), world);
    }
    for peer in peers.iter().flatten() {
        prefixes.insert(*peer, ClassId::new(random.below(size.identities)));
    }
    let mut verdicts = vec![outcome(Verdict::Deny, Reason::DefaultDeny, None)];
    verdicts.extend((0..=rules).map(|rule| outcome(Verdict::Allow, Reason::Rules, Some(rule))));
    verdicts.push(outcome(Verdict::Allow, Reason::NotIsolated, None));
    let anything = Row(Box::new([VerdictId::new(verdicts.len() - 1)]));
    let sides = ByDirection {
        ingress: Side { ports: port_classes(ports), rows: rows(size) },
        egress: Side { ports: PortClasses::default(), rows: vec![anything] },
    };
    Decision {
        node: Some(Arc::from("node-0")),
        origins: (0..=rules).map(origin).collect(),
        l7: Vec::new(),
        classes: (0..=size.identities).map(class).collect(),
        prefixes,
        sides,
        verdicts,
        subjects: vec![
            subject("first", size, |class| class),
            subject("other", size, |class| size.identities - 1 - class),
        ],
        ..Decision::default()
    }
}

/// A row for each identity, then that of everyone else. Verdict 0 denies, then come those of the rules.
fn rows(size: Size) -> Vec<Row> {
    let anyone = VerdictId::new(1 + size.identities * size.ports);
    let row = |identity: usize| {
        let of_rules = (0..size.ports).map(|port| {
            VerdictId::new(match identity {
                _ if identity == size.identities => 0,
                _ => 1 + identity * size.ports + port,
            })
        });
        Row([VerdictId::new(0)].into_iter().chain(of_rules).chain([anyone]).collect())
    };
    (0..=size.identities).map(row).collect()
}

/// Class 0 is that of all others, then comes one for each port.
fn port_classes(ports: &[u16]) -> PortClasses {
    let mut sorted: Vec<(u16, usize)> = ports.iter().copied().zip(1..).collect();
    sorted.sort_unstable();
    let mut spans = Vec::new();
    let mut span = |start: u16, end: u16, class: usize| {
        if start <= end {
            let range = PortRange { start, end };
            spans.push(PortSpan { protocol: Protocol::TCP, range, class: PortClassId::new(class) });
        }
    };
    let mut next = 0;
    for (port, class) in sorted {
        span(next, port - 1, 0);
        span(port, port, class);
        next = port + 1;
    }
    span(next, u16::MAX, 0);
    PortClasses::new(spans)
}

fn subject(endpoint: &str, size: Size, row: impl Fn(usize) -> usize) -> Subject {
    let rows = (0..size.identities).map(|class| (ClassId::new(class), RowId::new(row(class))));
    let ingress = Table { otherwise: RowId::new(size.identities), rows: rows.collect() };
    let egress = Table { otherwise: RowId::new(0), rows: Vec::new() };
    Subject { endpoints: vec![name(endpoint)], tables: ByDirection { ingress, egress } }
}

fn outcome(verdict: Verdict, reason: Reason, rule: Option<usize>) -> Outcome {
    let origins = rule.map(OriginId::new).into_iter().collect();
    Outcome { verdict, reason, authentication: None, widened: false, origins, l7: Vec::new(), proxy: None }
}

fn origin(rule: usize) -> Origin {
    Origin {
        file: Arc::from("policies.yaml"),
        line: rule as u32 + 1,
        column: 1,
        kind: Arc::from("CiliumNetworkPolicy"),
        namespace: Some(Arc::from("a")),
        name: Arc::from("rules"),
        path: Arc::from("spec"),
    }
}

/// Examples only have to be different: each is the number of its class.
fn class(number: usize) -> PeerClass {
    let address = Some(Ipv4Addr::from_bits(number as u32).into());
    PeerClass { example: Arc::new(Identity { address, ..Identity::default() }) }
}

fn number(class: &PeerClass) -> usize {
    match class.example.address {
        Some(IpAddr::V4(address)) => address.to_bits() as usize,
        _ => 0,
    }
}
