//! The class of an address by the longest prefix around it, in a few loads.
//!
//! A trie is a root of entries, by the first bits of an address, and chunks of 256 entries, by eight bits each. An
//! entry is a class, or has bit 31 set and names a chunk. Entries say what the longest prefix says, so the first
//! class on the way is the answer.
//!
//! The trie of IPv4 looks at 16 bits, then 8, then 8. That of IPv6 leaves out bits at which nothing ends and nothing
//! parts: a chunk has a header with the bits before its own, and the class of addresses that have others. As no
//! prefix ends among the bits that are left out, that is one class, wherever the address leaves the way.
//!
//! # Changes while someone reads
//!
//! A chunk is whole before an entry names it. One that no entry names any more stays as it is until nobody who saw
//! the entry can still be reading: until [`Trie::settle`]. A header never changes but for its class, and the bits
//! that a chunk leaves out are the same as long as it has a place. So at any time a reader finds the class that an
//! address had before the change or the one it has after, and for addresses outside of the changed prefix these are
//! the same.

use super::chunks::{Chunks, Full};
use super::memory::{Image, Memory};
use super::prefixes::{Key, Prefixes, mask};
use super::shape::Skip;
use crate::abi::{CHUNK, NO_CLASS};

/// An entry with this bit names a chunk.
pub(crate) const POINTER: u32 = 1 << 31;
/// Of an entry of IPv6 that names a chunk: its byte is one of the lower 64 bits.
pub(crate) const LOWER: u32 = 1 << 30;
/// Of such an entry, how far the half is shifted to the right, in bytes, begins at this bit; three bits.
pub(crate) const SHIFT: u32 = 27;
/// The bits of an entry of IPv6 that number a chunk.
pub(crate) const NUMBER6: u32 = (1 << SHIFT) - 1;

/// The size of a header in bytes: the higher half of the address, the lower, the class, and nothing.
pub(crate) const HEADER: usize = 32;
/// Where in a header the class is.
pub(crate) const HEADER_CLASS: usize = 16;
/// The size of a chunk in bytes.
pub(crate) const CHUNK_BYTES: usize = CHUNK as usize * 4;

/// What an entry of IPv6 says beside the number of a chunk that looks at the byte behind so many bits.
pub(crate) fn pointer6(position: u8) -> u32 {
    let lower = if position < 64 { 0 } else { LOWER };
    POINTER | lower | u32::from(7 - position % 64 / 8) << SHIFT
}

/// Where a trie is, and what kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trie {
    pub(super) image: Image,
    /// How many bits the root looks at.
    pub(super) root_bits: u8,
    /// Where the root begins, in bytes.
    pub(super) root: usize,
    /// Where the headers begin, if bits are left out.
    pub(super) headers: Option<usize>,
    /// Where the chunks begin.
    pub(super) entries: usize,
    /// Which chunks are in use.
    pub(super) chunks: Chunks,
    /// How many chunks lie on one way at most.
    pub(super) depth: usize,
}

pub(super) type Entries<'a> = &'a [(Key, u32)];

/// Where the chunk of what lies inside a region looks, as a number of bits before it; none if nothing does.
fn position(inside: impl Iterator<Item = (Key, u32)>, from: u8, skips: bool) -> Option<(u8, u128)> {
    let mut inside = inside.map(|(key, _)| key);
    let first = inside.next()?;
    if !skips {
        return Some((from, first.bits & mask(from)));
    }
    // The last one shares least with the first, as they are sorted.
    let (last, shortest) =
        inside.fold((first, first.length), |(_, shortest), key| (key, shortest.min(key.length)));
    let shared = (first.bits ^ last.bits).leading_zeros() as u8;
    let position = shared.min(shortest.saturating_sub(1)) & !7;
    Some((position, first.bits & mask(position)))
}

/// How many chunks a trie has whose root looks at the first bits up to `end`, and how many lie on one way at most.
pub(super) fn count(all: Entries<'_>, end: u8, skips: bool) -> (usize, usize) {
    let longer: Vec<(Key, u32)> = all.iter().copied().filter(|(key, _)| key.length > end).collect();
    let roots = longer.chunk_by(|(a, _), (b, _)| (a.bits ^ b.bits) & mask(end) == 0);
    roots.map(|inside| count_inside(inside, end, skips)).fold((0, 0), add)
}

/// What all chunks behind a root leave out that looks at the first bits up to `end`, if that is the same for each, lies in
/// one half, and no way has more than one chunk.
pub(super) fn skip(all: Entries<'_>, end: u8) -> Option<Skip> {
    let longer: Vec<(Key, u32)> = all.iter().copied().filter(|(key, _)| key.length > end).collect();
    let mut common = None;
    for inside in longer.chunk_by(|(a, _), (b, _)| (a.bits ^ b.bits) & mask(end) == 0) {
        let (position, value) = position(inside.iter().copied(), end, true)?;
        let skip = Skip { position, bits: 0 };
        let skip = Skip { bits: skip.of(value, end), ..skip };
        let is_short = inside.iter().all(|(key, _)| key.length <= position + 8);
        if !is_short || *common.get_or_insert(skip) != skip {
            return None;
        }
    }
    common.filter(|skip: &Skip| end >= 64 || skip.position < 64)
}

/// How many chunks lie on the way to each prefix behind a root that looks at the first bits up to `end`, in a trie that
/// leaves out bits.
pub(super) fn ways(all: Entries<'_>, end: u8) -> Vec<usize> {
    let mut ways = Vec::with_capacity(all.len());
    for inside in all.chunk_by(|(a, _), (b, _)| (a.bits ^ b.bits) & mask(end) == 0) {
        let longer = inside.partition_point(|(key, _)| key.length <= end);
        ways.resize(ways.len() + longer, 0);
        ways_inside(&inside[longer..], end, 1, &mut ways);
    }
    ways
}

fn ways_inside(inside: Entries<'_>, from: u8, depth: usize, ways: &mut Vec<usize>) {
    let Some((position, _)) = position(inside.iter().copied(), from, true) else { return };
    for inside in inside.chunk_by(|(a, _), (b, _)| a.slice(position, 8) == b.slice(position, 8)) {
        let longer = inside.partition_point(|(key, _)| key.length <= position + 8);
        ways.resize(ways.len() + longer, depth);
        ways_inside(&inside[longer..], position + 8, depth + 1, ways);
    }
}

fn add((chunks, depth): (usize, usize), (more, other): (usize, usize)) -> (usize, usize) {
    (chunks + more, depth.max(other))
}

fn count_inside(inside: Entries<'_>, from: u8, skips: bool) -> (usize, usize) {
    let Some((position, _)) = position(inside.iter().copied(), from, skips) else { return (0, 0) };
    let below = inside.chunk_by(|(a, _), (b, _)| a.slice(position, 8) == b.slice(position, 8));
    let below = below.map(|inside| {
        let longer = inside.partition_point(|(key, _)| key.length <= position + 8);
        count_inside(&inside[longer..], position + 8, skips)
    });
    let (chunks, depth) = below.fold((0, 0), add);
    (chunks + 1, depth + 1)
}

impl Trie {
    fn skips(&self) -> bool {
        self.headers.is_some()
    }

    /// Where an entry of a chunk is.
    fn entry(&self, chunk: u32, index: usize) -> usize {
        self.entries + chunk as usize * CHUNK_BYTES + index * 4
    }

    /// The entry that names a chunk.
    fn pointer(&self, chunk: u32, position: u8) -> u32 {
        if self.skips() { pointer6(position) | chunk } else { POINTER | chunk }
    }

    /// The chunk that an entry names.
    fn chunk(&self, entry: u32) -> Option<u32> {
        let number = if self.skips() { NUMBER6 } else { !POINTER };
        (entry & POINTER != 0).then_some(entry & number)
    }

    /// Writes the whole trie of what lies inside a region that is else in a class.
    pub(super) fn fill(
        &mut self,
        memory: &mut Memory,
        inside: Entries<'_>,
        region: u8,
        class: u32,
    ) -> Result<(), Full> {
        let mut root = vec![class; 1 << self.root_bits];
        self.paint(memory, inside, region, &mut root, 1)?;
        memory.store(self.image, self.root, &bytes(&root));
        Ok(())
    }

    /// Makes the trie say what the prefixes say, where only what `changed` covers can be different.
    pub(super) fn update(
        &mut self,
        memory: &mut Memory,
        prefixes: &Prefixes,
        changed: Key,
    ) -> Result<(), Full> {
        let bits = self.root_bits;
        let first = changed.bits.checked_shr(128 - u32::from(bits)).unwrap_or(0) as usize;
        for index in first..first + span(changed.length, 0, bits) {
            let region = Key { bits: (index as u128) << (128 - u32::from(bits)), length: bits };
            self.reconcile(memory, prefixes, self.root + index * 4, region, changed, 1)?;
        }
        Ok(())
    }

    /// As [`Trie::update`], for the entry of a region; `depth` counts the chunks on the way, its own included.
    fn reconcile(
        &mut self,
        memory: &mut Memory,
        prefixes: &Prefixes,
        place: usize,
        region: Key,
        changed: Key,
        depth: usize,
    ) -> Result<(), Full> {
        let class = prefixes.class_of(region).unwrap_or(NO_CLASS);
        let now = memory.u32(self.image, place);
        let wanted = position(prefixes.inside(region), region.length, self.skips());
        if let (Some(chunk), Some((position, value))) = (self.chunk(now), wanted)
            && self.is(memory, now, chunk, position, value)
        {
            self.set_class(memory, chunk, class);
            let first = if changed.length <= position { 0 } else { changed.slice(position, 8) };
            for index in first..first + span(changed.length, position, 8) {
                let bits = value | (index as u128) << (120 - u32::from(position));
                let inner = Key { bits, length: position + 8 };
                let place = self.entry(chunk, index);
                self.reconcile(memory, prefixes, place, inner, changed, depth + 1)?;
            }
            return Ok(());
        }
        let inside: Vec<(Key, u32)> = match wanted {
            Some(_) => prefixes.inside(region).collect(),
            None => Vec::new(),
        };
        let then = self.build(memory, &inside, region.length, class, depth)?;
        if now != then {
            memory.store_u32(self.image, place, then);
        }
        self.retire(memory, now);
        Ok(())
    }

    /// Whether an entry names a chunk that looks where it should, behind the bits that it should.
    fn is(&self, memory: &Memory, entry: u32, chunk: u32, position: u8, value: u128) -> bool {
        let Some(headers) = self.headers else { return true };
        let header = headers + chunk as usize * HEADER;
        let [higher, lower] = [0, 8].map(|half| u128::from(memory.u64(self.image, header + half)));
        entry == self.pointer(chunk, position) && higher << 64 | lower == value
    }

    /// The class of addresses that leave the way before a chunk.
    fn set_class(&self, memory: &mut Memory, chunk: u32, class: u32) {
        let Some(headers) = self.headers else { return };
        let place = headers + chunk as usize * HEADER + HEADER_CLASS;
        if memory.u32(self.image, place) != class {
            memory.store_u32(self.image, place, class);
        }
    }

    /// Writes the chunks of what lies inside a region that is else in a class; gives the region's entry.
    fn build(
        &mut self,
        memory: &mut Memory,
        inside: Entries<'_>,
        from: u8,
        class: u32,
        depth: usize,
    ) -> Result<u32, Full> {
        let Some((position, value)) = position(inside.iter().copied(), from, self.skips()) else {
            return Ok(class);
        };
        if depth > self.depth {
            return Err(Full::Depth);
        }
        let chunk = self.chunks.take()?;
        let mut entries = [class; CHUNK as usize];
        self.paint(memory, inside, position, &mut entries, depth + 1)?;
        if let Some(headers) = self.headers {
            let mut header = [0; HEADER];
            header[..8].copy_from_slice(&((value >> 64) as u64).to_ne_bytes());
            header[8..16].copy_from_slice(&(value as u64).to_ne_bytes());
            header[HEADER_CLASS..HEADER_CLASS + 4].copy_from_slice(&class.to_ne_bytes());
            memory.store(self.image, headers + chunk as usize * HEADER, &header);
        }
        memory.store(self.image, self.entry(chunk, 0), &bytes(&entries));
        Ok(self.pointer(chunk, position))
    }

    /// Gives entries, which look at the bits from a position on, their classes and chunks.
    fn paint(
        &mut self,
        memory: &mut Memory,
        inside: Entries<'_>,
        position: u8,
        entries: &mut [u32],
        depth: usize,
    ) -> Result<(), Full> {
        let bits = entries.len().ilog2() as u8;
        let mut rest = inside;
        // A prefix comes before those inside it, so what is painted later is longer.
        while let Some((key, class)) = rest.first() {
            let index = key.slice(position, bits);
            if key.length <= position + bits {
                entries[index..index + span(key.length, position, bits)].fill(*class);
                rest = &rest[1..];
            } else {
                let end = rest.partition_point(|(key, _)| key.slice(position, bits) == index);
                let (here, others) = rest.split_at(end);
                entries[index] = self.build(memory, here, position + bits, entries[index], depth)?;
                rest = others;
            }
        }
        Ok(())
    }

    /// Notes that no entry names a chunk any more, nor those below it.
    fn retire(&mut self, memory: &Memory, entry: u32) {
        let Some(chunk) = self.chunk(entry) else { return };
        for index in 0..CHUNK as usize {
            self.retire(memory, memory.u32(self.image, self.entry(chunk, index)));
        }
        self.chunks.retire(chunk);
    }
}

fn bytes(entries: &[u32]) -> Vec<u8> {
    entries.iter().flat_map(|entry| entry.to_ne_bytes()).collect()
}

/// How many entries of a table that looks at `bits` bits from a position a prefix of a length covers.
fn span(length: u8, position: u8, bits: u8) -> usize {
    1 << (position + bits).saturating_sub(length).min(bits)
}
