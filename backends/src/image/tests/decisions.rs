//! Every verdict of random decisions.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use sluice_ir::decision::arbitrary::decisions;
use sluice_ir::decision::verify::{Verified, verify};
use sluice_ir::decision::{Decision, EndpointName};
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;

use super::{around, interface};
use crate::abi::NO_CLASS;
use crate::image::{Images, Interface, Room, record};
use crate::simulate::{Peer, Question, Simulator};

const PROTOCOLS: [Protocol; 6] =
    [Protocol::ICMP, Protocol::TCP, Protocol::UDP, Protocol(47), Protocol::SCTP, Protocol(255)];
const PORTS: [u16; 9] = [0, 3, 4, 5, 6, 7, 8, 9, u16::MAX];

fn check(decision: &Verified<Decision>, room: &Room) -> Result<(), TestCaseError> {
    let endpoints: Vec<EndpointName> =
        decision.subjects.iter().flat_map(|subject| subject.endpoints.clone()).collect();
    let interfaces: Vec<Interface> =
        (1..).zip(&endpoints).map(|(index, name)| interface(name, index)).collect();
    let images = Images::of_decision(decision, &interfaces, room).unwrap();
    let simulator = Simulator::from(&images);
    for (ifindex, name) in (1..).zip(&endpoints) {
        let slot = simulator.endpoint(ifindex).unwrap();
        let subject = decision.subject_of(name).unwrap();
        for (direction, table) in
            [(Direction::Ingress, slot.ingress_table), (Direction::Egress, slot.egress_table)]
        {
            for (class, (protocol, port)) in questions(decision) {
                let expected = decision.outcome(subject, direction, class, protocol, port);
                let peer = Peer::Class(class.index() as u32);
                let answer = simulator.answer(&Question { direction, table, peer, protocol, port });
                let index = answer.verdict as usize;
                prop_assert_eq!(decision.verdicts.get(index), Some(expected));
                prop_assert_eq!(answer.record, record(index, expected));
            }
        }
    }
    let ends = decision.prefixes.iter().flat_map(|(prefix, _)| around(prefix));
    for address in ends {
        let expected = decision.class_of(address).map_or(NO_CLASS, |class| class.index() as u32);
        prop_assert_eq!(simulator.class(address), expected);
    }
    let host = decision.entities.get("host").map_or(NO_CLASS, |class| class.index() as u32);
    prop_assert_eq!(images.shape().host_class, host);
    Ok(())
}

fn questions(decision: &Decision) -> impl Iterator<Item = (sluice_ir::ids::ClassId, (Protocol, u16))> {
    let classes = (0..decision.classes.len()).map(sluice_ir::ids::ClassId::new);
    classes.flat_map(|class| PROTOCOLS.iter().flat_map(move |p| PORTS.map(|port| (class, (*p, port)))))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn of_a_decision(decision in decisions()) {
        let decision = verify(decision).unwrap();
        check(&decision, &Room::NONE)?;
        check(&decision, &Room { chunks4: 2, ..Room::LIVE })?;
    }
}

#[test]
fn one_row_for_everyone_needs_no_table() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let mut decision = loop {
        let decision = decisions().new_tree(&mut runner).unwrap().current();
        if !decision.subjects.is_empty() {
            break decision;
        }
    };
    for subject in &mut decision.subjects {
        subject.tables.ingress.rows.clear();
        subject.tables.ingress.otherwise = sluice_ir::ids::RowId::new(0);
    }
    let decision = verify(decision.canonical()).unwrap();
    let images = Images::of_decision(&decision, &[], &Room::NONE).unwrap();
    assert_eq!(images.shape().sides.ingress.row, Some(0));
    let images = Images::of_decision(&decision, &[], &Room::LIVE).unwrap();
    assert_eq!(images.shape().sides.ingress.row, None);
}
