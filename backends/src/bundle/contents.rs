//! What images hold, for people: numbers with their meaning.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_ir::net::{Cidr, Protocol};
use sluice_ir::policy::Direction;
use sluice_ir::prefix_map::PrefixMap;
use zerocopy::FromBytes;

use super::Bundle;
use super::check::numbers;
use crate::abi::{ADDRESSES, CHUNK, NO_CLASS, Verdict};
use crate::image::hosts::SLOT;
use crate::image::ports::BLOCK;
use crate::image::trie::{CHUNK_BYTES, HEADER, HEADER_CLASS, LOWER, NUMBER6, POINTER, SHIFT};
use crate::image::{Arm, Image, Lookup, Places, Ports, Prefixes6, Stem, Trie4, Width, read};

/// A trie that is read: where chunks are, and what their headers say.
struct Walk<'b> {
    bytes: &'b [u8],
    /// Where chunks begin, in bytes.
    entries: usize,
    /// Where headers begin, if there are some.
    headers: Option<usize>,
    /// The prefixes so far; addresses of IPv4 are in the first 32 bits.
    found: Vec<(u128, u8, u32)>,
}

impl Walk<'_> {
    fn entries(&self, at: usize, count: usize) -> Vec<u32> {
        let bytes = self.bytes.get(at..at + count * 4).unwrap_or_default();
        numbers(bytes, Width::Four).map(|(_, entry)| entry).collect()
    }

    /// Entries that begin at a prefix of this length: by halves, until they say one thing.
    fn read(&mut self, entries: &[u32], bits: u128, length: u8) {
        match entries {
            [] => {}
            [entry] if entry & POINTER != 0 => self.chunk(*entry, bits, length),
            [first, rest @ ..] if first & POINTER == 0 && rest.iter().all(|entry| entry == first) => {
                self.found.push((bits, length, *first));
            }
            _ => {
                let (low, high) = entries.split_at(entries.len() / 2);
                self.read(low, bits, length + 1);
                self.read(high, bits | 1 << (127 - length), length + 1);
            }
        }
    }

    fn chunk(&mut self, entry: u32, bits: u128, length: u8) {
        let Some(headers) = self.headers else {
            let chunk = self.entries + (entry & !POINTER) as usize * CHUNK_BYTES;
            return self.read(&self.entries(chunk, CHUNK as usize), bits, length);
        };
        let chunk = (entry & NUMBER6) as usize;
        let header = headers + chunk * HEADER;
        let half = |at: usize| u128::from(u64::from_ne_bytes(read(self.bytes, header + at)));
        let inner = half(0) << 64 | half(8);
        // What leaves the way before the chunk's byte is in the class of the header.
        self.found.push((bits, length, u32::from_ne_bytes(read(self.bytes, header + HEADER_CLASS))));
        let bytes_before = if entry & LOWER == 0 { 0 } else { 8 } + 7 - (entry >> SHIFT & 7) as u8;
        let entries = self.entries(self.entries + chunk * CHUNK_BYTES, CHUNK as usize);
        self.read(&entries, inner, bytes_before * 8);
    }
}

/// The classes of ports of a direction, as images have them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortMap {
    /// Protocols with first ports, and the class from there on.
    pub protocols: Vec<(Protocol, Vec<(u16, u32)>)>,
    /// The class of the ports of all other protocols, if there are others.
    pub otherwise: Option<u32>,
}

/// First ports, and the class from there on.
fn spans(classes: impl Iterator<Item = u32>) -> Vec<(u16, u32)> {
    let mut spans: Vec<(u16, u32)> = (0..=u16::MAX).zip(classes).collect();
    spans.dedup_by_key(|(_, class)| *class);
    spans
}

impl Bundle {
    /// The classes of ports of a direction.
    pub fn ports(&self, direction: Direction) -> PortMap {
        let image = self.image(Image::Ports);
        let block = |width: Width, place: usize, count: usize| {
            let bytes = image.get(place..).unwrap_or_default();
            spans(numbers(bytes, width).map(|(_, class)| class).take(count))
        };
        match &self.shape().sides[direction].ports {
            Ports::One(class) => PortMap { protocols: Vec::new(), otherwise: Some(*class) },
            Ports::Chain { arms, otherwise, width } => {
                let arm = |arm: &Arm| match &arm.lookup {
                    Lookup::Tree(spans) => (Protocol(arm.protocol), spans.clone()),
                    Lookup::Block(place) => (Protocol(arm.protocol), block(*width, *place, BLOCK)),
                };
                PortMap { protocols: arms.iter().map(arm).collect(), otherwise: Some(*otherwise) }
            }
            Ports::Index { place, width, .. } => {
                let of = |protocol: u8| {
                    let word = |at: usize| {
                        let at = place + usize::from(protocol) * 8 + at;
                        u32::from_ne_bytes(read(image, at)) as usize
                    };
                    (Protocol(protocol), block(*width, word(0).saturating_mul(width.bytes()), word(4) + 1))
                };
                let mut protocols: Vec<_> = (0..=u8::MAX).map(of).collect();
                protocols.retain(|(_, spans)| *spans != [(0, 0)]);
                let otherwise = (protocols.len() < 256).then_some(0);
                PortMap { protocols, otherwise }
            }
        }
    }

    /// The class of every address, as the images have it: the longest prefix counts. What has no class is not there.
    pub fn prefixes(&self) -> PrefixMap<u32> {
        let mut prefixes = PrefixMap::default();
        for (bits, length, class) in self.walk4() {
            let address = IpAddr::V4(Ipv4Addr::from_bits((bits >> 96) as u32));
            Cidr::new(address, length).and_then(|prefix| prefixes.insert(prefix, class));
        }
        for (bits, length, class) in self.walk6() {
            let address = IpAddr::V6(Ipv6Addr::from_bits(bits));
            Cidr::new(address, length).and_then(|prefix| prefixes.insert(prefix, class));
        }
        let mut minimal = prefixes.minimal();
        let none: Vec<Cidr> =
            minimal.iter().filter(|(_, class)| **class == NO_CLASS).map(|(p, _)| p).collect();
        for prefix in none {
            if minimal.parent(prefix).is_none() {
                minimal.remove(prefix);
            }
        }
        minimal
    }

    fn walk4(&self) -> Vec<(u128, u8, u32)> {
        let entries = ADDRESSES as usize * 4;
        match self.shape().trie4 {
            Trie4::Constant(class) => vec![(0, 0, class)],
            Trie4::Trie { .. } => {
                let bytes = self.image(Image::Trie4);
                let mut walk = Walk { bytes, entries, headers: None, found: Vec::new() };
                walk.read(&walk.entries(0, ADDRESSES as usize), 0, 0);
                walk.found
            }
        }
    }

    fn walk6(&self) -> Vec<(u128, u8, u32)> {
        let bytes = self.image(Image::Trie6);
        let read_trie = |places: &Places, bits: u128, length: u8, width: u8| {
            let Places { root, headers, entries, .. } = *places;
            let mut walk = Walk { bytes, entries, headers: Some(headers), found: Vec::new() };
            walk.read(&walk.entries(root, 1 << width), bits, length);
            walk.found
        };
        let mut found = match &self.shape().trie6.prefixes {
            Prefixes6::Constant(class) => vec![(0, 0, *class)],
            Prefixes6::Trie(places) => read_trie(places, 0, 0, 8),
        };
        if let Some(Stem { first, length, width, trie, .. }) = &self.shape().trie6.stem {
            let bits = u128::from(first.0) << 64 | u128::from(first.1);
            found.extend(read_trie(trie, bits, *length, *width));
        }
        let slots = self.shape().trie6.hosts.as_ref().map_or(0, |hosts| hosts.slots());
        for slot in (0..slots).map(|slot| slot * SLOT) {
            let half = |at: usize| u128::from(u64::from_ne_bytes(read(bytes, slot + at)));
            let class = u32::from_ne_bytes(read(bytes, slot + crate::image::hosts::SLOT_CLASS));
            if class <= NO_CLASS {
                found.push((half(0) << 64 | half(8), 128, class));
            }
        }
        found
    }

    /// The row of each class in a table; none where there is none.
    pub fn table(&self, table: usize) -> Vec<Option<u32>> {
        let (classes, width) = (self.shape().classes, self.shape().row_width);
        self.some_of(Image::Tables, width, table.saturating_mul(classes), classes)
    }

    /// The verdict of each class of ports in a row, with the places that only round the row up.
    pub fn row(&self, direction: Direction, row: usize) -> Vec<Option<u32>> {
        let side = &self.shape().sides[direction];
        let first = side.base.saturating_add(row.saturating_mul(side.stride));
        self.some_of(Image::Cells, self.shape().cell_width, first, side.stride)
    }

    fn some_of(&self, image: Image, width: Width, first: usize, count: usize) -> Vec<Option<u32>> {
        let all = numbers(self.image(image), width).map(|(_, number)| number);
        let some = all.skip(first).take(count);
        some.map(|number| (number != width.none()).then_some(number)).collect()
    }

    /// What the datapath does for each verdict.
    pub fn records(&self) -> Vec<Verdict> {
        let records = self.image(Image::Verdicts).chunks_exact(size_of::<Verdict>());
        let records = records.take(self.shape().verdicts);
        records.filter_map(|bytes| Verdict::read_from_bytes(bytes).ok()).collect()
    }
}
