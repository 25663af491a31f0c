//! Packets as senders make them.

use proptest::prelude::*;

use super::{OWN4, OWN6, PEERS4, PEERS6, Plan};

/// Options of IPv4: at most one entry, whose second part is the number of words.
pub(super) fn extensions4() -> impl Strategy<Value = Vec<(u8, u8)>> {
    prop_oneof![3 => Just(Vec::new()), 1 => (1..=10_u8).prop_map(|words| vec![(0, words)])]
}

/// The frame of a packet.
pub(super) fn frame(plan: &Plan) -> Vec<u8> {
    let mut frame = vec![2; 12];
    for tag in &plan.tags {
        frame.extend(tag.to_be_bytes());
        frame.extend([0, 5]);
    }
    frame.extend(if plan.v6 { [0x86, 0xdd] } else { [0x08, 0x00] });
    frame.extend(internet(plan));
    frame.extend(vec![0; plan.padding]);
    frame
}

/// The packet from its network header on.
pub(super) fn internet(plan: &Plan) -> Vec<u8> {
    if plan.v6 { packet6(plan) } else { packet4(plan) }
}

fn packet4(plan: &Plan) -> Vec<u8> {
    let words = plan.extensions.first().map_or(0, |(_, words)| *words);
    let own = 20 + usize::from(words) * 4;
    let part = part(plan);
    let (offset, more) = plan.fragment.unwrap_or_default();
    let mut packet = vec![0x40 | (own / 4) as u8, 0];
    packet.extend(((own + part.len()) as u16).to_be_bytes());
    packet.extend((plan.identification as u16).to_be_bytes());
    packet.extend((offset | u16::from(more) << 13).to_be_bytes());
    packet.extend([plan.hop_limit, plan.protocol, 0, 0]);
    let (local, remote) = (OWN4.octets(), PEERS4[plan.peer].octets());
    packet.extend(if plan.out { [local, remote] } else { [remote, local] }.as_flattened());
    packet.resize(own, 1);
    packet.extend(part);
    packet
}

fn packet6(plan: &Plan) -> Vec<u8> {
    let mut headers = plan.extensions.clone();
    if plan.fragment.is_some() {
        headers.insert(headers.len() / 2, (44, 0));
    }
    let nexts = headers.iter().skip(1).map(|(kind, _)| *kind).chain([plan.protocol]);
    let body: Vec<u8> = headers
        .iter()
        .zip(nexts)
        .flat_map(|((kind, more), next)| extension(plan, *kind, *more, next))
        .collect();
    let part = part(plan);
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(((body.len() + part.len()) as u16).to_be_bytes());
    packet.extend([headers.first().map_or(plan.protocol, |(kind, _)| *kind), plan.hop_limit]);
    let (local, remote) = (OWN6.octets(), PEERS6[plan.peer].octets());
    packet.extend(if plan.out { [local, remote] } else { [remote, local] }.as_flattened());
    packet.extend(body);
    packet.extend(part);
    packet
}

fn extension(plan: &Plan, kind: u8, more: u8, next: u8) -> Vec<u8> {
    let size = match kind {
        44 => {
            let (offset, more) = plan.fragment.unwrap_or_default();
            let field = (offset << 3 | u16::from(more)).to_be_bytes();
            return [&[next, 0][..], &field, &plan.identification.to_be_bytes()].concat();
        }
        51 => (usize::from(more) + 2) * 4,
        _ => (usize::from(more) + 1) * 8,
    };
    let mut bytes = vec![0; size.max(8)];
    bytes[0] = next;
    bytes[1] = more;
    bytes.truncate(size);
    bytes
}

/// The bytes of the fragment: whole units of eight, if others follow.
fn part(plan: &Plan) -> Vec<u8> {
    let mut bytes = plan.transport.clone();
    if plan.fragment.is_some_and(|(_, more)| more) {
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

/// A TCP header of so many words, and so many bytes more.
pub(super) fn tcp((source, destination): (u16, u16), flags: u8, words: u8, more: usize) -> Vec<u8> {
    let mut bytes =
        [source.to_be_bytes(), destination.to_be_bytes(), [0, 0], [0, 1], [0, 0], [0, 2]].concat();
    bytes.extend([words << 4, flags, 1, 0, 0, 0, 0, 0]);
    bytes.resize(usize::from(words) * 4 + more, 1);
    bytes
}

/// A UDP header and so many bytes more.
pub(super) fn udp((source, destination): (u16, u16), more: usize) -> Vec<u8> {
    let length = (8 + more) as u16;
    let mut bytes = [source.to_be_bytes(), destination.to_be_bytes(), length.to_be_bytes(), [0, 0]].concat();
    bytes.resize(8 + more, 0);
    bytes
}

/// An SCTP header and so many bytes more.
pub(super) fn sctp((source, destination): (u16, u16), more: usize) -> Vec<u8> {
    let mut bytes = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    bytes.resize(12 + more, 0);
    bytes
}

/// An ICMP header with an identifier, and so many bytes more.
pub(super) fn icmp(kind: u8, code: u8, identifier: u16, more: usize) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(identifier.to_be_bytes());
    bytes.resize(8 + more, 0);
    bytes
}
