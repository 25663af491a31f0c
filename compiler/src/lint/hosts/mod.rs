//! Nodes, and other clusters.

mod cluster_without_namespace;
mod global_service_local_peers;
mod host_firewall_off;
mod host_locked_out;
mod other_cluster;

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    host_locked_out::LINT,
    host_firewall_off::LINT,
    cluster_without_namespace::LINT,
    other_cluster::LINT,
    global_service_local_peers::LINT,
];
