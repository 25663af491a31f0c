//! Printing and reading agree.

use proptest::prelude::*;

use super::config;
use crate::decision::arbitrary::{decisions, wild_decisions};
use crate::decision::text::parse;
use crate::decision::verify::verify;

proptest! {
    #![proptest_config(config(100))]

    #[test]
    fn printed_decisions_are_read_back(decision in prop_oneof![decisions(), wild_decisions()]) {
        let text = decision.to_string();
        let read = parse(&text);
        prop_assert_eq!(read.as_ref(), Ok(&decision), "{}", text);
        prop_assert_eq!(read.map(|read| read.to_string()), Ok(text));
    }

    #[test]
    fn random_decisions_are_sound(decision in prop_oneof![decisions(), wild_decisions()]) {
        prop_assert!(verify(decision.clone()).is_ok(), "{:?}\n{}", verify(decision.clone()), decision);
    }
}
