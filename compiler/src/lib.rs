//! From Kubernetes and Cilium YAML to verified network policy.

pub mod diagnostic;
pub mod source;
