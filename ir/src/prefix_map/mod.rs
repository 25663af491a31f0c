//! What holds of an address by the longest prefix around it.
//!
//! A [`PrefixMap`] is a finite set of *entries* `p -> v`, at most one for a prefix `p`. An entry
//! *matches* the addresses of its prefix. The map stands for a function from addresses to values, or to
//! none:
//!
//! ```text
//! M(a) = v   where p -> v is the entry with the longest p that holds a
//! M(a) = none   where no entry matches a
//! ```
//!
//! Two prefixes either share no address or one covers the other, so the entries that match an address are a
//! chain, and "the longest" is one entry at most. IPv4 and IPv6 are two such worlds that never meet.
//!
//! # Order
//!
//! Entries are kept by family, first address and length. So a prefix comes before those inside it, and
//! only those come between it and the last address that it holds. Whence [`lookup`](PrefixMap::lookup):
//! let `q` be the last entry that does not come behind `a`. If `q` holds `a`, nothing longer does. If
//! not, whatever holds `a` covers `q` too, so it is no longer than what `a` and `q` have in common; and
//! with this shorter prefix in place of `a` the same holds again. Each step costs O(log n) and drops a
//! bit at least; two or three do for most addresses.
//!
//! # Atoms
//!
//! The *atom* of an entry is what it decides: its addresses less those of the entries strictly inside it.
//! Atoms share no address, and together they are all addresses that have a value. An entry with an empty
//! atom is *dead*: `M` is the same without it. [`atoms`](PrefixMap::atoms) gives one address of each.
//!
//! # The smallest map
//!
//! Many maps stand for one function. [`minimal`](PrefixMap::minimal) finds one that no other beats in
//! size, by the method of Draves, King, Venkatachary and Zill, "Constructing Optimal IP Routing Tables"
//! (1999), with what addresses without a value need. Take the binary tree of all prefixes; `x0` and `x1`
//! are the halves of `x`. Each prefix has a set of values:
//!
//! ```text
//! S(x) = {}               where x holds an address without a value, else
//! S(x) = {v}              where every address of x has the value v
//! S(x) = S(x0) & S(x1)    where they have a value in common
//! S(x) = S(x0) | S(x1)    otherwise
//! ```
//!
//! Then go down from the whole family, with the value of the last entry written above, none at first. Where
//! `S(x)` is not empty and does not hold that value, write the least value of `S(x)` at `x`.
//!
//! Nothing here speaks of the entries, only of the function: two maps have equal minimal maps just if
//! they are the same function.

mod atoms;
mod key;
mod minimal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::iter;
use std::net::IpAddr;

pub use atoms::atoms_of;

use crate::net::Cidr;
use key::Key;

/// Values by longest prefix.
#[derive(Clone, PartialEq, Eq)]
pub struct PrefixMap<V> {
    entries: BTreeMap<Key, V>,
}

impl<V> PrefixMap<V> {
    /// The value written at just this prefix.
    pub fn get(&self, prefix: Cidr) -> Option<&V> {
        self.entries.get(&Key::of(prefix))
    }

    /// Writes an entry; gives the value that was there.
    pub fn insert(&mut self, prefix: Cidr, value: V) -> Option<V> {
        self.entries.insert(Key::of(prefix), value)
    }

    /// Takes an entry out; gives its value.
    pub fn remove(&mut self, prefix: Cidr) -> Option<V> {
        self.entries.remove(&Key::of(prefix))
    }

    /// The entries by family, address and length: a prefix comes before those inside it.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Cidr, &V)> + ExactSizeIterator {
        self.entries.iter().map(|(key, value)| (key.cidr(), value))
    }

    /// The same prefixes with other values.
    #[must_use]
    pub fn map<W>(&self, mut value: impl FnMut(&V) -> W) -> PrefixMap<W> {
        PrefixMap { entries: self.entries.iter().map(|(key, from)| (*key, value(from))).collect() }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry that decides an address: the longest of those that match it.
    pub fn lookup(&self, address: IpAddr) -> Option<(Cidr, &V)> {
        self.matching(address).next()
    }

    /// The entries that match an address, the longest first.
    pub fn matching(&self, address: IpAddr) -> impl Iterator<Item = (Cidr, &V)> {
        self.chain(Some(Key::of(Cidr::host(address))))
    }

    /// The entries that strictly cover a prefix, which need not be one of the map's, the longest first.
    pub fn covering(&self, prefix: Cidr) -> impl Iterator<Item = (Cidr, &V)> {
        self.chain(Key::of(prefix).parent())
    }

    /// The longest entry that strictly covers a prefix: what would decide its addresses if no entry were
    /// at the prefix nor inside it.
    pub fn parent(&self, prefix: Cidr) -> Option<(Cidr, &V)> {
        self.covering(prefix).next()
    }

    /// The entries that cover a prefix, or are there, the longest first. Why it finds them: see "Order"
    /// above.
    fn chain(&self, from: Option<Key>) -> impl Iterator<Item = (Cidr, &V)> {
        let mut below = from;
        iter::from_fn(move || {
            while let Some(bound) = below {
                let (key, value) = self.entries.range(..=bound).next_back()?;
                if key.covers(bound) {
                    below = key.parent();
                    return Some((key.cidr(), value));
                }
                below = (key.family == bound.family).then(|| bound.truncated(key.shared(bound)));
            }
            None
        })
    }
}

impl<V> Default for PrefixMap<V> {
    fn default() -> PrefixMap<V> {
        PrefixMap { entries: BTreeMap::new() }
    }
}

impl<V> FromIterator<(Cidr, V)> for PrefixMap<V> {
    /// Of several values for a prefix the last one counts. Takes O(n log n).
    fn from_iter<I: IntoIterator<Item = (Cidr, V)>>(entries: I) -> PrefixMap<V> {
        PrefixMap { entries: entries.into_iter().map(|(prefix, value)| (Key::of(prefix), value)).collect() }
    }
}

impl<V: std::fmt::Debug> std::fmt::Debug for PrefixMap<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
