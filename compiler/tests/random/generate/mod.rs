//! Strategies: worlds and policies that are small enough to meet each other often, and always valid.

mod cilium;
mod network;
mod peers;
mod selectors;
mod world;

use proptest::prelude::*;

pub(crate) use self::network::network_policies;
pub(crate) use self::world::worlds;
use crate::shape::*;

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    (worlds(), proptest::collection::vec(policies(), 1..=4))
        .prop_map(|(world, policies)| Case { world, policies })
}

fn maybe<S: Strategy>(strategy: S) -> impl Strategy<Value = Option<S::Value>> + use<S>
where
    S::Value: Clone,
{
    proptest::option::of(strategy)
}

/// Mostly one to `most` of something, now and then nothing.
fn few<S: Strategy>(strategy: S, most: usize) -> impl Strategy<Value = Vec<S::Value>> + use<S> {
    proptest::option::weighted(0.9, some(strategy, most)).prop_map(Option::unwrap_or_default)
}

/// One to `most` of something.
fn some<S: Strategy>(strategy: S, most: usize) -> impl Strategy<Value = Vec<S::Value>> + use<S> {
    proptest::collection::vec(strategy, 1..=most)
}

pub(crate) fn policies() -> impl Strategy<Value = Policy> {
    prop_oneof![
        3 => cilium::cilium_policies().prop_map(Policy::Cilium),
        1 => network_policies().prop_map(Policy::Network),
    ]
}
