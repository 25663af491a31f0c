//! What becomes of a packet.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;

use super::connections::{Connections, Flow, Lifetimes, opposite};
use super::datagram::{Content, Datagram, Fragment, Header, content};
use super::repeated;
use super::transport::{ICMP, ICMPV6, TCP, Transport, UDP};
use crate::abi::Reason;

/// What holds for the whole node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Whether some endpoint has IPv4.
    pub ipv4: bool,
    /// Whether some endpoint has IPv6.
    pub ipv6: bool,
    /// Whether ICMP "fragmentation needed" always passes.
    pub allow_frag_needed: bool,
    /// How long connections are remembered.
    pub lifetimes: Lifetimes,
}

/// The endpoint whose interface a packet crosses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// Whether it is the host: then its interface sees the packets of others too.
    pub host: bool,
    /// Whether something may not pass.
    pub enforces: ByDirection<bool>,
    /// Whether connections that begin in a direction are remembered.
    pub tracks: ByDirection<bool>,
    /// The only address from which it may send over IPv4, if that is checked.
    pub source4: Option<Ipv4Addr>,
    /// Likewise over IPv6, beside those of the link.
    pub source6: Option<Ipv6Addr>,
    /// Whether what policy drops passes, and is told.
    pub audits: bool,
    /// How policy of the host is asked, too, if it is; the endpoint is another one then.
    pub host_policy: Option<HostPolicy>,
}

/// How policy of the host is asked about what it and another endpoint send each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPolicy {
    /// Whether what it drops passes, and is told.
    pub audits: bool,
}

/// Where a packet is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing<'a> {
    /// The frame.
    pub frame: &'a [u8],
    /// Egress where an interface hands the packet to this machine, ingress where this machine gives it out.
    pub hook: Direction,
    /// Whether this machine made it: it came in by no interface.
    pub made_here: bool,
    /// Whether the DNS proxy sends it, for an endpoint.
    pub of_proxy: bool,
    /// Whether it only asks for a verdict.
    pub asks: bool,
    /// Whether the DNS proxy listens.
    pub proxied: bool,
    /// Seconds since any beginning.
    pub now: u64,
}

/// What is remembered of earlier packets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Connections.
    pub connections: Connections,
    fragments: BTreeMap<Cut, First>,
    /// Who was seen on the endpoint's link, and until when that is remembered.
    neighbours: BTreeMap<IpAddr, u64>,
}

/// The packet that fragments belong to: addresses, number, what stands first, and the way it goes.
type Cut = (IpAddr, IpAddr, u32, u8, Direction);

/// The transport header of a first fragment, and where it ends in what was cut.
type First = (Transport, usize);

/// Who is on the other side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Whoever has an address.
    Address(IpAddr),
    /// This machine, whatever address it used: policy takes it for the host if it knows one.
    Here(IpAddr),
}

/// What policy is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which way.
    pub direction: Direction,
    /// Who is on the other side.
    pub peer: Peer,
    /// The protocol.
    pub protocol: u8,
    /// The destination port, or the type of ICMP.
    pub port: u16,
}

/// Whoever knows the rules.
pub trait Policy {
    /// Whether an address is the host's.
    fn is_host(&self, address: IpAddr) -> bool;

    /// What the endpoint's rules allow, or why they do not.
    ///
    /// # Errors
    ///
    /// The reason for which it is dropped.
    fn verdict(&self, question: &Question) -> Result<Way, Reason>;

    /// What the host's rules allow. The peer is the endpoint.
    ///
    /// # Errors
    ///
    /// The reason for which it is dropped.
    fn verdict_of_host(&self, question: &Question) -> Result<Way, Reason>;
}

/// Which way rules let something go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// On to whom it is sent.
    On,
    /// To the DNS proxy.
    ToProxy,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is no concern of the endpoint: it goes on as if nobody had looked.
    Untouched,
    /// It passes.
    Passes,
    /// It passes, and began a connection.
    Begins,
    /// It goes to the proxy.
    Proxied {
        /// Whether it began a connection.
        begins: bool,
    },
    /// It passes, though policy would drop it.
    Audited(Reason),
    /// It does not pass.
    Dropped(Reason),
    /// The host's policy does not let it pass.
    DroppedByHost(Reason),
}

/// Judges a packet, and remembers what later ones need.
pub fn judge<P: Policy>(
    node: &Node,
    endpoint: &Endpoint,
    policy: &P,
    memory: &mut Memory,
    crossing: &Crossing<'_>,
) -> Outcome {
    let direction = if endpoint.host { opposite(crossing.hook) } else { crossing.hook };
    let mut judge = Judge { node, endpoint, policy, memory, crossing, direction };
    judge.frame().unwrap_or_else(Outcome::Dropped)
}

struct Judge<'a, P> {
    node: &'a Node,
    endpoint: &'a Endpoint,
    policy: &'a P,
    memory: &'a mut Memory,
    crossing: &'a Crossing<'a>,
    direction: Direction,
}

impl<P: Policy> Judge<'_, P> {
    fn frame(&mut self) -> Result<Outcome, Reason> {
        let absent = if self.endpoint.host { Ok(Outcome::Untouched) } else { Err(Reason::UnsupportedL3) };
        match content(self.crossing.frame)? {
            Content::Arp => Ok(Outcome::Passes),
            Content::V4(_) if !self.node.ipv4 => absent,
            Content::V6(_) if !self.node.ipv6 => absent,
            Content::V4(packet) => self.packet(&Header::v4(packet)?),
            Content::V6(packet) => self.packet(&Header::v6(packet)?),
            Content::Other if self.endpoint.host => Ok(Outcome::Untouched),
            Content::Other if self.endpoint.enforces[self.direction] => Err(Reason::UnsupportedL3),
            Content::Other => Ok(Outcome::Passes),
        }
    }

    fn packet(&mut self, header: &Header<'_>) -> Result<Outcome, Reason> {
        let (own, peer) = match self.direction {
            Direction::Egress => (header.source, header.destination),
            Direction::Ingress => (header.destination, header.source),
        };
        if self.endpoint.host && !self.policy.is_host(own) {
            return Ok(Outcome::Untouched);
        }
        let datagram = header.open()?;
        let transport = self.transport(header, &datagram)?;
        let outcome = self.datagram((own, peer), header, &datagram, transport)?;
        if !self.crossing.asks && !matches!(outcome, Outcome::DroppedByHost(_)) {
            self.remember(header, &datagram, transport);
        }
        Ok(outcome)
    }

    fn datagram(
        &mut self,
        (own, peer): (IpAddr, IpAddr),
        header: &Header<'_>,
        datagram: &Datagram<'_>,
        transport: Transport,
    ) -> Result<Outcome, Reason> {
        let of_link = is_of_link(header, datagram, &transport);
        if self.direction == Direction::Egress && !self.may_send(header.source, of_link) {
            return Err(Reason::InvalidSource);
        }
        let too_large = (transport.protocol, transport.destination_port, transport.code) == (ICMP, 3, 4);
        if (of_link && self.is_on_link(header)) || (too_large && self.node.allow_frag_needed) {
            return Ok(Outcome::Passes);
        }
        let flow = self.flow(own, peer, &transport);
        if !self.crossing.asks
            && (self.replies(flow, &transport) || self.relates(own, peer, datagram, &transport))
        {
            return Ok(Outcome::Passes);
        }
        if self.is_for_others() {
            let begins = !self.crossing.asks && self.admit(flow, &transport);
            return Ok(if begins { Outcome::Begins } else { Outcome::Passes });
        }
        self.by_policy(flow, &transport, datagram.fragment.is_some())
    }

    /// Whether it leaves from an address of the host's, and is not the host's.
    fn is_for_others(&self) -> bool {
        let Crossing { made_here, of_proxy, .. } = *self.crossing;
        self.endpoint.host && self.direction == Direction::Egress && (!made_here || of_proxy)
    }

    fn transport(&mut self, header: &Header<'_>, datagram: &Datagram<'_>) -> Result<Transport, Reason> {
        let v6 = header.source.is_ipv6();
        let Some(part) = datagram.fragment else {
            return Transport::read(datagram.protocol, datagram.payload, v6, false);
        };
        if (part.more && (part.length == 0 || part.length % 8 != 0)) || part.offset + part.length > 65_535 {
            return Err(Reason::InvalidPacket);
        }
        if part.offset > 0 {
            let key = self.cut(header, part);
            let (first, end) = self.memory.fragments.get(&key).ok_or(Reason::FragmentMissing)?;
            return if part.offset < *end {
                Err(Reason::Truncated)
            } else {
                Ok(Transport { flags: 0, ..*first })
            };
        }
        Transport::read(datagram.protocol, datagram.payload, v6, true)
    }

    /// Remembers a first fragment that passes, for the later ones.
    fn remember(&mut self, header: &Header<'_>, datagram: &Datagram<'_>, transport: Transport) {
        let Some(part) = datagram.fragment.filter(|part| part.offset == 0) else { return };
        let key = self.cut(header, part);
        self.memory.fragments.insert(key, (transport, part.length - datagram.payload.len() + transport.size));
    }

    fn cut(&self, header: &Header<'_>, part: Fragment) -> Cut {
        (header.source, header.destination, part.identification, part.next, self.crossing.hook)
    }

    /// Whether the endpoint may send from an address. Who has none yet may ask for one.
    fn may_send(&self, source: IpAddr, of_link: bool) -> bool {
        match source {
            IpAddr::V4(source) => {
                self.endpoint.source4.is_none_or(|own| source == own && !source.is_unspecified())
            }
            IpAddr::V6(_) if self.endpoint.source6.is_none() => true,
            IpAddr::V6(source) if source.is_unspecified() => of_link,
            IpAddr::V6(source) => source.is_unicast_link_local() || self.endpoint.source6 == Some(source),
        }
    }

    /// Whether a packet that looks like one of the link stays there. To who gets it its hop limit says so; what an endpoint
    /// sends this machine could pass on, unless it has an address of the link, or goes to who was seen there.
    fn is_on_link(&mut self, header: &Header<'_>) -> bool {
        let IpAddr::V6(destination) = header.destination else { return false };
        let Crossing { now, asks, .. } = *self.crossing;
        if self.endpoint.host || has_address_of_link(header) {
            return true;
        }
        if self.direction == Direction::Ingress {
            if !asks {
                self.memory.neighbours.insert(header.source, now + self.node.lifetimes.other);
            }
            return true;
        }
        destination.is_unicast_link_local()
            || destination.segments()[0] == 0xff02
            || (!asks && self.memory.neighbours.get(&header.destination).is_some_and(|&end| end >= now))
    }

    fn flow(&self, local: IpAddr, remote: IpAddr, transport: &Transport) -> Flow {
        let (source, destination) = (transport.source_port, transport.destination_port);
        let (local_port, remote_port) = match self.direction {
            _ if transport.is_icmp() => (source, 0),
            Direction::Egress => (source, destination),
            Direction::Ingress => (destination, source),
        };
        Flow { local, remote, local_port, remote_port, protocol: transport.protocol, began: self.direction }
    }

    fn replies(&mut self, flow: Flow, transport: &Transport) -> bool {
        let may = !transport.is_icmp() || transport.is_answer();
        let (now, lifetimes) = (self.crossing.now, &self.node.lifetimes);
        self.endpoint.tracks[opposite(self.direction)]
            && may
            && self.memory.connections.reply(flow, transport, now, lifetimes)
    }

    /// Whether it is an error about a connection. Any router may send one to the endpoint, which sends its own to the other
    /// side alone.
    fn relates(&self, own: IpAddr, peer: IpAddr, datagram: &Datagram<'_>, transport: &Transport) -> bool {
        if !repeated::is_error(transport) || datagram.fragment.is_some() {
            return false;
        }
        let v6 = transport.protocol == ICMPV6;
        let Some(flow) = repeated::flow(datagram.payload, v6, own, self.direction) else { return false };
        if self.direction == Direction::Egress && flow.remote != peer {
            return false;
        }
        Direction::BOTH.into_iter().any(|began| {
            let connections = &self.memory.connections;
            self.endpoint.tracks[began]
                && connections.get(&Flow { began, ..flow }, self.crossing.now).is_some()
        })
    }

    /// Whether this machine made a packet. Fragments of IPv6 that come from no interface it may have put together and cut anew
    /// for somebody else: there the address says it.
    fn is_from_here(&self, peer: IpAddr, cut: bool) -> bool {
        self.crossing.made_here && (!cut || peer.is_ipv4() || self.policy.is_host(peer))
    }

    /// Whether policy of the host is asked about a packet of another endpoint: what the host sends itself, and what is sent to
    /// an address of the host's.
    fn is_the_hosts_too(&self, peer: IpAddr, cut: bool) -> bool {
        let Crossing { of_proxy, asks, .. } = *self.crossing;
        !asks
            && match self.direction {
                Direction::Ingress => !of_proxy && self.is_from_here(peer, cut),
                Direction::Egress => self.policy.is_host(peer),
            }
    }

    /// Why policy of the host would not let a packet pass.
    fn refused_by_host(&self, flow: &Flow, transport: &Transport, cut: bool) -> Option<Reason> {
        self.endpoint.host_policy.filter(|_| self.is_the_hosts_too(flow.remote, cut))?;
        let question = Question {
            direction: opposite(self.direction),
            peer: Peer::Address(flow.local),
            protocol: transport.protocol,
            port: transport.destination_port,
        };
        match self.policy.verdict_of_host(&question) {
            Ok(Way::On) => None,
            Ok(Way::ToProxy) => Some(Reason::NoProxy),
            Err(reason) => Some(reason),
        }
    }

    fn by_policy(&mut self, flow: Flow, transport: &Transport, cut: bool) -> Result<Outcome, Reason> {
        let by_host = self.refused_by_host(&flow, transport, cut);
        if let Some(reason) = by_host
            && !self.endpoint.host_policy.is_some_and(|policy| policy.audits)
        {
            return Ok(Outcome::DroppedByHost(reason));
        }
        let here = self.direction == Direction::Ingress
            && !self.endpoint.host
            && self.is_from_here(flow.remote, cut);
        let question = Question {
            direction: self.direction,
            peer: if here { Peer::Here(flow.remote) } else { Peer::Address(flow.remote) },
            protocol: transport.protocol,
            port: transport.destination_port,
        };
        let way = self.policy.verdict(&question).and_then(|way| self.open(way, transport, cut));
        if let Err(reason) = way
            && !self.endpoint.audits
        {
            return Err(reason);
        }
        let begins = !self.crossing.asks && self.admit(flow, transport);
        // Of two that would drop it the first is told.
        if let Some(reason) = by_host.or(way.err()) {
            return Ok(Outcome::Audited(reason));
        }
        Ok(match way {
            Ok(Way::ToProxy) => Outcome::Proxied { begins },
            _ if begins => Outcome::Begins,
            _ => Outcome::Passes,
        })
    }

    /// Whether a way is open. The proxy takes whole packets of UDP and TCP from endpoints that are not the host.
    fn open(&self, way: Way, transport: &Transport, cut: bool) -> Result<Way, Reason> {
        let takes = self.crossing.hook == Direction::Egress && !self.endpoint.host;
        match way {
            Way::On => Ok(Way::On),
            Way::ToProxy if !takes || !matches!(transport.protocol, TCP | UDP) => Err(Reason::NoProxy),
            Way::ToProxy if self.crossing.asks => Ok(Way::ToProxy),
            Way::ToProxy if cut => Err(Reason::Fragmented),
            Way::ToProxy if !self.crossing.proxied => Err(Reason::ProxyAbsent),
            Way::ToProxy => Ok(Way::ToProxy),
        }
    }

    /// Remembers a packet that passes. True if it begins a connection.
    fn admit(&mut self, flow: Flow, transport: &Transport) -> bool {
        let may = !transport.is_icmp() || transport.is_question();
        if !self.endpoint.tracks[self.direction] || !may {
            return transport.is_opening();
        }
        self.memory.connections.forward(flow, transport, self.crossing.now, &self.node.lifetimes)
    }
}

/// Neighbour discovery (RFC 4861) and listener discovery (RFC 2710, 3810): whole. The hop limit of the latter says nothing to
/// who gets it, so it must come from an address of the link.
fn is_of_link(header: &Header<'_>, datagram: &Datagram<'_>, transport: &Transport) -> bool {
    let kind = transport.destination_port;
    transport.protocol == ICMPV6
        && header.source.is_ipv6()
        && datagram.fragment.is_none()
        && match header.hop_limit {
            255 => (133..=136).contains(&kind),
            1 => ((130..=132).contains(&kind) || kind == 143) && has_address_of_link(header),
            _ => false,
        }
}

fn has_address_of_link(header: &Header<'_>) -> bool {
    matches!(header.source, IpAddr::V6(source) if source.is_unicast_link_local() || source.is_unspecified())
}
