//! DNS messages, as pods and servers send them: what is said to them can be read, and what does not match is not taken.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sluice_loader::dns::message::oracle;

fuzz_target!(|case: &[u8]| {
    if let Err(broken) = oracle::check(case) {
        panic!("{broken}");
    }
});
