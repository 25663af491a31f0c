//! Prefixes as numbers, so that they can be ordered, cut and counted without a look at the family.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::net::{Cidr, Family};

/// The number of bits below an IPv4 address, whose bits stand at the top.
const BELOW_V4: u32 = 96;

/// A prefix. The order of the fields is the order of a map: a prefix comes before those inside it, and
/// nothing else comes between them. Packed, as a large map is slow by its size: 24 bytes instead of 32.
#[repr(Rust, packed(8))]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) family: Family,
    /// The first address, its first bit at the top in both families, so that one arithmetic does for both.
    pub(super) bits: u128,
    pub(super) length: u8,
}

impl Key {
    pub(super) fn of(cidr: Cidr) -> Key {
        let bits = match cidr.address() {
            IpAddr::V4(address) => u128::from(address.to_bits()) << BELOW_V4,
            IpAddr::V6(address) => address.to_bits(),
        };
        Key { family: cidr.family(), bits, length: cidr.length() }
    }

    /// Every address of a family.
    pub(super) fn everything(family: Family) -> Key {
        Key { family, bits: 0, length: 0 }
    }

    pub(super) fn cidr(self) -> Cidr {
        Cidr::of_parts(address(self.family, self.bits), self.length)
    }

    pub(super) fn covers(self, other: Key) -> bool {
        self.family == other.family && self.length <= other.length && self.holds(other.bits)
    }

    /// Whether an address of its family, as a number, lies in it.
    pub(super) fn holds(self, bits: u128) -> bool {
        (self.bits ^ bits) & mask(self.length) == 0
    }

    /// The first address behind it; `None` if it reaches the end of the family.
    pub(super) fn next(self) -> Option<u128> {
        (self.bits | !mask(self.length)).checked_add(1)
    }

    /// The number of leading bits that it has in common with a prefix of its family.
    pub(super) fn shared(self, other: Key) -> u8 {
        let equal = (self.bits ^ other.bits).leading_zeros();
        u8::try_from(equal).unwrap_or(u8::MAX).min(self.length).min(other.length)
    }

    /// The prefix of its first `length` bits.
    pub(super) fn truncated(self, length: u8) -> Key {
        Key { bits: self.bits & mask(length), length, ..self }
    }

    /// The shortest prefix but one that covers it: one bit less.
    pub(super) fn parent(self) -> Option<Key> {
        self.length.checked_sub(1).map(|length| self.truncated(length))
    }

    /// Its upper or lower half. It must hold more than one address.
    pub(super) fn half(self, upper: bool) -> Key {
        let length = self.length + 1;
        let bit = if upper { mask(length) & !mask(self.length) } else { 0 };
        Key { bits: self.bits | bit, length, ..self }
    }

    /// Whether it lies in the upper half of a prefix of `length` bits that strictly covers it.
    pub(super) fn is_upper(self, length: u8) -> bool {
        self.bits & !mask(length) & mask(length + 1) != 0
    }
}

/// The address of a number.
pub(super) fn address(family: Family, bits: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4(Ipv4Addr::from_bits((bits >> BELOW_V4) as u32)),
        Family::V6 => IpAddr::V6(Ipv6Addr::from_bits(bits)),
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0)
}
