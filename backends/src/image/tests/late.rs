//! Readers that are on their way through a trie while it changes.

use std::net::IpAddr;

use crate::abi::{ADDRESSES, CHUNK};
use crate::image::trie::{CHUNK_BYTES, HEADER, HEADER_CLASS, LOWER, NUMBER6, POINTER, SHIFT};
use crate::image::{Image, Places, Prefixes6, Shape, Trie4, read};

/// The bytes of all images at two times.
pub(super) struct Late<'a> {
    pub(super) shape: &'a Shape,
    pub(super) before: &'a [Vec<u8>; 7],
    pub(super) after: &'a [Vec<u8>; 7],
}

impl Late<'_> {
    /// The class of an address, for one who reads so many times before the change and then after it. None where
    /// there is no trie.
    pub(super) fn class(&self, address: IpAddr, mut early: usize) -> Option<u32> {
        let mut word = |image: Image, place: usize| {
            let bytes = if early > 0 { self.before } else { self.after };
            early = early.saturating_sub(1);
            let bytes = &bytes[image as usize];
            (u32::from_ne_bytes(read(bytes, place)), u64::from_ne_bytes(read(bytes, place)))
        };
        match address {
            IpAddr::V4(address) => self.class4(&mut |place| word(Image::Trie4, place).0, address.to_bits()),
            IpAddr::V6(address) => self.class6(&mut |place| word(Image::Trie6, place), address.to_bits()),
        }
    }

    fn class4(&self, word: &mut dyn FnMut(usize) -> u32, address: u32) -> Option<u32> {
        let Trie4::Trie { .. } = self.shape.trie4 else { return None };
        let mut entry = word((address >> 16) as usize * 4);
        for shift in [8, 0] {
            if entry & POINTER == 0 {
                break;
            }
            let chunk = ADDRESSES as usize + ((entry & !POINTER) * CHUNK) as usize;
            entry = word((chunk + (address >> shift & 0xff) as usize) * 4);
        }
        Some(entry)
    }

    fn class6(&self, word: &mut dyn FnMut(usize) -> (u32, u64), address: u128) -> Option<u32> {
        let Prefixes6::Trie(Places { root, headers, entries, .. }) = self.shape.trie6.prefixes else {
            return None;
        };
        let mut entry = word(root + (address >> 120) as usize * 4).0;
        while entry & POINTER != 0 {
            let chunk = (entry & NUMBER6) as usize;
            let header = headers + chunk * HEADER;
            let value = u128::from(word(header).1) << 64 | u128::from(word(header + 8).1);
            let shift = (entry >> SHIFT & 7) * 8 + if entry & LOWER == 0 { 64 } else { 0 };
            let index = (address ^ value) >> shift;
            if index >= u128::from(CHUNK) {
                return Some(word(header + HEADER_CLASS).0);
            }
            entry = word(entries + chunk * CHUNK_BYTES + index as usize * 4).0;
        }
        Some(entry)
    }
}
