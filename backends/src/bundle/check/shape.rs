//! A shape by itself, and the sizes of images.

use sluice_ir::policy::Direction;

use super::{is_class, ports};
use crate::abi::ADDRESSES;
use crate::bundle::ReadError;
use crate::image::hosts::{PROBES, SLOT, SLOTS};
use crate::image::stem::WIDEST;
use crate::image::trie::{CHUNK_BYTES, HEADER};
use crate::image::{Image, LARGEST, Places, Prefixes6, Shape, Skip, Stem, Trie4, Width};

/// The deepest trie of IPv6: one byte at the root, fifteen behind it.
const DEPTH6: usize = 15;

/// Checks that everything that a shape says can be, and that images have the sizes that follow.
///
/// Behind this check products and sums of what a shape says are no larger than an image may be.
pub(in crate::bundle) fn shape<'b>(
    shape: &Shape,
    image: impl Fn(Image) -> &'b [u8] + Copy,
) -> Result<(), ReadError> {
    let size = |which: Image, expected: u64| {
        let bytes = image(which).len();
        // The kernel has no empty maps.
        match bytes as u64 == expected.max(8) && bytes <= LARGEST {
            true => Ok(()),
            false => Err(ReadError::Size { image: which.map().name, bytes, expected }),
        }
    };
    plain(shape)?;
    size(Image::Trie4, trie4(shape)?)?;
    size(Image::Trie6, trie6(shape)?)?;
    let bytes = |width: Width, entries: u64| entries * width.bytes() as u64;
    size(Image::Tables, bytes(shape.row_width, shape.tables as u64 * shape.classes as u64))?;
    size(Image::Cells, bytes(shape.cell_width, shape.cells as u64))?;
    size(Image::Verdicts, shape.verdicts as u64 * size_of::<crate::abi::Verdict>() as u64)?;
    Direction::BOTH.into_iter().try_for_each(|way| ports::shape(&shape.sides[way], image(Image::Ports)))
}

fn contradiction(what: &'static str) -> ReadError {
    ReadError::Contradiction { what }
}

/// What needs no image.
fn plain(shape: &Shape) -> Result<(), ReadError> {
    let numbers = [shape.classes, shape.tables, shape.cells, shape.verdicts];
    let sides = Direction::BOTH.map(|direction| &shape.sides[direction]);
    let of_sides = sides.map(|side| [side.stride, side.base, side.rows]);
    if numbers.iter().chain(of_sides.iter().flatten()).any(|number| *number > LARGEST) {
        return Err(contradiction("a number is larger than the largest image"));
    }
    if shape.endpoints != 1 {
        return Err(contradiction("endpoints have no place before their interfaces are known"));
    }
    if !is_class(shape, shape.host_class) {
        return Err(contradiction("the host is in a class that is not there"));
    }
    let most_rows = sides.map(|side| side.rows).into_iter().max().unwrap_or_default();
    if shape.row_width != Width::of(most_rows) || shape.cell_width != Width::of(shape.verdicts) {
        return Err(contradiction("numbers of rows or verdicts have another width"));
    }
    let [ingress, egress] = sides;
    let cells = |rows: usize, stride: usize| rows as u64 * stride as u64;
    let bases = [0, cells(ingress.rows, ingress.stride)];
    let all = bases[1] + cells(egress.rows, egress.stride);
    if [ingress.base as u64, egress.base as u64] != bases || shape.cells as u64 != all {
        return Err(contradiction("cells do not lie one behind the other"));
    }
    let row = |side: &crate::image::SideShape| side.row.is_none_or(|row| (row as usize) < side.rows);
    if !sides.into_iter().all(row) {
        return Err(contradiction("the row of every class is not there"));
    }
    Ok(())
}

/// The bytes that the trie of IPv4 has.
fn trie4(shape: &Shape) -> Result<u64, ReadError> {
    match shape.trie4 {
        Trie4::Constant(class) if is_class(shape, class) => Ok(0),
        Trie4::Trie { chunks, depth } if chunks <= LARGEST && depth <= 2 => {
            Ok(u64::from(ADDRESSES) * 4 + chunks as u64 * CHUNK_BYTES as u64)
        }
        _ => Err(contradiction("there can be no such trie of IPv4")),
    }
}

/// The bytes that hosts and trie of IPv6 have.
fn trie6(shape: &Shape) -> Result<u64, ReadError> {
    let slots = match &shape.trie6.hosts {
        None => 0,
        Some(hosts) if (1..=SLOTS).contains(&hosts.bits) => (1 << hosts.bits) + PROBES as u64 - 1,
        Some(_) => return Err(contradiction("there can be no such table of IPv6 hosts")),
    };
    let none = || contradiction("there can be no such trie of IPv6");
    let begin = slots * SLOT as u64;
    let begin = match &shape.trie6.stem {
        None => begin,
        Some(stem) if is_stem(stem) => places(&stem.trie, begin, stem.width).ok_or_else(none)?,
        Some(_) => return Err(none()),
    };
    match &shape.trie6.prefixes {
        Prefixes6::Constant(class) if is_class(shape, *class) => Ok(begin),
        Prefixes6::Trie(trie) => places(trie, begin, 8).ok_or_else(none),
        _ => Err(none()),
    }
}

/// Where a trie ends that begins there and whose root looks at so many bits; none if it lies elsewhere.
fn places(trie: &Places, begin: u64, root_bits: u8) -> Option<u64> {
    let Places { root, headers, entries, chunks, depth } = *trie;
    let header = begin + (4_u64 << root_bits).next_multiple_of(HEADER as u64);
    let entry = header.checked_add((chunks as u64).checked_mul(HEADER as u64)?)?;
    let lies = [root as u64, headers as u64, entries as u64] == [begin, header, entry];
    (lies && chunks <= LARGEST && depth <= DEPTH6).then(|| entry + chunks as u64 * CHUNK_BYTES as u64)
}

/// Whether addresses can begin alike in this way: with some bits, and nothing behind them; then come the root's, in one half.
fn is_stem(stem: &Stem) -> bool {
    let Stem { first: (higher, lower), length, width, skip, trie } = *stem;
    let end = length.saturating_add(width);
    let bits = u128::from(higher) << 64 | u128::from(lower);
    let rest = u128::MAX.checked_shr(length.into()).unwrap_or(0);
    let in_one_half = end <= 64 || length >= 64;
    let is_root =
        (1..=WIDEST).contains(&width) && length > 0 && end <= 120 && end.is_multiple_of(8) && in_one_half;
    let is_skip = |skip: Skip| {
        let has_byte = skip.position >= end && skip.position <= 120 && skip.position.is_multiple_of(8);
        has_byte && (end >= 64 || skip.position < 64) && trie.depth <= 1
    };
    is_root && bits & rest == 0 && skip.is_none_or(is_skip)
}
