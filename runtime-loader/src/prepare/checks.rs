//! What the programs of a generation must answer before it is in force.
//!
//! The right answers come from the decision, not from the images that the programs read.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_backends::image::{record, refusal};
use sluice_backends::probe::Probe;
use sluice_compiler::session::{Sample, Session};
use sluice_ir::decision::{Decision, EndpointName, Outcome, Subject};
use sluice_ir::ids::{ClassId, PortClassId, VerdictId};
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction;

use super::{Local, Settings};
use crate::generation::Check;

/// Next headers that are no transport protocol in IPv6 (RFC 8200), and "no next header".
const EXTENSIONS: [u8; 8] = [0, 43, 44, 51, 59, 60, 135, 139];
const ICMP: u8 = 1;
const ICMPV6: u8 = 58;

/// So many questions at most, spread evenly over all that there are: each endpoint and direction, an address of each
/// class of peers and family, a port of each class of ports.
pub fn checks(decision: &Decision, locals: &[Local], most: usize) -> Vec<Check> {
    let asking = Asking::new(decision, locals);
    let rounds: Vec<(&Local, &Subject, Direction)> = locals
        .iter()
        .filter_map(|local| Some((local, decision.subject_of(&local.name)?)))
        .flat_map(|(local, subject)| Direction::BOTH.map(|direction| (local, subject, direction)))
        .collect();
    let each = |direction: Direction| asking.peers.len() * asking.ports[&direction].len();
    let all: usize = rounds.iter().map(|(.., direction)| each(*direction)).sum();
    let step = all.div_ceil(most.max(1)).max(1);
    let mut checks = Vec::new();
    let mut before = 0usize;
    for (local, subject, direction) in rounds {
        let ports = &asking.ports[&direction];
        let count = each(direction);
        // The first question of this round that is asked, counted over all rounds.
        let first = before.div_ceil(step) * step - before;
        for at in (first..count).step_by(step) {
            let (peer, port) = (asking.peers[at / ports.len()], ports[at % ports.len()]);
            checks.extend(asking.check(local, subject, direction, peer, port));
        }
        before += count;
    }
    checks
}

/// What the tables of a session say about some flows, as questions to the programs of their endpoints; those that no packet
/// can ask are left out. The name of a [`Local`] is here that in whose name the tables are. Whether programs ask policy of
/// the host about other endpoints, their images say ([`Images::asks_host`](sluice_backends::image::Images::asks_host)).
pub fn questions(
    session: &Session,
    locals: &[Local],
    settings: &Settings,
    asks_host: bool,
    samples: &[Sample],
) -> Vec<Check> {
    let local = |name: &EndpointName| locals.iter().find(|local| local.name == *name);
    let check = |sample: &Sample| {
        let Sample { direction, peer, protocol, port, verdict, .. } = sample;
        let local = local(&sample.endpoint)?;
        let place = place(locals, local, asks_host, *peer);
        let probe = probe(local, place, *direction, *peer, protocol.0, *port)?;
        let outcome = session.outcome(*verdict)?;
        let check = answer(hook(local, *direction), probe, u32::try_from(verdict.index()).ok()?, outcome);
        // What policy would drop passes then.
        let reason = check.reason.filter(|_| !settings.audits(local.is_host));
        Some(Check { reason, ..check })
    };
    samples.iter().filter_map(check).collect()
}

/// Whose interface a packet crosses: what the host and an endpoint of its machine send each other crosses that of the
/// latter alone.
fn place<'l>(locals: &'l [Local], local: &'l Local, asks_host: bool, peer: IpAddr) -> &'l Local {
    let is_peer = |other: &&Local| !other.is_host && other.addresses.contains(&peer);
    let beside = locals.iter().find(is_peer).filter(|_| local.is_host && asks_host);
    beside.unwrap_or(local)
}

/// The packet that asks a question about an endpoint, at the interface of one; none where no packet can.
fn probe(
    local: &Local,
    place: &Local,
    direction: Direction,
    peer: IpAddr,
    protocol: u8,
    port: u16,
) -> Option<Probe> {
    // A type of ICMP has one byte.
    let is_icmp = protocol == ICMP || protocol == ICMPV6;
    if !is_protocol_of(protocol, peer) || is_icmp && port > 255 {
        return None;
    }
    let own = own_address(local, peer, direction)?;
    let (source, destination) = match direction {
        Direction::Ingress => (peer, own),
        Direction::Egress => (own, peer),
    };
    // What came in by no interface is the host's, and nothing else is.
    let ifindex = place.ifindex;
    let ingress_ifindex = if local.is_host && direction == Direction::Egress { 0 } else { ifindex };
    let of_host = local.is_host && !place.is_host;
    Some(Probe { ifindex, ingress_ifindex, source, destination, protocol, port, of_host })
}

/// The hook at which an endpoint's packets of a direction are seen: the host is on the other side of its interface.
fn hook(local: &Local, direction: Direction) -> Direction {
    match (local.is_host, direction) {
        (false, direction) => direction,
        (true, Direction::Ingress) => Direction::Egress,
        (true, Direction::Egress) => Direction::Ingress,
    }
}

/// A question with its answer. What the host sends has no proxy, as what comes to an endpoint has none.
fn answer(hook: Direction, probe: Probe, verdict: u32, outcome: &Outcome) -> Check {
    let record = record(verdict as usize, outcome);
    let reason = refusal(&record, hook, Protocol(probe.protocol));
    Check { direction: hook, probe, verdict, reason }
}

/// A protocol and a port, with their class.
type Port = (u8, u16, PortClassId);

struct Asking<'d> {
    decision: &'d Decision,
    locals: &'d [Local],
    /// Whether the host lets something not pass.
    asks_host: bool,
    /// An address for each class and family that has one.
    peers: Vec<(IpAddr, ClassId)>,
    ports: BTreeMap<Direction, Vec<Port>>,
}

impl<'d> Asking<'d> {
    fn new(decision: &'d Decision, locals: &'d [Local]) -> Asking<'d> {
        let mut known = BTreeSet::new();
        let mut peers = Vec::new();
        for (prefix, class) in decision.prefixes.iter() {
            let address = prefix.address();
            if decision.class_of(address) == Some(*class) && known.insert((*class, address.is_ipv4())) {
                peers.push((address, *class));
            }
        }
        let ports = Direction::BOTH.map(|direction| (direction, ports(decision, direction)));
        let asks_host = locals.iter().any(|local| local.is_host && refuses(decision, &local.name));
        Asking { decision, locals, asks_host, peers, ports: ports.into() }
    }

    /// The question and its answer; none where no packet can ask it.
    fn check(
        &self,
        local: &Local,
        subject: &Subject,
        direction: Direction,
        (peer, class): (IpAddr, ClassId),
        (protocol, port, port_class): Port,
    ) -> Option<Check> {
        let place = place(self.locals, local, self.asks_host, peer);
        let probe = probe(local, place, direction, peer, protocol, port)?;
        let row = &self.decision.sides[direction].rows[subject.tables[direction].row(class).index()];
        let verdict = row.0[port_class.index()];
        let number = u32::try_from(verdict.index()).ok()?;
        let outcome = &self.decision.verdicts[verdict.index()];
        Some(answer(hook(local, direction), probe, number, outcome))
    }
}

/// Whether some peer or port is not let pass to an endpoint or from it.
fn refuses(decision: &Decision, endpoint: &EndpointName) -> bool {
    let Some(subject) = decision.subject_of(endpoint) else { return false };
    let allows = |verdict: &VerdictId| record(0, &decision.verdicts[verdict.index()]).allows();
    let of = |direction: Direction| {
        let (table, rows) = (&subject.tables[direction], &decision.sides[direction].rows);
        (0..decision.classes.len()).map(move |class| &rows[table.row(ClassId::new(class)).index()])
    };
    Direction::BOTH.into_iter().flat_map(of).any(|row| !row.0.iter().all(allows))
}

/// A protocol and a port of each class.
fn ports(decision: &Decision, direction: Direction) -> Vec<Port> {
    let classes = &decision.sides[direction].ports;
    let mut known = BTreeSet::new();
    let mut ports = Vec::new();
    // Some protocol is not listed, as no policy can name them all.
    let other = (1..=u8::MAX).rev().find(|number| {
        !EXTENSIONS.contains(number) && classes.spans().iter().all(|span| span.protocol.0 != *number)
    });
    ports.extend(other.map(|number| (number, 0, PortClassId::new(0))));
    for span in classes.spans() {
        if known.insert((span.class, span.protocol)) {
            ports.push((span.protocol.0, span.range.start, span.class));
        }
    }
    ports
}

/// Whether a packet of the peer's family can have the protocol. A mapped address is no address of a packet: whoever
/// sends one is refused as malformed.
fn is_protocol_of(protocol: u8, peer: IpAddr) -> bool {
    match peer {
        IpAddr::V4(_) => protocol != ICMPV6,
        IpAddr::V6(peer) if peer.to_ipv4_mapped().is_some() => false,
        IpAddr::V6(_) => protocol != ICMP && !EXTENSIONS.contains(&protocol),
    }
}

/// An address of the endpoint; where it has none of the peer's family, it may be asked what comes to it all the same, unless
/// it is the host, which is known by its addresses alone.
fn own_address(local: &Local, peer: IpAddr, direction: Direction) -> Option<IpAddr> {
    let own = local.addresses.iter().copied().find(|address| address.is_ipv4() == peer.is_ipv4());
    let any = || match peer {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)),
    };
    own.or_else(|| (direction == Direction::Ingress && !local.is_host).then(any))
}
