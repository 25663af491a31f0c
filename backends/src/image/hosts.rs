//! IPv6 addresses that stand for themselves: endpoints, nodes, answers of DNS.
//!
//! Nearly every prefix of IPv6 is one address, and such addresses are random in many of their bits: a trie over
//! them would have a path of its own, and so a chunk or two, for each. So they are in a hash table before the trie.
//! An address is in the slot of its hash or one of the next, with no free slot between: the search ends at the first
//! that is free, and after [`PROBES`] slots in any case. A slot whose address is no more keeps it, for the searches
//! that go past, and for when the address comes again.
//!
//! The keys of a free slot are written before its class. A reader in between takes the slot for free.

use super::memory::{Image, Memory};
use super::shape::Hosts;

/// How many slots are looked at for an address at most.
pub(crate) const PROBES: usize = 8;
/// The size of a slot in bytes: the higher half of the address, the lower, the class, and nothing.
pub(crate) const SLOT: usize = 32;
/// Where in a slot the class is.
pub(crate) const SLOT_CLASS: usize = 16;
/// The class in a slot that was never used.
pub(crate) const FREE: u32 = u32::MAX;
/// The class in a slot whose address has no class of its own any more.
pub(crate) const GONE: u32 = u32::MAX - 1;

/// So many slots there are for each host where others may come.
pub(super) const SPREAD: usize = 4;

/// Pairs of multipliers that are tried before a table grows; odd, of bits that look random.
const SEEDS: u64 = 4;

/// The larger table is refused: no image is addressed beyond this many slots.
pub(crate) const SLOTS: u32 = 24;

type Key = (u64, u64);

/// The slots of a table, with the hosts that are in them.
pub(super) type Slots = Vec<Option<(Key, u32)>>;

/// The halves of an address.
pub(super) fn halves(bits: u128) -> Key {
    ((bits >> 64) as u64, bits as u64)
}

/// Lays out a table for some hosts, which are distinct, with room for more; gives the slots in use. None if there
/// are too many hosts.
pub(super) fn plan(hosts: &[(u128, u32)], room: usize) -> Option<(Hosts, Slots)> {
    // Where more come one by one nobody can be moved to make place, so that much has to be free.
    let spread = if room == 0 { 2 } else { SPREAD };
    let least = (spread * (hosts.len() + room)).next_power_of_two().ilog2().max(1);
    for bits in least..=SLOTS {
        for seed in 0..SEEDS {
            let table = Hosts { bits, multipliers: (random(2 * seed), random(2 * seed + 1)) };
            if let Some(slots) = place(&table, hosts) {
                return Some((table, slots));
            }
        }
    }
    None
}

/// An odd number of random bits (SplitMix64).
fn random(index: u64) -> u64 {
    let mut z = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) | 1
}

/// Puts hosts into slots so that none is far from its hash: who is farther takes the place of who is nearer.
fn place(table: &Hosts, hosts: &[(u128, u32)]) -> Option<Slots> {
    let mut slots: Slots = vec![None; table.slots()];
    for (bits, class) in hosts {
        let mut mine = (halves(*bits), *class);
        let mut at = table.slot(mine.0);
        let mut far = 0;
        while let Some(other) = slots[at] {
            let distance = at - table.slot(other.0);
            if distance < far {
                slots[at] = Some(mine);
                (mine, far) = (other, distance);
            }
            (at, far) = (at + 1, far + 1);
            if far == PROBES {
                return None;
            }
        }
        slots[at] = Some(mine);
    }
    Some(slots)
}

/// Writes the slots at the beginning of the image.
pub(super) fn fill(memory: &mut Memory, slots: &[Option<(Key, u32)>]) {
    for (at, slot) in slots.iter().enumerate() {
        let ((higher, lower), class) = slot.unwrap_or(((0, 0), FREE));
        let mut bytes = [0; SLOT];
        bytes[..8].copy_from_slice(&higher.to_ne_bytes());
        bytes[8..16].copy_from_slice(&lower.to_ne_bytes());
        bytes[SLOT_CLASS..SLOT_CLASS + 4].copy_from_slice(&class.to_ne_bytes());
        memory.store(Image::Trie6, at * SLOT, &bytes);
    }
}

/// What became of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placed {
    /// It has the slot that it had, or has none and needs none.
    There,
    /// It took a slot that was free.
    Anew,
    /// There is no slot for it.
    Nowhere,
}

/// Gives a host a class, or takes it away.
pub(super) fn set(memory: &mut Memory, table: &Hosts, bits: u128, class: Option<u32>) -> Placed {
    let key = halves(bits);
    let home = table.slot(key) * SLOT;
    for place in (home..home + PROBES * SLOT).step_by(SLOT) {
        let there = [0, 8].map(|half| memory.u64(Image::Trie6, place + half));
        let now = memory.u32(Image::Trie6, place + SLOT_CLASS);
        if now == FREE {
            let Some(class) = class else { return Placed::There };
            let keys = [key.0.to_ne_bytes(), key.1.to_ne_bytes()].concat();
            memory.store(Image::Trie6, place, &keys);
            memory.fence();
            memory.store_u32(Image::Trie6, place + SLOT_CLASS, class);
            return Placed::Anew;
        }
        if there == [key.0, key.1] {
            memory.store_u32(Image::Trie6, place + SLOT_CLASS, class.unwrap_or(GONE));
            return Placed::There;
        }
    }
    if class.is_none() { Placed::There } else { Placed::Nowhere }
}
