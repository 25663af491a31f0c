//! Decisions in text form: any text is read or refused, and what is sound survives printing.
#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use sluice_ir::decision::text::oracle;

fuzz_target!(|text: &[u8]| -> Corpus {
    let Ok(text) = str::from_utf8(text) else { return Corpus::Reject };
    if let Err(fault) = oracle::check(text) {
        panic!("{fault}");
    }
    Corpus::Keep
});
