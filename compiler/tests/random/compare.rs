//! What differs between two sets of policies about a random world, against every flow in it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use sluice_compiler::Compiled;
use sluice_compiler::classify::Limits;
use sluice_compiler::compare::digest::{Change, Digest, Part};
use sluice_compiler::compare::rows::{PeerGroup, Row};
use sluice_compiler::compare::{Both, Told, Traffic, decide_both};
use sluice_compiler::inventory::{Inventory, Owner};
use sluice_compiler::judge::Judge;
use sluice_compiler::resource::cilium::Entity;
use sluice_compiler::resource::flow;
use sluice_ir::net::Protocol;
use sluice_ir::policy::eval::{Answer, Verdict, selecting};
use sluice_ir::policy::{Authentication, Direction, Enforcement, Identity, L7};

use crate::generate::cases;
use crate::harness::{all_flows, compiled, config, documents, file, translated};
use crate::reference::{End, Flow};
use crate::shape::{Case, Pod, World, address};

/// What counts of an answer.
type Meaning = (Verdict, Option<Authentication>, bool, BTreeSet<L7>);

fn meaning(compiled: &Compiled, answer: &Answer) -> Meaning {
    let redirects = answer.rules.iter().filter(|_| answer.verdict == Verdict::Redirect);
    let l7 = redirects.filter_map(|id| compiled.policy.rule(*id).l7);
    let l7 = l7.map(|l7| compiled.policy.l7(l7).clone()).collect();
    (answer.verdict, answer.authentication, answer.widened, l7)
}

/// One side of a flow: whose it is and who is at the other end.
struct Asked<'c> {
    case: &'c Case,
    /// The old policy and the new.
    both: [&'c Compiled; 2],
    pod: usize,
    peer: End,
    direction: Direction,
    protocol: Protocol,
    port: u16,
}

impl Asked<'_> {
    /// The node that looks.
    fn view(&self) -> &str {
        self.case.world.view.unwrap_or(self.case.world.pods[self.pod].node)
    }

    /// What is seen on both sides.
    fn seen(&self, identity: impl Fn(&Inventory) -> Identity) -> [Identity; 2] {
        self.both.map(|compiled| identity(&compiled.inventory))
    }

    /// What the pod sees of the other end, unless that is a pod or an address outside.
    fn node_or_entity(&self) -> Option<[Identity; 2]> {
        match self.peer {
            End::Entity(word) => {
                Some(self.seen(|known| known.entity(Entity::from_word(word).unwrap(), Some(self.view()))))
            }
            End::Address(text) => match self.both[0].inventory.owner(address(text)) {
                Some(Owner::Node(_)) => {
                    Some(self.seen(|known| known.identity_of(address(text), Some(self.view()))))
                }
                _ => None,
            },
            End::Pod(_) | End::Name(_) => None,
        }
    }

    /// Whether something about its pod and direction is about it.
    fn is_in(&self, traffic: &Traffic, peers: &PeerGroup) -> bool {
        traffic.contains(self.protocol, self.port) && self.is_with(peers)
    }

    /// Whether a grouped change is about it.
    fn is_in_change(&self, change: &Change) -> bool {
        change.direction == self.direction
            && change.traffic.iter().any(|traffic| traffic.contains(self.protocol, self.port))
            && change.peers.iter().any(|peers| self.is_with(peers))
    }

    fn is_with(&self, peers: &PeerGroup) -> bool {
        let inventory = &self.both[0].inventory;
        let view = self.case.world.view;
        let seen = self.node_or_entity();
        let is = |identity: &dyn Fn(&Inventory) -> Identity| seen == Some(self.seen(identity));
        let address_of = |known: &Inventory, name: &str| known.node(name).unwrap().addresses[0];
        match peers {
            PeerGroup::Pods(pods) => {
                let at = match self.peer {
                    End::Pod(at) => Some(at),
                    End::Address(text) => match inventory.owner(address(text)) {
                        Some(Owner::Endpoint(at)) => self.case.world.pods.iter().position(|pod| {
                            let name = inventory.endpoints[at].endpoint_name().to_string();
                            name == format!("{}/{}", pod.namespace, pod.name)
                        }),
                        _ => None,
                    },
                    End::Name(_) | End::Entity(_) => None,
                };
                let name = at.map(|at| &self.case.world.pods[at]);
                let name = name.map(|pod| format!("{}/{}", pod.namespace, pod.name));
                name.is_some_and(|name| pods.endpoints.iter().any(|pod| pod.to_string() == name))
            }
            PeerGroup::Entity(word) => is(&|known| known.entity(Entity::from_word(word).unwrap(), view)),
            PeerGroup::Nodes(nodes) => nodes
                .iter()
                .filter(|name| view.is_some() || ***name != *self.view())
                .any(|name| is(&|known| known.identity_of(address_of(known, name), view))),
            PeerGroup::Hosts(nodes) => nodes.iter().filter(|name| ***name == *self.view()).any(|name| {
                is(&|known| {
                    let node = known.node(name).unwrap();
                    known.node_identity(node, Some(node.addresses[0]), Some(name))
                })
            }),
            PeerGroup::Addresses(blocks) => match self.peer {
                End::Address(text) if inventory.owner(address(text)).is_none() => {
                    blocks.iter().any(|block| block.contains(address(text)))
                }
                _ => false,
            },
        }
    }
}

/// Both sides of a flow whose other end is known.
fn sides<'c>(case: &'c Case, both: [&'c Compiled; 2], flow: &Flow) -> [Option<Asked<'c>>; 2] {
    let side = |pod: End, peer: End, direction| match (pod, peer) {
        (End::Pod(_), End::Name(_)) => None,
        (End::Pod(pod), peer) => Some(Asked {
            case,
            both,
            pod,
            peer,
            direction,
            protocol: Protocol::from_name(flow.protocol).unwrap(),
            port: flow.port,
        }),
        _ => None,
    };
    [side(flow.to, flow.from, Direction::Ingress), side(flow.from, flow.to, Direction::Egress)]
}

/// The rows about a pod's ingress, and those about its egress.
fn rows_of<'r>(pod: &Pod, rows: &'r [Row]) -> [Vec<&'r Row>; 2] {
    let name = format!("{}/{}", pod.namespace, pod.name);
    let is_about = |row: &&Row| row.endpoints.endpoints.iter().any(|endpoint| endpoint.to_string() == name);
    let (ingress, egress) = rows.iter().filter(is_about).partition(|row| row.direction == Direction::Ingress);
    [ingress, egress]
}

fn said(told: &Told) -> Meaning {
    (told.verdict, told.authentication, told.widened, told.l7.iter().cloned().collect())
}

/// Whether the reference would drop what no rule is about.
fn isolated(compiled: &Compiled, pod: &Pod, direction: Direction) -> bool {
    let at = compiled.inventory.endpoint_named(pod.namespace, pod.name).unwrap();
    let identity = &compiled.inventory.endpoints[at].identity;
    let by_rule = || {
        let rules = selecting(&compiled.policy, identity, direction);
        rules.into_iter().any(|id| compiled.policy.rule(id).default_deny)
    };
    match compiled.policy.settings.enforcement {
        Enforcement::Never => false,
        Enforcement::Always => true,
        Enforcement::Default => by_rule(),
    }
}

/// Default deny is said to begin and end exactly where it does, by lines that do it.
fn isolation_is_told(case: &Case, both: [&Compiled; 2], digest: &Digest) -> Result<(), TestCaseError> {
    let judged = |pod: &&Pod| case.world.view.is_none_or(|view| view == pod.node);
    for pod in case.world.pods.iter().filter(judged) {
        for direction in Direction::BOTH {
            let [before, after] = both.map(|compiled| isolated(compiled, pod, direction));
            let parts = parts_of(pod, digest);
            let told = parts.iter().find_map(|part| part.isolation[direction].as_ref());
            prop_assert_eq!(told.map(|told| told.begins), (before != after).then_some(after));
        }
    }
    Ok(())
}

fn parts_of<'d>(pod: &Pod, digest: &'d Digest) -> Vec<&'d Part> {
    let name = format!("{}/{}", pod.namespace, pod.name);
    let is_about = |part: &&Part| {
        part.groups
            .iter()
            .flat_map(|group| group.endpoints.iter())
            .any(|endpoint| endpoint.to_string() == name)
    };
    digest.parts.iter().filter(is_about).collect()
}

fn held(old: &Case, new: &Case) -> Result<(), TestCaseError> {
    let flows = all_flows();
    let compile = |case: &Case| compiled(case, &[file(&documents(case))]);
    let (before, after) = (compile(old), compile(new));
    let both: Both = decide_both(&before, &after, old.world.view, &Limits::default()).unwrap();
    let comparison = both.comparison();
    let rows = comparison.differences(usize::MAX).rows;
    let digest = both.digest();
    prop_assert_eq!(comparison.is_equal(), rows.is_empty());
    prop_assert_eq!(comparison.counterexample().is_none(), rows.is_empty());
    prop_assert_eq!(digest.parts.iter().all(|part| part.changes.is_empty()), rows.is_empty());
    isolation_is_told(old, [&before, &after], &digest)?;
    let by_side: Vec<[Vec<&Row>; 2]> = old.world.pods.iter().map(|pod| rows_of(pod, &rows)).collect();
    let by_pod: Vec<Vec<&Part>> = old.world.pods.iter().map(|pod| parts_of(pod, &digest)).collect();
    prop_assert!(by_pod.iter().all(|parts| parts.len() <= 1), "{:#?}", digest);
    let asked: Vec<flow::Flow> = flows.iter().map(|flow| translated(old, flow)).collect();
    let answers = |compiled: &Compiled| {
        let judge = Judge::new(compiled, old.world.view.map(Into::into));
        judge.flows(&asked.iter().collect::<Vec<_>>())
    };
    let moved = old.world.api_server != new.world.api_server;
    for ((flow, before_answer), after_answer) in flows.iter().zip(answers(&before)).zip(answers(&after)) {
        if moved && [flow.from, flow.to].iter().any(|end| matches!(end, End::Entity("kube-apiserver"))) {
            // It is not who it was.
            continue;
        }
        let (before_answer, after_answer) = (before_answer.unwrap(), after_answer.unwrap());
        let answered =
            [(before_answer.ingress, after_answer.ingress), (before_answer.egress, after_answer.egress)];
        for (side, answers) in sides(old, [&before, &after], flow).into_iter().zip(answered) {
            let (Some(side), (Some(a), Some(b))) = (side, answers) else { continue };
            let (a, b) = (meaning(&before, &a.answer), meaning(&after, &b.answer));
            let own = &by_side[side.pod][usize::from(side.direction == Direction::Egress)];
            let about: Vec<&Row> =
                own.iter().copied().filter(|row| side.is_in(&row.traffic, &row.peers)).collect();
            let changes = by_pod[side.pod].iter().flat_map(|part| &part.changes);
            let changes: Vec<&Change> = changes.filter(|change| side.is_in_change(change)).collect();
            let context = || {
                format!(
                    "{flow:?} {a:?} {b:?}\n{about:#?}\n{changes:#?}\n{rows:#?}\n{}{}{:?} {:?}",
                    file(&documents(old)),
                    file(&documents(new)),
                    old.world.options,
                    old.world.view
                )
            };
            prop_assert_eq!(!about.is_empty(), a != b, "{}", context());
            prop_assert_eq!(changes.is_empty(), about.is_empty(), "{}", context());
            let told = about.iter().map(|row| (&row.old, &row.new));
            for (old, new) in told.chain(changes.iter().map(|change| (&change.old, &change.new))) {
                prop_assert_eq!((said(old), said(new)), (a.clone(), b.clone()), "{}", context());
            }
        }
    }
    Ok(())
}

/// A world with the pods of another, at the same places and under the same names, and with some of the rest of it.
fn altered(world: &World, other: &World, what: u8) -> World {
    let mut new = world.clone();
    for (pod, other) in new.pods.iter_mut().zip(&other.pods) {
        if what & 1 != 0 {
            (pod.labels, pod.ports) = (other.labels.clone(), other.ports.clone());
        }
    }
    if what & 2 != 0 {
        new.namespaces = other.namespaces.clone();
    }
    if what & 4 != 0 {
        new.groups = other.groups.clone();
    }
    if what & 8 != 0 {
        new.answers = other.answers.clone();
    }
    if what & 16 != 0 {
        new.api_server = other.api_server;
    }
    new
}

proptest! {
    #![proptest_config(config(16))]

    #[test]
    fn rows_are_what_other_policies_change(old in cases(), other in cases()) {
        let new = Case { world: old.world.clone(), policies: other.policies };
        held(&old, &new)?;
    }

    #[test]
    fn rows_are_what_one_policy_changes(old in cases(), place in any::<Index>()) {
        let mut new = old.clone();
        if !new.policies.is_empty() {
            new.policies.remove(place.index(new.policies.len()));
        }
        held(&old, &new)?;
    }

    #[test]
    fn rows_are_what_another_world_changes(old in cases(), other in cases(), what in 1..32u8, place in any::<Index>()) {
        let mut new = Case { world: altered(&old.world, &other.world, what), policies: old.policies.clone() };
        if what & 1 == 0 && !new.policies.is_empty() {
            new.policies.remove(place.index(new.policies.len()));
        }
        held(&old, &new)?;
    }
}
