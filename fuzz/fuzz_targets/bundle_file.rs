//! Bundles, whole or with repaired hashes: what is read is what was written, and can be looked at.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_backends::bundle::oracle;

fuzz_target!(|case: &[u8]| {
    if let Err(broken) = oracle::check(case) {
        panic!("{broken}");
    }
});
