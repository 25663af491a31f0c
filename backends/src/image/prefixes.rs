//! The prefixes of one family with their classes, to be asked for what lies inside a region.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sluice_ir::net::{Cidr, Family};

/// A prefix as a number: its first bit is the highest in both families. The order of the fields puts a prefix
/// before those inside it, and only those between it and the last address that it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) bits: u128,
    pub(super) length: u8,
}

impl Key {
    pub(super) fn of(cidr: Cidr) -> Key {
        Key { bits: number(cidr.address()), length: cidr.length() }
    }

    fn covers(self, other: Key) -> bool {
        self.length <= other.length && (self.bits ^ other.bits) & mask(self.length) == 0
    }

    /// Some of its bits: so many, from a position on.
    pub(super) fn slice(self, position: u8, bits: u8) -> usize {
        (self.bits >> (128 - u32::from(position + bits))) as usize & ((1 << bits) - 1)
    }
}

/// The number of an address, its first bit at the top.
pub(super) fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The first `length` bits.
pub(super) fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}

/// Prefixes with their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Prefixes(BTreeMap<Key, u32>);

impl Prefixes {
    /// Those of a family whose length another does not take care of.
    pub(super) fn of(all: &[(Cidr, u32)], family: Family, longest: u8) -> Prefixes {
        let here = all.iter().filter(|(cidr, _)| cidr.family() == family && cidr.length() <= longest);
        Prefixes(here.map(|(cidr, class)| (Key::of(*cidr), *class)).collect())
    }

    /// Puts a prefix into a class, or takes it out; gives the class it was in.
    pub(super) fn set(&mut self, key: Key, class: Option<u32>) -> Option<u32> {
        match class {
            Some(class) => self.0.insert(key, class),
            None => self.0.remove(&key),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Key, u32)> {
        self.0.iter().map(|(key, class)| (*key, *class))
    }

    /// The prefixes inside a region, the region itself not counted.
    pub(super) fn inside(&self, region: Key) -> impl Iterator<Item = (Key, u32)> {
        let from = Key { bits: region.bits, length: region.length.saturating_add(1) };
        let to = Key { bits: region.bits | !mask(region.length), length: u8::MAX };
        self.0.range(from..=to).map(|(key, class)| (*key, *class))
    }

    /// The class of the longest prefix that covers a region, or is it.
    pub(super) fn class_of(&self, region: Key) -> Option<u32> {
        let mut below = region;
        loop {
            let (key, class) = self.0.range(..=below).next_back()?;
            if key.covers(below) {
                return Some(*class);
            }
            // Whatever covers the region covers what it shares with the last prefix before it.
            let shared = (key.bits ^ below.bits).leading_zeros().min(u32::from(below.length)) as u8;
            let length = shared.min(key.length);
            below = Key { bits: below.bits & mask(length), length };
        }
    }

    /// The class of every address, if there is one; none inside if no address has a class.
    pub(super) fn uniform(&self) -> Option<Option<u32>> {
        uniform(self.iter())
    }
}

/// As [`Prefixes::uniform`], of some of them in order.
pub(super) fn uniform(mut prefixes: impl Iterator<Item = (Key, u32)>) -> Option<Option<u32>> {
    let Some((first, class)) = prefixes.next() else { return Some(None) };
    let all = first.length == 0 && prefixes.all(|(_, other)| other == class);
    all.then_some(Some(class))
}
