//! The smallest map of a function, by the equations in the parent's documentation.
//!
//! # Why the function is the same
//!
//! A prefix without an empty set has none below it, and passes down a value of its own set. The set of a
//! single address has just its value. An address without a value has an empty set at every prefix around
//! it, so none of them is written.
//!
//! # Why no map is smaller
//!
//! In no map of the function does an entry match an address without a value: it would give it one. So
//! every entry lies in one of the largest prefixes with a nonempty set. They share no address, so each
//! can be looked at by itself, with nothing to inherit. Let `C(x)` be how often the fourth equation is
//! used in `x`. The fewest entries in `x` that are right where `x` inherits `i` are
//!
//! ```text
//! cost(x, i) = C(x) + [i not in S(x)]
//! ```
//!
//! That is so where `x` has a single value. Elsewhere, by induction, it takes `C(x0) + C(x1)` and
//!
//! ```text
//! [i not in S(x0)] + [i not in S(x1)]        without an entry at x
//! 1 + [v not in S(x0)] + [v not in S(x1)]    with an entry v at x, the best v that there is
//! ```
//!
//! If the sets meet, the lesser is 0 for an `i` in both, else 1, with a `v` in both. If not, it is 1 for an
//! `i` in either, else 2, with a `v` in either. The way down writes the better in each case.
//!
//! # Why it is quick
//!
//! Where no entry is and none part ways, one half of a prefix has a single value `d`, inherited. Right
//! above a prefix with the set `S` that makes `{d}` or `S | {d}`, and above that `{d}` all the way, as
//! `d` is in both halves; or all are empty, if `d` is none. So the tree holds only the prefixes where an
//! entry is or entries part, the one right above each, and nothing for the rest of the way.

use std::mem;
use std::num::NonZeroU32;
use std::ops::Range;

use super::PrefixMap;
use super::key::Key;
use crate::net::Family;

impl<V: Copy + Ord> PrefixMap<V> {
    /// The map of the same function with the fewest entries.
    ///
    /// Two maps have equal minimal maps just if they give every address the same value or none. Of
    /// several smallest maps it is the one that writes each entry at the shortest prefix that will do,
    /// and there the least value. Takes O(n log n); with as many values as entries, O(n b) at worst for
    /// addresses of `b` bits.
    #[must_use]
    pub fn minimal(&self) -> PrefixMap<V> {
        self.minimal_by(|value| *value)
    }
}

impl<V> PrefixMap<V> {
    /// The [smallest map](PrefixMap::minimal) of the function that gives every address another value in the
    /// place of its own.
    #[must_use]
    pub fn minimal_by<W: Copy + Ord>(&self, value: impl Fn(&V) -> W) -> PrefixMap<W> {
        let entries: Vec<(Key, W)> = self.entries.iter().map(|(key, from)| (*key, value(from))).collect();
        let (v4, v6) = entries.split_at(entries.partition_point(|(key, _)| key.family == Family::V4));
        let mut written = Vec::new();
        for (family, entries) in [(Family::V4, v4), (Family::V6, v6)] {
            let mut tree = Tree { nodes: Vec::new(), sets: Vec::new(), joined: Vec::new() };
            tree.grow(Key::everything(family), entries, None);
            if let Some(root) = tree.nodes.first() {
                tree.write(root, None, &mut written);
            }
        }
        PrefixMap { entries: written.into_iter().collect() }
    }
}

/// The prefixes where something happens.
struct Tree<V> {
    nodes: Vec<Node<V>>,
    /// The members of all nodes' sets, each set in rising order.
    sets: Vec<V>,
    /// Room for the set in the making.
    joined: Vec<V>,
}

struct Node<V> {
    key: Key,
    /// The value of its addresses outside of `halves`: its entry's, or what the map gives it from above.
    value: Option<V>,
    /// The nodes in its halves, or further down in them.
    halves: [Half; 2],
    /// Where in `sets` its own is.
    set: Range<usize>,
}

/// The place of a node that lies in a half of another; the root does not. Narrow, as the tree is slow by
/// its size, and wide enough for 200 gigabytes of nodes.
type Half = Option<NonZeroU32>;

impl<V: Copy + Ord> Tree<V> {
    /// Makes the node of `key`, and those below, from the entries that `key` covers: the way up.
    fn grow(&mut self, key: Key, entries: &[(Key, V)], inherited: Option<V>) -> u32 {
        let (value, inside) = match entries {
            [(first, value), inside @ ..] if *first == key => (Some(*value), inside),
            inside => (inherited, inside),
        };
        let middle = inside.partition_point(|(inner, _)| !inner.is_upper(key.length));
        let (lower, upper) = inside.split_at(middle);
        // In the order of the way down, which then reads memory in one direction.
        let place = self.nodes.len();
        self.nodes.push(Node { key, value, halves: [None, None], set: 0..0 });
        let halves = [self.grow_half(key, lower, value), self.grow_half(key, upper, value)];
        let set = self.join(key, halves, value);
        self.nodes[place] = Node { key, value, halves, set };
        u32::try_from(place).unwrap_or(u32::MAX)
    }

    /// Makes the first node below `outer` among the entries of one of its halves.
    fn grow_half(&mut self, outer: Key, entries: &[(Key, V)], value: Option<V>) -> Half {
        let ((first, _), (last, _)) = (entries.first()?, entries.last()?);
        // One bit less than where something happens: see "Why it is quick".
        let length = first.shared(*last).saturating_sub(1).max(outer.length + 1);
        NonZeroU32::new(self.grow(first.truncated(length), entries, value))
    }

    fn node(&self, half: Half) -> Option<&Node<V>> {
        half.and_then(|place| self.nodes.get(place.get() as usize))
    }

    fn set(&self, node: &Node<V>) -> &[V] {
        &self.sets[node.set.clone()]
    }

    /// Adds the set of a node, from those of its halves.
    fn join(&mut self, key: Key, halves: [Half; 2], value: Option<V>) -> Range<usize> {
        let mut joined = mem::take(&mut self.joined);
        let [lower, upper] = halves.map(|half| match self.node(half) {
            Some(node) if node.key.length == key.length + 1 => self.set(node),
            _ => value.as_slice(),
        });
        join(lower, upper, &mut joined);
        let start = self.sets.len();
        self.sets.append(&mut joined);
        self.joined = joined;
        start..self.sets.len()
    }

    /// Writes the entries that a node and those below need under an inherited value: the way down.
    fn write(&self, node: &Node<V>, inherited: Option<V>, written: &mut Vec<(Key, V)>) {
        let value = choose(node.key, self.set(node), inherited, written);
        if node.halves == [None, None] {
            return;
        }
        for (half, inner) in [node.key.half(false), node.key.half(true)].into_iter().zip(node.halves) {
            match self.node(inner) {
                Some(inner) if inner.key == half => self.write(inner, value, written),
                inner => {
                    let value = choose(half, node.value.as_slice(), value, written);
                    if let Some(inner) = inner {
                        self.write(inner, value, written);
                    }
                }
            }
        }
    }
}

/// The set of a prefix from those of its halves.
fn join<V: Copy + Ord>(lower: &[V], upper: &[V], joined: &mut Vec<V>) {
    joined.clear();
    if lower.is_empty() || upper.is_empty() {
        return;
    }
    let (few, many) = if lower.len() <= upper.len() { (lower, upper) } else { (upper, lower) };
    joined.extend(few.iter().filter(|value| many.binary_search(value).is_ok()));
    if joined.is_empty() {
        joined.extend(few.iter().chain(many));
        joined.sort();
    }
}

/// The value that a prefix passes down, written there unless it is inherited.
fn choose<V: Copy + Ord>(
    key: Key,
    set: &[V],
    inherited: Option<V>,
    written: &mut Vec<(Key, V)>,
) -> Option<V> {
    let least = *set.first()?;
    if let Some(inherited) = inherited.filter(|value| set.binary_search(value).is_ok()) {
        return Some(inherited);
    }
    written.push((key, least));
    Some(least)
}
