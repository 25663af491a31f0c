//! ICMP errors (RFC 792, RFC 4443): the packet that they repeat.

use std::net::IpAddr;

use sluice_ir::policy::Direction;

use super::connections::{Flow, opposite};
use super::datagram::{Datagram, Header};
use super::transport::{ICMP, ICMPV6, SCTP, TCP, Transport, UDP};

/// Whether a message is an error: unreachable, time exceeded, a bad parameter, and of ICMPv6 a packet too big.
pub(super) fn is_error(message: &Transport) -> bool {
    matches!((message.protocol, message.destination_port), (ICMP, 3 | 11 | 12) | (ICMPV6, 1..=4))
}

/// The flow of the packet that an error repeats, as the endpoint sees it to which the error goes the given way. It
/// lacks only who began. Nothing if that cannot be told, or the packet is not the endpoint's.
pub(super) fn flow(message: &[u8], v6: bool, own: IpAddr, way: Direction) -> Option<Flow> {
    let repeated = message.get(8..)?;
    let (source, destination, inner) = if v6 { packet6(repeated)? } else { packet4(repeated)? };
    let (source_port, destination_port) = ports(inner.protocol, inner.payload)?;
    let sent = way == Direction::Ingress;
    let (local, remote) = if sent { (source, destination) } else { (destination, source) };
    let (local_port, remote_port) =
        if sent { (source_port, destination_port) } else { (destination_port, source_port) };
    let remote_port = if matches!(inner.protocol, ICMP | ICMPV6) { 0 } else { remote_port };
    let flow =
        Flow { local, remote, local_port, remote_port, protocol: inner.protocol, began: opposite(way) };
    (local == own).then_some(flow)
}

/// A packet of which the end may be missing: its length says more than is there.
fn packet4(bytes: &[u8]) -> Option<(IpAddr, IpAddr, Datagram<'_>)> {
    let mut there = bytes.get(..20)?.to_vec();
    let own = usize::from(there[0] % 16) * 4;
    // The header is read as if the packet ended with it.
    there[2..4].copy_from_slice(&u16::try_from(own).ok()?.to_be_bytes());
    there.resize(own.max(20), 0);
    let header = Header::v4(&there).ok()?;
    if header.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return None;
    }
    let inner = Datagram { protocol: header.next, fragment: None, payload: bytes.get(own..)? };
    Some((header.source, header.destination, inner))
}

fn packet6(bytes: &[u8]) -> Option<(IpAddr, IpAddr, Datagram<'_>)> {
    let mut there = bytes.to_vec();
    let rest = u16::try_from(bytes.len().checked_sub(40)?).ok()?;
    there[4..6].copy_from_slice(&rest.to_be_bytes());
    let inner = Header::v6(&there).ok()?.open().ok()?;
    if inner.fragment.is_some_and(|fragment| fragment.offset > 0) {
        return None;
    }
    let (source, destination) = Header::v6(&there).map(|header| (header.source, header.destination)).ok()?;
    let payload = &bytes[bytes.len() - inner.payload.len()..];
    Some((source, destination, Datagram { protocol: inner.protocol, fragment: None, payload }))
}

/// Ports, if the first eight bytes are there, which an error has to repeat.
fn ports(protocol: u8, payload: &[u8]) -> Option<(u16, u16)> {
    let first: &[u8; 8] = payload.first_chunk()?;
    let number = |at| u16::from_be_bytes([first[at], first[at + 1]]);
    match protocol {
        TCP | UDP | SCTP => Some((number(0), number(2))),
        ICMP | ICMPV6 => {
            let message = Transport { protocol, destination_port: first[0].into(), ..Transport::default() };
            (message.is_question() || message.is_answer()).then(|| (number(4), number(4)))
        }
        _ => Some((0, 0)),
    }
}
