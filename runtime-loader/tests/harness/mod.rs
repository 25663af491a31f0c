//! What the tests need of the machine.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may")]
#![allow(dead_code, reason = "each test file uses some of it")]

pub(crate) mod case;
pub(crate) mod dns;
pub(crate) mod engines;
pub(crate) mod network;
pub(crate) mod policies;
pub(crate) mod programs;
pub(crate) mod traffic;

/// A frame that is long enough.
pub(crate) const PASS: &[u8] = &[0; 64];

/// Whether the test can run; if not, it says so.
pub(crate) fn root(test: &str) -> bool {
    let able = rustix::process::geteuid().is_root() && std::path::Path::new("/sys/fs/bpf").is_dir();
    if !able {
        eprintln!("{test}: not run, as it needs root and BPF");
    }
    able
}
