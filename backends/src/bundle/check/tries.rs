//! The classes of addresses.

use super::{is_class, numbers, wrong};
use crate::abi::ADDRESSES;
use crate::bundle::ReadError;
use crate::image::hosts::{FREE, GONE, PROBES, SLOT, SLOT_CLASS};
use crate::image::trie::{CHUNK_BYTES, HEADER, HEADER_CLASS, NUMBER6, POINTER, pointer6};
use crate::image::{Hosts, Image, Places, Prefixes6, Shape, Skip, Stem, Trie4, Width, read};

/// A trie as it lies in its image; places are in bytes.
struct Trie<'b> {
    image: Image,
    bytes: &'b [u8],
    root: usize,
    /// How many bytes the root has.
    length: usize,
    entries: usize,
    chunks: usize,
    depth: usize,
    /// The bits of an entry that number a chunk.
    number: u32,
}

/// Checks the trie of IPv4.
pub(super) fn trie4(shape: &Shape, bytes: &[u8]) -> Result<(), ReadError> {
    let Trie4::Trie { chunks, depth } = shape.trie4 else { return Ok(()) };
    let length = ADDRESSES as usize * 4;
    let number = !POINTER;
    Trie { image: Image::Trie4, bytes, root: 0, length, entries: length, chunks, depth, number }.check(shape)
}

/// Checks hosts and trie of IPv6.
pub(super) fn trie6(shape: &Shape, bytes: &[u8]) -> Result<(), ReadError> {
    if let Some(table) = &shape.trie6.hosts {
        hosts(shape, table, bytes)?;
    }
    if let Some(stem) = &shape.trie6.stem {
        one_trie6(shape, bytes, &stem.trie, stem.width)?;
        if let Some(skip) = &stem.skip {
            skips_alike(bytes, stem, skip)?;
        }
    }
    match &shape.trie6.prefixes {
        Prefixes6::Constant(_) => Ok(()),
        Prefixes6::Trie(places) => one_trie6(shape, bytes, places, 8),
    }
}

/// Checks that chunks look where programs do, and leave out what programs know.
fn skips_alike(bytes: &[u8], stem: &Stem, skip: &Skip) -> Result<(), ReadError> {
    let Places { root, headers, .. } = stem.trie;
    let entries = bytes.get(root..root + (4 << stem.width)).unwrap_or_default();
    for (at, entry) in numbers(entries, Width::Four).filter(|(_, entry)| entry & POINTER != 0) {
        let header = headers + (entry & NUMBER6) as usize * HEADER;
        let [higher, lower] = [0, 8].map(|half| u128::from(u64::from_ne_bytes(read(bytes, header + half))));
        let is_left_out = skip.of(higher << 64 | lower, stem.end()) == skip.bits;
        if entry & !NUMBER6 != pointer6(skip.position) || !is_left_out {
            return Err(wrong(Image::Trie6, root + at, "a chunk leaves out what the manifest does not say"));
        }
    }
    Ok(())
}

fn one_trie6(shape: &Shape, bytes: &[u8], places: &Places, root_bits: u8) -> Result<(), ReadError> {
    let Places { root, headers, entries, chunks, depth } = *places;
    for at in (0..chunks).map(|chunk| headers + chunk * HEADER + HEADER_CLASS) {
        if !is_class(shape, u32::from_ne_bytes(read(bytes, at))) {
            return Err(wrong(Image::Trie6, at, "a chunk names a class that is not there"));
        }
    }
    let length = 4 << root_bits;
    Trie { image: Image::Trie6, bytes, root, length, entries, chunks, depth, number: NUMBER6 }.check(shape)
}

impl Trie<'_> {
    /// Checks every entry, and that no way is longer than programs go. An entry names a chunk that no other one
    /// names, so that the walk ends.
    fn check(&self, shape: &Shape) -> Result<(), ReadError> {
        let mut named = vec![false; self.chunks];
        let mut level = self.entries_of(shape, self.root, self.length, &mut named)?;
        for _ in 0..self.depth {
            let mut next = Vec::new();
            for chunk in level {
                let at = self.entries + chunk * CHUNK_BYTES;
                next.extend(self.entries_of(shape, at, CHUNK_BYTES, &mut named)?);
            }
            level = next;
        }
        if !level.is_empty() {
            return Err(wrong(self.image, self.root, "a way is longer than the manifest says"));
        }
        match named.iter().position(|named| !named) {
            None => Ok(()),
            Some(chunk) => {
                let at = self.entries + chunk * CHUNK_BYTES;
                Err(wrong(self.image, at, "a chunk is there that no entry names"))
            }
        }
    }

    /// Checks some entries; gives the chunks that they name.
    fn entries_of(
        &self,
        shape: &Shape,
        from: usize,
        length: usize,
        named: &mut [bool],
    ) -> Result<Vec<usize>, ReadError> {
        let mut chunks = Vec::new();
        let entries = self.bytes.get(from..from + length).unwrap_or_default();
        for (at, entry) in numbers(entries, Width::Four) {
            if entry & POINTER == 0 {
                if !is_class(shape, entry) {
                    return Err(wrong(self.image, from + at, "an address is in a class that is not there"));
                }
                continue;
            }
            let chunk = (entry & self.number) as usize;
            match named.get_mut(chunk) {
                Some(named) if !*named => *named = true,
                Some(_) => return Err(wrong(self.image, from + at, "two entries name one chunk")),
                None => return Err(wrong(self.image, from + at, "an entry names a chunk that is not there")),
            }
            chunks.push(chunk);
        }
        Ok(chunks)
    }
}

fn hosts(shape: &Shape, table: &Hosts, bytes: &[u8]) -> Result<(), ReadError> {
    for slot in 0..table.slots() {
        let at = slot * SLOT;
        let class = u32::from_ne_bytes(read(bytes, at + SLOT_CLASS));
        if class == FREE || class == GONE {
            continue;
        }
        if !is_class(shape, class) {
            return Err(wrong(Image::Trie6, at, "a host is in a class that is not there"));
        }
        let key = (u64::from_ne_bytes(read(bytes, at)), u64::from_ne_bytes(read(bytes, at + 8)));
        if slot.checked_sub(table.slot(key)).is_none_or(|distance| distance >= PROBES) {
            return Err(wrong(Image::Trie6, at, "a host is where nobody looks for it"));
        }
    }
    Ok(())
}
