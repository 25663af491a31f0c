//! Who is selected, and who is a peer.

mod cidr_covers_nodes;
mod cidr_covers_pods;
mod cluster_ip_in_cidr;
mod contradictory_selector;
mod duplicate_peer;
mod except_covers_all;
mod filtered_label;
mod foreign_namespace;
mod host_bits;
mod host_network_peer;
mod host_network_pods;
mod mapped_prefix;
mod peer_nowhere;
mod reserved_negation;
mod reserved_world;
mod selects_nothing;
mod unknown_namespace;
mod unmatchable_source;

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    selects_nothing::LINT,
    peer_nowhere::LINT,
    unknown_namespace::LINT,
    filtered_label::LINT,
    reserved_negation::LINT,
    unmatchable_source::LINT,
    reserved_world::LINT,
    foreign_namespace::LINT,
    contradictory_selector::LINT,
    cidr_covers_pods::LINT,
    cidr_covers_nodes::LINT,
    cluster_ip_in_cidr::LINT,
    mapped_prefix::LINT,
    host_bits::LINT,
    except_covers_all::LINT,
    duplicate_peer::LINT,
    host_network_pods::LINT,
    host_network_peer::LINT,
];
