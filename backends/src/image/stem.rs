//! A trie of their own for addresses of IPv6 that begin alike.
//!
//! Peers beside each other share many of their first bits, and part in a few behind them. A program compares what they share
//! with a constant and looks at where they part at once, so that its way is as short as in IPv4. All others have the
//! common trie, whose way is longer.

use super::prefixes::{Key, mask};
use super::trie::{Entries, ways};

/// The widest root, in bits.
pub(crate) const WIDEST: u8 = 16;
/// Roots may have so many entries for each prefix, and that of the common trie has as many as a chunk.
const SPARSE: usize = 4;
const LEAST: usize = 256;

/// What addresses share, and how many bits the root looks at behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) region: Key,
    pub(super) width: u8,
}

impl Plan {
    /// Where the bits of the root end.
    pub(super) fn end(&self) -> u8 {
        self.region.length + self.width
    }

    /// Whether a prefix lies inside, the region itself not counted.
    pub(super) fn holds(&self, key: Key) -> bool {
        let Key { bits, length } = self.region;
        key.length > length && (key.bits ^ bits) & mask(length) == 0
    }
}

/// The stem that saves the most chunks on the ways to prefixes, which are sorted. None if it saves less than one for
/// each of them, as every other address pays for the comparison.
pub(super) fn plan(all: Entries<'_>) -> Option<Plan> {
    let common = ways(all, 8);
    let plans = (WIDEST..=120).step_by(8).filter_map(|end| {
        let (plan, inside) = candidate(all, end)?;
        let first = all.partition_point(|(key, _)| *key < inside[0].0);
        let before: usize = common[first..].iter().take(inside.len()).sum();
        let saved = before.checked_sub(ways(inside, end).iter().sum())?;
        (saved >= all.len()).then_some((saved, plan))
    });
    // Of equals the first, which leaves out least.
    plans.rev().max_by_key(|(saved, _)| *saved).map(|(_, plan)| plan)
}

/// The largest group of prefixes that part in no more bits than a root can look at, which end at `end`.
fn candidate(all: Entries<'_>, end: u8) -> Option<(Plan, Entries<'_>)> {
    let half = if end > 64 { 64 } else { 0 };
    let start = (end - WIDEST).max(half);
    let groups = all.chunk_by(|(a, _), (b, _)| (a.bits ^ b.bits) & mask(start) == 0);
    let group = groups.max_by_key(|group| group.len())?;
    // Those that are no longer than what the others share come first.
    let group = &group[group.partition_point(|(key, _)| key.length <= start)..];
    let (first, last) = (group.first()?.0, group.last()?.0);
    let shortest = group.iter().map(|(key, _)| key.length).min()?;
    let shared = (first.bits ^ last.bits).leading_zeros() as u8;
    let length = shared.min(shortest - 1);
    let region = Key { bits: first.bits & mask(length), length };
    let plan = Plan { region, width: end.checked_sub(length).filter(|width| *width > 0)? };
    let fits = 1 << plan.width <= LEAST.max(SPARSE * group.len());
    (length > 0 && fits).then_some((plan, group))
}
