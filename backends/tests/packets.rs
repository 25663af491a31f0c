//! Packets through the programs of the template, linked for the images of random decisions, against the simulator.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has to fail")]

use std::collections::BTreeMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use proptest::prelude::*;
use sluice_backends::abi::{Endpoint, MAPS, MARK_TEST, MapKind};
use sluice_backends::image::{Image, Images, Interface, Room, refusal};
use sluice_backends::program::interpret::{Context, Machine, Packet, ProgramId};
use sluice_backends::program::{Template, bodies, constants, link, read_template};
use sluice_backends::simulate::{Peer, Question, Simulator};
use sluice_ir::decision::EndpointName;
use sluice_ir::decision::arbitrary::decisions;
use sluice_ir::decision::verify::{Verified, verify};
use sluice_ir::net::{Cidr, Protocol};
use sluice_ir::policy::Direction;

fn template() -> Template {
    let object = Path::new(env!("CARGO_MANIFEST_DIR")).join("objects/endpoint.o");
    read_template(&fs::read(object).unwrap()).unwrap()
}

/// A machine with the programs of both directions.
struct Node {
    machine: Machine,
    from: ProgramId,
    to: ProgramId,
}

fn node(template: &Template, images: &Images) -> Node {
    let mut machine = Machine::new();
    let image = |name: &str| Image::ALL.into_iter().find(|image| image.map().name == name);
    let mut maps = BTreeMap::new();
    for spec in &MAPS {
        let map = match image(spec.name) {
            Some(image) => machine.add_memory(spec, images.bytes(image)),
            None if spec.kind == MapKind::Memory => machine.add_map(spec, spec.value),
            None => machine.add_map(spec, spec.entries.min(1_024) as usize),
        };
        maps.insert(spec.name, map);
    }
    let (bodies, constants) = (bodies(images.shape()).unwrap(), constants(images.shape()));
    let [from, to] = ["from_endpoint", "to_endpoint"].map(|name| {
        let code = link(&template.programs[name], &bodies, &constants).unwrap();
        machine.load(name, &code, &maps).unwrap()
    });
    Node { machine, from, to }
}

/// The first packet of a connection, from the first byte of Ethernet.
fn packet(source: IpAddr, destination: IpAddr, protocol: u8, port: u16) -> Vec<u8> {
    let [high, low] = port.to_be_bytes();
    let payload: Vec<u8> = match protocol {
        6 => [&[0x30, 0x39, high, low][..], &[0; 8], &[0x50, 0x02], &[0; 6]].concat(),
        17 => vec![0x30, 0x39, high, low, 0, 8, 0, 0],
        _ => vec![low, 0, 0, 0, 0, 7, 0, 1],
    };
    let mut bytes = vec![2; 12];
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            bytes.extend([8, 0, 0x45, 0, 0, 20 + payload.len() as u8, 0, 0, 0, 0, 64, protocol, 0, 0]);
            bytes.extend(source.octets().into_iter().chain(destination.octets()));
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, payload.len() as u8, protocol, 64]);
            bytes.extend(source.octets().into_iter().chain(destination.octets()));
        }
        _ => panic!("two families in one packet"),
    }
    bytes.extend(payload);
    bytes
}

impl Node {
    /// Verdict, class, reason and endpoint.
    fn ask(&mut self, direction: Direction, ifindex: u32, peer: IpAddr, protocol: u8, port: u16) -> [u32; 4] {
        let own: IpAddr = match peer {
            IpAddr::V4(_) => [10, 0, 0, 1].into(),
            IpAddr::V6(_) => "fd00::a".parse().unwrap(),
        };
        let (program, bytes) = match direction {
            Direction::Egress => (self.from, packet(own, peer, protocol, port)),
            Direction::Ingress => (self.to, packet(peer, own, protocol, port)),
        };
        let ethernet = if peer.is_ipv4() { 0x0800 } else { 0x86dd };
        let context = Context {
            mark: MARK_TEST,
            protocol: ethernet,
            ifindex,
            ingress_ifindex: 99,
            wire_len: bytes.len() as u32,
            ..Context::default()
        };
        let outcome = self.machine.run(program, Packet::from(bytes), &context).unwrap();
        [0, 1, 2, 3].map(|at| outcome.context.cb[at])
    }
}

/// What the simulator says to the same question.
fn expected(
    simulator: &Simulator<'_>,
    direction: Direction,
    ifindex: u32,
    peer: IpAddr,
    protocol: u8,
    port: u16,
) -> [u32; 4] {
    let Endpoint { id, ingress_table, egress_table, .. } = simulator.endpoint(ifindex).unwrap();
    let table = match direction {
        Direction::Ingress => ingress_table,
        Direction::Egress => egress_table,
    };
    let question =
        Question { direction, table, peer: Peer::Address(peer), protocol: Protocol(protocol), port };
    let answer = simulator.answer(&question);
    let reason = refusal(&answer.record, direction, Protocol(protocol)).map_or(0, |reason| reason as u32);
    [answer.verdict, answer.class, reason, id]
}

fn check(
    template: &Template,
    decision: &Verified<sluice_ir::decision::Decision>,
) -> Result<(), TestCaseError> {
    let endpoints: Vec<EndpointName> =
        decision.subjects.iter().flat_map(|subject| subject.endpoints.clone()).collect();
    let interface = |(ifindex, name): (u32, &EndpointName)| Interface {
        name: name.clone(),
        endpoint: Endpoint { ifindex, id: ifindex + 100, ..Endpoint::default() },
    };
    let interfaces: Vec<Interface> = (1..).zip(&endpoints).map(interface).collect();
    for room in [Room::NONE, Room { chunks4: 1, ..Room::LIVE }] {
        let images = Images::of_decision(decision, &interfaces, &room).unwrap();
        let (simulator, mut node) = (Simulator::from(&images), node(template, &images));
        let prefixes = decision.prefixes.iter().map(|(prefix, _)| inside(prefix));
        for address in prefixes {
            for Interface { endpoint, .. } in &interfaces {
                for (direction, (protocol, port)) in questions(address) {
                    let found = node.ask(direction, endpoint.ifindex, address, protocol, port);
                    let wanted = expected(&simulator, direction, endpoint.ifindex, address, protocol, port);
                    prop_assert_eq!(found, wanted, "{} {} {}:{}", direction, address, protocol, port);
                }
            }
        }
    }
    Ok(())
}

fn questions(address: IpAddr) -> impl Iterator<Item = (Direction, (u8, u16))> {
    let echo = if address.is_ipv4() { (1, 8) } else { (58, 128) };
    let ports = [(6, 3), (6, 5), (6, 8), (17, 4), (17, 7), echo];
    Direction::BOTH.into_iter().flat_map(move |direction| ports.map(|port| (direction, port)))
}

/// An address of a prefix that is nobody's in particular.
fn inside(prefix: Cidr) -> IpAddr {
    match prefix.address() {
        IpAddr::V4(first) => IpAddr::V4((first.to_bits() | 0x0102_0304).into()),
        IpAddr::V6(first) => IpAddr::V6((first.to_bits() | 0x0102_0304 << 80 | 5).into()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn packets_get_the_verdict_of_the_images(decision in decisions()) {
        check(&template(), &verify(decision).unwrap())?;
    }
}
