//! Prefix maps by hand, and against a slow reading of what they mean.

mod cases;
mod properties;
mod smallest;

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::PrefixMap;
use crate::net::{Cidr, Family};

fn cidr(text: &str) -> Cidr {
    text.parse().unwrap()
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

fn map(entries: &[(&str, u32)]) -> PrefixMap<u32> {
    entries.iter().map(|(prefix, value)| (cidr(prefix), *value)).collect()
}

fn written<V: Copy>(map: &PrefixMap<V>) -> Vec<(String, V)> {
    map.iter().map(|(prefix, value)| (prefix.to_string(), *value)).collect()
}

/// The longest prefix around an address, found by asking all of them.
fn decides(entries: &[(Cidr, u32)], address: IpAddr) -> Option<(Cidr, u32)> {
    let matching = entries.iter().filter(|(prefix, _)| prefix.contains(address));
    matching.max_by_key(|(prefix, _)| prefix.length()).copied()
}

/// The address that many behind another; `None` beyond the family.
fn behind(address: IpAddr, by: u128) -> Option<IpAddr> {
    match address {
        IpAddr::V4(v4) => {
            v4.to_bits().checked_add(u32::try_from(by).ok()?).map(|bits| IpAddr::V4(bits.into()))
        }
        IpAddr::V6(v6) => v6.to_bits().checked_add(by).map(|bits| IpAddr::V6(bits.into())),
    }
}

/// The first address behind a prefix.
fn end(prefix: Cidr) -> Option<IpAddr> {
    let bits = if prefix.is_ipv4() { 32 } else { 128 };
    behind(prefix.address(), 1_u128.checked_shl(bits - u32::from(prefix.length()))?)
}

/// Every address at which what matches can change, in rising order, and the first of each family. What
/// holds of these holds of every address.
fn turns<'a>(entries: impl IntoIterator<Item = &'a (Cidr, u32)>) -> BTreeSet<IpAddr> {
    let first = [address("0.0.0.0"), address("::")];
    let turns = entries.into_iter().flat_map(|(prefix, _)| [Some(prefix.address()), end(*prefix)]);
    turns.flatten().chain(first).collect()
}

fn family(address: IpAddr) -> Family {
    if address.is_ipv4() { Family::V4 } else { Family::V6 }
}
