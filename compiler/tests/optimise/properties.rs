//! Random policies, each asked every question of the tiny world before and after each pass.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sluice_ir::ids::SelectorId;
use sluice_ir::label::LabelSource;
use sluice_ir::policy::arbitrary::{endpoints, identities, policies, questions};
use sluice_ir::policy::verify::{Verified, verify};
use sluice_ir::policy::{Direction, Identity, Peer, Peers, Policy, Subject, Tier};
use sluice_ir::selector::{Operator, Requirement, Selector};

use crate::PASSES;
use crate::contract::breach;

/// Policies in which rules often have a subject, a tier and a direction in common, with any selectors.
fn crowded() -> impl Strategy<Value = Verified<Policy>> {
    let parts = (policies(), policies(), policies(), prop::collection::vec(selector(), 12));
    let same = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (parts, same).prop_filter_map("must be sound", |((mut policy, second, third, selectors), same)| {
        let mut rules: Vec<_> = std::mem::replace(&mut policy, second.clone()).into_inner().rules;
        let mut base = second.into_inner();
        // Ids of one policy mean something else in another, which is as random as it was.
        rules.extend(third.into_inner().rules);
        rules.retain(|rule| {
            rule.origin.index() < base.origins.len() && rule.l7.is_none_or(|l7| l7.index() < base.l7.len())
        });
        base.rules.extend(rules);
        let (one_subject, own_selectors, one_tier, no_deny) = same;
        if own_selectors {
            base.selectors = selectors;
        }
        let places = base.selectors.len();
        for rule in &mut base.rules {
            fold_selectors(&mut rule.subject, &mut rule.peers, places);
            if one_subject {
                rule.subject = Subject::Endpoints(SelectorId::new(0));
            }
            if one_tier {
                (rule.tier, rule.authentication) = (Tier::Normal, None);
            }
            if no_deny && rule.direction == Direction::Ingress {
                rule.action = sluice_ir::policy::Action::Allow;
            }
        }
        (places > 0).then(|| verify(base.canonical()).ok()).flatten()
    })
}

/// Puts every selector into a table of another size.
fn fold_selectors(subject: &mut Subject, peers: &mut Peers, places: usize) {
    let folded = |id: SelectorId| SelectorId::new(id.index() % places.max(1));
    *subject = match *subject {
        Subject::Endpoints(id) => Subject::Endpoints(folded(id)),
        Subject::Nodes(id) => Subject::Nodes(folded(id)),
    };
    if let Peers::Of(peers) = peers {
        for peer in peers {
            if let Peer::Labels { selector, .. } = peer {
                *selector = folded(*selector);
            }
        }
    }
}

/// Up to four requirements on two keys.
fn selector() -> impl Strategy<Value = Selector> {
    let source = select(vec![LabelSource::Any, LabelSource::K8s, LabelSource::Node]);
    let values = || {
        subsequence(vec!["x", "y", "z"], 0..=2)
            .prop_map(|values| values.into_iter().map(Into::into).collect::<Vec<_>>())
    };
    let operator = prop_oneof![
        3 => values().prop_map(Operator::In),
        2 => values().prop_map(Operator::NotIn),
        1 => Just(Operator::Exists),
        1 => Just(Operator::DoesNotExist),
    ];
    let requirement = (source, select(vec!["app", "app", "role"]), operator)
        .prop_map(|(source, key, operator)| Requirement::new(source, key, operator));
    prop::collection::vec(requirement, 0..=4).prop_map(Selector::from_iter)
}

/// Asks about the first endpoints only, as they are the ones that the passes are told about.
fn hold(policy: &Policy, local: usize) -> Result<(), TestCaseError> {
    let identities = identities();
    let subjects: Vec<&Identity> = endpoints(&identities).iter().take(local).collect();
    for pass in PASSES {
        let is_local = |subject| subjects.iter().any(|local| std::ptr::eq(*local, subject));
        let asked = questions(&identities).filter(|question| is_local(question.subject));
        let breach = breach(pass, policy, &subjects, asked);
        prop_assert!(breach.is_none(), "{}", breach.unwrap_or_default());
    }
    Ok(())
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(200))]

    #[test]
    fn every_pass_keeps_the_contract(policy in policies(), local in 0..=6_usize) {
        hold(&policy, local)?;
    }

    #[test]
    fn every_pass_keeps_it_where_rules_meet(policy in crowded(), local in 3..=6_usize) {
        hold(&policy, local)?;
    }
}

/// A pass that never does anything keeps every contract.
#[test]
fn every_pass_changes_many_random_policies() {
    let mut runner = TestRunner::deterministic();
    let identities = identities();
    let subjects: Vec<&Identity> = endpoints(&identities).iter().take(4).collect();
    let mut changed = [0; PASSES.len()];
    for _ in 0..200 {
        let policy = crowded().new_tree(&mut runner).unwrap().current();
        for (count, (_, pass)) in changed.iter_mut().zip(PASSES) {
            *count += usize::from(pass(&policy, &subjects) != *policy);
        }
    }
    assert!(changed.iter().all(|count| *count > 30), "{changed:?}");
}
