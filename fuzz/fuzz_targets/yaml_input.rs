//! Files of YAML or JSON: any bytes are read or refused, and everything read has a place in the text.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_compiler::source::oracle;

fuzz_target!(|bytes: &[u8]| {
    if let Err(fault) = oracle::check(bytes) {
        panic!("{fault}");
    }
});
