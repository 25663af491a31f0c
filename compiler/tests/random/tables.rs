//! Tables of random worlds are proved, and answer every flow as the rules do.

use proptest::prelude::*;
use sluice_compiler::classify::Limits;
use sluice_compiler::decide;
use sluice_compiler::judge::Judge;

use crate::generate::cases;
use crate::harness::{all_flows, compiled, config, documents, file, translated};
use crate::shape::Case;

fn decided(case: &Case) -> Result<(), TestCaseError> {
    let compiled = compiled(case, &[file(&documents(case))]);
    for view in [case.world.view, None] {
        let decided = decide(&compiled, view, &Limits::default(), &mut |_| {});
        prop_assert!(decided.is_ok(), "{:?}\n{}", decided.map(|_| ()), file(&documents(case)));
        let judge = Judge::new(&compiled, view.map(Into::into));
        let flows: Vec<_> = all_flows().iter().map(|flow| translated(case, flow)).collect();
        let answers = judge.flows_by_tables(&flows.iter().collect::<Vec<_>>(), &Limits::default());
        prop_assert!(answers.is_ok(), "{:?}\n{}", answers.map(|_| ()), file(&documents(case)));
    }
    Ok(())
}

proptest! {
    #![proptest_config(config(150))]

    #[test]
    fn tables_of_random_worlds(case in cases()) {
        decided(&case)?;
    }
}
