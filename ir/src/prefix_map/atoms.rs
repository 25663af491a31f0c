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
        let mut free: Vec<(Key, Option<u128>)> = Vec::with_capacity(self.len());
        let mut open: Vec<usize> = Vec::new();
        for key in self.entries.keys() {
            while open.last().is_some_and(|outer| !free[*outer].0.covers(*key)) {
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
            free.push((*key, Some(key.bits)));
        }
        let atom = |(key, lowest): (Key, Option<u128>)| {
            let lowest = lowest.filter(|bits| key.holds(*bits));
            (key.cidr(), lowest.map(|bits| address(key.family, bits)))
        };
        free.into_iter().map(atom).collect()
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
