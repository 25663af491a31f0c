//! Random policies, each asked every question of the tiny world before and after each pass.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sluice_ir::policy::arbitrary::{endpoints, identities, policies, questions};
use sluice_ir::policy::{Identity, Policy};

use crate::PASSES;
use crate::contract::breach;
use crate::crowd::crowded;

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
    #![proptest_config(config(150))]

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
