//! Whoever runs the programs of a decision.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sluice_backends::abi::{Endpoint, MAPS, MapKind, MapSpec, Scope};
use sluice_backends::datapath::program_name;
use sluice_backends::image::{Image, Images, Room};
use sluice_backends::probe::{Found, Probe};
use sluice_backends::program::interpret::{Machine, MapId, ProgramId};
use sluice_backends::simulate::{Peer, Question, Simulator};
use sluice_ir::decision::verify::Verified;
use sluice_ir::decision::{ByDirection, Decision, EndpointName};
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;
use sluice_loader::generation::{Check, Number, Prepared};
use sluice_loader::kernel::{Asked, Map, Memory, Program};
use sluice_loader::prepare::{Local, Settings, checks, generation, images};
use zerocopy::{FromBytes, IntoBytes};

/// The only interface that is there everywhere.
const LOOPBACK: u32 = 1;

/// Someone who runs programs for one endpoint after the other.
pub(crate) trait Engine {
    /// From now on the interface is that of an endpoint with these tables.
    fn be(&mut self, slot: &[u8]);
    /// What becomes of a packet.
    fn ask(&mut self, direction: Direction, probe: &Probe) -> Found;
}

/// The endpoint as it is on the interface. With two addresses of a family its source is not checked, as peers of a
/// test are anywhere.
fn local(name: &EndpointName) -> Local {
    let addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"];
    let addresses: Vec<IpAddr> = addresses.iter().map(|text| text.parse().unwrap()).collect();
    Local { name: name.clone(), ifindex: LOOPBACK, addresses, is_host: false }
}

fn images_of(decision: &Verified<Decision>, name: &EndpointName) -> Images {
    images(decision, &[local(name)], &Settings::default(), &Room::NONE).unwrap()
}

fn prepared(images: &Images) -> Prepared<'_> {
    generation(Number::FIRST, images, &Settings::default(), Vec::new()).unwrap()
}

/// Asks what there is to ask, so much at most; how much that was, and where the answer is wrong.
pub(crate) fn differences(
    decision: &Verified<Decision>,
    engine: &mut dyn Engine,
    most: usize,
) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut asked = 0;
    let images = images_of(decision, &decision.subjects[0].endpoints[0]);
    for subject in &decision.subjects {
        let name = &subject.endpoints[0];
        let tables = images.tables_of(name).unwrap();
        engine.be(&slots_with(&images, &tables));
        for check in checks(decision, &[local(name)], most.div_ceil(decision.subjects.len())) {
            asked += 1;
            let simulated = simulated(&images, &tables, &check);
            let found = engine.ask(check.direction, &check.probe);
            if (found.verdict, found.reason) != (check.verdict, check.reason) || simulated != check.verdict {
                wrong.push(format!("{name}: {check:?}: simulated {simulated}, found {found:?}"));
            }
        }
    }
    (asked, wrong)
}

/// The image of endpoints, with other tables for the one that is in it.
fn slots_with(images: &Images, tables: &ByDirection<u32>) -> Vec<u8> {
    let mut bytes = images.bytes(Image::Endpoints).to_vec();
    for slot in bytes.chunks_exact_mut(size_of::<Endpoint>()) {
        let mut endpoint = Endpoint::read_from_bytes(slot).unwrap();
        if endpoint.ifindex == LOOPBACK {
            (endpoint.ingress_table, endpoint.egress_table) = (tables.ingress, tables.egress);
            slot.copy_from_slice(endpoint.as_bytes());
        }
    }
    bytes
}

fn simulated(images: &Images, tables: &ByDirection<u32>, check: &Check) -> u32 {
    let Probe { source, destination, protocol, port, .. } = check.probe;
    let (peer, table) = match check.direction {
        Direction::Ingress => (source, tables.ingress),
        Direction::Egress => (destination, tables.egress),
    };
    let question = Question {
        direction: check.direction,
        table,
        peer: Peer::Address(peer),
        protocol: Protocol(protocol),
        port,
    };
    Simulator::from(images).answer(&question).verdict
}

/// The interpreter.
pub(crate) struct Interpreter {
    machine: Machine,
    endpoints: MapId,
    programs: ByDirection<ProgramId>,
}

/// A machine with the programs of a generation, and its maps by name.
pub(crate) fn in_machine(
    prepared: &Prepared<'_>,
) -> (Machine, BTreeMap<&'static str, MapId>, ByDirection<ProgramId>) {
    let mut machine = Machine::new();
    let mut maps = BTreeMap::new();
    for (spec, bytes) in &prepared.images {
        maps.insert(spec.name, machine.add_memory(spec, bytes));
    }
    for spec in MAPS.iter().filter(|spec| spec.scope == Scope::Node) {
        let size = if spec.kind == MapKind::Memory { spec.value } else { 4_096 };
        maps.insert(spec.name, machine.add_map(spec, size));
    }
    let load = |direction: Direction| {
        machine.load(program_name(direction), &prepared.programs[direction], &maps).unwrap()
    };
    let programs = ByDirection::from_fn(load);
    (machine, maps, programs)
}

/// The maps and programs of a generation in the kernel, with room for so many connections.
pub(crate) fn in_kernel(prepared: &Prepared<'_>, connections: u32) -> (Vec<Map>, ByDirection<Program>) {
    let mut maps = Vec::new();
    for (spec, bytes) in &prepared.images {
        let map = Map::create(spec, bytes.len(), None).unwrap();
        Memory::of(&map).unwrap().write(0, bytes).unwrap();
        maps.push(map);
    }
    let entries = |spec: &MapSpec| (spec.name == "sluice_conntrack").then_some(connections);
    let shared = MAPS.iter().filter(|spec| spec.scope == Scope::Node);
    maps.extend(shared.map(|spec| Map::create(spec, 0, entries(spec)).unwrap()));
    let all: Vec<&Map> = maps.iter().collect();
    let load = |direction: Direction| {
        Program::load(program_name(direction), &prepared.programs[direction], &all).unwrap()
    };
    let programs = ByDirection::from_fn(load);
    (maps, programs)
}

impl Interpreter {
    pub(crate) fn new(decision: &Verified<Decision>) -> Interpreter {
        let images = images_of(decision, &decision.subjects[0].endpoints[0]);
        let (machine, maps, programs) = in_machine(&prepared(&images));
        Interpreter { endpoints: maps[Image::Endpoints.map().name], machine, programs }
    }
}

impl Engine for Interpreter {
    fn be(&mut self, slot: &[u8]) {
        self.machine.memory_mut(self.endpoints).unwrap().copy_from_slice(slot);
    }

    fn ask(&mut self, direction: Direction, probe: &Probe) -> Found {
        let context = probe.to_interpret();
        let outcome = self.machine.run(self.programs[direction], probe.frame().into(), &context).unwrap();
        let [verdict, class, reason, endpoint, _] = outcome.context.cb;
        Found::of_words([verdict, class, reason, endpoint])
    }
}

/// The kernel, by `BPF_PROG_TEST_RUN`.
pub(crate) struct Kernel {
    /// Maps live as long as their programs need them; this one is written.
    endpoints: Memory,
    programs: ByDirection<Program>,
}

impl Kernel {
    pub(crate) fn new(decision: &Verified<Decision>) -> Kernel {
        let images = images_of(decision, &decision.subjects[0].endpoints[0]);
        let (maps, programs) = in_kernel(&prepared(&images), 1_024);
        let endpoints = maps.iter().find(|map| map.spec() == Image::Endpoints.map()).unwrap();
        Kernel { endpoints: Memory::of(endpoints).unwrap(), programs }
    }
}

impl Engine for Kernel {
    fn be(&mut self, slot: &[u8]) {
        self.endpoints.write(0, slot).unwrap();
    }

    fn ask(&mut self, direction: Direction, probe: &Probe) -> Found {
        let (packet, context) = (probe.frame(), probe.context());
        let answer = self.programs[direction].ask(&Asked { packet: &packet, context: &context, repeat: 1 });
        Found::read(&answer.unwrap().context).unwrap()
    }
}
