//! Who is let in, and what is let out.

mod all_entity;
mod all_ports;
mod api_server_by_service;
mod cluster_entity;
mod every_namespace;
mod host_entity;
mod metadata_service;
mod none_entity;
mod open_to_world;
mod sensitive_port;

use std::net::{IpAddr, Ipv4Addr};

use sluice_ir::policy::{Action, Direction};

use super::facts::EntryFact;
use super::{Context, Lint};
use crate::resource::cilium::{Entity, PeerItems};
use crate::resource::decode::Spanned;
use crate::source::Span;

pub(super) const LINTS: &[Lint] = &[
    open_to_world::LINT,
    sensitive_port::LINT,
    metadata_service::LINT,
    all_entity::LINT,
    cluster_entity::LINT,
    api_server_by_service::LINT,
    every_namespace::LINT,
    host_entity::LINT,
    none_entity::LINT,
    all_ports::LINT,
];

/// The address at which clouds tell an instance its credentials.
const METADATA: IpAddr = IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254));

/// The entities of an entry.
fn entities<'e>(entry: &EntryFact<'e>) -> impl Iterator<Item = &'e Spanned<Entity>> {
    let lists = entry.cilium.into_iter().flat_map(|spec| &spec.peers);
    lists.flat_map(|list| match &list.items {
        PeerItems::Entities(entities) => entities.as_slice(),
        _ => &[],
    })
}

/// Where an allow means the whole world in so many words, if it does.
fn world(context: &Context<'_>, at: usize) -> Option<Span> {
    let entry = context.facts.entry(at);
    let word = entities(entry).find(|entity| matches!(entity.value, Entity::World | Entity::All));
    word.map(|entity| entity.span).or_else(|| everything(context, at))
}

/// The prefix of all addresses of a family, if it is among the peers.
fn everything(context: &Context<'_>, at: usize) -> Option<Span> {
    let of = context.facts.prefixes_of(at).iter();
    of.filter(|prefix| prefix.cidr.value.length() == 0).map(|prefix| prefix.cidr.span).next()
}

/// The allows of a direction, with their places.
fn allows<'c>(
    context: &'c Context<'_>,
    direction: Direction,
) -> impl Iterator<Item = (usize, &'c EntryFact<'c>)> {
    let all = context.facts.entries.iter().enumerate();
    all.filter(move |(_, entry)| entry.direction == direction && entry.action == Action::Allow)
}
