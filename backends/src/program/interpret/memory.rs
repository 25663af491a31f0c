//! Addresses.
//!
//! A context holds 32 bits of the packet's address, so the packet lies below 4 GiB, and with it the stack and the
//! context, each in a window of its own; the rest lies above. The higher half of an address names a window:
//!
//! | address | what |
//! |---|---|
//! | `0x1000_0000` | the stack, 512 bytes, in which only what was written can be read |
//! | `0x2000_0000` | the context |
//! | `0x4000_0000` and up | the packet, elsewhere each time a helper may have moved it |
//! | `0x0000_0001_0000_0000` and up | values of maps, a window for each map |
//! | `0x2000_0000_0000_0000` and up | sockets that are held |
//! | `0x4000_0000_0000_0000` and up | records of rings that are being written |
//! | `0x8000_0000_0000_0000` and up | maps themselves, which programs cannot read |

use super::context::View;
use super::maps::Map;
use super::sockets::{self, Socket};
use super::{FaultKind, MapId};
use crate::program::{Size, arithmetic};

/// Bytes of a stack.
pub(super) const STACK: usize = 512;
const STACK_BASE: u64 = 0x1000_0000;
/// Where the context is.
pub(super) const CONTEXT_BASE: u64 = 0x2000_0000;
const PACKET_BASE: u64 = 0x4000_0000;
/// How far a packet moves. No more of it can be addressed.
const PACKET_STEP: u64 = 0x0010_0000;
const PACKET_END: u64 = 0x1_0000_0000;
const WINDOW: u64 = 1 << 32;
const SOCKETS: u64 = 1 << 61;
const RECORDS: u64 = 1 << 62;
const HANDLES: u64 = 1 << 63;

/// What an address is in.
enum Place {
    Stack,
    Context,
    Packet,
    Map(usize),
    Record(usize),
    Socket(usize),
}

/// Space of a ring that a program writes to.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) ring: MapId,
    pub(super) bytes: Vec<u8>,
}

/// Everything that has an address, during one run.
pub(super) struct Memory<'m> {
    stack: [Option<u8>; STACK],
    pub(super) view: View,
    packet: Vec<u8>,
    /// How many bytes of the packet a program can address.
    linear: usize,
    packet_base: u64,
    pub(super) maps: &'m mut [Map],
    records: Vec<Option<Record>>,
    /// The bytes of each that was found, until it is let go.
    sockets: Vec<Option<(Socket, Vec<u8>)>>,
    /// The one that the packet was given to.
    pub(super) given_to: Option<Socket>,
}

impl<'m> Memory<'m> {
    pub(super) fn new(view: View, packet: Vec<u8>, linear: usize, maps: &'m mut [Map]) -> Memory<'m> {
        let linear = linear.min(packet.len()).min(PACKET_STEP as usize);
        let mut memory = Memory {
            stack: [None; STACK],
            view,
            packet,
            linear,
            packet_base: PACKET_BASE,
            maps,
            records: Vec::new(),
            sockets: Vec::new(),
            given_to: None,
        };
        memory.show_packet();
        memory
    }

    /// The end of the stack.
    pub(super) fn frame_pointer() -> u64 {
        STACK_BASE + STACK as u64
    }

    /// Another program begins: nothing is on its stack.
    pub(super) fn forget_stack(&mut self) {
        self.stack = [None; STACK];
    }

    /// The address of a map, or of a byte of its memory.
    pub(super) fn map_address(map: MapId, memory: bool) -> u64 {
        if memory { (map.0 as u64 + 1) * WINDOW } else { HANDLES + map.0 as u64 }
    }

    /// The map at an address.
    pub(super) fn map_at(&self, address: u64) -> Option<MapId> {
        let index = usize::try_from(address.checked_sub(HANDLES)?).ok()?;
        (index < self.maps.len()).then_some(MapId(index))
    }

    /// The packet, with what programs cannot address.
    pub(super) fn packet(&self) -> &[u8] {
        &self.packet
    }

    /// Lets programs address so many bytes of the packet at least; every address of it becomes another.
    pub(super) fn pull(&mut self, linear: usize) {
        self.linear = self.linear.max(linear).min(self.packet.len()).min(PACKET_STEP as usize);
        self.packet_base += PACKET_STEP;
        if self.packet_base + PACKET_STEP > PACKET_END {
            self.packet_base = PACKET_BASE;
        }
        self.show_packet();
    }

    /// The packet at the end of a run.
    pub(super) fn into_packet(self) -> Vec<u8> {
        self.packet
    }

    /// Bytes of the rings' records that are being written.
    pub(super) fn reserved(&self, ring: MapId) -> usize {
        let records = self.records.iter().flatten().filter(|record| record.ring == ring);
        records.map(|record| Map::record(record.bytes.len())).sum()
    }

    /// Whether some record is neither submitted nor discarded.
    pub(super) fn has_records(&self) -> bool {
        self.records.iter().any(Option::is_some)
    }

    /// Whether some socket was not let go.
    pub(super) fn has_sockets(&self) -> bool {
        self.sockets.iter().any(Option::is_some)
    }

    /// Holds a socket, and says where.
    pub(super) fn add_socket(&mut self, socket: Socket) -> u64 {
        self.sockets.push(Some((socket, sockets::bytes(&socket))));
        SOCKETS + self.sockets.len() as u64 * WINDOW
    }

    /// The socket that is held at an address; none is left there if it is let go.
    pub(super) fn socket(&mut self, address: u64, let_go: bool) -> Option<Socket> {
        let (Place::Socket(index), 0) = self.place(address)? else { return None };
        let held = self.sockets.get_mut(index)?;
        let socket = held.as_ref().map(|(socket, _)| *socket);
        if let_go {
            *held = None;
        }
        socket
    }

    /// Makes a record, and says where.
    pub(super) fn add_record(&mut self, record: Record) -> u64 {
        self.records.push(Some(record));
        RECORDS + self.records.len() as u64 * WINDOW
    }

    /// Ends a record.
    pub(super) fn take_record(&mut self, address: u64) -> Option<Record> {
        let (Place::Record(index), 0) = self.place(address)? else { return None };
        self.records.get_mut(index)?.take()
    }

    /// Reads a number; an address outside of what is the program's is a fault.
    pub(super) fn load(&self, address: u64, size: Size) -> Result<u64, FaultKind> {
        let length = size.bytes();
        let outside = FaultKind::Outside { address, size: length };
        let (place, offset) = self.place(address).ok_or(outside)?;
        match place {
            Place::Context => Ok(number(self.view.read(offset, length)?)),
            Place::Stack => {
                let stack = slice(&self.stack, offset, length).ok_or(outside)?;
                let add = |number: u64, byte: &Option<u8>| Some(number << 8 | u64::from((*byte)?));
                let written = stack.iter().rev().try_fold(0, add);
                written.ok_or(FaultKind::Unwritten { address, size: length })
            }
            place => Ok(number(self.visible(&place, offset, length).ok_or(outside)?)),
        }
    }

    /// Writes a number.
    pub(super) fn store(&mut self, address: u64, size: Size, value: u64) -> Result<(), FaultKind> {
        let bytes = (value & arithmetic::lowest(size)).to_le_bytes();
        let length = size.bytes() as usize;
        match self.place(address) {
            Some((Place::Context, offset)) => {
                self.view.write(offset, size.bytes())?.copy_from_slice(&bytes[..length]);
                Ok(())
            }
            _ => self.write(address, &bytes[..length]),
        }
    }

    /// Reads bytes, but not of the context: as helpers do.
    pub(super) fn bytes(&self, address: u64, size: u64) -> Result<Vec<u8>, FaultKind> {
        let outside = FaultKind::Outside { address, size };
        let (place, offset) = self.place(address).ok_or(outside)?;
        if let Place::Stack = place {
            let stack = slice(&self.stack, offset, size).ok_or(outside)?;
            let written: Option<Vec<u8>> = stack.iter().copied().collect();
            return written.ok_or(FaultKind::Unwritten { address, size });
        }
        Ok(self.visible(&place, offset, size).ok_or(outside)?.to_vec())
    }

    /// Bytes that are neither the stack's nor the context's.
    fn visible(&self, place: &Place, offset: u64, size: u64) -> Option<&[u8]> {
        match *place {
            Place::Stack | Place::Context => None,
            Place::Packet => slice(self.packet.get(..self.linear)?, offset, size),
            Place::Map(map) => self.maps.get(map)?.bytes(offset, size),
            Place::Record(index) => slice(&self.records.get(index)?.as_ref()?.bytes, offset, size),
            Place::Socket(index) => slice(&self.sockets.get(index)?.as_ref()?.1, offset, size),
        }
    }

    /// Writes bytes, but not of the context.
    pub(super) fn write(&mut self, address: u64, bytes: &[u8]) -> Result<(), FaultKind> {
        let size = bytes.len() as u64;
        let outside = FaultKind::Outside { address, size };
        let (place, offset) = self.place(address).ok_or(outside)?;
        if let Place::Stack = place {
            let stack = slice_mut(&mut self.stack, offset, size).ok_or(outside)?;
            for (old, new) in stack.iter_mut().zip(bytes) {
                *old = Some(*new);
            }
            return Ok(());
        }
        self.visible_mut(&place, offset, size).ok_or(outside)?.copy_from_slice(bytes);
        Ok(())
    }

    fn visible_mut(&mut self, place: &Place, offset: u64, size: u64) -> Option<&mut [u8]> {
        match *place {
            Place::Stack | Place::Context | Place::Socket(_) => None,
            Place::Packet => slice_mut(self.packet.get_mut(..self.linear)?, offset, size),
            Place::Map(map) => self.maps.get_mut(map)?.bytes_mut(offset, size),
            Place::Record(index) => {
                slice_mut(&mut self.records.get_mut(index)?.as_mut()?.bytes, offset, size)
            }
        }
    }

    fn show_packet(&mut self) {
        let end = self.packet_base + self.linear as u64;
        self.view.show_packet(self.packet_base, end, self.packet.len());
    }

    /// What an address is in, and how far.
    fn place(&self, address: u64) -> Option<(Place, u64)> {
        let (window, offset) = (address / WINDOW, address % WINDOW);
        Some(match window {
            0 if offset >= self.packet_base => (Place::Packet, offset - self.packet_base),
            0 if offset >= PACKET_BASE => return None,
            0 if offset >= CONTEXT_BASE => (Place::Context, offset - CONTEXT_BASE),
            0 => (Place::Stack, offset.checked_sub(STACK_BASE)?),
            _ if address >= HANDLES => return None,
            _ if address >= RECORDS => {
                (Place::Record(usize::try_from((address - RECORDS) / WINDOW).ok()?.checked_sub(1)?), offset)
            }
            _ if address >= SOCKETS => {
                (Place::Socket(usize::try_from((address - SOCKETS) / WINDOW).ok()?.checked_sub(1)?), offset)
            }
            _ => (Place::Map(usize::try_from(window - 1).ok()?), offset),
        })
    }
}

fn slice<T>(all: &[T], offset: u64, size: u64) -> Option<&[T]> {
    let (offset, size) = (usize::try_from(offset).ok()?, usize::try_from(size).ok()?);
    all.get(offset..offset.checked_add(size)?)
}

fn slice_mut<T>(all: &mut [T], offset: u64, size: u64) -> Option<&mut [T]> {
    let (offset, size) = (usize::try_from(offset).ok()?, usize::try_from(size).ok()?);
    all.get_mut(offset..offset.checked_add(size)?)
}

/// The number that up to 8 bytes are.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}
