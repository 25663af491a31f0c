//! `sluice`: compile, check and explain Kubernetes network policy.

use std::process::ExitCode;

/// A release is linked with musl, whose own allocator takes one lock for all threads: with it a compile takes half as
/// much work again, and two processors are no faster than one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    sluice::run(std::env::args_os())
}
