//! Transport headers: TCP (RFC 9293), UDP (RFC 768), SCTP (RFC 9260), ICMP (RFC 792), ICMPv6 (RFC 4443).

use crate::abi::Reason;

/// TCP's protocol number.
pub(super) const TCP: u8 = 6;
/// UDP's.
pub(super) const UDP: u8 = 17;
/// SCTP's.
pub(super) const SCTP: u8 = 132;
/// That of ICMP.
pub(super) const ICMP: u8 = 1;
/// That of ICMPv6.
pub(super) const ICMPV6: u8 = 58;

/// What a transport header says that policy or connections hang on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Transport {
    /// The protocol.
    pub protocol: u8,
    /// The source port; of ICMP echo the identifier, of anything else 0.
    pub source_port: u16,
    /// The destination port; of ICMP the type; of protocols without ports 0.
    pub destination_port: u16,
    /// Of ICMP, the code.
    pub code: u8,
    /// Of TCP, the flags; of a later fragment none.
    pub flags: u8,
    /// Its size in bytes.
    pub size: usize,
}

impl Transport {
    /// Reads the header of a whole packet, or of its first fragment.
    ///
    /// # Errors
    ///
    /// [`Reason::Truncated`] if it is not whole, [`Reason::InvalidPacket`] if it contradicts itself.
    pub fn read(protocol: u8, payload: &[u8], v6: bool, cut: bool) -> Result<Transport, Reason> {
        match protocol {
            TCP => tcp(fixed(payload)?, payload.len(), cut),
            UDP => udp(fixed(payload)?, payload.len(), cut),
            SCTP => Ok(with_ports(SCTP, fixed::<12>(payload)?)),
            ICMP | ICMPV6 => icmp(protocol, fixed(payload)?, v6),
            _ => Ok(Transport { protocol, ..Transport::default() }),
        }
    }

    /// Whether it is ICMP of either family.
    pub fn is_icmp(&self) -> bool {
        self.protocol == ICMP || self.protocol == ICMPV6
    }

    /// Whether it is an echo request.
    pub fn is_question(&self) -> bool {
        matches!((self.protocol, self.destination_port), (ICMP, 8) | (ICMPV6, 128))
    }

    /// Whether it is an echo reply.
    pub fn is_answer(&self) -> bool {
        matches!((self.protocol, self.destination_port), (ICMP, 0) | (ICMPV6, 129))
    }

    /// Whether it asks to begin a TCP connection.
    pub fn is_opening(&self) -> bool {
        self.protocol == TCP && self.flags & 0x16 == 0x02
    }
}

fn fixed<const SIZE: usize>(payload: &[u8]) -> Result<&[u8; SIZE], Reason> {
    payload.first_chunk().ok_or(Reason::Truncated)
}

fn with_ports<const SIZE: usize>(protocol: u8, bytes: &[u8; SIZE]) -> Transport {
    let port = |at| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
    Transport {
        protocol,
        source_port: port(0),
        destination_port: port(2),
        size: SIZE,
        ..Transport::default()
    }
}

fn tcp(bytes: &[u8; 20], length: usize, cut: bool) -> Result<Transport, Reason> {
    let size = usize::from(bytes[12] / 16) * 4;
    match size {
        0..20 => Err(Reason::InvalidPacket),
        _ if size <= length => Ok(Transport { flags: bytes[13], size, ..with_ports(TCP, bytes) }),
        // The rest may come in a later fragment, where it would be unseen.
        _ if cut => Err(Reason::Truncated),
        _ => Err(Reason::InvalidPacket),
    }
}

fn udp(bytes: &[u8; 8], length: usize, cut: bool) -> Result<Transport, Reason> {
    let said = usize::from(u16::from_be_bytes([bytes[4], bytes[5]]));
    if said < 8 || (!cut && said > length) {
        return Err(Reason::InvalidPacket);
    }
    Ok(with_ports(UDP, bytes))
}

fn icmp(protocol: u8, bytes: &[u8; 8], v6: bool) -> Result<Transport, Reason> {
    if v6 != (protocol == ICMPV6) {
        return Err(Reason::InvalidPacket);
    }
    let [kind, code, ..] = *bytes;
    let mut read =
        Transport { protocol, destination_port: kind.into(), code, size: 8, ..Transport::default() };
    if read.is_question() || read.is_answer() {
        read.source_port = u16::from_be_bytes([bytes[4], bytes[5]]);
    }
    Ok(read)
}
