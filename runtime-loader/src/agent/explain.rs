//! Events in words: who, what, which rule at which line.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};
use sluice_backends::abi::{
    DIRECTION_EGRESS, EVENT_AUDIT, EVENT_DROP, EVENT_NEW, EVENT_REDIRECT, Event, Reason as Drop,
};
use sluice_compiler::inventory::Owner;
use sluice_compiler::judge::{Judge, NearMiss};
use sluice_compiler::resource::cilium::Entity;
use sluice_compiler::resource::flow::{EndRef, Flow};
use sluice_ir::net::Protocol;
use sluice_ir::policy::Direction as Way;
use sluice_ir::policy::eval::Reason;

use super::book::{Book, Books};
use super::describe::{called, direction, verdict};
use crate::api::policy::{RuleRef, Verdict};
use crate::api::time::Moment;
use crate::api::told::{self, End, Kind, Nearest, Told, tcp_flags};

const ICMP: u8 = 1;
const TCP: u8 = 6;
const ICMPV6: u8 = 58;

/// Explains events, as long as nothing else is put in force.
pub(super) struct Explainer<'e> {
    generations: [Option<&'e Book>; 3],
    /// Made when a packet was dropped because nothing allowed it, as it takes a while.
    judges: [Option<Judge<'e>>; 3],
}

impl<'e> Explainer<'e> {
    pub(super) fn new(Books { in_force, before, coming }: &'e Books) -> Explainer<'e> {
        let generations = [in_force, before, coming].map(Option::as_deref);
        Explainer { generations, judges: [None, None, None] }
    }

    /// The event in words; none if it is of a kind that is not known.
    pub(super) fn told(&mut self, event: &Event) -> Option<Told> {
        let kind = match u32::from(event.kind) {
            EVENT_DROP => Kind::Drop,
            EVENT_NEW => Kind::New,
            EVENT_AUDIT => Kind::Audit,
            EVENT_REDIRECT => Kind::Redirect,
            _ => return None,
        };
        let way = if u32::from(event.direction) == DIRECTION_EGRESS { Way::Egress } else { Way::Ingress };
        let at =
            self.generations.iter().position(|of| of.is_some_and(|of| of.number.word() == event.generation));
        let of = at.and_then(|at| self.generations[at]);
        let named = of.and_then(|of| of.verdict(event.verdict));
        let reason = (kind == Kind::Drop).then(|| Drop::of_code(event.reason)).flatten();
        let flow = flow(of, event);
        let nearest = match (at, &named) {
            (Some(at), Some(named)) if named.reason == Reason::DefaultDeny => self.nearest(at, event, way),
            _ => None,
        };
        Some(Told {
            time: moment(event.time),
            kind,
            verdict: named.as_ref().map_or(verdict_of(kind), |named| verdict(named.verdict)),
            reason: reason.map(Into::into),
            endpoint: endpoint(of, event),
            direction: direction(way),
            flow,
            generation: event.generation,
            rules: named.map(|named| named.rules.clone()).unwrap_or_default(),
            nearest,
            dns: None,
        })
    }

    /// The rule that came nearest to allowing the packet.
    fn nearest(&mut self, at: usize, event: &Event, way: Way) -> Option<Nearest> {
        let of = self.generations[at]?;
        let view = Some(Arc::clone(&of.node));
        let judge = self.judges[at].get_or_insert_with(|| Judge::new(&of.compiled, view));
        let name = of.endpoints.get(event.endpoint as usize)?;
        let endpoint = match &name.namespace {
            Some(namespace) => {
                EndRef::Named { namespace: Arc::clone(namespace), name: Arc::clone(&name.name) }
            }
            None => EndRef::Entity(Entity::Host),
        };
        let (source, destination) = (address(event.source), address(event.destination));
        let (from, to) = match way {
            Way::Ingress => (EndRef::Address(source), endpoint),
            Way::Egress => (endpoint, EndRef::Address(destination)),
        };
        let protocol = Protocol(event.protocol);
        let flow = Flow { id: None, from, to, protocol, port: event.destination_port };
        let answer = judge.flow(&flow).ok()?;
        let side = match way {
            Way::Ingress => answer.ingress?,
            Way::Egress => answer.egress?,
        };
        side.nearest.map(|near| nearest(of, &near))
    }
}

fn nearest(of: &Book, near: &NearMiss) -> Nearest {
    let misses = near.misses.iter().map(ToString::to_string).collect();
    Nearest { rule: RuleRef::from(of.compiled.policy.origin(near.rule)), misses }
}

/// What is done where no verdict says so: the packet was refused before policy was asked.
fn verdict_of(kind: Kind) -> Verdict {
    match kind {
        Kind::Drop | Kind::Audit => Verdict::Deny,
        Kind::New => Verdict::Allow,
        Kind::Redirect | Kind::Query | Kind::Answer => Verdict::Redirect,
    }
}

fn endpoint(of: Option<&Book>, event: &Event) -> String {
    let name = of.and_then(|of| of.endpoints.get(event.endpoint as usize));
    name.map_or_else(|| format!("interface {}", event.ifindex), called)
}

fn flow(of: Option<&Book>, event: &Event) -> told::Flow {
    let is_icmp = event.protocol == ICMP || event.protocol == ICMPV6;
    let has_ports = matches!(event.protocol, TCP | 17 | 132);
    let end = |words: [u64; 2], port: u16| {
        let address = address(words);
        End { name: of.and_then(|of| name_of(of, address)), address, port: has_ports.then_some(port) }
    };
    told::Flow {
        source: end(event.source, event.source_port),
        destination: end(event.destination, event.destination_port),
        protocol: Protocol(event.protocol).to_string().to_lowercase(),
        icmp_type: is_icmp.then(|| u8::try_from(event.destination_port).ok()).flatten(),
        icmp_code: is_icmp.then_some(event.code),
        tcp_flags: (event.protocol == TCP).then(|| tcp_flags(event.tcp_flags)),
        length: event.length,
    }
}

/// When a packet was: the datapath counts from when the machine began.
fn moment(time: u64) -> Moment {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = seconds.saturating_mul(1_000_000_000) + u64::try_from(now.tv_nsec).unwrap_or_default();
    Moment::of_micros(Moment::now().micros().saturating_sub(nanos.saturating_sub(time) / 1_000))
}

/// Who has an address: a pod, the host, another node.
fn name_of(of: &Book, address: IpAddr) -> Option<String> {
    let inventory = &of.compiled.inventory;
    match inventory.owner(address)? {
        Owner::Endpoint(at) => Some(inventory.endpoints[at].endpoint_name().to_string()),
        Owner::Node(at) => {
            let name = &*inventory.nodes[at].name;
            let here = &*of.node == name;
            Some(if here { "host".to_owned() } else { format!("node {name}") })
        }
    }
}

/// An address of either family; one of IPv4 is mapped.
fn address([high, low]: [u64; 2]) -> IpAddr {
    let address = Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low));
    address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
}
