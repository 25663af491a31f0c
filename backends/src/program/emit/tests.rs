//! Bodies, run, against the simulator.

use std::collections::BTreeMap;
use std::net::IpAddr;

use proptest::prelude::*;
use sluice_ir::decision::PortClasses;
use sluice_ir::decision::arbitrary::decisions;
use sluice_ir::decision::verify::verify;
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;
use sluice_ir::prefix_map::PrefixMap;

use super::{INSTRUCTIONS, emit};
use crate::abi::{NO_CLASS, NO_VERDICT, STUBS, Stub};
use crate::image::tests::ports::{classes as port_classes, of_ports as tables_of_ports, spans};
use crate::image::tests::{around, cidr, endpoints6, tables, wild_cidr};
use crate::image::{Image, Images, Ports, Room};
use crate::program::interpret::{Machine, MapId, ProgramId};
use crate::program::{Code, disassemble};
use crate::simulate::Simulator;

/// The bodies of images, loaded.
struct Bodies {
    machine: Machine,
    maps: BTreeMap<Image, MapId>,
    programs: BTreeMap<Stub, ProgramId>,
}

fn bodies(images: &Images) -> Bodies {
    let mut machine = Machine::new();
    let memory = |image: Image| (image, machine.add_memory(image.map(), images.bytes(image)));
    let maps: BTreeMap<Image, MapId> = Image::ALL.into_iter().map(memory).collect();
    let names = maps.iter().map(|(image, map)| (image.map().name, *map)).collect();
    let load = |stub: Stub| {
        let code = body(stub, images);
        assert!(code.instructions.len() <= INSTRUCTIONS, "{}", code.instructions.len());
        (stub, machine.load("body", &code, &names).unwrap())
    };
    let programs = STUBS.into_iter().map(load).collect();
    Bodies { machine, maps, programs }
}

fn body(stub: Stub, images: &Images) -> Code {
    emit(stub, images.shape()).unwrap()
}

impl Bodies {
    fn call(&mut self, stub: Stub, arguments: &[u64]) -> u32 {
        let answer = self.machine.call(self.programs[&stub], arguments).unwrap();
        assert_eq!(answer >> 32, 0);
        answer as u32
    }

    fn class(&mut self, address: IpAddr) -> u32 {
        match address {
            IpAddr::V4(address) => self.call(Stub::Class4, &[address.to_bits().into()]),
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                self.call(Stub::Class6, &[(bits >> 64) as u64, bits as u64])
            }
        }
    }
}

/// Asks about verdicts: tables and classes that are there, and some that are not.
fn check_verdicts(images: &Images, ports: &[(u8, u16)]) -> Result<(), TestCaseError> {
    let (mut bodies, simulator, shape) = (bodies(images), Simulator::from(images), images.shape());
    let tables = 0..shape.tables.clamp(1, 6) as u32;
    let classes = [shape.classes as u32, NO_CLASS, u32::MAX];
    for table in tables {
        for class in (0..shape.classes.min(7) as u32).chain(classes) {
            for (protocol, port) in ports {
                for (direction, stub) in
                    [(Direction::Ingress, Stub::Ingress), (Direction::Egress, Stub::Egress)]
                {
                    let expected = simulator.verdict(direction, table, class, Protocol(*protocol), *port);
                    let arguments = [table, class, u32::from(*protocol), u32::from(*port)].map(u64::from);
                    prop_assert_eq!(bodies.call(stub, &arguments), expected);
                }
            }
        }
    }
    Ok(())
}

fn check_classes(images: &Images, addresses: impl Iterator<Item = IpAddr>) -> Result<(), TestCaseError> {
    let (mut bodies, simulator) = (bodies(images), Simulator::from(images));
    for address in addresses {
        prop_assert_eq!(bodies.class(address), simulator.class(address), "{}", address);
    }
    Ok(())
}

const PORTS: [(u8, u16); 12] = [
    (1, 0),
    (1, 8),
    (6, 3),
    (6, 4),
    (6, 5),
    (6, 6),
    (6, 7),
    (6, 8),
    (6, u16::MAX),
    (17, 5),
    (47, 0),
    (255, 0),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn of_decisions(decision in decisions()) {
        let decision = verify(decision).unwrap();
        for room in [Room::NONE, Room { chunks4: 2, classes: 3, ..Room::LIVE }] {
            let images = Images::of_decision(&decision, &[], &room).unwrap();
            check_verdicts(&images, &PORTS)?;
            check_classes(&images, decision.prefixes.iter().flat_map(|(prefix, _)| around(prefix)))?;
        }
    }

    #[test]
    fn of_prefixes(
        nested in prop::collection::vec((cidr(), 0..7_usize), 0..40),
        wild in prop::collection::vec((wild_cidr(), 0..7_usize), 0..40),
    ) {
        let map: PrefixMap<usize> = nested.into_iter().chain(wild).collect();
        let prefixes: Vec<_> = map.iter().map(|(prefix, class)| (prefix, *class)).collect();
        for room in [Room::NONE, Room { chunks4: 2, chunks6: 2, hosts6: 2, ..Room::LIVE }] {
            let images = Images::of_tables(&tables(7, &prefixes), &[], &room).unwrap();
            check_classes(&images, prefixes.iter().flat_map(|(prefix, _)| around(*prefix)))?;
        }
    }

    #[test]
    fn of_endpoints_that_begin_alike(
        first in prop::sample::select(vec!["fd00:10:244::", "fd00::", "2001:db8:1:2::"]),
        (nodes, of_node) in (1..20_u128, 1..20_u128),
        node in 1..120_u8,
        others in prop::collection::vec((cidr(), 0..7_usize), 0..10),
    ) {
        // Nodes are numbered at any bits, and their endpoints at the last.
        let endpoints = endpoints6(first, nodes, of_node, (node, 0));
        let map: PrefixMap<usize> = others.into_iter().chain(endpoints).collect();
        let prefixes: Vec<_> = map.iter().map(|(prefix, class)| (prefix, *class)).collect();
        let images = Images::of_tables(&tables(7, &prefixes), &[], &Room::NONE).unwrap();
        check_classes(&images, prefixes.iter().flat_map(|(prefix, _)| around(*prefix)))?;
    }

    #[test]
    fn of_ports(ports in port_classes(), asked in prop::collection::vec(any::<(u8, u16)>(), 20)) {
        let images = Images::of_tables(&tables_of_ports(&ports), &[], &Room::NONE).unwrap();
        let ends = ports.spans().iter().flat_map(|span| [span.range.start, span.range.end].map(|p| (span.protocol.0, p)));
        let all: Vec<(u8, u16)> = ends.chain(asked).collect();
        check_verdicts(&images, &all)?;
    }
}

/// The operations of a body, as text.
fn text(stub: Stub, images: &Images) -> String {
    disassemble(&body(stub, images)).to_string()
}

#[test]
fn what_is_always_the_same_is_left_out() {
    let everything = [("0.0.0.0/0".parse().unwrap(), 0)];
    let images = Images::of_tables(&tables(1, &everything), &[], &Room::NONE).unwrap();
    for (stub, instructions) in [(Stub::Class4, 2), (Stub::Class6, 2), (Stub::Ingress, 4), (Stub::Egress, 4)]
    {
        assert_eq!(body(stub, &images).instructions.len(), instructions, "{}", text(stub, &images));
    }
}

#[test]
fn the_quick_way_of_ipv4_has_one_load_for_each_part() {
    let prefixes = ["0.0.0.0/0", "10.0.0.0/24"];
    let prefixes: Vec<_> = (0..).zip(prefixes).map(|(class, text)| (text.parse().unwrap(), class)).collect();
    let images = Images::of_tables(&tables(2, &prefixes), &[], &Room::NONE).unwrap();
    let loads = |stub| text(stub, &images).matches("*(u").count();
    // No prefix is longer than 24 bits: a root and one chunk. Then a row and a cell.
    assert_eq!((loads(Stub::Class4), loads(Stub::Ingress)), (2, 2));
    let images = Images::of_tables(&tables(2, &prefixes), &[], &Room::LIVE).unwrap();
    assert_eq!(text(Stub::Class4, &images).matches("*(u").count(), 3);
}

#[test]
fn a_disassembly_names_what_is_read() {
    let prefixes = ["::/0", "fd00::/8", "fd00::1/128"];
    let prefixes: Vec<_> = (0..).zip(prefixes).map(|(class, text)| (text.parse().unwrap(), class)).collect();
    let images = Images::of_tables(&tables(3, &prefixes), &[], &Room::LIVE).unwrap();
    let text = text(Stub::Class6, &images);
    for name in
        ["host.high", "host.low", "host.class", "header.high", "header.low", "header.class", "sluice_trie6"]
    {
        assert!(text.contains(name), "{name}: {text}");
    }
}

#[test]
fn limits_are_kept_by_blocks_and_an_index() {
    let ports = |protocols: u8| {
        let spans =
            |protocol: u8| spans(protocol, vec![80, 81, 443], move |at| (at + usize::from(protocol)) % 5);
        PortClasses::new((0..protocols).flat_map(spans).collect())
    };
    let chain = Images::of_tables(&tables_of_ports(&ports(8)), &[], &Room::NONE).unwrap();
    assert!(matches!(chain.shape().sides.egress.ports, Ports::Chain { .. }));
    let index = Images::of_tables(&tables_of_ports(&ports(9)), &[], &Room::NONE).unwrap();
    assert!(matches!(index.shape().sides.egress.ports, Ports::Index { .. }));
    let [chain, index] = [&chain, &index].map(|images| body(Stub::Egress, images).instructions.len());
    assert!(index < chain && chain <= INSTRUCTIONS);
}

#[test]
fn indexes_that_images_do_not_have_are_answered() {
    let prefixes = ["0.0.0.0/0", "10.0.0.0/24", "::/0", "fd00::/64"];
    let prefixes: Vec<_> = (0..).zip(prefixes).map(|(class, text)| (text.parse().unwrap(), class)).collect();
    let images = Images::of_tables(&tables(4, &prefixes), &[], &Room::NONE).unwrap();
    let mut bodies = bodies(&images);
    // As if all chunks were far away, and all rows.
    for (image, word) in
        [(Image::Trie4, 0x8fff_ffff_u32), (Image::Trie6, 0xffff_ffff), (Image::Tables, 0xeeee_eeee)]
    {
        let bytes = bodies.machine.memory_mut(bodies.maps[&image]).unwrap();
        bytes.chunks_exact_mut(4).for_each(|entry| entry.copy_from_slice(&word.to_ne_bytes()));
    }
    assert_eq!(bodies.class([10, 0, 0, 1].into()), NO_CLASS);
    assert_eq!(bodies.class("fd00::1".parse().unwrap()), NO_CLASS);
    assert_eq!(bodies.call(Stub::Ingress, &[0, 1, 6, 80]), NO_VERDICT);
}
