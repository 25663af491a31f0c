//! A node's generations in the kernel, with real packets. Needs root and BPF; says so where they are missing.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod harness;

use std::collections::BTreeSet;

use harness::network::Network;
use harness::programs::{constant, entries};
use harness::root;
use sluice_backends::image::{Image, Write};
use sluice_ir::decision::ByDirection;
use sluice_loader::generation::Number;
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::plan::Step;

fn open(network: &Network) -> Node {
    Node::open(network.pins(), &entries(), Sizes { connections: Some(1_024) }).unwrap()
}

fn interfaces(network: &Network, endpoints: usize) -> BTreeSet<Interface> {
    let one = |endpoint| Interface {
        ifindex: network.ifindex(endpoint),
        name: network.interface(endpoint),
        uplink: false,
    };
    (0..endpoints).map(one).collect()
}

/// Whether one endpoint reaches another.
fn reaches(network: &Network, from: usize, to: usize) -> bool {
    let command = format!(
        "ping -c 2 -i 0.2 -W 1 {} && ping -c 2 -i 0.2 -W 1 {}",
        Network::address4(to),
        Network::address6(to)
    );
    network.run(from, &command).status.success()
}

#[test]
fn generations_are_put_in_force_changed_and_taken_away() {
    if !root("generations_are_put_in_force_changed_and_taken_away") {
        return;
    }
    let network = Network::new(2);
    assert!(reaches(&network, 0, 1));
    let mut node = open(&network);
    assert_eq!(node.current(), None);
    assert_eq!(node.publish(&constant(false)).unwrap(), Number::FIRST);
    assert!(reaches(&network, 0, 1), "nothing is on the interfaces yet");
    node.attach(&interfaces(&network, 2)).unwrap();
    assert!(!reaches(&network, 0, 1));
    node.publish(&constant(true)).unwrap();
    assert!(reaches(&network, 0, 1));
    let drop = Write { image: Image::Verdicts, offset: 0, bytes: 2_i32.to_ne_bytes().to_vec() };
    node.write(&[drop]).unwrap();
    assert!(!reaches(&network, 0, 1), "a write is seen at once");
    node.publish(&constant(true)).unwrap();
    node.attach(&interfaces(&network, 1)).unwrap();
    assert_eq!(node.attached().unwrap().len(), 2);
    node.remove().unwrap();
    assert!(!network.pins.exists());
    assert!(reaches(&network, 0, 1));
}

#[test]
fn the_datapath_outlives_its_agent_and_is_found_again() {
    if !root("the_datapath_outlives_its_agent_and_is_found_again") {
        return;
    }
    let network = Network::new(2);
    let mut node = open(&network);
    node.publish(&constant(false)).unwrap();
    node.attach(&interfaces(&network, 2)).unwrap();
    node.publish(&constant(false)).unwrap();
    drop(node);
    assert!(!reaches(&network, 0, 1), "what was in force is, without an agent");
    let mut node = open(&network);
    assert_eq!(node.current(), Some(Number::FIRST.next()));
    assert!(!reaches(&network, 0, 1), "and with the next one");
    node.attach(&interfaces(&network, 2)).unwrap();
    node.publish(&constant(true)).unwrap();
    assert!(reaches(&network, 0, 1));
    node.remove().unwrap();
}

#[test]
fn what_the_kernel_refuses_leaves_the_generation_in_force() {
    if !root("what_the_kernel_refuses_leaves_the_generation_in_force") {
        return;
    }
    let network = Network::new(2);
    let mut node = open(&network);
    node.publish(&constant(false)).unwrap();
    node.attach(&interfaces(&network, 2)).unwrap();
    let mut broken = constant(true);
    broken.programs = ByDirection::default().into();
    let error = node.publish(&broken).unwrap_err().to_string();
    assert!(error.contains("the kernel refused the program `to_endpoint`"), "{error}");
    assert_eq!(node.current(), Some(Number::FIRST));
    assert!(!reaches(&network, 0, 1));
    node.publish(&constant(true)).unwrap();
    assert!(reaches(&network, 0, 1));
    node.remove().unwrap();
}

#[test]
fn programs_that_are_verified_are_taken_by_the_generations_to_come() {
    if !root("programs_that_are_verified_are_taken_by_the_generations_to_come") {
        return;
    }
    let network = Network::new(2);
    let mut node = open(&network);
    node.publish(&constant(false)).unwrap();
    node.attach(&interfaces(&network, 2)).unwrap();
    let spare = node.spare(&constant(true)).expect("the other bank is empty");
    let verified = spare.load().unwrap();
    node.settle().unwrap();
    node.keep(verified).unwrap();
    assert!(!reaches(&network, 0, 1), "what is kept is not in force");
    assert!(node.spare(&constant(true)).is_none());
    for passes in [true, false, true] {
        let mut steps = Vec::new();
        node.publish_watched(&constant(passes), &mut |step| steps.push(step.clone())).unwrap();
        assert!(steps.iter().any(|step| matches!(step, Step::Rewrite(_))), "{steps:?}");
        assert!(!steps.iter().any(|step| matches!(step, Step::Programs(_))), "{steps:?}");
        assert_eq!(reaches(&network, 0, 1), passes);
    }
    node.remove().unwrap();
}
