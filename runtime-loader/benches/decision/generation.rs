//! The time from a decision to a generation in force, on a node of its own with a hundred interfaces.

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use rustix::fd::AsFd;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use sluice_backends::abi::{MAPS, Scope, map};
use sluice_backends::datapath::{entries, program_name};
use sluice_backends::image::Room;
use sluice_compiler::classify::Limits;
use sluice_compiler::{Compiled, Decided, decide};
use sluice_ir::decision::EndpointName;
use sluice_ir::policy::Direction;
use sluice_loader::generation::Prepared;
use sluice_loader::kernel::{Map, Memory, Program};
use sluice_loader::node::{Node, Sizes};
use sluice_loader::pins::Pins;
use sluice_loader::prepare::{Local, Settings, checks, generation, images};

use crate::cluster::{Cluster, L, M, NODE, S};

/// Times that everything is done.
const RUNS: usize = 5;
/// Stores of the word.
const FLIPS: u32 = 1 << 20;
/// Connections, so that nobody waits for the memory of half a million.
const CONNECTIONS: u32 = 65_536;

/// Everything that must be taken away again.
pub(crate) struct Place {
    name: String,
    pub(crate) pins: PathBuf,
}

impl Place {
    /// A network namespace with so many interfaces, into which this thread moves.
    pub(crate) fn new(interfaces: usize) -> Place {
        let name = format!("bench-{}", std::process::id());
        let place = Place { pins: format!("/sys/fs/bpf/{name}").into(), name };
        let pair = |at: usize| format!("ip -n {} link add a{at} type veth peer name b{at};", place.name);
        let pairs: String = (0..interfaces.div_ceil(2)).map(pair).collect();
        shell(&format!("ip netns add {}; {pairs}", place.name));
        let file = File::open(format!("/run/netns/{}", place.name)).unwrap();
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
        place
    }

    /// The numbers of the interfaces.
    pub(crate) fn interfaces(&self) -> Vec<u32> {
        self.links().into_iter().map(|(number, _)| number).collect()
    }

    /// Their names.
    pub(crate) fn names(&self) -> Vec<String> {
        self.links().into_iter().map(|(_, name)| name).collect()
    }

    fn links(&self) -> Vec<(u32, String)> {
        let out = Command::new("ip").args(["-n", &self.name, "-o", "link"]).output().unwrap();
        let text = String::from_utf8(out.stdout).unwrap();
        let lines = text.lines().filter(|line| line.contains("@"));
        let link = |line: &str| {
            let mut parts = line.split([':', '@']).map(str::trim);
            (parts.next().unwrap().parse().unwrap(), parts.next().unwrap().to_owned())
        };
        lines.map(link).collect()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.pins);
        let _ = Command::new("ip").args(["netns", "del", &self.name]).output();
    }
}

fn shell(command: &str) {
    let done = Command::new("sh").args(["-ec", command]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Prints the table.
pub(crate) fn tables() {
    let place = Place::new(100);
    let interfaces = place.interfaces();
    println!(
        "\n| size | classes | image bytes | images | programs | choose questions | fill | load | ask | publish | settle |"
    );
    println!("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (name, shape) in [("S", S), ("M", M), ("L", L)] {
        let compiled = Cluster::of(shape).compile();
        let decided = decide(&compiled, Some(NODE), &Limits::default(), &mut |_| ()).unwrap();
        let locals = locals(&compiled, &decided, &interfaces);
        println!("| {name} | {}", row(&place, &decided, &locals));
    }
    println!("\nA flip is one store: {:.1} ns.", flip());
}

pub(crate) fn locals(compiled: &Compiled, decided: &Decided, interfaces: &[u32]) -> Vec<Local> {
    let names = decided.judged.iter().map(|judged| &judged.name).filter(|name| name.namespace.is_some());
    let local = |(name, ifindex): (&EndpointName, &u32)| {
        let at = name.namespace.as_ref().and_then(|space| compiled.inventory.endpoint(space, &name.name));
        let addresses = at.map(|at| compiled.inventory.endpoints[at].addresses.clone()).unwrap_or_default();
        Local { name: name.clone(), ifindex: *ifindex, addresses, is_host: false }
    };
    names.zip(interfaces).map(local).collect()
}

/// The fastest of some runs of each stage.
fn row(place: &Place, decided: &Decided, locals: &[Local]) -> String {
    let decision = &decided.classified.decision;
    let settings = Settings::default();
    let sizes = Sizes { connections: Some(CONNECTIONS) };
    let mut node = Node::open(Pins::new(&place.pins), &entries().unwrap(), sizes).unwrap();
    let shared = shared();
    let mut best = [Duration::MAX; 8];
    let mut bytes = 0;
    for _ in 0..RUNS {
        let mut times = Vec::new();
        let images = timed(&mut times, || images(decision, locals, &settings, &Room::NONE).unwrap());
        bytes = images.size();
        let mut prepared =
            timed(&mut times, || generation(node.next(), &images, &settings, Vec::new()).unwrap());
        let questions = timed(&mut times, || checks(decision, locals, settings.checks));
        let maps = timed(&mut times, || filled(&prepared));
        timed(&mut times, || loaded(&prepared, &maps, &shared));
        let mut unasked = Vec::new();
        timed(&mut unasked, || node.publish(&prepared).unwrap());
        node.settle().unwrap();
        prepared = generation(node.next(), &images, &settings, questions).unwrap();
        let mut asked = Vec::new();
        timed(&mut asked, || node.publish(&prepared).unwrap());
        times.extend([unasked[0], asked[0]]);
        timed(&mut times, || node.settle().unwrap());
        best.iter_mut().zip(times).for_each(|(best, time)| *best = time.min(*best));
    }
    node.remove().unwrap();
    // What the questions take is what they are more.
    best[5] = best[6].saturating_sub(best[5]);
    let ms = best.map(|time| format!("{:.1} ms", time.as_secs_f64() * 1e3));
    format!("{} | {bytes} | {} |", decision.classes.len(), ms.join(" | "))
}

fn timed<T>(times: &mut Vec<Duration>, mut act: impl FnMut() -> T) -> T {
    let began = Instant::now();
    let result = act();
    times.push(began.elapsed());
    result
}

/// The images in the kernel.
fn filled(prepared: &Prepared) -> Vec<Map> {
    let images = prepared.images.iter().map(|(spec, bytes)| {
        let map = Map::create(spec, bytes.len(), None).unwrap();
        Memory::of(&map).unwrap().write(0, bytes).unwrap();
        map
    });
    images.collect()
}

/// Maps that the node has one of, to load programs with.
fn shared() -> Vec<Map> {
    let small = |name: &str| (name == "sluice_conntrack").then_some(1_024);
    let shared = MAPS.iter().filter(|spec| spec.scope == Scope::Node);
    shared.map(|spec| Map::create(spec, 0, small(spec.name)).unwrap()).collect()
}

/// The programs in the kernel.
fn loaded(prepared: &Prepared, images: &[Map], shared: &[Map]) -> Vec<Program> {
    let maps: Vec<&Map> = images.iter().chain(shared).collect();
    let load = |direction: Direction| {
        Program::load(program_name(direction), &prepared.programs[direction], &maps).unwrap()
    };
    // At once, as a node does.
    thread::scope(|threads| {
        let ingress = threads.spawn(|| load(Direction::Ingress));
        let egress = load(Direction::Egress);
        vec![ingress.join().unwrap(), egress]
    })
}

/// Nanoseconds of a store into the word.
fn flip() -> f64 {
    let word = Map::create(map("sluice_word").unwrap(), 0, None).unwrap();
    let word = Memory::of(&word).unwrap();
    let began = Instant::now();
    (0..FLIPS).for_each(|generation| word.store(0, generation).unwrap());
    began.elapsed().as_secs_f64() * 1e9 / f64::from(FLIPS)
}
