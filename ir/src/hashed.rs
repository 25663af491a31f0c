//! Values that are hashed once, when they are made.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;

/// A value that is looked up in many tables, with its hash beside it. It is equal to, and comes before, what its value
/// alone would be: the hash only says sooner that two are different.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hashed<T> {
    // First, so that it is compared first.
    hash: u64,
    value: T,
}

impl<T> Hashed<T> {
    /// `hash` must be the same for equal values.
    pub(crate) fn new(value: T, hash: u64) -> Hashed<T> {
        Hashed { hash, value }
    }
}

impl<T> Deref for Hashed<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Hashed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T: Ord> PartialOrd for Hashed<T> {
    fn partial_cmp(&self, other: &Hashed<T>) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> Ord for Hashed<T> {
    fn cmp(&self, other: &Hashed<T>) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<T> Hash for Hashed<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}
