//! Tests of the canonical form, the verifier and the text form.

mod canonical;
mod text;
mod verifier;

use proptest::prelude::ProptestConfig;

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}
