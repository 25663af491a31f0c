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
    fn is_closed(&self) -> bool {
        self.closed_by_endpoint || self.closed_by_peer
    }

    /// Notes a packet.
    fn note(&mut self, packet: &Transport, way: Direction, reply: bool, now: u64, lifetimes: &Lifetimes) {
        self.answered |= reply;
        if packet.protocol == TCP {
            let [finishes, resets, confirms] = [0x01, 0x04, 0x10].map(|flag| packet.flags & flag != 0);
            self.settled |= !reply && self.answered && confirms;
            self.closed_by_endpoint |= resets || (finishes && way == Direction::Egress);
            self.closed_by_peer |= resets || (finishes && way == Direction::Ingress);
        }
        self.expires = now
            + match () {
                () if packet.protocol != TCP => lifetimes.other,
                () if self.closed_by_endpoint && self.closed_by_peer => lifetimes.closed,
                () if self.settled => lifetimes.tcp,
                () => lifetimes.opening,
            };
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
        let anew = packet.is_opening() && (connection.settled || connection.is_closed());
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
        let known = self.get(&flow, now).filter(|old| !(packet.is_opening() && old.is_closed())).copied();
        let mut connection = known.unwrap_or_default();
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
