//! Connections that were let pass.

use std::collections::BTreeMap;
use std::net::IpAddr;

use sluice_ir::policy::Direction;

use super::transport::{TCP, Transport};

/// Both ways of a connection, as its endpoint sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Flow {
    /// The endpoint's address.
    pub local: IpAddr,
    /// The other side's.
    pub remote: IpAddr,
    /// The endpoint's port; of ICMP echo the identifier.
    pub local_port: u16,
    /// The other side's port; of ICMP 0.
    pub remote_port: u16,
    /// The protocol.
    pub protocol: u8,
    /// Which way its first packet went.
    pub began: Direction,
}

/// What is remembered of a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connection {
    /// Whether the endpoint has closed it.
    pub closed_by_endpoint: bool,
    /// Whether the other side has.
    pub closed_by_peer: bool,
    /// Whether the endpoint has reset it, and the other side has said nothing since.
    pub reset_by_endpoint: bool,
    /// Whether the other side has reset it, and the endpoint has said nothing since.
    pub reset_by_peer: bool,
    /// Whether its beginning was seen, of TCP.
    pub opened: bool,
    /// Whether there was a reply.
    pub answered: bool,
    /// Whether who began it has confirmed the reply.
    pub settled: bool,
    /// The last second in which it is remembered.
    pub expires: u64,
}

/// How long connections are remembered, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A settled TCP connection.
    pub tcp: u64,
    /// One that is not settled.
    pub opening: u64,
    /// One that both have closed, or one has reset.
    pub closed: u64,
    /// Anything else.
    pub other: u64,
}

/// All that are remembered. There is no limit, as a table that is full forgets by the kernel's choice.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Connections(BTreeMap<Flow, Connection>);

impl Connection {
    /// Whether one side at least has ended it.
    fn is_ending(&self) -> bool {
        self.closed_by_endpoint || self.closed_by_peer || self.is_reset()
    }

    fn is_reset(&self) -> bool {
        self.reset_by_endpoint || self.reset_by_peer
    }

    /// Notes a packet.
    fn note(&mut self, packet: &Transport, way: Direction, reply: bool, now: u64, lifetimes: &Lifetimes) {
        self.answered |= reply;
        if packet.protocol == TCP {
            self.note_flags(packet.flags, way, reply);
        }
        self.expires = now
            + match () {
                () if packet.protocol != TCP => lifetimes.other,
                () if self.closed_by_endpoint && self.closed_by_peer || self.is_reset() => lifetimes.closed,
                () if self.settled => lifetimes.tcp,
                () => lifetimes.opening,
            };
    }

    /// Notes what a segment says. A reset counts until the side that got it goes on, as whoever ignores it does.
    fn note_flags(&mut self, flags: u8, way: Direction, reply: bool) {
        let [finishes, resets, confirms] = [0x01, 0x04, 0x10].map(|flag| flags & flag != 0);
        let (closed, reset, reset_by_other) = match way {
            Direction::Egress => {
                (&mut self.closed_by_endpoint, &mut self.reset_by_endpoint, &mut self.reset_by_peer)
            }
            Direction::Ingress => {
                (&mut self.closed_by_peer, &mut self.reset_by_peer, &mut self.reset_by_endpoint)
            }
        };
        if resets {
            *reset = true;
            return;
        }
        *reset_by_other &= !confirms;
        *closed |= finishes;
        self.settled |= !reply && self.answered && confirms;
    }
}

impl Connections {
    /// What is remembered of a flow.
    pub fn get(&self, flow: &Flow, now: u64) -> Option<&Connection> {
        self.0.get(flow).filter(|connection| connection.expires >= now)
    }

    /// Whether a packet replies to a connection; if so it is noted.
    pub(super) fn reply(&mut self, flow: Flow, packet: &Transport, now: u64, lifetimes: &Lifetimes) -> bool {
        let began = opposite(flow.began);
        let Some(connection) = self.0.get_mut(&Flow { began, ..flow }) else { return false };
        let opens_at_once = connection.opened && !connection.settled && !connection.is_ending();
        let anew = packet.is_opening() && !opens_at_once;
        if connection.expires < now || anew {
            return false;
        }
        connection.note(packet, flow.began, true, now, lifetimes);
        true
    }

    /// Notes a packet that policy allows. True if it begins a connection.
    pub(super) fn forward(
        &mut self,
        flow: Flow,
        packet: &Transport,
        now: u64,
        lifetimes: &Lifetimes,
    ) -> bool {
        let known = self.get(&flow, now).filter(|old| !(packet.is_opening() && old.is_ending())).copied();
        if known.is_none() && packet.protocol == TCP && !packet.is_opening() {
            let [begins, resets] = [0x02, 0x04].map(|flag| packet.flags & flag != 0);
            // Even one that is over: whoever began it is the same.
            let began_there = self.0.contains_key(&Flow { began: opposite(flow.began), ..flow });
            if begins || resets || began_there {
                return false;
            }
        }
        let opened = packet.is_opening();
        let mut connection = known.unwrap_or(Connection { opened, ..Connection::default() });
        connection.note(packet, flow.began, false, now, lifetimes);
        self.0.insert(flow, connection);
        known.is_none()
    }
}

/// The other way.
pub(super) fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::Ingress => Direction::Egress,
        Direction::Egress => Direction::Ingress,
    }
}
