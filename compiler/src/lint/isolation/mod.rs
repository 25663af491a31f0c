//! Default deny, and entries that say nothing.

mod clusterwide_isolates;
mod deny_isolates;
mod empty_deny;
mod empty_entry;
mod empty_from;
mod ingress_closed_too;
mod own_namespace;
mod policy_types;

use super::Lint;

pub(super) const LINTS: &[Lint] = &[
    deny_isolates::LINT,
    empty_entry::LINT,
    empty_deny::LINT,
    empty_from::LINT,
    policy_types::LINT,
    ingress_closed_too::LINT,
    clusterwide_isolates::LINT,
    own_namespace::LINT,
];
