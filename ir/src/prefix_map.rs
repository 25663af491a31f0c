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
}
