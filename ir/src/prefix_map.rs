//! The longest-prefix function from addresses to values.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::net::Cidr;

/// Prefixes with a value each; an address has the value of the longest prefix that contains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrefixMap<V>(BTreeMap<Cidr, V>);

impl<V> Default for PrefixMap<V> {
    fn default() -> PrefixMap<V> {
        PrefixMap(BTreeMap::new())
    }
}

impl<V> FromIterator<(Cidr, V)> for PrefixMap<V> {
    fn from_iter<I: IntoIterator<Item = (Cidr, V)>>(entries: I) -> PrefixMap<V> {
        PrefixMap(entries.into_iter().collect())
    }
}

impl<V> PrefixMap<V> {
    /// Entries in order.
    pub fn iter(&self) -> impl Iterator<Item = (Cidr, &V)> {
        self.0.iter().map(|(cidr, value)| (*cidr, value))
    }

    /// How many prefixes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The longest prefix that contains an address, with its value.
    pub fn lookup(&self, address: IpAddr) -> Option<(Cidr, &V)> {
        let most = if address.is_ipv4() { 32 } else { 128 };
        (0..=most).rev().find_map(|length| {
            let cidr = Cidr::new(address, length)?;
            self.0.get(&cidr).map(|value| (cidr, value))
        })
    }

    /// Each entry with the lowest address for which it is the longest match, if there is one.
    pub fn atoms(&self) -> impl Iterator<Item = (Cidr, &V, Option<IpAddr>)> {
        let starts: Vec<Cidr> = self.0.keys().copied().collect();
        self.0.iter().enumerate().map(move |(at, (cidr, value))| {
            let mut low = Some(number(cidr.address()));
            for inside in starts[at + 1..].iter().take_while(|other| cidr.covers(**other)) {
                if low == Some(number(inside.address())) {
                    low = number(inside.address()).checked_add(size(*inside));
                } else if low.is_some_and(|low| low < number(inside.address())) {
                    break;
                }
            }
            let last = number(cidr.address()).checked_add(size(*cidr) - 1);
            let low = low.filter(|low| last.is_none_or(|last| *low <= last));
            (*cidr, value, low.map(|low| address(low, cidr.is_ipv4())))
        })
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(u32::from(address)),
        IpAddr::V6(address) => u128::from(address),
    }
}

fn size(cidr: Cidr) -> u128 {
    let bits = if cidr.is_ipv4() { 32 } else { 128 } - u32::from(cidr.length());
    1_u128.checked_shl(bits).unwrap_or(u128::MAX)
}

fn address(number: u128, ipv4: bool) -> IpAddr {
    if ipv4 { IpAddr::V4((number as u32).into()) } else { IpAddr::V6(number.into()) }
}
