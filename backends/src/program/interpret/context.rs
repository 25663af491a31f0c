//! The context of a packet: `struct __sk_buff` of `linux/bpf.h`, as programs of traffic control see it.

use super::FaultKind;

/// Bytes of the context.
const LENGTH: usize = 192;

/// What a program may do with a part of the context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Access {
    /// Read it, or a part.
    Read,
    /// Read it whole.
    Whole,
    /// Read it, or a part, and write it whole.
    Write,
    /// Read or write any part.
    Any,
}

/// The fields that a program of traffic control may use: where they begin, their bytes, how.
const FIELDS: [(u64, u64, Access); 20] = [
    (LEN, 4, Access::Read),
    (PACKET_TYPE, 4, Access::Read),
    (MARK, 4, Access::Write),
    (QUEUE_MAPPING, 4, Access::Write),
    (PROTOCOL, 4, Access::Read),
    (VLAN_PRESENT, 4, Access::Read),
    (VLAN_TCI, 4, Access::Read),
    (VLAN_PROTOCOL, 4, Access::Read),
    (PRIORITY, 4, Access::Write),
    (INGRESS_IFINDEX, 4, Access::Read),
    (IFINDEX, 4, Access::Read),
    (TC_INDEX, 4, Access::Write),
    (CB, 20, Access::Any),
    (HASH, 4, Access::Read),
    (TC_CLASSID, 4, Access::Write),
    (DATA, 4, Access::Whole),
    (DATA_END, 4, Access::Whole),
    (WIRE_LEN, 4, Access::Read),
    (GSO_SEGMENTS, 4, Access::Read),
    (GSO_SIZE, 4, Access::Read),
];

const LEN: u64 = 0;
const PACKET_TYPE: u64 = 4;
const MARK: u64 = 8;
const QUEUE_MAPPING: u64 = 12;
const PROTOCOL: u64 = 16;
const VLAN_PRESENT: u64 = 20;
const VLAN_TCI: u64 = 24;
const VLAN_PROTOCOL: u64 = 28;
const PRIORITY: u64 = 32;
const INGRESS_IFINDEX: u64 = 36;
const IFINDEX: u64 = 40;
const TC_INDEX: u64 = 44;
const CB: u64 = 48;
const HASH: u64 = 68;
const TC_CLASSID: u64 = 72;
const DATA: u64 = 76;
const DATA_END: u64 = 80;
const WIRE_LEN: u64 = 160;
const GSO_SEGMENTS: u64 = 164;
const GSO_SIZE: u64 = 176;

/// What the kernel knows of a packet besides its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// To whom the link says that it goes; 0 is this machine.
    pub packet_type: u32,
    /// The mark.
    pub mark: u32,
    /// The queue.
    pub queue_mapping: u32,
    /// The protocol of the network layer, as Ethernet numbers it.
    pub protocol: u16,
    /// Identifier and priority of a virtual network, if the packet is in one and its bytes do not say it.
    pub vlan: Option<u16>,
    /// The protocol that tagged it so, as Ethernet numbers it.
    pub vlan_protocol: u16,
    /// The priority.
    pub priority: u32,
    /// The interface by which it came in.
    pub ingress_ifindex: u32,
    /// The interface at which it is.
    pub ifindex: u32,
    /// A word of traffic control.
    pub tc_index: u32,
    /// Words for programs.
    pub cb: [u32; 5],
    /// The hash of the flow.
    pub hash: u32,
    /// The class of traffic control.
    pub tc_classid: u32,
    /// Bytes on the wire, all parts together and with what the link adds.
    pub wire_len: u32,
    /// Into how many packets a device will cut this one; 0 if into none.
    pub gso_segments: u32,
    /// The bytes of payload of each.
    pub gso_size: u32,
}

/// The context as a program sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    bytes: [u8; LENGTH],
}

impl View {
    /// Shows a context; nothing is known of the packet yet.
    pub(super) fn new(context: &Context) -> View {
        let mut view = View { bytes: [0; LENGTH] };
        let words = [
            (PACKET_TYPE, context.packet_type),
            (MARK, context.mark),
            (QUEUE_MAPPING, context.queue_mapping),
            (PROTOCOL, u32::from(context.protocol.to_be())),
            (VLAN_PRESENT, u32::from(context.vlan.is_some())),
            (VLAN_TCI, u32::from(context.vlan.unwrap_or(0))),
            (VLAN_PROTOCOL, u32::from(context.vlan_protocol.to_be())),
            (PRIORITY, context.priority),
            (INGRESS_IFINDEX, context.ingress_ifindex),
            (IFINDEX, context.ifindex),
            (TC_INDEX, context.tc_index),
            (HASH, context.hash),
            (TC_CLASSID, context.tc_classid),
            (WIRE_LEN, context.wire_len),
            (GSO_SEGMENTS, context.gso_segments),
            (GSO_SIZE, context.gso_size),
        ];
        for (offset, word) in words {
            view.set(offset, word);
        }
        for (offset, word) in (CB..).step_by(4).zip(context.cb) {
            view.set(offset, word);
        }
        view
    }

    /// Says where the packet is, and how long, with what does not lie there.
    pub(super) fn show_packet(&mut self, data: u64, data_end: u64, length: usize) {
        self.set(LEN, length as u32);
        self.set(DATA, data as u32);
        self.set(DATA_END, data_end as u32);
    }

    /// The context after programs wrote to it.
    pub(super) fn context(&self, before: &Context) -> Context {
        let mut cb = [0; 5];
        for (offset, word) in (CB..).step_by(4).zip(&mut cb) {
            *word = self.get(offset);
        }
        Context {
            mark: self.get(MARK),
            queue_mapping: self.get(QUEUE_MAPPING),
            priority: self.get(PRIORITY),
            tc_index: self.get(TC_INDEX),
            tc_classid: self.get(TC_CLASSID),
            cb,
            ..*before
        }
    }

    /// Bytes that a program may read.
    pub(super) fn read(&self, offset: u64, size: u64) -> Result<&[u8], FaultKind> {
        if allowed(offset, size, false) {
            self.bytes.get(offset as usize..(offset + size) as usize)
        } else {
            None
        }
        .ok_or(FaultKind::Context { offset, size, write: false })
    }

    /// Bytes that a program may write.
    pub(super) fn write(&mut self, offset: u64, size: u64) -> Result<&mut [u8], FaultKind> {
        if allowed(offset, size, true) {
            self.bytes.get_mut(offset as usize..(offset + size) as usize)
        } else {
            None
        }
        .ok_or(FaultKind::Context { offset, size, write: true })
    }

    fn set(&mut self, offset: u64, word: u32) {
        let offset = offset as usize;
        if let Some(bytes) = self.bytes.get_mut(offset..offset + 4) {
            bytes.copy_from_slice(&word.to_le_bytes());
        }
    }

    fn get(&self, offset: u64) -> u32 {
        let bytes = self.bytes.get(offset as usize..).and_then(|bytes| bytes.first_chunk());
        bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
    }
}

/// Whether a program may read or write these bytes.
fn allowed(offset: u64, size: u64, write: bool) -> bool {
    let inside = |begin: u64, length: u64| begin <= offset && offset + size <= begin + length;
    let field = FIELDS.iter().find(|(begin, length, _)| inside(*begin, *length));
    let Some((_, length, access)) = field else { return false };
    offset.is_multiple_of(size)
        && match access {
            Access::Read => !write,
            Access::Whole => !write && size == *length,
            Access::Write => !write || size == *length,
            Access::Any => true,
        }
}

#[cfg(test)]
mod tests {
    use super::{Context, View};
    use crate::program::interpret::FaultKind;

    #[test]
    fn fields_are_where_the_kernel_has_them() {
        let context = Context {
            mark: 7,
            protocol: 0x0800,
            ifindex: 9,
            vlan: Some(5),
            cb: [1, 2, 3, 4, 5],
            ..Context::default()
        };
        let view = View::new(&context);
        assert_eq!(view.read(8, 4), Ok(&[7, 0, 0, 0][..]));
        assert_eq!(view.read(16, 4), Ok(&[8, 0, 0, 0][..]));
        assert_eq!(view.read(20, 2), Ok(&[1, 0][..]));
        assert_eq!(view.read(40, 1), Ok(&[9][..]));
        assert_eq!(view.read(64, 4), Ok(&[5, 0, 0, 0][..]));
        assert_eq!(view.context(&context), context);
    }

    #[test]
    fn what_is_written_comes_back() {
        let before = Context { ifindex: 3, ..Context::default() };
        let mut view = View::new(&before);
        view.write(8, 4).unwrap().copy_from_slice(&[1, 2, 0, 0]);
        view.write(56, 8).unwrap().copy_from_slice(&[1, 0, 0, 0, 2, 0, 0, 0]);
        let after = Context { mark: 0x201, cb: [0, 0, 1, 2, 0], ..before };
        assert_eq!(view.context(&before), after);
    }

    #[test]
    fn the_kernel_lets_not_everything_be_done() {
        let mut view = View::new(&Context::default());
        for (offset, size) in [(0, 4), (16, 4), (40, 4), (8, 2), (76, 4), (52, 8), (66, 4), (188, 4)] {
            assert_eq!(view.write(offset, size), Err(FaultKind::Context { offset, size, write: true }));
        }
        for (offset, size) in [(76, 2), (80, 8), (9, 2), (6, 4), (88, 4), (1000, 4)] {
            assert_eq!(view.read(offset, size), Err(FaultKind::Context { offset, size, write: false }));
        }
    }
}
