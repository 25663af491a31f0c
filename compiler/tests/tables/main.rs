//! Tables say what rules say, by random policies about a tiny world: whole rows, and question by question.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

use std::sync::Arc;

use proptest::prelude::*;
use sluice_compiler::classify::{Classified, Judged, Limits, Population, classify};
use sluice_compiler::optimise::optimise;
use sluice_compiler::validate::{InForce, Refuted, validate};
use sluice_ir::decision::{Decision, EndpointName, Outcome};
use sluice_ir::net::Cidr;
use sluice_ir::policy::arbitrary::{endpoints, identities, policies, questions};
use sluice_ir::policy::eval::{Question, eval};
use sluice_ir::policy::verify::{Verified, verify};
use sluice_ir::policy::{Identity, Policy};

/// The tiny world as a node sees it.
struct World {
    identities: Vec<Identity>,
    population: Population,
    judged: Vec<Judged>,
}

fn world() -> World {
    let identities = identities();
    let mut population = Population::default();
    let mut addresses: Vec<(Cidr, _)> = Vec::new();
    for identity in &identities {
        let peer = population.add(Arc::new(identity.clone()));
        addresses.extend(identity.address.map(|address| (Cidr::host(address), peer)));
        if let Some(address) = identity.address {
            // Each stands for its eighth of the addresses; the last of a family for all that is left.
            let length = if address.is_ipv4() { 3 } else { 0 };
            addresses.extend(Cidr::new(address, length).map(|cidr| (cidr, peer)));
            addresses.extend(Cidr::new(address, 0).map(|cidr| (cidr, peer)));
        }
    }
    population.addresses = addresses.into_iter().collect();
    let judged = endpoints(&identities).iter().enumerate().map(|(at, identity)| Judged {
        name: EndpointName { namespace: Some("tiny".into()), name: format!("e{at}").into() },
        identity: Arc::new(identity.clone()),
    });
    World { judged: judged.collect(), population, identities }
}

fn table(world: &World, policy: &Verified<Policy>) -> Classified {
    classify(policy, &world.population, &world.judged, &Limits::default()).unwrap()
}

/// What a table says to a question.
fn look_up<'d>(world: &World, classified: &'d Classified, question: &Question<'_>) -> &'d Outcome {
    let at = world.judged.iter().position(|judged| *judged.identity == *question.subject).unwrap();
    let decision: &Decision = &classified.decision;
    let subject = decision.subject_of(&world.judged[at].name).unwrap();
    let class = classified.class(world.population.peer(question.peer).unwrap());
    decision.outcome(subject, question.direction, class, question.protocol, question.port)
}

fn proved(world: &World, policy: &Verified<Policy>, classified: &Classified) -> Result<(), Refuted> {
    let in_force = InForce::new(policy, &world.judged);
    validate(policy, &world.population, &world.judged, &in_force, classified).map(|_| ())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_table_answers_every_question_as_the_rules_do(policy in policies()) {
        let world = world();
        let classified = table(&world, &policy);
        for question in questions(&world.identities) {
            let expected = eval(&policy, &question);
            let found = look_up(&world, &classified, &question);
            let origins = expected.rules.iter().map(|id| policy.origin(*id)).collect::<std::collections::BTreeSet<_>>();
            let named = found.origins.iter().map(|id| &classified.decision.origins[id.index()]);
            prop_assert_eq!(
                (found.verdict, found.reason, found.authentication, found.widened),
                (expected.verdict, expected.reason, expected.authentication, expected.widened),
                "{:?}\n{}", question, policy.to_string()
            );
            prop_assert_eq!(named.collect::<std::collections::BTreeSet<_>>(), origins);
        }
    }

    #[test]
    fn tables_are_proved(policy in policies()) {
        let world = world();
        prop_assert_eq!(proved(&world, &policy, &table(&world, &policy)), Ok(()));
        let subjects: Vec<&Identity> = world.judged.iter().map(|judged| &*judged.identity).collect();
        let optimised = optimise(&policy, Some(&subjects)).unwrap().policy;
        prop_assert_eq!(proved(&world, &policy, &table(&world, &optimised)), Ok(()));
    }

    #[test]
    fn the_order_of_rules_leaves_no_trace(policy in policies(), seed in any::<usize>()) {
        let world = world();
        let mut shuffled = Policy::clone(&policy);
        if !shuffled.rules.is_empty() {
            let places = shuffled.rules.len();
            shuffled.rules.rotate_left(seed % places);
            shuffled.rules.reverse();
        }
        let shuffled = verify(shuffled.canonical()).unwrap();
        prop_assert_eq!(table(&world, &policy).decision, table(&world, &shuffled).decision);
    }

    /// A proof is worth as much as what it refutes: the table of a policy that lacks a rule.
    #[test]
    fn the_table_of_another_policy_is_refuted(policy in policies(), place in any::<prop::sample::Index>()) {
        prop_assume!(!policy.rules.is_empty());
        let world = world();
        let mut other = Policy::clone(&policy);
        other.rules.remove(place.index(policy.rules.len()));
        let other = verify(other.canonical()).unwrap();
        let says = |policy: &Policy, question: &Question<'_>| {
            let answer = eval(policy, question);
            (answer.verdict, answer.reason, answer.authentication, answer.widened)
        };
        let differs = questions(&world.identities).any(|question| says(&policy, &question) != says(&other, &question));
        if differs {
            prop_assert!(proved(&world, &policy, &table(&world, &other)).is_err());
        }
    }
}
