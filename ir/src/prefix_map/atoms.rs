//! An address for each entry that decides any, and one that no entry decides.

use std::net::IpAddr;

use super::PrefixMap;
use super::key::{Key, address};
use crate::net::{Cidr, Family};

impl<V> PrefixMap<V> {
    /// Each entry, in the order of [`iter`](PrefixMap::iter), with the lowest address that it decides;
    /// `None` if it decides none, as the entries inside it cover it. Takes O(n), however wide the
    /// prefixes are.
    pub fn atoms(&self) -> Vec<(Cidr, Option<IpAddr>)> {
        atoms(self.entries.keys().copied())
    }

    /// The lowest address of each of `groups` groups of values, with the value that decides it; `None` for a
    /// group that decides no address. `group` says in which a value is, from 0. Takes O(n).
    pub fn lowest_of_groups(&self, groups: usize, group: impl Fn(&V) -> usize) -> Vec<Option<(IpAddr, &V)>> {
        let mut lowest: Vec<Option<(Family, u128, &V)>> = vec![None; groups];
        for ((key, bits), value) in
            lowest_bits(self.entries.keys().copied()).into_iter().zip(self.entries.values())
        {
            let (Some(bits), Some(best)) = (bits, lowest.get_mut(group(value))) else { continue };
            if best.is_none_or(|(family, least, _)| (key.family, bits) < (family, least)) {
                *best = Some((key.family, bits, value));
            }
        }
        let found = |(family, bits, value)| (address(family, bits), value);
        lowest.into_iter().map(|best| best.map(found)).collect()
    }

    /// The lowest address that an entry at `prefix` decides, whether or not there is one; `None` if the
    /// entries inside it cover it.
    pub fn lowest(&self, prefix: Cidr) -> Option<IpAddr> {
        let key = Key::of(prefix);
        let mut lowest = key.bits;
        loop {
            // The shortest of the entries inside that begin here.
            let from = Key { bits: lowest, length: 0, ..key };
            let mut here =
                self.entries.range(from..).map(|(inside, _)| *inside).take_while(|k| k.bits == lowest);
            let inside = here.find(|inside| inside.family == key.family && inside.length > key.length);
            match inside {
                Some(inside) => lowest = inside.next().filter(|next| key.holds(*next))?,
                None => return Some(address(key.family, lowest)),
            }
        }
    }

    /// The lowest address of a family that no entry matches; `None` if every address has a value.
    pub fn uncovered(&self, family: Family) -> Option<IpAddr> {
        let mut lowest = 0;
        loop {
            let from = Key { bits: lowest, ..Key::everything(family) };
            // The shortest of the entries that begin here.
            let here = self.entries.range(from..).next().map(|(key, _)| *key);
            match here.filter(|key| (key.family, key.bits) == (family, lowest)) {
                Some(key) => lowest = key.next()?,
                None => return Some(address(family, lowest)),
            }
        }
    }
}

/// As [`PrefixMap::atoms`] of a map with entries at these prefixes, without making one.
pub fn atoms_of(prefixes: impl IntoIterator<Item = Cidr>) -> Vec<(Cidr, Option<IpAddr>)> {
    let mut keys: Vec<Key> = prefixes.into_iter().map(Key::of).collect();
    keys.sort();
    keys.dedup();
    atoms(keys.into_iter())
}

fn atoms(keys: impl Iterator<Item = Key>) -> Vec<(Cidr, Option<IpAddr>)> {
    let atom =
        |(key, lowest): (Key, Option<u128>)| (key.cidr(), lowest.map(|bits| address(key.family, bits)));
    lowest_bits(keys).into_iter().map(atom).collect()
}

/// Keys, which come in order and each once, with the lowest address that each decides.
fn lowest_bits(keys: impl Iterator<Item = Key>) -> Vec<(Key, Option<u128>)> {
    let mut free: Vec<(Key, Option<u128>)> = Vec::with_capacity(keys.size_hint().0);
    let mut open: Vec<usize> = Vec::new();
    for key in keys {
        while open.last().is_some_and(|outer| !free[*outer].0.covers(key)) {
            open.pop();
        }
        if let Some(outer) = open.last() {
            let (_, lowest) = &mut free[*outer];
            // The entries directly inside come in order, so the first gap stays.
            if *lowest == Some(key.bits) {
                *lowest = key.next();
            }
        }
        open.push(free.len());
        free.push((key, Some(key.bits)));
    }
    for (key, lowest) in &mut free {
        *lowest = lowest.filter(|bits| key.holds(*bits));
    }
    free
}
