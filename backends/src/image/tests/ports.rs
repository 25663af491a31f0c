//! The class of every port, against the spans.

use proptest::prelude::*;
use sluice_ir::decision::tables::Tables;
use sluice_ir::decision::{ByDirection, Outcome, PortClasses, PortSpan, Row};
use sluice_ir::ids::{PortClassId, VerdictId};
use sluice_ir::net::{PortRange, Protocol};
use sluice_ir::policy::Direction;
use sluice_ir::policy::eval::Verdict;

use super::{endpoint, interface, outcome, tables};
use crate::image::{Image, Images, Ports, Room, Width};
use crate::simulate::Simulator;

/// Tables that give each class of ports a verdict of its own.
pub(crate) fn of_ports(ports: &PortClasses) -> Tables {
    let mut tables = tables(1, &[]);
    let verdicts: Vec<(VerdictId, Outcome)> =
        (0..ports.len()).map(|at| (VerdictId::new(at), outcome(Verdict::Deny))).collect();
    let row = Row(verdicts.iter().map(|(id, _)| *id).collect());
    tables.ports = ByDirection::from_fn(|_| Some((ports.clone(), vec![row.clone(), row.clone()])));
    tables.verdicts = verdicts;
    tables
}

fn images(ports: &PortClasses) -> Images {
    Images::of_tables(&of_ports(ports), &[interface(&endpoint("x"), 1)], &Room::NONE).unwrap()
}

fn check(ports: &PortClasses, asked: &[(u8, u16)]) -> Result<Images, TestCaseError> {
    let images = images(ports);
    let simulator = Simulator::from(&images);
    let ends = ports
        .spans()
        .iter()
        .flat_map(|span| [span.range.start, span.range.end].map(|p| (span.protocol.0, p)));
    for (protocol, port) in ends.chain(asked.iter().copied()) {
        let expected = ports.class(Protocol(protocol), port).index() as u32;
        for direction in Direction::BOTH {
            prop_assert_eq!(simulator.verdict(direction, 0, 0, Protocol(protocol), port), expected);
        }
    }
    Ok(images)
}

/// All ports of a protocol, cut before some of them, in classes that begin with a number.
pub(crate) fn spans(protocol: u8, mut cuts: Vec<u16>, class: impl Fn(usize) -> usize) -> Vec<PortSpan> {
    cuts.push(0);
    cuts.sort_unstable();
    cuts.dedup();
    let end = |at: usize| cuts.get(at + 1).map_or(u16::MAX, |next| next - 1);
    let span = |(at, start): (usize, &u16)| PortSpan {
        protocol: Protocol(protocol),
        range: PortRange { start: *start, end: end(at) },
        class: PortClassId::new(class(at)),
    };
    cuts.iter().enumerate().map(span).collect()
}

pub(crate) fn classes() -> impl Strategy<Value = PortClasses> {
    let cuts = prop::collection::vec(any::<u16>(), 0..7);
    let protocols = prop::collection::btree_map(any::<u8>(), (cuts, any::<u8>()), 0..14);
    protocols.prop_map(|protocols| {
        let all = protocols.into_iter();
        PortClasses::new(
            all.flat_map(|(protocol, (cuts, seed))| {
                spans(protocol, cuts, move |at| (at * 7 + usize::from(seed)) % 5)
            })
            .collect(),
        )
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_ports(ports in classes(), asked in prop::collection::vec(any::<(u8, u16)>(), 20)) {
        check(&ports, &asked)?;
    }
}

#[test]
fn few_bounds_take_no_block() {
    let images = check(&PortClasses::new(spans(6, vec![80, 81, 443], |at| at)), &[(17, 80)]).unwrap();
    assert_eq!(images.bytes(Image::Ports).len(), 8);
    let images = check(&PortClasses::new(spans(6, vec![80, 81, 443, 444], |at| at)), &[(17, 80)]).unwrap();
    // Both directions say the same, in one block.
    assert_eq!(images.bytes(Image::Ports).len(), 65_536);
}

#[test]
fn many_classes_take_two_bytes() {
    let cuts = (1..300).map(|port| port * 100).collect();
    let images = check(&PortClasses::new(spans(6, cuts, |at| at)), &[(17, 80)]).unwrap();
    assert_eq!(images.bytes(Image::Ports).len(), 2 * 65_536);
}

#[test]
fn many_protocols_take_an_index() {
    let all =
        |protocol: u8| spans(protocol, vec![u16::from(protocol) + 1], |at| at + usize::from(protocol % 3));
    let ports = PortClasses::new((0..=255).flat_map(all).collect());
    let images = check(&ports, &[(0, 7), (255, 9), (6, 80)]).unwrap();
    let Ports::Index { width, entries, .. } = images.shape().sides.ingress.ports else { panic!("no index") };
    assert_eq!((width, entries), (Width::One, images.bytes(Image::Ports).len()));
    // A protocol whose ports are all alike takes one entry.
    let ports = PortClasses::new((0..=255).flat_map(|protocol| spans(protocol, vec![], |_| 1)).collect());
    assert!(check(&ports, &[(0, 7)]).unwrap().bytes(Image::Ports).len() < 5_000);
}
