//! The compiler and the reference agree about every flow.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use sluice_ir::policy::eval::{Reason, Verdict};

use crate::generate::cases;
use crate::harness::{all_flows, answers, compiled, config, documents, file, verdicts};
use crate::reference::{Flow, judge};
use crate::shape::Case;

fn agree(case: &Case, flows: &[Flow]) -> Result<(), TestCaseError> {
    let text = file(&documents(case));
    let given = verdicts(case, &compiled(case, std::slice::from_ref(&text)), flows);
    for (flow, given) in flows.iter().zip(given) {
        prop_assert_eq!(
            given,
            judge(case, flow),
            "compiler against reference: {:?}\n{}{:?} {:?} {:?}",
            flow,
            text,
            case.world.answers,
            case.world.options,
            case.world.view
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(30))]

    #[test]
    fn every_flow_of_a_world(case in cases()) {
        agree(&case, &all_flows())?;
    }
}

/// One flow in so many is asked where worlds are many.
const STRIDE: usize = 16;

proptest! {
    #![proptest_config(config(350))]

    #[test]
    fn some_flows_of_many_worlds(case in cases(), offset in 0..STRIDE) {
        let flows: Vec<Flow> = all_flows().into_iter().skip(offset).step_by(STRIDE).collect();
        agree(&case, &flows)?;
    }
}

/// Agreement is worth as much as the cases are. Each outcome must be common enough that a mistake in
/// it would be met.
#[test]
fn the_cases_reach_every_outcome() {
    let mut runner = TestRunner::deterministic();
    let mut counts: BTreeMap<(Reason, Verdict), usize> = BTreeMap::new();
    let flows: Vec<Flow> = all_flows().into_iter().step_by(STRIDE + 1).collect();
    for _ in 0..100 {
        let case = cases().new_tree(&mut runner).unwrap().current();
        let compiled = compiled(&case, &[file(&documents(&case))]);
        for answer in answers(&case, &compiled, &flows).into_iter().flatten().flatten() {
            *counts.entry((answer.reason, answer.verdict)).or_default() += 1;
        }
    }
    let all: usize = counts.values().sum();
    let outcomes = [
        ((Reason::Rules, Verdict::Deny), 100),
        ((Reason::Rules, Verdict::Redirect), 200),
        ((Reason::Rules, Verdict::Allow), 20),
        ((Reason::Localhost, Verdict::Allow), 500),
        ((Reason::DefaultDeny, Verdict::Deny), 10),
        ((Reason::NotIsolated, Verdict::Allow), 10),
    ];
    for (outcome, one_in) in outcomes {
        let count = counts.get(&outcome).copied().unwrap_or_default();
        assert!(count * one_in >= all, "{outcome:?}: {count} of {all}; {counts:?}");
    }
}
