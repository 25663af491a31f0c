//! The tries of both families, as small as what can come in place allows.

use sluice_ir::net::Family;

use super::chunks::Chunks;
use super::hosts;
use super::memory::{Image, Memory};
use super::prefixes::{Key, Prefixes};
use super::shape::{Prefixes6, Room, Trie4, Trie6};
use super::source::Source;
use super::trie::{self, CHUNK_BYTES, HEADER, Trie};
use super::{BuildError, allocate};
use crate::abi::{ADDRESSES, CHUNK, NO_CLASS};

/// Prefixes of IPv6 up to this length are in the trie; longer ones are hosts.
pub(super) const LONGEST6: u8 = 127;

/// A trie, unless one class is enough; its prefixes; its shape.
pub(super) type Built<S> = (Option<Trie>, Prefixes, S);

pub(super) fn build_trie4(
    memory: &mut Memory,
    source: &Source<'_>,
    room: &Room,
) -> Result<Built<Trie4>, BuildError> {
    let prefixes = Prefixes::of(&source.prefixes, Family::V4, 32);
    if let Some(class) = prefixes.uniform().filter(|class| room.chunks4 == 0 || class.is_none()) {
        let class = class.unwrap_or(NO_CLASS);
        allocate(memory, Image::Trie4, 0, 0)?;
        return Ok((None, prefixes, Trie4::Constant(class)));
    }
    let (chunks, depth) = trie::count(&prefixes, 16, false);
    let chunks = Room::above(chunks, room.chunks4);
    let depth = if room.chunks4 == 0 { depth } else { 2 };
    let root = ADDRESSES as usize * 4;
    let mut trie = Trie {
        image: Image::Trie4,
        root_bits: 16,
        root: 0,
        headers: None,
        entries: root,
        chunks: Chunks::new(chunks),
        depth,
    };
    let size = root + chunks * CHUNK_BYTES;
    allocate(memory, Image::Trie4, size, 0)?;
    let too_large = |_| BuildError::TooLarge(Image::Trie4.map().name, size);
    trie.fill(memory, &prefixes).map_err(too_large)?;
    Ok((Some(trie), prefixes, Trie4::Trie { chunks, depth }))
}

/// The trie of IPv6, and how many hosts are beside it.
pub(super) fn build_trie6(
    memory: &mut Memory,
    source: &Source<'_>,
    room: &Room,
) -> Result<(usize, Built<Trie6>), BuildError> {
    let hosts = source.prefixes.iter().filter(|(cidr, _)| cidr.length() > LONGEST6);
    let mut hosts: Vec<(u128, u32)> = hosts.map(|(cidr, class)| (Key::of(*cidr).bits, *class)).collect();
    let mut prefixes = Prefixes::of(&source.prefixes, Family::V6, LONGEST6);
    if room.hosts6 == 0 && !hosts.is_empty() {
        let all = Prefixes::of(&source.prefixes, Family::V6, 128);
        let (chunks, _) = trie::count(&all, 8, true);
        // Hosts that lie close together share chunks, which takes less memory than a slot for each, and is read in fewer
        // places; and nothing has to be looked for twice.
        if chunks * (CHUNK_BYTES + HEADER) <= 2 * hosts.len() * hosts::SLOT {
            hosts.clear();
            prefixes = all;
        }
    }
    let empty = prefixes.uniform() == Some(None);
    let planned = match hosts.is_empty() && (room.hosts6 == 0 || empty) {
        true => None,
        false => Some(hosts::plan(&hosts, room.hosts6).ok_or(too_large(hosts.len() * hosts::SLOT))?),
    };
    let taken = hosts.len();
    let (hosts, slots) = planned.unzip();
    let slots = slots.unwrap_or_default();
    let root = slots.len() * hosts::SLOT;
    if let Some(class) = prefixes.uniform().filter(|class| room.chunks6 == 0 || class.is_none()) {
        allocate(memory, Image::Trie6, root, 0)?;
        hosts::fill(memory, &slots);
        let constant = Prefixes6::Constant(class.unwrap_or(NO_CLASS));
        return Ok((taken, (None, prefixes, Trie6 { hosts, prefixes: constant })));
    }
    let (chunks, depth) = trie::count(&prefixes, 8, true);
    let chunks = Room::above(chunks, room.chunks6);
    let depth = if room.chunks6 == 0 { depth } else { 15 };
    let headers = root + CHUNK as usize * 4;
    let entries = headers + chunks * HEADER;
    let mut trie = Trie {
        image: Image::Trie6,
        root_bits: 8,
        root,
        headers: Some(headers),
        entries,
        chunks: Chunks::new(chunks),
        depth,
    };
    let size = entries + chunks * CHUNK_BYTES;
    allocate(memory, Image::Trie6, size, 0)?;
    hosts::fill(memory, &slots);
    trie.fill(memory, &prefixes).map_err(|_| too_large(size))?;
    let shape = Prefixes6::Trie { root, headers, entries, chunks, depth };
    Ok((taken, (Some(trie), prefixes, Trie6 { hosts, prefixes: shape })))
}

fn too_large(size: usize) -> BuildError {
    BuildError::TooLarge(Image::Trie6.map().name, size)
}
