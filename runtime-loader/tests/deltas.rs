//! Images that follow a session, change by change, against images of the same session that are built from scratch.

#![allow(clippy::unwrap_used, reason = "tests may")]

#[allow(dead_code, reason = "benchmarks use the rest of it")]
#[path = "../../compiler/benches/cluster/mod.rs"]
mod cluster;

use std::net::{IpAddr, Ipv4Addr};

use cluster::policies::{name, policy};
use cluster::random::Random;
use cluster::{Cluster, NODE, Shape, labels, pod};
use sluice_backends::image::{Images, Refused, Room};
use sluice_backends::simulate::{Peer, Question, Simulator};
use sluice_compiler::classify;
use sluice_compiler::load;
use sluice_compiler::options::Options;
use sluice_compiler::resource::Resource;
use sluice_compiler::resource::aws::AwsInventory;
use sluice_compiler::session::{Change, Delta, ObjectKey, Session};
use sluice_compiler::source::Limits;
use sluice_ir::decision::tables::Tables;
use sluice_ir::dns_name::DnsName;
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;
use sluice_loader::prepare::{Local, Settings, interfaces, questions};

const SMALL: Shape =
    Shape { pods: 120, label_sets: 40, namespaces: 4, policies: 50, local: 16, cidrs: 40, names: 8 };

/// Changes of each run.
const CHANGES: usize = 40;

/// How each change came into the images.
#[derive(Debug, Default)]
struct Ways {
    in_place: usize,
    renewed: usize,
    anew: usize,
}

struct Run {
    session: Session,
    locals: Vec<Local>,
    images: Images,
    ways: Ways,
}

fn locals(session: &Session) -> Vec<Local> {
    let named = session.endpoints().filter(|(name, _)| name.namespace.is_some());
    let local = |(at, (name, judged_as)): (u32, (&sluice_ir::decision::EndpointName, _))| {
        let namespace = name.namespace.as_ref().unwrap();
        let place = session.inventory().endpoint(namespace, &name.name).unwrap();
        let addresses = session.inventory().endpoints[place].addresses.clone();
        Local { name: Clone::clone(judged_as), ifindex: 100 + at, addresses, is_host: false }
    };
    (0..).zip(named).map(local).collect()
}

impl Run {
    fn new() -> Run {
        let Cluster { sources, resources, answers } = Cluster::of(SMALL);
        let (aws, options, limits) =
            (AwsInventory::default(), Options::default(), classify::Limits::default());
        let session = Session::new(NODE.into(), resources, answers, aws, sources, options, limits).unwrap();
        let locals = locals(&session);
        let images = Run::fresh(&session, &locals);
        Run { session, locals, images, ways: Ways::default() }
    }

    fn fresh(session: &Session, locals: &[Local]) -> Images {
        let interfaces = interfaces(locals, &Settings::default());
        Images::of_tables(&session.tables(), &interfaces, &Room::LIVE).unwrap()
    }

    fn object(&mut self, text: String) -> Resource {
        let sources = self.session.sources_mut();
        let file = sources.add("change.yaml", text);
        load(sources, &[file], &Options::default(), &Limits::default()).resources.remove(0)
    }

    /// A change of some kind.
    fn change(&mut self, random: &mut Random, number: usize) -> Change {
        let mut text = String::new();
        let address = IpAddr::V4(Ipv4Addr::new(203, 0, 113, random.below(6) as u8));
        let which = random.below(SMALL.policies);
        let answered = DnsName::parse(&name(random.below(SMALL.names))).unwrap().into();
        match random.below(8) {
            0..=2 => {
                policy(&mut text, random, SMALL, which);
                Change::Put(Box::new(self.object(text)))
            }
            3 => {
                policy(&mut text, random, SMALL, which);
                Change::Remove(ObjectKey::of(&self.object(text)))
            }
            4 => {
                pod(&mut text, 1_000 + number % 9, &labels(number % SMALL.label_sets, SMALL), false);
                Change::Put(Box::new(self.object(text)))
            }
            5 | 6 => Change::DnsAnswer(answered, address),
            _ => Change::DnsExpiry(answered, address),
        }
    }

    /// Takes a delta in, in place if that can be.
    fn follow(&mut self, delta: Delta) -> Option<Tables> {
        let tables = match delta {
            Delta::Nothing => return None,
            Delta::Rebuilt(_) => {
                self.locals = locals(&self.session);
                self.images = Run::fresh(&self.session, &self.locals);
                self.ways.anew += 1;
                return None;
            }
            Delta::Tables(tables) => tables,
        };
        match self.images.apply(&tables) {
            Ok(_) => self.ways.in_place += 1,
            Err(Refused::Settling | Refused::Generation(_)) => {
                let placed = interfaces(&self.locals, &Settings::default());
                let renewed = self.images.renew(&tables, &[]).and_then(|()| self.images.place(&placed));
                match renewed {
                    Ok(()) => self.ways.renewed += 1,
                    Err(_) => {
                        self.images = Run::fresh(&self.session, &self.locals);
                        self.ways.anew += 1;
                    }
                }
            }
        }
        Some(*tables)
    }

    /// The images answer as those of the same tables that are built from scratch.
    fn compare(&self, what: &str) {
        let fresh = Run::fresh(&self.session, &self.locals);
        let (mine, theirs) = (Simulator::from(&self.images), Simulator::from(&fresh));
        let tables = self.session.tables();
        assert_eq!(self.images.shape().host_class, fresh.shape().host_class, "{what}");
        for (name, _) in self.session.endpoints().filter(|(name, judged_as)| name == judged_as) {
            let [here, there] = [&self.images, &fresh].map(|images| images.tables_of(name).unwrap());
            let [mine_enforced, enforced] =
                [&self.images, &fresh].map(|images| images.enforced(name).unwrap());
            for direction in Direction::BOTH {
                // That of a class that is gone may still count, and costs a lookup.
                assert!(mine_enforced[direction] || !enforced[direction], "{what}: {direction} of {name}");
                let classes = &tables.ports[direction].as_ref().unwrap().0;
                let ports = classes.spans().iter().map(|span| (span.protocol, span.range.start));
                for (protocol, port) in ports.chain([(Protocol::TCP, 1), (Protocol::UDP, 53)]) {
                    for (prefix, _) in tables.prefixes.iter().step_by(3) {
                        let question = |table| Question {
                            direction,
                            table,
                            peer: Peer::Address(prefix.address()),
                            protocol,
                            port,
                        };
                        let found = mine.answer(&question(here[direction])).verdict;
                        let expected = theirs.answer(&question(there[direction])).verdict;
                        assert_eq!(
                            found, expected,
                            "{what}: {direction} of {name}, {prefix} {protocol} {port}"
                        );
                    }
                }
            }
        }
    }
}

#[test]
fn images_that_follow_a_session_answer_as_those_built_from_scratch() {
    let mut run = Run::new();
    run.compare("at first");
    for seed in 0..3 {
        let mut random = Random::new(seed);
        for number in 0..CHANGES {
            let change = run.change(&mut random, number);
            let what = format!("{number} of {seed}: {change:?}").chars().take(120).collect::<String>();
            let delta = run.session.apply(change).unwrap();
            let tables = run.follow(delta);
            if number.is_multiple_of(4) {
                run.images.settle();
                run.compare(&what);
            }
            let samples = run.session.sample(tables.as_ref().as_slice(), 60);
            let asked = questions(&run.session, &run.locals, &Settings::default(), false, &samples);
            let simulator = Simulator::from(&run.images);
            for (sample, name) in samples.iter().map(|sample| (sample, &sample.endpoint)) {
                let Some(of) = run.images.tables_of(name) else { continue };
                let (direction, table) = (sample.direction, of[sample.direction]);
                let peer = Peer::Address(sample.peer);
                let question =
                    Question { direction, table, peer, protocol: sample.protocol, port: sample.port };
                assert_eq!(simulator.answer(&question).verdict, sample.verdict.index() as u32, "{what}");
            }
            assert!(!asked.is_empty());
        }
    }
    let Ways { in_place, renewed, .. } = run.ways;
    assert!(in_place > 10 && renewed > 10, "{:?}", run.ways);
}
