//! Equality, counterexamples and rows against every question.

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use sluice_compiler::compare::flow::FlowPeer;
use sluice_compiler::compare::roster::PeerName;
use sluice_compiler::compare::rows::{Differences, PeerGroup, Row};
use sluice_compiler::compare::{Told, Traffic};
use sluice_ir::net::PortRange;
use sluice_ir::policy::arbitrary::policies;
use sluice_ir::policy::eval::{Answer, Question};
use sluice_ir::policy::verify::{Verified, verify};
use sluice_ir::policy::{Policy, PortMatch, PortSet, Ports};

use crate::world::{Flow, Meaning, World, config, meaning};

/// Whether a row is about a flow.
fn is_about(world: &World, row: &Row, flow: &Flow) -> bool {
    let peer = &world.identities[flow.peer];
    let is_peer = match &row.peers {
        PeerGroup::Pods(group) => group.endpoints.iter().any(|pod| *pod.name == *format!("e{}", flow.peer)),
        PeerGroup::Entity(word) => peer.address.is_none() && peer.labels.is_reserved(word),
        PeerGroup::Addresses(blocks) => {
            peer.address.is_some_and(|address| blocks.iter().any(|block| block.contains(address)))
        }
        PeerGroup::Nodes(_) | PeerGroup::Hosts(_) => false,
    };
    let endpoint = &world.judged[flow.subject].name;
    is_peer
        && row.endpoints.endpoints.contains(endpoint)
        && row.direction == flow.direction
        && row.traffic.contains(flow.protocol, flow.port)
}

fn tells(told: &Told, policy: &Policy, meaning: &Meaning, answer: &Answer) -> bool {
    (told.verdict, told.authentication, told.widened) == (meaning.0, meaning.1, meaning.2)
        && told.l7.iter().eq(&meaning.3)
        && told.reasons.contains(&answer.reason)
        && answer.rules.iter().all(|id| told.origins.contains(policy.origin(*id)))
}

/// Rows are exactly the flows that differ, each once, and say of each what both policies say.
fn complete(world: &World, old: &Policy, new: &Policy, rows: &[Row]) -> Result<bool, TestCaseError> {
    let mut differ = false;
    for flow in world.flows() {
        let question: Question<'_> = flow.question(world);
        let (before, after) = (meaning(old, &question), meaning(new, &question));
        let about: Vec<&Row> = rows.iter().filter(|row| is_about(world, row, &flow)).collect();
        prop_assert_eq!(about.len(), usize::from(before.0 != after.0), "{:?} {:#?}", flow, about);
        for row in about {
            differ = true;
            prop_assert!(tells(&row.old, old, &before.0, &before.1), "{:?} {:#?} {:?}", flow, row, before);
            prop_assert!(tells(&row.new, new, &after.0, &after.1), "{:?} {:#?} {:?}", flow, row, after);
        }
    }
    Ok(differ)
}

/// No two rows can be one.
fn minimal(rows: &[Row]) -> Result<(), TestCaseError> {
    for (at, a) in rows.iter().enumerate() {
        for b in &rows[at + 1..] {
            let same = a.direction == b.direction && a.old.means(&b.old) && a.new.means(&b.new);
            let ends = a.endpoints == b.endpoints && a.peers == b.peers;
            prop_assert!(!(same && ends && adjoin(&a.traffic, &b.traffic)), "{:#?} {:#?}", a, b);
        }
    }
    Ok(())
}

fn adjoin(a: &Traffic, b: &Traffic) -> bool {
    match (a, b) {
        (Traffic::Ports(one, a), Traffic::Ports(other, b)) => {
            one == other
                && u32::from(a.start) <= u32::from(b.end) + 1
                && u32::from(b.start) <= u32::from(a.end) + 1
        }
        (Traffic::AllBut(_), Traffic::AllBut(_)) => true,
        // Whatever is said of every port of a protocol is said together with the others.
        (Traffic::AllBut(_), Traffic::Ports(_, range)) | (Traffic::Ports(_, range), Traffic::AllBut(_)) => {
            *range == PortRange::ALL
        }
    }
}

fn held(world: &World, old: &Verified<Policy>, new: &Verified<Policy>) -> Result<bool, TestCaseError> {
    let tables = (world.table(old), world.table(new));
    let comparison = world.compare(&tables.0, &tables.1);
    let Differences { rows, unlisted } = comparison.differences(usize::MAX);
    prop_assert_eq!(unlisted, 0);
    let differ = complete(world, old, new, &rows)?;
    minimal(&rows)?;
    prop_assert_eq!(comparison.is_equal(), !differ);
    prop_assert_eq!(comparison.counterexample().is_some(), differ);
    if let Some(flow) = comparison.counterexample() {
        let subject = world.judged.iter().find(|judged| judged.name == flow.endpoint).unwrap();
        let (direction, protocol, port) = (flow.direction, flow.protocol, flow.port);
        let (subject, peer) = (&subject.identity, &flow.old_peer);
        let question = Question { subject, peer, direction, protocol, port };
        let (before, after) = (meaning(old, &question), meaning(new, &question));
        prop_assert!(before.0 != after.0, "{:#?}", flow);
        prop_assert!(
            tells(&flow.old, old, &before.0, &before.1) && tells(&flow.new, new, &after.0, &after.1)
        );
        prop_assert_eq!(&flow.old_peer, &flow.new_peer);
        match &flow.peer {
            FlowPeer::Address(address, cidr) => {
                prop_assert!(peer.address == Some(*address) && cidr.contains(*address));
            }
            FlowPeer::Named(PeerName::Entity(word)) => prop_assert!(peer.labels.is_reserved(word)),
            FlowPeer::Named(_) => prop_assert_eq!(peer.address, None),
        }
    }
    Ok(differ)
}

/// The same policy, written otherwise: rules in another order, one of them twice, and one range in two.
fn twin(policy: &Policy, place: Index) -> Policy {
    let mut twin = policy.clone();
    if !twin.rules.is_empty() {
        let at = place.index(twin.rules.len());
        twin.rules.rotate_left(at);
        twin.rules.reverse();
        let mut again = twin.rules[at].clone();
        if let Ports::Of(ports) = &mut again.ports {
            *ports = ports.iter().flat_map(split).collect();
        }
        twin.rules.push(again);
        twin.rules[at] = twin.rules[twin.rules.len() - 1].clone();
    }
    twin
}

fn split(port: &PortMatch) -> Vec<PortMatch> {
    match port.ports {
        PortSet::Range(PortRange { start, end }) if start < end && end < 100 => {
            let range = |start, end| PortMatch {
                ports: PortSet::Range(PortRange { start, end }),
                protocol: port.protocol,
            };
            vec![range(start + 1, end), range(start, start)]
        }
        _ => vec![port.clone()],
    }
}

proptest! {
    #![proptest_config(config(24))]

    #[test]
    fn rows_are_exactly_what_differs(old in policies(), new in policies()) {
        held(&World::new(), &old, &new)?;
    }

    #[test]
    fn rows_are_exactly_what_one_rule_changes(old in policies(), place in any::<Index>()) {
        let mut new = Policy::clone(&old);
        if !new.rules.is_empty() {
            new.rules.remove(place.index(new.rules.len()));
        }
        held(&World::new(), &old, &verify(new.canonical()).unwrap())?;
    }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn twins_are_equal(policy in policies(), place in any::<Index>()) {
        let world = World::new();
        let twin = verify(twin(&policy, place).canonical()).unwrap();
        let tables = (world.table(&policy), world.table(&twin));
        let comparison = world.compare(&tables.0, &tables.1);
        prop_assert!(comparison.is_equal(), "{:#?}", comparison.counterexample());
    }

    #[test]
    fn a_limit_leaves_rows_out_and_says_so(old in policies(), new in policies()) {
        let world = World::new();
        let tables = (world.table(&old), world.table(&new));
        let comparison = world.compare(&tables.0, &tables.1);
        let all = comparison.differences(usize::MAX).rows;
        let some = comparison.differences(1);
        prop_assert!(all.starts_with(&some.rows));
        prop_assert_eq!(some.unlisted > 0, some.rows.len() < all.len());
        prop_assert_eq!(all.is_empty(), some.rows.is_empty());
    }
}
