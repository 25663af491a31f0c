//! DNS names and patterns against the oracle: which texts are valid, and which names they match.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use sluice_ir::dns_name::oracle;

/// Some times the longest name of DNS: more says nothing new and slows the oracle down.
const MAX_LENGTH: usize = 2048;

fuzz_target!(|case: &[u8]| -> Corpus {
    let Ok(case) = str::from_utf8(case) else { return Corpus::Reject };
    if case.len() > MAX_LENGTH {
        return Corpus::Reject;
    }
    if let Err(disagreement) = oracle::check(case) {
        panic!("{disagreement}");
    }
    Corpus::Keep
});
