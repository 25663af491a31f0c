//! The tiny world as both sides of a comparison see it, and what the reference says about every flow in it.

use std::collections::BTreeSet;
use std::sync::Arc;

use proptest::prelude::ProptestConfig;
use sluice_compiler::classify::{Classified, Judged, Limits, Population, classify};
use sluice_compiler::compare::roster::{Member, NamedPeer, PeerName, Roster, SeenBy};
use sluice_compiler::compare::{Comparison, Side};
use sluice_ir::decision::EndpointName;
use sluice_ir::net::{Cidr, Protocol};
use sluice_ir::policy::arbitrary::{endpoints, identities};
use sluice_ir::policy::eval::{Answer, Question, Verdict, eval};
use sluice_ir::policy::verify::Verified;
use sluice_ir::policy::{Authentication, Direction, Identity, L7, Policy};

/// Whole worlds of questions are asked of each case, so fewer cases do.
pub(crate) fn config(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    let cases = (u64::from(cases) * u64::from(default.cases) / 256).max(1);
    ProptestConfig { cases: cases as u32, failure_persistence: None, ..default }
}

/// Everybody in the tiny world, by name.
pub(crate) struct World {
    pub(crate) identities: Vec<Identity>,
    pub(crate) population: Population,
    pub(crate) judged: Vec<Judged>,
    pub(crate) roster: Roster,
}

/// What the tiny world's identities without address are, in their order.
const ENTITIES: [(usize, &str); 3] = [(4, "init"), (5, "host"), (6, "remote-node")];

fn name(at: usize) -> EndpointName {
    EndpointName { namespace: Some("tiny".into()), name: format!("e{at}").into() }
}

/// The first two pods are one workload's.
fn workload(at: usize) -> EndpointName {
    if at < 2 { EndpointName { namespace: Some("tiny".into()), name: "twins".into() } } else { name(at) }
}

impl World {
    pub(crate) fn new() -> World {
        let identities = identities();
        let mut population = Population::default();
        let mut addresses: Vec<(Cidr, _)> = Vec::new();
        for identity in &identities {
            let peer = population.add(Arc::new(identity.clone()));
            if let Some(address) = identity.address {
                let length = if address.is_ipv4() { 3 } else { 0 };
                addresses.extend([length, 0].map(|length| (Cidr::new(address, length).unwrap(), peer)));
            }
        }
        population.addresses = addresses.into_iter().collect();
        let peer = |at: usize| population.peer(&identities[at]).unwrap();
        let named = |at: usize, name| NamedPeer { name, old: peer(at), new: peer(at), seen_by: SeenBy::All };
        let pods = (0..4).map(|at| named(at, PeerName::Pod { workload: workload(at), pod: name(at) }));
        let entities = ENTITIES.map(|(at, word)| named(at, PeerName::Entity(word.into())));
        let member = |at| Member { name: name(at), workload: workload(at), node: None };
        let roster = Roster {
            endpoints: (0..6).map(member).collect(),
            peers: pods.chain(entities).collect(),
            addresses: population.addresses.iter().map(|(cidr, peer)| (cidr, (*peer, *peer))).collect(),
            ..Roster::default()
        };
        let judged = |(at, identity): (usize, &Identity)| Judged {
            name: name(at),
            identity: Arc::new(identity.clone()),
        };
        let judged = endpoints(&identities).iter().enumerate().map(judged).collect();
        World { judged, roster, population, identities }
    }

    pub(crate) fn table(&self, policy: &Verified<Policy>) -> Classified {
        classify(policy, &self.population, &self.judged, &Limits::default()).unwrap()
    }

    pub(crate) fn compare<'w>(&'w self, old: &'w Classified, new: &'w Classified) -> Comparison<'w> {
        let side = |classified| Side { classified, population: &self.population };
        Comparison::new(side(old), side(new), &self.roster)
    }

    /// Every flow that two policies of the tiny world can tell apart.
    pub(crate) fn flows(&self) -> Vec<Flow> {
        let known = [Protocol::TCP, Protocol::UDP, Protocol::ICMP, Protocol(47)];
        let known = known.into_iter().flat_map(|protocol| (3..=8).map(move |port| (protocol, port)));
        let traffic: Vec<(Protocol, u16)> =
            known.chain([(Protocol::SCTP, 5), (Protocol::TCP, 65535), (Protocol(255), 0)]).collect();
        let mut flows = Vec::new();
        for subject in 0..6 {
            for peer in 0..self.identities.len() {
                for direction in [Direction::Ingress, Direction::Egress] {
                    flows.extend(traffic.iter().map(|(protocol, port)| Flow {
                        subject,
                        peer,
                        direction,
                        protocol: *protocol,
                        port: *port,
                    }));
                }
            }
        }
        flows
    }
}

/// A flow by the places of its ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) subject: usize,
    pub(crate) peer: usize,
    pub(crate) direction: Direction,
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
}

impl Flow {
    pub(crate) fn question<'w>(&self, world: &'w World) -> Question<'w> {
        let Flow { subject, peer, direction, protocol, port } = *self;
        let (subject, peer) = (&world.identities[subject], &world.identities[peer]);
        Question { subject, peer, direction, protocol, port }
    }
}

/// What counts of an answer.
pub(crate) type Meaning = (Verdict, Option<Authentication>, bool, BTreeSet<L7>);

pub(crate) fn meaning(policy: &Policy, question: &Question<'_>) -> (Meaning, Answer) {
    let answer = eval(policy, question);
    let redirects = answer.rules.iter().filter(|_| answer.verdict == Verdict::Redirect);
    let l7 = redirects.filter_map(|id| policy.rule(*id).l7).map(|l7| policy.l7(l7).clone()).collect();
    ((answer.verdict, answer.authentication, answer.widened, l7), answer)
}
