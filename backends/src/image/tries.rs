//! The tries of both families, as small as what can come in place allows.

use sluice_ir::net::Family;

use super::chunks::Chunks;
use super::hosts;
use super::memory::{Image, Memory};
use super::prefixes::{Key, Prefixes, uniform};
use super::shape::{Places, Prefixes6, Room, Stem, Trie4, Trie6};
use super::source::Source;
use super::stem::{self, Plan};
use super::trie::{self, CHUNK_BYTES, HEADER, Trie};
use super::{BuildError, allocate};
use crate::abi::{ADDRESSES, NO_CLASS};

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
    let all: Vec<(Key, u32)> = prefixes.iter().collect();
    let (chunks, depth) = trie::count(&all, 16, false);
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
    trie.fill(memory, &all, 0, NO_CLASS).map_err(too_large)?;
    Ok((Some(trie), prefixes, Trie4::Trie { chunks, depth }))
}

/// The tries of IPv6, and how many hosts are beside them.
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
        let (chunks, _) = trie::count(&all.iter().collect::<Vec<_>>(), 8, true);
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
    let Parts { stem, common, size } = parts(&prefixes, slots.len() * hosts::SLOT, room);
    allocate(memory, Image::Trie6, size, 0)?;
    hosts::fill(memory, &slots);
    let full = |_| too_large(size);
    if let Some((plan, places)) = &stem {
        let inside: Vec<(Key, u32)> = prefixes.inside(plan.region).collect();
        let class = prefixes.class_of(plan.region).unwrap_or(NO_CLASS);
        let mut trie = trie6(*places, plan.width);
        trie.fill(memory, &inside, plan.region.length, class).map_err(full)?;
    }
    let outside = outside(&prefixes, stem.map(|(plan, _)| plan));
    let (trie, prefixes6) = match common {
        Ok(places) => {
            let mut trie = trie6(places, 8);
            trie.fill(memory, &outside, 0, NO_CLASS).map_err(full)?;
            (Some(trie), Prefixes6::Trie(places))
        }
        Err(class) => (None, Prefixes6::Constant(class)),
    };
    let stem = stem.map(|(plan, trie)| {
        let Plan { region, width } = plan;
        let skip = trie::skip(&prefixes.inside(region).collect::<Vec<_>>(), plan.end());
        Stem { first: hosts::halves(region.bits), length: region.length, width, skip, trie }
    });
    Ok((taken, (trie, prefixes, Trie6 { hosts, stem, prefixes: prefixes6 })))
}

/// Where the tries of IPv6 lie behind the hosts, and where they end. In place of the common one there may be a class.
struct Parts {
    stem: Option<(Plan, Places)>,
    common: Result<Places, u32>,
    size: usize,
}

fn parts(prefixes: &Prefixes, begin: usize, room: &Room) -> Parts {
    let all: Vec<(Key, u32)> = prefixes.iter().collect();
    // The program knows what addresses share. Where others come that would change, and hosts are not in a trie.
    let plan = if room.chunks6 == 0 && room.hosts6 == 0 { stem::plan(&all) } else { None };
    let stem = plan.map(|plan| {
        let inside: Vec<(Key, u32)> = prefixes.inside(plan.region).collect();
        let (chunks, depth) = trie::count(&inside, plan.end(), true);
        (plan, Places::of(begin, plan.width, chunks, depth))
    });
    let begin = stem.map_or(begin, |(_, places)| places.end());
    let outside = outside(prefixes, plan);
    let uniform = uniform(outside.iter().copied()).filter(|class| room.chunks6 == 0 || class.is_none());
    if let Some(class) = uniform {
        return Parts { stem, common: Err(class.unwrap_or(NO_CLASS)), size: begin };
    }
    let (chunks, depth) = trie::count(&outside, 8, true);
    let chunks = Room::above(chunks, room.chunks6);
    let depth = if room.chunks6 == 0 { depth } else { 15 };
    let places = Places::of(begin, 8, chunks, depth);
    Parts { stem, common: Ok(places), size: places.end() }
}

/// The prefixes that are in the common trie.
fn outside(prefixes: &Prefixes, plan: Option<Plan>) -> Vec<(Key, u32)> {
    prefixes.iter().filter(|(key, _)| plan.is_none_or(|plan| !plan.holds(*key))).collect()
}

/// A trie without anything, whose root looks at so many bits.
fn trie6(places: Places, root_bits: u8) -> Trie {
    Trie {
        image: Image::Trie6,
        root_bits,
        root: places.root,
        headers: Some(places.headers),
        entries: places.entries,
        chunks: Chunks::new(places.chunks),
        depth: places.depth,
    }
}

fn too_large(size: usize) -> BuildError {
    BuildError::TooLarge(Image::Trie6.map().name, size)
}
