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
//! `d` is in both halves; or all are empty, if `d` is none. So the tree holds only the prefixes where
//! entries part and the entries with others inside; the sets of what lies between follow from these.

use std::cmp::Ordering;
use std::mem;
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
        let mut written = Vec::with_capacity(entries.len());
        for (family, entries) in [(Family::V4, v4), (Family::V6, v6)] {
            let mut tree = Tree { entries, nodes: Vec::new(), sets: Vec::new(), joined: Vec::new() };
            tree.nodes.reserve(entries.len());
            let root = tree.grow_at(Key::everything(family), 0..entries.len(), None);
            tree.write(root, None, &mut written);
        }
        PrefixMap { entries: written.into_iter().collect() }
    }
}

/// The prefixes where something happens.
struct Tree<'e, V> {
    entries: &'e [(Key, V)],
    nodes: Vec<Node<V>>,
    /// The members of sets of more than one value, each set in rising order.
    sets: Vec<V>,
    /// Room for the set in the making.
    joined: Vec<V>,
}

/// A prefix where entries part ways, or an entry with others inside.
struct Node<V> {
    key: Key,
    /// The value of its addresses outside of `halves`: its entry's, or what the map gives it from above.
    value: Option<V>,
    /// What is in its halves, or further down in them.
    halves: [Below; 2],
    set: Set<V>,
}

/// What happens first in some part of a prefix. The numbers are narrow, as the tree is slow by its size.
#[derive(Clone, Copy)]
enum Below {
    Nothing,
    /// The place of an entry with none inside.
    Entry(u32),
    /// The place of a node.
    Node(u32),
}

/// A set of values.
#[derive(Clone, Copy)]
enum Set<V> {
    Few(Option<V>),
    /// From where to where it is in [`Tree::sets`].
    Many(u32, u32),
}

impl<V: Copy + Ord> Tree<'_, V> {
    /// Finds out what happens first among the entries of `range`, and makes its node: the way up.
    fn grow(&mut self, range: Range<usize>, inherited: Option<V>) -> Below {
        match &self.entries[range.clone()] {
            [] => Below::Nothing,
            [_] => Below::Entry(narrow(range.start)),
            [(first, _), .., (last, _)] => {
                self.grow_at(first.truncated(first.shared(*last)), range, inherited)
            }
        }
    }

    /// Makes the node of `key`, and those below, from the entries of `range`, which are all that `key` covers.
    fn grow_at(&mut self, key: Key, range: Range<usize>, inherited: Option<V>) -> Below {
        let (value, start) = match self.entries.get(range.start) {
            Some((first, value)) if *first == key => (Some(*value), range.start + 1),
            _ => (inherited, range.start),
        };
        let inside = &self.entries[start..range.end];
        let middle = start + inside.partition_point(|(inner, _)| !inner.is_upper(key.length));
        // In the order of the way down, which then reads memory in one direction.
        let place = self.nodes.len();
        self.nodes.push(Node { key, value, halves: [Below::Nothing; 2], set: Set::Few(None) });
        let halves = [self.grow(start..middle, value), self.grow(middle..range.end, value)];
        let set = self.join(key.length + 1, halves, value);
        self.nodes[place] = Node { key, value, halves, set };
        Below::Node(narrow(place))
    }

    /// The prefix of what is below, if anything is.
    fn key(&self, below: Below) -> Option<Key> {
        match below {
            Below::Nothing => None,
            Below::Entry(place) => Some(self.entries[place as usize].0),
            Below::Node(place) => Some(self.nodes[place as usize].key),
        }
    }

    fn set(&self, below: Below) -> Set<V> {
        match below {
            Below::Nothing => Set::Few(None),
            Below::Entry(place) => Set::Few(Some(self.entries[place as usize].1)),
            Below::Node(place) => self.nodes[place as usize].set,
        }
    }

    fn values<'s>(&'s self, set: &'s Set<V>) -> &'s [V] {
        match set {
            Set::Few(value) => value.as_slice(),
            Set::Many(start, end) => &self.sets[*start as usize..*end as usize],
        }
    }

    /// The set of a node, from its halves of `length` bits and the value around what is in them.
    fn join(&mut self, length: u8, halves: [Below; 2], value: Option<V>) -> Set<V> {
        let [lower, upper] = halves.map(|below| match self.key(below) {
            Some(inner) if inner.length == length => self.set(below),
            Some(inner) if inner.length == length + 1 => self.join_sets(self.set(below), Set::Few(value)),
            _ => Set::Few(value),
        });
        self.join_sets(lower, upper)
    }

    fn join_sets(&mut self, lower: Set<V>, upper: Set<V>) -> Set<V> {
        let mut joined = mem::take(&mut self.joined);
        join(self.values(&lower), self.values(&upper), &mut joined);
        let set = match joined.as_slice() {
            [] => Set::Few(None),
            [value] => Set::Few(Some(*value)),
            values => {
                let start = narrow(self.sets.len());
                self.sets.extend_from_slice(values);
                Set::Many(start, narrow(self.sets.len()))
            }
        };
        self.joined = joined;
        set
    }

    /// Writes what `below` needs under an inherited value: the way down.
    fn write(&self, below: Below, inherited: Option<V>, written: &mut Vec<(Key, V)>) {
        let Some(key) = self.key(below) else { return };
        let value = choose(key, self.values(&self.set(below)), inherited, written);
        let Below::Node(place) = below else { return };
        let node = &self.nodes[place as usize];
        for (upper, below) in [(false, node.halves[0]), (true, node.halves[1])] {
            self.write_half(key.half(upper), below, node.value, value, written);
        }
    }

    /// Writes what a half needs. Its addresses outside of what is in it have the value `around`.
    fn write_half(
        &self,
        half: Key,
        below: Below,
        around: Option<V>,
        inherited: Option<V>,
        written: &mut Vec<(Key, V)>,
    ) {
        let Some(inner) = self.key(below) else {
            choose(half, around.as_slice(), inherited, written);
            return;
        };
        let Some(above) = inner.parent().filter(|_| inner != half) else {
            return self.write(below, inherited, written);
        };
        let value =
            if above == half { inherited } else { choose(half, around.as_slice(), inherited, written) };
        let value = self.choose_above(above, below, around, value, written);
        let beside = above.half(!inner.is_upper(above.length));
        choose(beside, around.as_slice(), value, written);
        self.write(below, value, written);
    }

    /// As [`choose`] for the prefix right above what is below, whose other half has the value `around`.
    fn choose_above(
        &self,
        key: Key,
        below: Below,
        around: Option<V>,
        inherited: Option<V>,
        written: &mut Vec<(Key, V)>,
    ) -> Option<V> {
        let set = self.set(below);
        let values = self.values(&set);
        let (around, least) = (around?, *values.first()?);
        if contains(values, around) {
            return choose(key, &[around], inherited, written);
        }
        if let Some(inherited) = inherited.filter(|value| *value == around || contains(values, *value)) {
            return Some(inherited);
        }
        written.push((key, least.min(around)));
        Some(least.min(around))
    }
}

fn narrow(place: usize) -> u32 {
    u32::try_from(place).unwrap_or(u32::MAX)
}

fn contains<V: Ord>(set: &[V], value: V) -> bool {
    set.binary_search(&value).is_ok()
}

/// The set of a prefix from those of its halves, both in rising order.
fn join<V: Copy + Ord>(lower: &[V], upper: &[V], joined: &mut Vec<V>) {
    joined.clear();
    if lower.is_empty() || upper.is_empty() {
        return;
    }
    let (few, many) = if lower.len() <= upper.len() { (lower, upper) } else { (upper, lower) };
    // Where one is far larger, looking up is less than walking; it is their values in common, or all of them.
    if many.len() / few.len() >= FAR_LARGER && few.iter().any(|value| contains(many, *value)) {
        joined.extend(few.iter().filter(|value| contains(many, **value)));
    } else {
        merge(lower, upper, joined);
    }
}

/// From so many times the size on a set is looked up in and not walked.
const FAR_LARGER: usize = 16;

/// Walks two sets at once. Writes all values of both, until there is one in common: then only those.
fn merge<V: Copy + Ord>(mut a: &[V], mut b: &[V], joined: &mut Vec<V>) {
    joined.reserve(a.len() + b.len());
    while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
        if x == y {
            joined.clear();
            return in_common(a, b, joined);
        }
        joined.push(*x.min(y));
        (a, b) = if x < y { (rest_a, b) } else { (a, rest_b) };
    }
    joined.extend_from_slice(a);
    joined.extend_from_slice(b);
}

/// The values that are in both.
fn in_common<V: Copy + Ord>(mut a: &[V], mut b: &[V], joined: &mut Vec<V>) {
    while let ([x, rest_a @ ..], [y, rest_b @ ..]) = (a, b) {
        match x.cmp(y) {
            Ordering::Less => a = rest_a,
            Ordering::Greater => b = rest_b,
            Ordering::Equal => {
                joined.push(*x);
                (a, b) = (rest_a, rest_b);
            }
        }
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
    if let Some(inherited) = inherited.filter(|value| contains(set, *value)) {
        return Some(inherited);
    }
    written.push((key, least));
    Some(least)
}
