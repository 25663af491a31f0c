//! What differs between two sets of policies about a random world, against every flow in it.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::TestCaseError;
use sluice_compiler::Compiled;
use sluice_compiler::classify::Limits;
use sluice_compiler::compare::rows::{PeerGroup, Row};
use sluice_compiler::compare::{Both, decide_both};
use sluice_compiler::inventory::Owner;
use sluice_compiler::judge::Judge;
use sluice_compiler::resource::cilium::Entity;
use sluice_compiler::resource::flow;
use sluice_ir::net::Protocol;
use sluice_ir::policy::eval::{Answer, Verdict};
use sluice_ir::policy::{Authentication, Direction, Identity, L7};

use crate::generate::cases;
use crate::harness::{all_flows, compiled, config, documents, file, translated};
use crate::reference::{End, Flow};
use crate::shape::{Case, Pod, address};

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
    compiled: &'c Compiled,
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

    /// What the pod sees of the other end, unless that is a pod or an address outside.
    fn node_or_entity(&self) -> Option<Identity> {
        let inventory = &self.compiled.inventory;
        match self.peer {
            End::Entity(word) => Some(inventory.entity(Entity::from_word(word).unwrap(), Some(self.view()))),
            End::Address(text) => match inventory.owner(address(text)) {
                Some(Owner::Node(_)) => Some(inventory.identity_of(address(text), Some(self.view()))),
                _ => None,
            },
            End::Pod(_) | End::Name(_) => None,
        }
    }

    /// Whether a row of its pod and direction is about it.
    fn is_in(&self, row: &Row) -> bool {
        row.traffic.contains(self.protocol, self.port) && self.is_with(&row.peers)
    }

    fn is_with(&self, peers: &PeerGroup) -> bool {
        let inventory = &self.compiled.inventory;
        let view = self.case.world.view;
        let node = |name: &str| inventory.node(name).unwrap();
        let seen = self.node_or_entity();
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
            PeerGroup::Entity(word) => seen == Some(inventory.entity(Entity::from_word(word).unwrap(), view)),
            PeerGroup::Nodes(nodes) => nodes
                .iter()
                .filter(|name| view.is_some() || ***name != *self.view())
                .any(|name| seen == Some(inventory.identity_of(node(name).addresses[0], view))),
            PeerGroup::Hosts(nodes) => nodes.iter().filter(|name| ***name == *self.view()).any(|name| {
                seen == Some(inventory.node_identity(node(name), Some(node(name).addresses[0]), Some(name)))
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
fn sides<'c>(case: &'c Case, compiled: &'c Compiled, flow: &Flow) -> [Option<Asked<'c>>; 2] {
    let side = |pod: End, peer: End, direction| match (pod, peer) {
        (End::Pod(_), End::Name(_)) => None,
        (End::Pod(pod), peer) => Some(Asked {
            case,
            compiled,
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

fn held(old: &Case, new: &Case) -> Result<(), TestCaseError> {
    let flows = all_flows();
    let compile = |case: &Case| compiled(case, &[file(&documents(case))]);
    let (before, after) = (compile(old), compile(new));
    let both: Both = decide_both(&before, &after, old.world.view, &Limits::default()).unwrap();
    let comparison = both.comparison();
    let rows = comparison.differences(usize::MAX).rows;
    prop_assert_eq!(comparison.is_equal(), rows.is_empty());
    prop_assert_eq!(comparison.counterexample().is_none(), rows.is_empty());
    let by_side: Vec<[Vec<&Row>; 2]> = old.world.pods.iter().map(|pod| rows_of(pod, &rows)).collect();
    let asked: Vec<flow::Flow> = flows.iter().map(|flow| translated(old, flow)).collect();
    let answers = |compiled: &Compiled| {
        let judge = Judge::new(compiled, old.world.view.map(Into::into));
        judge.flows(&asked.iter().collect::<Vec<_>>())
    };
    for ((flow, before_answer), after_answer) in flows.iter().zip(answers(&before)).zip(answers(&after)) {
        let (before_answer, after_answer) = (before_answer.unwrap(), after_answer.unwrap());
        let answered =
            [(before_answer.ingress, after_answer.ingress), (before_answer.egress, after_answer.egress)];
        for (side, answers) in sides(old, &before, flow).into_iter().zip(answered) {
            let (Some(side), (Some(a), Some(b))) = (side, answers) else { continue };
            let (a, b) = (meaning(&before, &a.answer), meaning(&after, &b.answer));
            let own = &by_side[side.pod][usize::from(side.direction == Direction::Egress)];
            let about: Vec<&Row> = own.iter().copied().filter(|row| side.is_in(row)).collect();
            let context = || {
                format!(
                    "{flow:?} {a:?} {b:?}\n{about:#?}\n{rows:#?}\n{}{:?} {:?}",
                    file(&documents(old)),
                    old.world.options,
                    old.world.view
                )
            };
            prop_assert_eq!(!about.is_empty(), a != b, "{}", context());
            for row in &about {
                let said = |told: &sluice_compiler::compare::Told| {
                    (told.verdict, told.authentication, told.widened, told.l7.iter().cloned().collect())
                };
                prop_assert_eq!((said(&row.old), said(&row.new)), (a.clone(), b.clone()), "{}", context());
            }
        }
    }
    Ok(())
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
}
