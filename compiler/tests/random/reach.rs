//! Who reaches whom in a random world, against the rules, flow by flow.

use std::net::IpAddr;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use sluice_compiler::Compiled;
use sluice_compiler::classify::Limits;
use sluice_compiler::inventory::Owner;
use sluice_compiler::judge::{FlowAnswer, Judge, Side};
use sluice_compiler::reach::ends::{EndId, State, Who};
use sluice_compiler::reach::{Reach, Stretch, reach};
use sluice_compiler::resource::cilium::Entity;
use sluice_compiler::resource::flow;
use sluice_ir::dns_name::DnsName;
use sluice_ir::ids::VerdictId;
use sluice_ir::policy::eval::Reason;
use sluice_ir::policy::{Authentication, Direction};

use crate::generate::cases;
use crate::harness::{all_flows, compiled, config, documents, file, translated};
use crate::reference::{End, Flow};
use crate::shape::{Case, address};

/// A random world and what is found in it.
struct World<'c> {
    case: &'c Case,
    compiled: &'c Compiled,
    reach: &'c Reach,
}

impl World<'_> {
    /// The ends that hold one of a flow, which the pod at its other end meets.
    fn holding(&self, end: End, pod: usize) -> Vec<EndId> {
        let all = self.reach.iter().filter(|(_, known)| self.holds(&known.who, end, pod));
        all.map(|(id, _)| id).collect()
    }

    fn holds(&self, who: &Who, end: End, pod: usize) -> bool {
        let inventory = &self.compiled.inventory;
        let node = self.case.world.view.unwrap_or(self.case.world.pods[pod].node);
        let is_node = |name: &str| match who {
            Who::Host(nodes) => node == name && nodes.names.iter().any(|known| **known == *name),
            Who::RemoteNode(nodes) => node != name && nodes.names.iter().any(|known| **known == *name),
            _ => false,
        };
        let at_address = |address: IpAddr| match (inventory.owner(address), who) {
            (Some(Owner::Endpoint(at)), Who::Pods(group)) => {
                group.endpoints.contains(&inventory.endpoints[at].endpoint_name())
            }
            (Some(Owner::Node(at)), _) => is_node(&inventory.nodes[at].name),
            (None, Who::Outside(outside)) => outside.blocks.iter().any(|block| block.contains(address)),
            _ => false,
        };
        match end {
            End::Pod(at) => {
                let pod = &self.case.world.pods[at];
                let name = format!("{}/{}", pod.namespace, pod.name);
                matches!(who, Who::Pods(group) if group.endpoints.iter().any(|known| known.to_string() == name))
            }
            End::Address(text) => at_address(address(text)),
            // A name stands for the first of its addresses, which is no pod's: those have no names.
            End::Name(name) => match inventory.addresses_of(&DnsName::parse(name).unwrap()) {
                [address, ..] => inventory.owner(*address).is_none() && at_address(*address),
                [] => {
                    matches!(who, Who::Outside(outside) if outside.names.iter().any(|known| **known == *name))
                }
            },
            End::Entity("host") => is_node(node),
            End::Entity("remote-node") => matches!(who, Who::RemoteNode(nodes) if nodes.others),
            End::Entity("world") => {
                let word = inventory.world(true);
                matches!(who, Who::Outside(outside) if outside.worlds.iter().any(|known| **known == *word || **known == *"world-ipv4"))
            }
            End::Entity(word) => {
                matches!(who, Who::Entity(words) if words.iter().any(|known| **known == *word))
            }
        }
    }

    /// Whether an end must be there: not a name that no rule speaks of, and not the API server for pods on its node,
    /// whose host it is.
    fn must_be_there(&self, end: End, pod: usize) -> bool {
        let seen = |view: Option<&str>| self.compiled.inventory.entity(Entity::KubeApiserver, view);
        match end {
            End::Name(_) => false,
            End::Entity("kube-apiserver") => {
                seen(Some(self.case.world.pods[pod].node)) == seen(self.case.world.view)
            }
            _ => true,
        }
    }
}

/// What counts of a side.
type Said = (sluice_ir::policy::eval::Verdict, Reason, Option<Authentication>, bool);

fn expected(side: Option<&Side>) -> Option<Said> {
    let answer = &side?.answer;
    Some((answer.verdict, answer.reason, answer.authentication, answer.widened))
}

fn found(reach: &Reach, verdict: Option<VerdictId>) -> Option<Said> {
    let outcome = reach.outcome(verdict?);
    Some((outcome.verdict, outcome.reason, outcome.authentication, outcome.widened))
}

/// One end of every flow is a pod.
fn pod_of(flow: &Flow) -> usize {
    let pod = match (flow.from, flow.to) {
        (End::Pod(at), _) | (_, End::Pod(at)) => Some(at),
        _ => None,
    };
    pod.unwrap()
}

/// Asks for one flow. Says whether there was anybody to ask about.
fn held_flow(world: &World<'_>, flow: &Flow, answer: &FlowAnswer) -> Result<bool, TestCaseError> {
    let (reach, pod) = (world.reach, pod_of(flow));
    let (from, to) = (world.holding(flow.from, pod), world.holding(flow.to, pod));
    let other = if matches!(flow.from, End::Pod(at) if at == pod) { flow.to } else { flow.from };
    let context = || {
        let case = world.case;
        format!("{flow:?} {answer:?}\n{:#?}\n{}{:?}", reach.ends(), file(&documents(case)), case.world.view)
    };
    // Where no side of it is judged, as of a pod of another node, nobody need be there.
    let judged = answer.egress.is_some() || answer.ingress.is_some();
    if judged && world.must_be_there(other, pod) {
        prop_assert!(!from.is_empty() && !to.is_empty(), "nobody is there: {}", context());
    }
    let mut asked = false;
    for (from, to) in from.iter().flat_map(|from| to.iter().map(move |to| (*from, *to))) {
        let between = reach.between(from, to);
        if answer.egress.is_none() && answer.ingress.is_none() {
            prop_assert!(between.is_none(), "{}", context());
            continue;
        }
        let Some(between) = between else {
            prop_assert!(!world.must_be_there(other, pod), "nothing is said: {}", context());
            continue;
        };
        let asked_flow = translated(world.case, flow);
        let about = |stretch: &&Stretch| stretch.traffic.contains(asked_flow.protocol, asked_flow.port);
        let stretches = reach.stretches(between);
        let about: Vec<&Stretch> = stretches.iter().filter(about).collect();
        prop_assert_eq!(about.len(), 1, "{}", context());
        let said = (found(reach, about[0].egress), found(reach, about[0].ingress));
        let wanted = (expected(answer.egress.as_ref()), expected(answer.ingress.as_ref()));
        prop_assert_eq!(said, wanted, "{}", context());
        prop_assert_eq!(reach.verdict(about[0]), answer.verdict, "{}", context());
        asked = true;
    }
    Ok(asked)
}

/// A direction is isolated just if traffic that no rule is about is denied.
fn held_isolation(world: &World<'_>, flow: &Flow, answer: &FlowAnswer) -> Result<(), TestCaseError> {
    let sides =
        [(Direction::Egress, flow.from, &answer.egress), (Direction::Ingress, flow.to, &answer.ingress)];
    for (direction, end, side) in sides {
        let (End::Pod(pod), Some(side)) = (end, side) else { continue };
        let state = match side.answer.reason {
            Reason::DefaultDeny => State::DefaultDeny,
            Reason::NotIsolated => State::Open,
            Reason::NotEnforced => State::NotEnforced,
            Reason::Rules | Reason::Localhost => continue,
        };
        for id in world.holding(end, pod) {
            let isolation =
                world.reach.end(id).isolation.as_ref().map(|isolation| isolation[direction].state);
            prop_assert_eq!(isolation, Some(state));
        }
    }
    Ok(())
}

fn held(case: &Case) -> Result<(), TestCaseError> {
    let compiled = compiled(case, &[file(&documents(case))]);
    let reach = reach(&compiled, case.world.view, &Limits::default()).unwrap();
    let world = World { case, compiled: &compiled, reach: &reach };
    let flows = all_flows();
    let asked: Vec<flow::Flow> = flows.iter().map(|flow| translated(case, flow)).collect();
    let judge = Judge::new(&compiled, case.world.view.map(Into::into));
    let answers = judge.flows(&asked.iter().collect::<Vec<_>>());
    let mut count = 0;
    for (flow, answer) in flows.iter().zip(answers) {
        let answer = answer.unwrap();
        count += usize::from(held_flow(&world, flow, &answer)?);
        held_isolation(&world, flow, &answer)?;
    }
    // With a view some world may have all its pods elsewhere.
    prop_assert!(count > 500 || case.world.view.is_some(), "{count} of {} flows", flows.len());
    Ok(())
}

proptest! {
    #![proptest_config(config(10))]

    #[test]
    fn who_reaches_whom_is_what_the_rules_say(case in cases()) {
        held(&case)?;
    }
}
