//! A node's generations in the kernel, with real packets. Needs root and BPF; says so where they are missing.

#![allow(clippy::unwrap_used, reason = "tests may")]

mod harness;

use std::collections::BTreeSet;
use std::mem::offset_of;

use harness::network::Network;
use harness::programs::{constant, entries};
use harness::root;
use sluice_backends::abi::{Word, map};
use sluice_backends::image::{Image, Write};
use sluice_ir::decision::ByDirection;
use sluice_loader::generation::{Bank, Number};
use sluice_loader::kernel::{Map, Memory};
use sluice_loader::node::{Interface, Node, Sizes};
use sluice_loader::plan::Step;

fn open(network: &Network) -> Node {
    Node::open(network.pins(), &entries(), Sizes { connections: Some(1_024) }).unwrap()
}

fn interfaces(network: &Network, endpoints: usize) -> BTreeSet<Interface> {
    let one = |endpoint| Interface { ifindex: network.ifindex(endpoint), name: network.interface(endpoint) };
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

/// The marks of both banks, as the word has them.
struct Marks(Memory);

impl Marks {
    fn of(network: &Network) -> Marks {
        let spec = map("sluice_word").unwrap();
        Marks(Memory::of(&Map::open(spec, &network.pins().shared(spec)).unwrap()).unwrap())
    }

    fn place(bank: Bank) -> usize {
        offset_of!(Word, marks) + bank.index() as usize * 4
    }

    fn get(&self, bank: Bank) -> u32 {
        self.0.load(Marks::place(bank)).unwrap()
    }

    fn wipe(&self, bank: Bank) {
        self.0.store(Marks::place(bank), 0).unwrap();
    }
}

#[test]
fn an_agent_that_follows_another_has_a_mark_for_its_first_generation() {
    if !root("an_agent_that_follows_another_has_a_mark_for_its_first_generation") {
        return;
    }
    let network = Network::new(0);
    let mut seen = BTreeSet::new();
    for agent in 0..6 {
        let mut node = open(&network);
        let marks = Marks::of(&network);
        let before = node.current().map(|number| marks.get(number.bank()));
        assert_eq!(before.is_some(), agent > 0);
        let number = node.publish(&constant(true)).unwrap();
        let mark = marks.get(number.bank());
        assert!(mark != 0 && seen.insert(mark), "{mark:#x}, and before {seen:x?}");
        // One goes while packets may have both marks, and one when that is over.
        assert_eq!(before, node.current().and_then(|now| before.map(|_| marks.get(now.bank().other()))));
        if agent % 2 == 0 {
            node.settle().unwrap();
            assert_eq!(marks.get(number.bank().other()), 0, "nobody has it");
            assert_eq!(marks.get(number.bank()), mark);
        }
    }
}

#[test]
fn no_generation_gets_the_mark_of_the_one_before_while_packets_have_it() {
    if !root("no_generation_gets_the_mark_of_the_one_before_while_packets_have_it") {
        return;
    }
    let network = Network::new(0);
    let mut node = open(&network);
    let marks = Marks::of(&network);
    let first = node.publish(&constant(true)).unwrap();
    let second = node.publish(&constant(true)).unwrap();
    assert!(!node.is_settled());
    // As if none had been free when it came.
    marks.wipe(second.bank());
    node.ensure_mark().unwrap();
    let [before, now] = [first, second].map(|number| marks.get(number.bank()));
    assert!(before != 0 && now != 0 && before != now, "{before:#x}, {now:#x}");
    node.ensure_mark().unwrap();
    assert_eq!(marks.get(second.bank()), now, "who has one keeps it");
}

/// The folder that tells versions apart.
fn version() -> String {
    format!("abi-{}", sluice_backends::abi::VERSION)
}

/// What a version with another ABI leaves, which lets nothing pass.
fn leave_another_version(network: &Network, endpoints: usize) {
    let mut old = open(network);
    old.publish(&constant(false)).unwrap();
    old.attach(&interfaces(network, endpoints)).unwrap();
    drop(old);
    // The folder's name is all that it takes.
    std::fs::rename(network.pins.join(version()), network.pins.join("abi-0")).unwrap();
}

#[test]
fn an_interface_that_cannot_have_programs_keeps_those_of_another_version_nowhere_else() {
    if !root("an_interface_that_cannot_have_programs_keeps_those_of_another_version_nowhere_else") {
        return;
    }
    let network = Network::new(3);
    leave_another_version(&network, 3);
    let mut node = open(&network);
    node.publish(&constant(true)).unwrap();
    node.leave_aside().unwrap();
    assert!(!reaches(&network, 0, 1), "nobody has said yet which interfaces are to have programs");
    let mut wanted = interfaces(&network, 2);
    wanted.insert(Interface { ifindex: network.ifindex(2), name: "absent".to_owned() });
    node.attach(&wanted).unwrap_err();
    assert!(reaches(&network, 0, 1));
    assert!(!reaches(&network, 0, 2), "there is nothing in their place");
    assert!(network.pins.join("before-0").exists());
    node.attach(&interfaces(&network, 3)).unwrap();
    assert!(reaches(&network, 0, 2));
    assert!(!network.pins.join("before-0").exists());
    node.remove().unwrap();
}

#[test]
fn what_another_version_has_left_is_taken_away_later_where_it_cannot_be_at_once() {
    if !root("what_another_version_has_left_is_taken_away_later_where_it_cannot_be_at_once") {
        return;
    }
    let network = Network::new(2);
    leave_another_version(&network, 2);
    let mut node = open(&network);
    node.publish(&constant(true)).unwrap();
    // A folder on which something is mounted is not removed.
    let before = network.pins.join("before-0");
    let held = before.join("links/held");
    std::fs::create_dir(&held).unwrap();
    rustix::mount::mount("bpf", &held, "bpf", rustix::mount::MountFlags::NOSUID, None).unwrap();
    let attached = node.attach(&interfaces(&network, 2));
    let again = node.leave_aside();
    rustix::mount::unmount(&held, rustix::mount::UnmountFlags::DETACH).unwrap();
    let refused = [attached, again].map(|refused| refused.unwrap_err().to_string());
    assert!(refused.iter().all(|refused| refused.contains("before-0")), "{refused:?}");
    assert!(reaches(&network, 0, 1), "it is on no interface");
    assert!(before.exists());
    node.leave_aside().unwrap();
    assert!(!before.exists());
    node.remove().unwrap();
}

/// Whoever comes after a version of Sluice with another ABI cannot read what that has pinned, and must not open the node.
#[test]
fn what_another_version_has_pinned_judges_until_there_is_something_else() {
    if !root("what_another_version_has_pinned_judges_until_there_is_something_else") {
        return;
    }
    let network = Network::new(2);
    leave_another_version(&network, 2);
    let version = version();
    let names = || -> Vec<String> {
        let entries = std::fs::read_dir(&network.pins).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    };
    let mut new = open(&network);
    assert_eq!(new.current(), None, "nothing is adopted");
    assert!(!reaches(&network, 0, 1), "but it is in force");
    // Killed here, and again: nothing is lost.
    drop(new);
    new = open(&network);
    assert!(names().contains(&"before-0".to_owned()) && names().contains(&version), "{:?}", names());
    new.publish(&constant(true)).unwrap();
    assert!(!reaches(&network, 0, 1), "until the new programs are on the interfaces");
    new.attach(&interfaces(&network, 2)).unwrap();
    assert!(reaches(&network, 0, 1));
    assert!(!names().contains(&"before-0".to_owned()), "{:?}", names());
    new.remove().unwrap();
    assert!(!network.pins.exists());
}

#[test]
fn one_agent_at_a_time_has_the_pins() {
    if !root("one_agent_at_a_time_has_the_pins") {
        return;
    }
    let network = Network::new(0);
    let held = network.pins().lock().unwrap();
    let refused = network.pins().lock().unwrap_err();
    assert_eq!(refused.kind(), std::io::ErrorKind::WouldBlock);
    drop(held);
    assert!(network.pins().lock().is_ok());
}

/// A folder on another file system gets a bpffs of its own, in which the kernel has put something already.
#[test]
fn pins_may_be_in_a_file_system_of_their_own() {
    if !root("pins_may_be_in_a_file_system_of_their_own") {
        return;
    }
    let network = Network::new(0);
    let folder = tempfile::tempdir().unwrap();
    let pins = sluice_loader::pins::Pins::new(folder.path());
    let opened = pins.lock().map(|_lock| {
        Node::open(pins.clone(), &entries(), Sizes { connections: Some(1_024) }).map(|node| node.current())
    });
    let unmounted = rustix::mount::unmount(folder.path(), rustix::mount::UnmountFlags::DETACH);
    assert!(matches!(opened, Ok(Ok(None))), "{opened:?}");
    unmounted.unwrap();
    drop(network);
}
