//! Ethernet (IEEE 802.3, 802.1Q), IPv4 (RFC 791) and IPv6 (RFC 8200) headers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::abi::Reason;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// The address resolution protocol.
    Arp,
    /// An IPv4 packet, and what pads the frame.
    V4(&'a [u8]),
    /// An IPv6 packet, likewise.
    V6(&'a [u8]),
    /// Anything else.
    Other,
}

/// Reads the Ethernet header and up to two tags.
///
/// # Errors
///
/// [`Reason::InvalidPacket`] if the frame ends before they do.
pub fn content(frame: &[u8]) -> Result<Content<'_>, Reason> {
    let mut kind = number16(frame, 12)?;
    let mut at = 14;
    for _ in 0..2 {
        if kind == 0x8100 || kind == 0x88a8 {
            kind = number16(frame, at + 2)?;
            at += 4;
        }
    }
    let rest = &frame[at..];
    Ok(match kind {
        0x0806 => Content::Arp,
        0x0800 => Content::V4(rest),
        0x86dd => Content::V6(rest),
        // No protocol has this number; the C side says so for a frame that ends too early.
        0 => return Err(Reason::InvalidPacket),
        _ => Content::Other,
    })
}

/// A network header, and what it says follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// Who sends it.
    pub source: IpAddr,
    /// Who is to get it.
    pub destination: IpAddr,
    /// How many routers it may still pass.
    pub hop_limit: u8,
    /// The protocol, or the first extension header.
    pub next: u8,
    /// What the IPv4 header says of fragments.
    pub fragment: Option<Fragment>,
    /// What follows, without what pads the frame.
    pub body: &'a [u8],
}

/// A packet without its network headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// The protocol; of a later fragment, what follows the fragment header in the first.
    pub protocol: u8,
    /// If it is a part only.
    pub fragment: Option<Fragment>,
    /// The transport header and what follows; of a later fragment, what it has in its place.
    pub payload: &'a [u8],
}

/// Which part of a packet a fragment is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// The number that fragments of one packet share.
    pub identification: u32,
    /// Where it begins in what was cut, in bytes.
    pub offset: usize,
    /// Whether others follow.
    pub more: bool,
    /// What stands first in what was cut.
    pub next: u8,
    /// How many bytes of what was cut it has.
    pub length: usize,
}

impl Fragment {
    /// A fragment, unless it is the whole packet (RFC 6946).
    fn part(self) -> Option<Fragment> {
        (self.more || self.offset > 0).then_some(self)
    }
}

impl<'a> Header<'a> {
    /// Reads an IPv4 header.
    ///
    /// # Errors
    ///
    /// [`Reason::InvalidPacket`] if it contradicts itself or the frame.
    pub fn v4(bytes: &'a [u8]) -> Result<Header<'a>, Reason> {
        let bad = Reason::InvalidPacket;
        let fixed: &[u8; 20] = bytes.first_chunk().ok_or(bad)?;
        let own = usize::from(fixed[0] & 15) * 4;
        let total = usize::from(u16::from_be_bytes([fixed[2], fixed[3]]));
        if fixed[0] >> 4 != 4 || own < 20 || total < own {
            return Err(bad);
        }
        let body = bytes.get(own..total).ok_or(bad)?;
        let flags = u16::from_be_bytes([fixed[6], fixed[7]]);
        let fragment = Fragment {
            identification: u32::from(u16::from_be_bytes([fixed[4], fixed[5]])),
            offset: usize::from(flags % 0x2000) * 8,
            more: flags & 0x2000 != 0,
            next: fixed[9],
            length: body.len(),
        };
        Ok(Header {
            source: Ipv4Addr::new(fixed[12], fixed[13], fixed[14], fixed[15]).into(),
            destination: Ipv4Addr::new(fixed[16], fixed[17], fixed[18], fixed[19]).into(),
            hop_limit: fixed[8],
            next: fixed[9],
            fragment: fragment.part(),
            body,
        })
    }

    /// Reads an IPv6 header. One with a mapped IPv4 address is refused: no stack sends it, and it would be taken for
    /// that address.
    ///
    /// # Errors
    ///
    /// [`Reason::InvalidPacket`] if it contradicts itself or the frame.
    pub fn v6(bytes: &'a [u8]) -> Result<Header<'a>, Reason> {
        let bad = Reason::InvalidPacket;
        let (fixed, rest) = bytes.split_first_chunk::<40>().ok_or(bad)?;
        if fixed[0] >> 4 != 6 {
            return Err(bad);
        }
        let body = rest.get(..usize::from(u16::from_be_bytes([fixed[4], fixed[5]]))).ok_or(bad)?;
        let address = |at| {
            let octets: [u8; 16] = std::array::from_fn(|index| fixed[at + index]);
            Ipv6Addr::from(octets)
        };
        let (source, destination) = (address(8), address(24));
        if source.to_ipv4_mapped().is_some() || destination.to_ipv4_mapped().is_some() {
            return Err(bad);
        }
        Ok(Header {
            source: source.into(),
            destination: destination.into(),
            hop_limit: fixed[7],
            next: fixed[6],
            fragment: None,
            body,
        })
    }

    /// Goes over the extension headers, if it is one of IPv6.
    ///
    /// # Errors
    ///
    /// [`Reason::ExtensionHeader`] or [`Reason::Truncated`].
    pub fn open(self) -> Result<Datagram<'a>, Reason> {
        let whole = Datagram { protocol: self.next, fragment: self.fragment, payload: self.body };
        if self.source.is_ipv4() { Ok(whole) } else { extensions(whole) }
    }
}

fn extensions(mut datagram: Datagram<'_>) -> Result<Datagram<'_>, Reason> {
    let mut cut = false;
    for index in 0.. {
        let kind = datagram.protocol;
        match kind {
            0 if index > 0 => return Err(Reason::ExtensionHeader),
            0 | 43 | 44 | 51 | 60 if index == 6 => return Err(Reason::ExtensionHeader),
            0 | 43 | 44 | 51 | 60 => {}
            135 | 139 | 140 | 253 | 254 => return Err(Reason::ExtensionHeader),
            _ => return Ok(datagram),
        }
        let first: &[u8; 8] = datagram.payload.first_chunk().ok_or(Reason::Truncated)?;
        if kind == 44 && std::mem::replace(&mut cut, true) {
            return Err(Reason::ExtensionHeader);
        }
        let size = match kind {
            44 => 8,
            51 => (usize::from(first[1]) + 2) * 4,
            _ => (usize::from(first[1]) + 1) * 8,
        };
        datagram.payload = datagram.payload.get(size..).ok_or(Reason::Truncated)?;
        datagram.protocol = first[0];
        if kind == 44 {
            datagram.fragment = fragment_header(first, datagram.payload.len()).part();
            if datagram.fragment.is_some_and(|fragment| fragment.offset > 0) {
                return Ok(datagram);
            }
        }
    }
    Ok(datagram)
}

fn fragment_header(bytes: &[u8; 8], length: usize) -> Fragment {
    let flags = u16::from_be_bytes([bytes[2], bytes[3]]);
    Fragment {
        identification: u32::from_be_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
        offset: usize::from(flags / 8) * 8,
        more: flags % 2 == 1,
        next: bytes[0],
        length,
    }
}

fn number16(bytes: &[u8], at: usize) -> Result<u16, Reason> {
    let two = bytes.get(at..at + 2).ok_or(Reason::InvalidPacket)?;
    Ok(u16::from_be_bytes([two[0], two[1]]))
}
