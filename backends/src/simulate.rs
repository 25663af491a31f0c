//! What the datapath answers, from the bytes of the images alone.
//!
//! This reads what the generated program reads, in the same order and with the same arithmetic; everything that it
//! does not read it does not know. So it is held against decisions on the one side, and the program is held
//! against it on the other.

use std::net::IpAddr;

use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;
use zerocopy::FromBytes;

use crate::abi::{ADDRESSES, CHUNK, Endpoint, NO_CLASS, NO_VERDICT, Reason, Verdict};
use crate::image::hosts::{FREE, PROBES, SLOT, SLOT_CLASS};
use crate::image::trie::{CHUNK_BYTES, HEADER, HEADER_CLASS, LOWER, NUMBER6, POINTER, SHIFT};
use crate::image::{
    Hosts, Image, Images, Lookup, Places, Ports, Prefixes6, Shape, Skip, Stem, Trie4, Width, probes, read,
};

/// Images as the datapath sees them.
#[derive(Clone, Copy, Debug)]
pub struct Simulator<'a> {
    shape: &'a Shape,
    /// In the order of [`Image::ALL`].
    bytes: [&'a [u8]; 7],
}

/// What a packet asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which way, seen from the endpoint.
    pub direction: Direction,
    /// The table of the endpoint for that direction.
    pub table: u32,
    /// The other side.
    pub peer: Peer,
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port, or the ICMP type; 0 for protocols without either.
    pub port: u16,
}

/// The other side of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// By its address.
    Address(IpAddr),
    /// By its class, as the host is known.
    Class(u32),
}

/// What the datapath does with a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The class of the other side, or [`NO_CLASS`].
    pub class: u32,
    /// The verdict, or [`NO_VERDICT`].
    pub verdict: u32,
    /// Its record; where there is no verdict, one that drops.
    pub record: Verdict,
}

impl<'a> From<&'a Images> for Simulator<'a> {
    fn from(images: &'a Images) -> Simulator<'a> {
        Simulator { shape: images.shape(), bytes: Image::ALL.map(|image| images.bytes(image)) }
    }
}

impl<'a> Simulator<'a> {
    /// Of images as someone else has them, in the order of [`Image::ALL`].
    pub fn new(shape: &'a Shape, bytes: [&'a [u8]; 7]) -> Simulator<'a> {
        Simulator { shape, bytes }
    }

    /// The endpoint behind an interface.
    pub fn endpoint(&self, ifindex: u32) -> Option<Endpoint> {
        let bytes = self.image(Image::Endpoints);
        let mut slots = probes(ifindex, self.shape.endpoints).filter_map(|slot| {
            let from = slot * size_of::<Endpoint>();
            Endpoint::read_from_prefix(bytes.get(from..)?).ok().map(|(endpoint, _)| endpoint)
        });
        slots.find(|endpoint| endpoint.ifindex == ifindex && ifindex != 0)
    }

    /// What is done with a packet.
    pub fn answer(&self, question: &Question) -> Answer {
        let Question { direction, table, peer, protocol, port } = *question;
        let class = match peer {
            Peer::Address(address) => self.class(address),
            Peer::Class(class) => class,
        };
        let verdict = self.verdict(direction, table, class, protocol, port);
        Answer { class, verdict, record: self.record(verdict) }
    }

    /// The class of an address, or [`NO_CLASS`].
    pub fn class(&self, address: IpAddr) -> u32 {
        match address {
            IpAddr::V4(address) => self.class4(address.to_bits()),
            IpAddr::V6(address) => self.class6(address.to_bits()),
        }
    }

    /// The number of the verdict, or [`NO_VERDICT`].
    pub fn verdict(
        &self,
        direction: Direction,
        table: u32,
        class: u32,
        protocol: Protocol,
        port: u16,
    ) -> u32 {
        let Shape { sides, classes, tables, row_width, cell_width, .. } = self.shape;
        let side = &sides[direction];
        let row = match side.row {
            Some(row) => row,
            None => {
                // Who has one table asks for no other.
                let table = if *tables > 1 { u64::from(table) } else { 0 };
                let entry = table * *classes as u64 + u64::from(class);
                if entry >= (tables * classes) as u64 {
                    return NO_VERDICT;
                }
                self.number(Image::Tables, *row_width, entry as usize)
            }
        };
        let Some(port_class) = self.port_class(&side.ports, protocol, port) else { return NO_VERDICT };
        let cell = u64::from(row) * side.stride as u64 + u64::from(port_class);
        if cell >= (side.rows * side.stride) as u64 {
            return NO_VERDICT;
        }
        let verdict = self.number(Image::Cells, *cell_width, side.base + cell as usize);
        if verdict == cell_width.none() { NO_VERDICT } else { verdict }
    }

    /// What to do for a verdict.
    pub fn record(&self, verdict: u32) -> Verdict {
        let none = Verdict { reason: Reason::NoConfiguration as u8, ..Verdict::default() };
        if verdict as usize >= self.shape.verdicts {
            return none;
        }
        let record = self.image(Image::Verdicts).get(verdict as usize * size_of::<Verdict>()..);
        record.and_then(|bytes| Verdict::read_from_prefix(bytes).ok()).map_or(none, |(record, _)| record)
    }

    fn image(&self, image: Image) -> &'a [u8] {
        self.bytes[image as usize]
    }

    fn u32(&self, image: Image, offset: usize) -> u32 {
        u32::from_ne_bytes(read(self.image(image), offset))
    }

    fn u64(&self, image: Image, offset: usize) -> u64 {
        u64::from_ne_bytes(read(self.image(image), offset))
    }

    fn number(&self, image: Image, width: Width, index: usize) -> u32 {
        let offset = index * width.bytes();
        match width {
            Width::One => u32::from(u8::from_ne_bytes(read(self.image(image), offset))),
            Width::Two => u32::from(u16::from_ne_bytes(read(self.image(image), offset))),
            Width::Four => self.u32(image, offset),
        }
    }

    fn class4(&self, address: u32) -> u32 {
        let (chunks, depth) = match self.shape.trie4 {
            Trie4::Constant(class) => return class,
            Trie4::Trie { chunks, depth } => (chunks, depth),
        };
        let mut entry = self.u32(Image::Trie4, (address >> 16) as usize * 4);
        for shift in [8, 0].into_iter().take(depth) {
            if entry & POINTER == 0 {
                return entry;
            }
            // The shift drops the bit that says that it is a chunk.
            let index = (entry << 8 | address >> shift & 0xff) as usize;
            if index >= chunks * CHUNK as usize {
                return NO_CLASS;
            }
            entry = self.u32(Image::Trie4, (ADDRESSES as usize + index) * 4);
        }
        entry
    }

    fn class6(&self, address: u128) -> u32 {
        let (higher, lower) = ((address >> 64) as u64, address as u64);
        let host = self.shape.trie6.hosts.as_ref().and_then(|table| self.host6(table, higher, lower));
        host.unwrap_or_else(|| self.prefix6(address))
    }

    /// The class of an address that has its own.
    fn host6(&self, table: &Hosts, higher: u64, lower: u64) -> Option<u32> {
        let first = table.slot((higher, lower));
        for slot in (first..first + PROBES).map(|slot| slot * SLOT) {
            let class = self.u32(Image::Trie6, slot + SLOT_CLASS);
            if [0, 8].map(|half| self.u64(Image::Trie6, slot + half)) == [higher, lower] {
                return (class <= NO_CLASS).then_some(class);
            }
            if class == FREE {
                return None;
            }
        }
        None
    }

    fn prefix6(&self, address: u128) -> u32 {
        if let Some(stem) = &self.shape.trie6.stem {
            let first = u128::from(stem.first.0) << 64 | u128::from(stem.first.1);
            if (address ^ first) >> (128 - stem.length) == 0 {
                let index = (address >> (128 - stem.end())) as usize & ((1 << stem.width) - 1);
                return match &stem.skip {
                    None => self.walk6(&stem.trie, index, address),
                    Some(skip) => self.step6(stem, skip, index, address),
                };
            }
        }
        match &self.shape.trie6.prefixes {
            Prefixes6::Constant(class) => *class,
            Prefixes6::Trie(places) => self.walk6(places, (address >> 120) as usize, address),
        }
    }

    /// From an entry of the root of a stem whose chunks leave out the same.
    fn step6(&self, stem: &Stem, skip: &Skip, index: usize, address: u128) -> u32 {
        let Places { root, headers, entries, chunks, .. } = stem.trie;
        let entry = self.u32(Image::Trie6, root + index * 4);
        let chunk = (entry & NUMBER6) as usize;
        if entry & POINTER == 0 {
            entry
        } else if chunk >= chunks {
            NO_CLASS
        } else if skip.of(address, stem.end()) != skip.bits {
            self.u32(Image::Trie6, headers + chunk * HEADER + HEADER_CLASS)
        } else {
            let index = (address >> (120 - skip.position)) as usize & 0xff;
            self.u32(Image::Trie6, entries + chunk * CHUNK_BYTES + index * 4)
        }
    }

    /// From an entry of a root on.
    fn walk6(&self, places: &Places, index: usize, address: u128) -> u32 {
        let Places { root, headers, entries, chunks, depth } = *places;
        let (higher, lower) = ((address >> 64) as u64, address as u64);
        let mut entry = self.u32(Image::Trie6, root + index * 4);
        for _ in 0..depth {
            if entry & POINTER == 0 {
                return entry;
            }
            let chunk = (entry & NUMBER6) as usize;
            if chunk >= chunks {
                return NO_CLASS;
            }
            let header = headers + chunk * HEADER;
            let values = [0, 8].map(|half| self.u64(Image::Trie6, header + half));
            // What is above the byte must be as the header says, and there the byte is 0.
            let shift = (entry >> SHIFT & 7) * 8;
            let index = match entry & LOWER {
                0 => (higher ^ values[0]) >> shift,
                _ if higher == values[0] => (lower ^ values[1]) >> shift,
                _ => u64::from(CHUNK),
            };
            if index >= u64::from(CHUNK) {
                return self.u32(Image::Trie6, header + HEADER_CLASS);
            }
            entry = self.u32(Image::Trie6, entries + chunk * CHUNK_BYTES + index as usize * 4);
        }
        entry
    }

    fn port_class(&self, ports: &Ports, protocol: Protocol, port: u16) -> Option<u32> {
        let (arms, otherwise, width) = match ports {
            Ports::One(class) => return Some(*class),
            Ports::Chain { arms, otherwise, width } => (arms, otherwise, width),
            Ports::Index { place, width, entries } => {
                let place = place + usize::from(protocol.0) * 8;
                let base = self.u32(Image::Ports, place);
                let index = u64::from(base) + u64::from(u32::from(port) & self.u32(Image::Ports, place + 4));
                return (index < *entries as u64).then(|| self.number(Image::Ports, *width, index as usize));
            }
        };
        match arms.iter().find(|arm| arm.protocol == protocol.0).map(|arm| &arm.lookup) {
            None => Some(*otherwise),
            Some(Lookup::Tree(spans)) => {
                spans.iter().rfind(|(start, _)| *start <= port).map(|(_, class)| *class)
            }
            Some(Lookup::Block(place)) => {
                Some(self.number(Image::Ports, *width, place / width.bytes() + usize::from(port)))
            }
        }
    }
}
