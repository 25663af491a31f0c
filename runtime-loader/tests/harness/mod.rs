//! What the tests need of the machine.

/// A frame that is long enough.
pub(crate) const PASS: &[u8] = &[0; 64];

/// Whether the test can run; if not, it says so.
pub(crate) fn root(test: &str) -> bool {
    let able = rustix::process::geteuid().is_root();
    if !able {
        eprintln!("{test}: not run, as it needs root");
    }
    able
}
