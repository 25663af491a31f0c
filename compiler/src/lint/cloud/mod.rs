//! Services, groups of prefixes and AWS.

mod aws_group_inside;
mod aws_group_partly;
mod aws_older_than_cluster;
mod empty_cidr_group;
mod service_in_deny;
mod service_without_pods;
mod service_without_ports;
mod unused_cidr_group;

use super::facts::EntryFact;
use super::{Context, Lint};
use crate::resource::cilium::{CloudGroup, PeerItems, ServiceRef};

pub(super) const LINTS: &[Lint] = &[
    service_in_deny::LINT,
    service_without_pods::LINT,
    service_without_ports::LINT,
    empty_cidr_group::LINT,
    unused_cidr_group::LINT,
    aws_group_partly::LINT,
    aws_group_inside::LINT,
    aws_older_than_cluster::LINT,
];

/// The services that entries name.
fn services<'c>(context: &'c Context<'_>) -> impl Iterator<Item = (&'c EntryFact<'c>, &'c ServiceRef)> {
    context.facts.entries.iter().flat_map(|entry| {
        let lists = entry.cilium.into_iter().flat_map(|spec| &spec.peers);
        lists.flat_map(move |list| {
            let items = match &list.items {
                PeerItems::Services(services) => services.as_slice(),
                _ => &[],
            };
            items.iter().map(move |item| (entry, item))
        })
    })
}

/// The cloud groups that entries name.
fn groups<'c>(context: &'c Context<'_>) -> impl Iterator<Item = (&'c EntryFact<'c>, &'c CloudGroup)> {
    context.facts.entries.iter().flat_map(|entry| {
        let lists = entry.cilium.into_iter().flat_map(|spec| &spec.peers);
        lists.flat_map(move |list| {
            let items = match &list.items {
                PeerItems::Groups(groups) => groups.as_slice(),
                _ => &[],
            };
            items.iter().map(move |item| (entry, item))
        })
    })
}
