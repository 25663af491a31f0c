//! Whether the parts of a bundle fit together, and every number in them is in range.

mod images;
mod manifest;
mod ports;
mod shape;
mod tries;

pub(super) use images::images;
pub(super) use manifest::manifest;
pub(super) use shape::shape;

use super::ReadError;
use crate::abi::NO_CLASS;
use crate::image::{Image, Shape, Width};

/// Says that something in an image is wrong.
fn wrong(image: Image, at: usize, what: &'static str) -> ReadError {
    ReadError::Range { image: image.map().name, at, what }
}

/// Whether a number is a class of peers, or none.
fn is_class(shape: &Shape, class: u32) -> bool {
    class == NO_CLASS || (class as usize) < shape.classes
}

/// Some entries of an image, numbered from 0, with the byte at which each begins.
pub(super) fn numbers(bytes: &[u8], width: Width) -> impl Iterator<Item = (usize, u32)> {
    let size = width.bytes();
    bytes.chunks_exact(size).enumerate().map(move |(at, entry)| {
        let number = match *entry {
            [a] => u32::from(a),
            [a, b] => u32::from(u16::from_ne_bytes([a, b])),
            [a, b, c, d] => u32::from_ne_bytes([a, b, c, d]),
            _ => u32::MAX,
        };
        (at * size, number)
    })
}
