//! Which entries of a mapping count: duplicate keys and merged mappings.

use std::ops::Range;

use super::Span;
use super::node::Entry;

/// Up to this many keys are compared pair by pair; more are sorted first, so that time stays linear.
const FEW: usize = 16;

/// A key that stands twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Duplicate {
    pub(super) key: Box<str>,
    pub(super) first: Span,
    pub(super) second: Span,
}

/// Makes the keys of a mapping distinct.
///
/// `merged` holds the ranges of entries that came from a merge key (`<<`), ascending. As in the Go
/// library that Kubernetes reads with, entries take effect in the order written: between a merged
/// and a written entry the later one wins; of two written ones the first stays, with a finding.
pub(super) fn distinct(entries: &mut Vec<Entry>, merged: &[Range<usize>]) -> Vec<Duplicate> {
    if all_distinct(entries) {
        return Vec::new();
    }
    let mut order: Vec<usize> = (0..entries.len()).collect();
    order.sort_by(|&a, &b| entries[a].key.cmp(&entries[b].key).then(a.cmp(&b)));
    let mut dropped = vec![false; entries.len()];
    let mut duplicates = Vec::new();
    for group in order.chunk_by(|&a, &b| entries[a].key == entries[b].key) {
        let mut kept = group[0];
        for &next in &group[1..] {
            if is_merged(merged, kept) || is_merged(merged, next) {
                dropped[kept] = true;
                kept = next;
                continue;
            }
            dropped[next] = true;
            let (first, second) = (entries[kept].key_span, entries[next].key_span);
            duplicates.push(Duplicate { key: entries[next].key.clone(), first, second });
        }
    }
    let mut index = 0;
    entries.retain(|_| {
        index += 1;
        !dropped[index - 1]
    });
    duplicates
}

fn all_distinct(entries: &[Entry]) -> bool {
    if entries.len() <= FEW {
        return entries
            .iter()
            .enumerate()
            .all(|(i, e)| entries[..i].iter().all(|before| before.key != e.key));
    }
    let mut keys: Vec<&str> = entries.iter().map(|e| &*e.key).collect();
    keys.sort_unstable();
    keys.is_sorted_by(|a, b| a < b)
}

fn is_merged(merged: &[Range<usize>], index: usize) -> bool {
    let next = merged.partition_point(|range| range.end <= index);
    merged.get(next).is_some_and(|range| range.contains(&index))
}
