//! What holds of every policy.

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::arbitrary::{identities, policies, questions, wild_policies};
use super::super::eval::{eval, eval_among, selecting};
use super::super::text::parse;
use super::super::{Authentication, Policy, PortMatch, PortSet, Ports, Rule};
use crate::net::PortRange;
use crate::policy::eval::{Reason, Verdict};
use crate::policy::verify::verify;

/// What a policy does in the tiny world; which rules did it is left out, as twins number them otherwise.
fn behaviour(policy: &Policy) -> Vec<(Verdict, Reason, Option<Authentication>)> {
    let identities = identities();
    let answers = questions(&identities).map(|question| eval(policy, &question));
    answers.map(|answer| (answer.verdict, answer.reason, answer.authentication)).collect()
}

/// The second half of a rule whose `at`-th range was cut in two; `None` if it is no range of several.
fn cut(rule: &mut Rule, at: &Index) -> Option<Rule> {
    let Ports::Of(ports) = &mut rule.ports else { return None };
    let count = ports.len().max(1);
    let port = ports.get_mut(at.index(count))?;
    let PortSet::Range(PortRange { start, end }) = port.ports else { return None };
    (start < end).then_some(())?;
    let middle = start.midpoint(end);
    let upper = PortMatch { ports: PortSet::Range(PortRange { start: middle + 1, end }), ..port.clone() };
    port.ports = PortSet::Range(PortRange { start, end: middle });
    Some(Rule { ports: Ports::Of(vec![upper]), ..rule.clone() })
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(300))]

    #[test]
    fn printed_policies_are_read_back(policy in wild_policies()) {
        let text = policy.to_string();
        let read = parse(&text);
        prop_assert_eq!(read.as_ref().map(|read| read == &*policy), Ok(true), "{}", text);
        prop_assert_eq!(read.map(|read| read.to_string()), Ok(text));
    }
}

proptest! {
    // Each case asks every question of the tiny world.
    #![proptest_config(config(80))]

    #[test]
    fn the_order_of_rules_does_not_count(
        (policy, order) in policies().prop_flat_map(|policy| {
            let order = Just((0..policy.rules.len()).collect::<Vec<_>>()).prop_shuffle();
            (Just(policy), order)
        })
    ) {
        let rules = order.iter().map(|at| policy.rules[*at].clone()).collect();
        let twin = Policy { rules, ..(*policy).clone() }.canonical();
        prop_assert_eq!(behaviour(&twin), behaviour(&policy), "{}", *policy);
        prop_assert!(verify(twin).is_ok());
    }

    #[test]
    fn a_rule_said_twice_says_no_more(policy in policies(), which: Index, at: Index) {
        prop_assume!(!policy.rules.is_empty());
        let mut twin = (*policy).clone();
        let again = twin.rules[which.index(twin.rules.len())].clone();
        twin.rules.insert(at.index(twin.rules.len() + 1), again);
        prop_assert_eq!(behaviour(&twin.canonical()), behaviour(&policy), "{}", *policy);
    }

    #[test]
    fn a_range_may_be_two(policy in policies(), which: Index, at: Index) {
        prop_assume!(!policy.rules.is_empty());
        let mut twin = (*policy).clone();
        let rules = twin.rules.len();
        let upper = cut(&mut twin.rules[which.index(rules)], &at);
        twin.rules.extend(upper);
        let twin = verify(twin).unwrap();
        prop_assert_eq!(behaviour(&twin), behaviour(&policy), "{}", *policy);
    }

    #[test]
    fn eval_looks_at_the_selecting_rules_only(policy in policies()) {
        let identities = identities();
        for question in questions(&identities) {
            let among = selecting(&policy, question.subject, question.direction);
            let answer = eval(&policy, &question);
            prop_assert_eq!(&answer, &eval_among(&policy, &among, &question));
            prop_assert!(answer.rules.iter().all(|id| among.contains(id)));
        }
    }
}

/// Properties that hold because nothing ever happens prove nothing.
#[test]
fn the_tiny_world_sees_every_reason_and_verdict() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;
    let mut runner = TestRunner::deterministic();
    let mut seen = std::collections::BTreeMap::new();
    for _ in 0..100 {
        let policy = policies().new_tree(&mut runner).unwrap().current();
        for (verdict, reason, _) in behaviour(&policy) {
            *seen.entry((reason, verdict)).or_insert(0) += 1;
        }
    }
    let all = [
        (Reason::NotEnforced, Verdict::Allow),
        (Reason::Rules, Verdict::Deny),
        (Reason::Rules, Verdict::Redirect),
        (Reason::Rules, Verdict::Allow),
        (Reason::Localhost, Verdict::Allow),
        (Reason::DefaultDeny, Verdict::Deny),
        (Reason::NotIsolated, Verdict::Allow),
    ];
    assert!(all.iter().all(|outcome| seen.get(outcome).is_some_and(|times| *times > 100)), "{seen:?}");
}
