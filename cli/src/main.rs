//! `sluice`: compile, check and explain Kubernetes network policy.

use std::process::ExitCode;

/// Musl's own allocator takes one lock for all threads: with it a compile takes half as much work again, and two
/// processors are no faster than one.
#[cfg(target_env = "musl")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sluice::run(std::env::args_os())
}
