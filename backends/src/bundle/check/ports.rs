//! The classes of ports.

use super::{numbers, wrong};
use crate::bundle::ReadError;
use crate::image::ports::{ARMS, BLOCK, TREE_BOUNDS};
use crate::image::{Image, Lookup, Ports, SideShape, Width};

/// Eight bytes for each protocol.
const INDEX: usize = 256 * 8;

fn contradiction(what: &'static str) -> ReadError {
    ReadError::Contradiction { what }
}

/// Checks how ports are looked up, down to the entries of blocks.
pub(super) fn shape(side: &SideShape, image: &[u8]) -> Result<(), ReadError> {
    match &side.ports {
        Ports::One(class) => known(side, *class),
        Ports::Chain { arms, otherwise, width } => {
            if arms.is_empty() || arms.len() > ARMS || !is_width(*width) {
                return Err(contradiction("protocols are told apart in a way that is not known"));
            }
            let named = |at: usize| arms.iter().take(at).any(|arm| arm.protocol == arms[at].protocol);
            if (0..arms.len()).any(named) {
                return Err(contradiction("a protocol is listed twice"));
            }
            known(side, *otherwise)?;
            arms.iter().try_for_each(|arm| match &arm.lookup {
                Lookup::Tree(spans) => tree(side, spans),
                Lookup::Block(place) => block(side, *width, image, *place, BLOCK),
            })
        }
        Ports::Index { place, width, entries } => {
            let whole = is_width(*width) && *entries == image.len() / width.bytes();
            let index = place.checked_add(INDEX).and_then(|end| image.get(*place..end));
            let (Some(index), true, true) = (index, whole, place.is_multiple_of(8)) else {
                return Err(contradiction("the places of protocols are not in the image of ports"));
            };
            let words: Vec<u32> = numbers(index, Width::Four).map(|(_, word)| word).collect();
            words.chunks_exact(2).try_for_each(|pair| {
                let count = pair[1] as usize + 1;
                if count != 1 && count != BLOCK {
                    return Err(wrong(Image::Ports, *place, "a protocol has another number of ports"));
                }
                let from = (pair[0] as usize).checked_mul(width.bytes());
                let from =
                    from.ok_or(wrong(Image::Ports, *place, "a protocol's ports are not in the image"))?;
                block(side, *width, image, from, count)
            })
        }
    }
}

fn is_width(width: Width) -> bool {
    width != Width::Four
}

fn known(side: &SideShape, class: u32) -> Result<(), ReadError> {
    match (class as usize) < side.stride {
        true => Ok(()),
        false => Err(contradiction("a port is in a class that is not there")),
    }
}

fn tree(side: &SideShape, spans: &[(u16, u32)]) -> Result<(), ReadError> {
    let sorted = spans.is_sorted_by(|(a, _), (b, _)| a < b);
    if spans.len() > TREE_BOUNDS + 1 || !sorted || spans.first().is_none_or(|(start, _)| *start != 0) {
        return Err(contradiction("bounds of ports are too many, or not in order"));
    }
    spans.iter().try_for_each(|(_, class)| known(side, *class))
}

fn block(side: &SideShape, width: Width, image: &[u8], place: usize, count: usize) -> Result<(), ReadError> {
    let end = place.checked_add(count * width.bytes());
    let entries = end.filter(|_| place.is_multiple_of(width.bytes())).and_then(|end| image.get(place..end));
    let entries = entries.ok_or(contradiction("ports of a protocol are not in the image of ports"))?;
    match numbers(entries, width).find(|(_, class)| *class as usize >= side.stride) {
        None => Ok(()),
        Some((at, _)) => Err(wrong(Image::Ports, place + at, "a port is in a class that is not there")),
    }
}
