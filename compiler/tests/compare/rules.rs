//! What is found out about rules, held against the reference without the rule.

use proptest::prelude::*;
use sluice_compiler::compare::rules::{Finding, Review, Vacuous, WORK, review};
use sluice_ir::ids::RuleId;
use sluice_ir::policy::arbitrary::policies;
use sluice_ir::policy::eval::{
    Question, Reason, Verdict, peers_match, rule_matches, rule_verdict, subject_matches,
};
use sluice_ir::policy::{Action, Enforcement, Policy, Rule};

use crate::world::{Flow, World, config, meaning};

/// Whether rules are enforced on the subject of a question.
fn enforced(policy: &Policy, question: &Question<'_>) -> bool {
    policy.settings.enforcement != Enforcement::Never
        && (!question.subject.is_host() || policy.settings.host_firewall)
}

/// The questions that a rule matches.
fn matching<'w>(world: &'w World, policy: &Policy, rule: &Rule, flows: &[Flow]) -> Vec<Question<'w>> {
    let questions = flows.iter().map(|flow| flow.question(world));
    let matches = |question: &Question<'_>| {
        rule.direction == question.direction
            && enforced(policy, question)
            && subject_matches(policy, rule.subject, question.subject)
            && rule_matches(policy, rule, question)
    };
    questions.filter(matches).collect()
}

fn without(policy: &Policy, rule: RuleId) -> Policy {
    let mut less = policy.clone();
    less.rules.remove(rule.index());
    less
}

proptest! {
    #![proptest_config(config(32))]

    /// With too little work some rules stay open, and of all others the same is said as with enough.
    #[test]
    fn rules_that_were_not_examined_are_open(policy in policies(), work in 0_u64..4000) {
        let world = World::new();
        let all = review(&policy, &world.population, &world.judged, WORK);
        prop_assert!(all.iter().all(|review| !review.open));
        for (review, whole) in review(&policy, &world.population, &world.judged, work).iter().zip(&all) {
            let Some(finding) = &whole.finding else {
                prop_assert!(review.finding.is_none() && (review.open || review == whole));
                continue;
            };
            prop_assert!(review.open || review.finding.as_ref() == Some(finding), "{:?}", review);
            prop_assert!(!review.open || review.finding.is_none());
        }
        let none = review(&policy, &world.population, &world.judged, 0);
        let selected = |review: &&Review| !matches!(review.finding, Some(Finding::Vacuous(_)));
        prop_assert!(none.iter().filter(selected).all(|review| review.open));
    }

    #[test]
    fn a_rule_is_needed_just_if_some_answer_changes_without_it(policy in policies()) {
        let world = World::new();
        let flows = world.flows();
        for review in review(&policy, &world.population, &world.judged, WORK) {
            let less = without(&policy, review.rule);
            let changes = |flow: &&Flow| {
                let question = flow.question(&world);
                meaning(&policy, &question).0 != meaning(&less, &question).0
            };
            let change = flows.iter().find(changes);
            prop_assert_eq!(review.needed.is_some(), change.is_some(), "{:?} {:?}\n{}", review, change, policy.to_string());
            if let Some(witness) = &review.needed {
                let subject = &world.judged.iter().find(|judged| judged.name == witness.endpoint).unwrap().identity;
                let (peer, direction) = (&witness.peer, witness.direction);
                let question = Question { subject, peer, direction, protocol: witness.protocol, port: witness.port };
                prop_assert!(meaning(&policy, &question).0 != meaning(&less, &question).0, "{:?}", review);
            }
            prop_assert!(review.needed.is_some() || review.finding.is_some());
        }
    }

    #[test]
    fn findings_are_what_the_reference_says(policy in policies()) {
        let world = World::new();
        let flows = world.flows();
        for review in review(&policy, &world.population, &world.judged, WORK) {
            let rule = policy.rule(review.rule);
            let matched = matching(&world, &policy, rule, &flows);
            let answers: Vec<_> = matched.iter().map(|question| meaning(&policy, question).1).collect();
            let denied = |answer: &sluice_ir::policy::eval::Answer| {
                (answer.verdict, answer.reason) == (Verdict::Deny, Reason::Rules)
            };
            let hidden = rule.action == Action::Allow && !matched.is_empty() && answers.iter().all(denied);
            let shadowed = matches!(review.finding, Some(Finding::Shadowed { .. }));
            prop_assert_eq!(shadowed, hidden, "{:?}\n{}", review, policy.to_string());
            match &review.finding {
                Some(Finding::Vacuous(vacuous)) => {
                    prop_assert!(matched.is_empty());
                    let selected = world.judged.iter().any(|judged| subject_matches(&policy, rule.subject, &judged.identity));
                    let peers = world.identities.iter().any(|peer| peers_match(&policy, &rule.peers, peer));
                    match vacuous {
                        Vacuous::NoEndpoint { .. } => prop_assert!(!selected),
                        Vacuous::NotEnforced => prop_assert!(selected),
                        Vacuous::NoPeer { .. } => prop_assert!(selected && !peers),
                        Vacuous::NoPort { .. } => prop_assert!(selected && peers),
                    }
                }
                Some(Finding::Shadowed { by }) => {
                    let denies = |id: &&RuleId| rule_verdict(policy.rule(**id)) == Verdict::Deny;
                    for answer in &answers {
                        prop_assert!(answer.rules.iter().filter(denies).any(|id| by.contains(id)), "{:?}", review);
                    }
                }
                Some(Finding::Redundant(cover)) => {
                    let less = without(&policy, review.rule);
                    for question in &matched {
                        let answer = meaning(&less, question).1;
                        // Rules behind the one that is taken away have moved up.
                        let own = |id: RuleId| RuleId::new(id.index() + usize::from(id >= review.rule));
                        let mut all: Vec<RuleId> = (0..less.rules.len()).map(RuleId::new).collect();
                        all.retain(|id| {
                            let rule = less.rule(*id);
                            rule.direction == question.direction
                                && subject_matches(&less, rule.subject, question.subject)
                                && rule_matches(&less, rule, question)
                        });
                        let covered = match answer.reason {
                            Reason::Rules => all.into_iter().any(|id| cover.by.contains(&own(id))),
                            step => cover.steps.contains(&step),
                        };
                        prop_assert!(covered, "{:?} {:?}\n{}", review, question, policy.to_string());
                    }
                    prop_assert!(!cover.by.contains(&review.rule));
                }
                None => {}
            }
        }
    }
}
