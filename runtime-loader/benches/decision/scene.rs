//! A world in the kernel, in the form of each scheme.

use std::net::IpAddr;

use sluice_backends::abi::{Endpoint, MapSpec};
use sluice_backends::image::{Image, Images, Interface, Room, record};
use sluice_ir::decision::PeerClass;
use sluice_ir::ids::ClassId;
use sluice_ir::net::Protocol;
use sluice_loader::kernel::{Asked, Map, Memory, Peer, Program};

use crate::programs::{
    ADDRESSES, ASKED, FIRST, HASHED_ADDRESSES, HASHED_POLICY, POLICY, QUESTION, QUESTIONS, Scheme, VERDICTS,
    WORLD, family, program,
};
use crate::world::{World, endpoint};

/// The identity of the first class (semantics.md 3.5).
const FIRST_IDENTITY: u32 = 256;

/// See the module.
pub(crate) struct Scene {
    pub(crate) world: World,
    images: Images,
    maps: Vec<Map>,
    asked: Memory,
}

/// The memory that the kernel counts, in bytes.
pub(crate) struct Weight {
    pub(crate) images: u64,
    pub(crate) prefixes: u64,
    pub(crate) hashes: u64,
}

impl Scene {
    pub(crate) fn new(world: World) -> Scene {
        let interface =
            Interface { name: endpoint(), endpoint: Endpoint { ifindex: 1, ..Endpoint::default() } };
        let images = Images::of_decision(&world.decision, &[interface], &Room::NONE).unwrap();
        let image = |image: Image| {
            let map = Map::create(image.map(), images.bytes(image).len(), None).unwrap();
            Memory::of(&map).unwrap().write(0, images.bytes(image)).unwrap();
            map
        };
        let mut maps: Vec<Map> = Image::ALL.map(image).into();
        maps.extend(prefixes(&world));
        maps.extend(hashes(&world));
        let asked = Map::create(&ASKED, ASKED.value, None).unwrap();
        let memory = Memory::of(&asked).unwrap();
        maps.push(asked);
        Scene { world, images, maps, asked: memory }
    }

    /// Loads the program of a scheme; none if the world does not fit into its maps.
    pub(crate) fn load(&self, scheme: Scheme, is_ipv4: bool) -> Option<Program> {
        let maps: Vec<&Map> = self.maps.iter().collect();
        if scheme == Scheme::Hashes && !maps.iter().any(|map| map.spec() == &HASHED_POLICY) {
            return None;
        }
        Some(Program::load("decision", &program(scheme, is_ipv4, self.images.shape()), &maps).unwrap())
    }

    /// Writes questions down.
    pub(crate) fn ask(&self, questions: &[(IpAddr, u16)]) {
        let table = self.images.tables_of(&endpoint()).unwrap().ingress;
        let mut bytes = Vec::with_capacity(QUESTIONS * QUESTION);
        for (address, port) in questions.iter().cycle().take(QUESTIONS) {
            bytes.extend(sixteen(*address));
            bytes.extend(port.to_be_bytes());
            bytes.extend([Protocol::TCP.0, 0]);
            bytes.extend(table.to_ne_bytes());
            bytes.extend([0; 8]);
        }
        self.asked.write(FIRST, &bytes).unwrap();
    }

    /// Asks every question once, and says whether the verdicts are right, exclusive or with each other.
    pub(crate) fn check(&self, scheme: Scheme, program: &Program, questions: &[(IpAddr, u16)]) {
        self.asked.write(0, &[0; FIRST]).unwrap();
        run(program, QUESTIONS);
        let found = self.asked.read(VERDICTS, 8).unwrap();
        let expected = questions.iter().cycle().take(QUESTIONS).map(|(address, port)| {
            let verdict = self.world.verdict(self.world.class(*address), *port).index();
            let action = record(verdict, &self.world.decision.verdicts[verdict]).action;
            verdict as u64 | if scheme == Scheme::Record { u64::from(action) << 32 } else { 0 }
        });
        let expected = expected.fold(0, |all, verdict| all ^ verdict);
        if scheme != Scheme::Empty {
            assert_eq!(u64::from_ne_bytes(found.try_into().unwrap()), expected, "{scheme:?} is wrong");
        }
    }

    pub(crate) fn weight(&self) -> Weight {
        let of = |specs: &[&MapSpec]| {
            let maps = self.maps.iter().filter(|map| specs.contains(&map.spec()));
            maps.map(|map| map.memory().unwrap()).sum()
        };
        Weight {
            images: of(&Image::ALL.map(Image::map)),
            prefixes: of(&[&ADDRESSES, &POLICY]),
            hashes: of(&[&HASHED_ADDRESSES, &HASHED_POLICY]),
        }
    }
}

/// Runs a program without a packet of any interest.
pub(crate) fn run(program: &Program, times: usize) {
    let asked = Asked { packet: &[0; 64], context: &[0; 192], repeat: u32::try_from(times).unwrap() };
    program.ask(&asked).unwrap();
}

/// An address in sixteen bytes: one of IPv4 is followed by zeros.
fn sixteen(address: IpAddr) -> [u8; 16] {
    let mut bytes = [0; 16];
    match address {
        IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => bytes = address.octets(),
    }
    bytes
}

fn joined<const N: usize>(parts: &[&[u8]]) -> [u8; N] {
    parts.concat().try_into().unwrap()
}

/// The identity of a class; that of everyone else is the world.
fn identity(world: &World, class: ClassId) -> u32 {
    if class == others(world) { WORLD } else { FIRST_IDENTITY + class.index() as u32 }
}

/// The class of whoever is no peer.
fn others(world: &World) -> ClassId {
    world.class([255; 4].into())
}

/// Each class with each port of the rules, its verdict, and whether that is of a rule for everyone.
fn rules(world: &World) -> Vec<(u32, u16, u32, bool)> {
    let anyone = others(world);
    let mut rules = Vec::new();
    let classes: &[PeerClass] = &world.decision.classes;
    for class in (0..classes.len()).map(ClassId::new) {
        for port in &world.ports {
            let verdict = world.verdict(class, *port);
            let for_everyone = verdict == world.verdict(anyone, *port);
            // Verdict 0 is what no rule makes.
            if verdict.index() != 0 {
                rules.push((identity(world, class), *port, verdict.index() as u32, for_everyone));
            }
        }
    }
    rules
}

fn prefixes(world: &World) -> [Map; 2] {
    let addresses = Map::create_peer(&ADDRESSES, Peer::Prefixes, world.prefixes.len() as u32).unwrap();
    let value = |identity: u32| joined::<24>(&[&identity.to_ne_bytes(), &[0; 20]]);
    let all = world.prefixes.iter().map(|(peer, class)| {
        let key = joined::<20>(&[&family(peer.is_ipv4()), &sixteen(peer.address())]);
        (32 + u32::from(peer.length()), key, value(identity(world, *class)))
    });
    addresses.insert_prefixes(all).unwrap();
    // The rules for everyone are there once.
    let mut rules = rules(world);
    rules.iter_mut().filter(|(.., for_everyone)| *for_everyone).for_each(|(identity, ..)| *identity = 0);
    rules.sort_unstable();
    rules.dedup();
    let policy = Map::create_peer(&POLICY, Peer::Prefixes, rules.len() as u32).unwrap();
    let all = rules.iter().map(|(identity, port, verdict, _)| {
        let key = joined::<8>(&[&identity.to_ne_bytes(), &[0, Protocol::TCP.0], &port.to_be_bytes()]);
        (64, key, joined::<12>(&[&[0; 8], &verdict.to_ne_bytes()]))
    });
    policy.insert_prefixes(all).unwrap();
    [addresses, policy]
}

fn hashes(world: &World) -> Vec<Map> {
    let is_host = |at: usize, bits| world.peers[at].iter().all(|peer| peer.length() == bits);
    if !is_host(0, 32) || !is_host(1, 128) {
        return Vec::new();
    }
    let peers: usize = world.peers.iter().map(Vec::len).sum();
    let addresses = Map::create_peer(&HASHED_ADDRESSES, Peer::Hash, peers as u32).unwrap();
    let all = world.peers.iter().flatten().map(|peer| {
        let key = joined::<20>(&[&sixteen(peer.address()), &family(peer.is_ipv4())]);
        (key, identity(world, world.class(peer.address())).to_ne_bytes())
    });
    addresses.insert_hashed(all).unwrap();
    let rules = rules(world);
    let policy = Map::create_peer(&HASHED_POLICY, Peer::Hash, rules.len() as u32).unwrap();
    let all = rules.iter().map(|(identity, port, verdict, _)| {
        let key = [&identity.to_ne_bytes()[..], &port.to_be_bytes(), &[Protocol::TCP.0, 0]];
        (joined::<8>(&key), verdict.to_ne_bytes())
    });
    policy.insert_hashed(all).unwrap();
    vec![addresses, policy]
}
