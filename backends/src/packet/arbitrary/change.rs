//! Packets as adversaries make them: a good one, changed in a few places.

use proptest::prelude::*;
use proptest::sample::Index;

/// A change of a frame. The first bytes, where headers are, are hit most.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    /// A bit is another.
    Flip(Index, u8),
    /// A byte is another.
    Set(Index, u8),
    /// The frame ends earlier.
    Cut(Index),
    /// Bytes are missing in the middle.
    Take(Index, u8),
    /// Bytes are too many in the middle.
    Put(Index, u8),
}

/// A few changes.
pub(super) fn changes() -> impl Strategy<Value = Vec<Change>> {
    let at = any::<Index>;
    let change = prop_oneof![
        4 => (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, bit)),
        4 => (at(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => at().prop_map(Change::Cut),
        1 => (at(), 1..9_u8).prop_map(|(at, count)| Change::Take(at, count)),
        1 => (at(), 1..9_u8).prop_map(|(at, count)| Change::Put(at, count)),
    ];
    prop::collection::vec(change, 1..4)
}

/// Makes the changes. The kernel's test runs take no frame that is shorter than an Ethernet header, so none is made.
pub(super) fn apply(mut frame: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    const HEADER: usize = 14;
    for change in changes {
        // Behind the addresses, and seldom in the payload.
        let end = frame.len().min(110);
        let place = |at: &Index| 12 + at.index(end.saturating_sub(12).max(1));
        match change {
            Change::Flip(at, bit) => frame[place(at)] ^= 1 << bit,
            Change::Set(at, byte) => frame[place(at)] = *byte,
            Change::Cut(at) => frame.truncate(place(at).max(HEADER)),
            Change::Take(at, count) => {
                let from = place(at).max(HEADER).min(frame.len());
                let to = (from + usize::from(*count)).min(frame.len());
                frame.drain(from..to);
            }
            Change::Put(at, count) => {
                let from = place(at).max(HEADER).min(frame.len());
                frame.splice(from..from, vec![*count; usize::from(*count)]);
            }
        }
    }
    frame
}
