//! `sluice`: compile, check and explain Kubernetes network policy.

fn main() {}
