//! The image of ports: a block for each protocol whose ports are told apart by more than a few bounds.

use std::collections::BTreeMap;

use sluice_ir::decision::{ByDirection, PortClasses};
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;

use super::shape::{Arm, Lookup, Ports, Room, Width};

/// A protocol with so many bounds between its ports, or fewer, is looked up by comparisons.
pub(crate) const TREE_BOUNDS: usize = 3;
/// So many protocols, or fewer, are told apart one after the other. More would be slow, and each place at which
/// ways part multiplies what the kernel's verifier looks at.
pub(crate) const ARMS: usize = 8;
/// Entries of a block.
pub(crate) const BLOCK: usize = 65_536;

/// Those that are asked for most.
const FREQUENT: [Protocol; 5] =
    [Protocol::TCP, Protocol::UDP, Protocol::ICMP, Protocol::ICMPV6, Protocol::SCTP];

/// First ports, and the class from there on.
type Spans = Vec<(u16, u32)>;

/// The image in the making.
#[derive(Default)]
struct Blocks {
    bytes: Vec<u8>,
    /// Blocks by what they say, so that each is there once.
    places: BTreeMap<(Width, Spans), usize>,
}

/// The bytes of an index: eight for each protocol.
const INDEX: usize = 8 << 8;

/// Lays out the classes of ports of both directions, and gives the image.
///
/// Where other ports may come, both have an index at the beginning of the image, whatever they say now; what comes behind
/// has a size that lasts, or this one, if it was laid out before.
pub(super) fn lay_out(
    ports: &ByDirection<&PortClasses>,
    room: &Room,
    size: Option<usize>,
) -> (ByDirection<Ports>, Vec<u8>) {
    let mut blocks = Blocks::default();
    let lasting = room.ports > 0;
    if lasting {
        blocks.bytes.resize(Direction::BOTH.len() * INDEX, 0);
    }
    let mut planned = ByDirection::from_fn(|direction| match lasting {
        true => plan_lasting(ports[direction], direction, &mut blocks),
        false => plan(ports[direction], &mut blocks),
    });
    if lasting {
        let least = Room::above(blocks.bytes.len().div_ceil(BLOCK), room.ports) * BLOCK;
        blocks.bytes.resize(size.unwrap_or(least).max(blocks.bytes.len()), 0);
    }
    Direction::BOTH.into_iter().for_each(|direction| finish(&mut planned[direction], blocks.bytes.len()));
    (planned, blocks.bytes)
}

fn width(ports: &PortClasses) -> Width {
    if ports.len() <= 1 << 8 { Width::One } else { Width::Two }
}

/// For each protocol that is listed what is said of its ports.
fn arms(ports: &PortClasses) -> Vec<(u8, Spans)> {
    let mut arms: Vec<(u8, Spans)> = Vec::new();
    for spans in ports.spans().chunk_by(|a, b| a.protocol == b.protocol) {
        let mut of_protocol: Spans =
            spans.iter().map(|span| (span.range.start, span.class.index() as u32)).collect();
        of_protocol.dedup_by_key(|(_, class)| *class);
        arms.extend(spans.first().map(|span| (span.protocol.0, of_protocol)));
    }
    let every = arms.len() > usize::from(u8::MAX);
    arms.retain(|(_, spans)| every || *spans != [(0, 0)]);
    arms
}

/// An index at the place of a direction.
fn plan_lasting(ports: &PortClasses, direction: Direction, blocks: &mut Blocks) -> Ports {
    let width = width(ports);
    let bytes = index(&arms(ports), width, blocks);
    let place = if direction == Direction::Ingress { 0 } else { INDEX };
    blocks.bytes[place..place + INDEX].copy_from_slice(&bytes);
    Ports::Index { place, width, entries: 0 }
}

/// Lays out the classes of ports of a direction, as quick as can be.
fn plan(ports: &PortClasses, blocks: &mut Blocks) -> Ports {
    let width = width(ports);
    let mut arms = arms(ports);
    if arms.len() > ARMS {
        let bytes = index(&arms, width, blocks);
        blocks.align(8);
        let place = blocks.bytes.len();
        blocks.bytes.extend(bytes);
        return Ports::Index { place, width, entries: 0 };
    }
    arms.sort_by_key(|(protocol, _)| {
        (FREQUENT.iter().position(|frequent| frequent.0 == *protocol).unwrap_or(FREQUENT.len()), *protocol)
    });
    if arms.is_empty() {
        return Ports::One(0);
    }
    let arm = |(protocol, spans): (u8, Spans)| {
        let lookup = match spans.len() <= TREE_BOUNDS + 1 {
            true => Lookup::Tree(spans),
            false => Lookup::Block(blocks.place(spans, width, BLOCK)),
        };
        Arm { protocol, lookup }
    };
    Ports::Chain { arms: arms.into_iter().map(arm).collect(), otherwise: 0, width }
}

/// A place for each protocol.
fn index(arms: &[(u8, Spans)], width: Width, blocks: &mut Blocks) -> Vec<u8> {
    let mut index = vec![(vec![(0, 0)], 1); 1 << 8];
    for (protocol, spans) in arms {
        index[usize::from(*protocol)] = (spans.clone(), if spans.len() == 1 { 1 } else { BLOCK });
    }
    let mut bytes = Vec::new();
    for (spans, entries) in index {
        let base = blocks.place(spans, width, entries) / width.bytes();
        bytes.extend([base as u32, entries as u32 - 1].map(u32::to_ne_bytes).concat());
    }
    bytes
}

impl Blocks {
    fn align(&mut self, to: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(to), 0);
    }

    /// Where a block of so many entries is, in bytes.
    fn place(&mut self, spans: Spans, width: Width, entries: usize) -> usize {
        let key = (width, spans);
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        self.align(8);
        let place = self.bytes.len();
        let (_, spans) = &key;
        for (at, (start, class)) in spans.iter().enumerate() {
            let end = spans.get(at + 1).map_or(entries, |(next, _)| usize::from(*next));
            for _ in usize::from(*start)..end {
                match width {
                    Width::One => self.bytes.push(*class as u8),
                    _ => self.bytes.extend((*class as u16).to_ne_bytes()),
                }
            }
        }
        self.places.insert(key, place);
        place
    }
}

/// Notes how large the image became.
fn finish(ports: &mut Ports, size: usize) {
    if let Ports::Index { width, entries, .. } = ports {
        *entries = size / width.bytes();
    }
}
