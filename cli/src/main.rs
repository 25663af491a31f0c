//! `sluice`: compile, check and explain Kubernetes network policy.

use std::process::ExitCode;

fn main() -> ExitCode {
    sluice::run(std::env::args_os())
}
