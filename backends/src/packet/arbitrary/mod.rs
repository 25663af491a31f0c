//! Random packets, good and bad, for tests and fuzzing.
//!
//! The world is tiny, so that packets often belong together: an endpoint with one address of each family, two peers,
//! four ports, two fragment numbers. Half of the packets are changed after they were made.

mod build;
mod change;
mod conversation;

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::select;

pub use self::conversation::conversations;

use self::build::{extensions4, frame, internet};

/// The endpoint's IPv4 address.
pub const OWN4: Ipv4Addr = Ipv4Addr::new(10, 1, 2, 3);
/// The endpoint's IPv6 address.
pub const OWN6: Ipv6Addr = Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 1);

/// The other side's IPv4 addresses.
pub const PEERS4: [Ipv4Addr; 2] = [Ipv4Addr::new(20, 0, 0, 9), Ipv4Addr::new(30, 0, 0, 9)];
/// The other side's IPv6 addresses.
pub const PEERS6: [Ipv6Addr; 2] =
    [Ipv6Addr::new(0x2a00, 0, 0, 0, 0, 0, 0, 9), Ipv6Addr::new(0x3a00, 0, 0, 0, 0, 0, 0, 9)];

/// A packet before it is bytes.
#[derive(Clone, Debug)]
struct Plan {
    v6: bool,
    out: bool,
    peer: usize,
    hop_limit: u8,
    protocol: u8,
    transport: Vec<u8>,
    identification: u32,
    /// Offset in units of eight bytes, and whether more follow.
    fragment: Option<(u16, bool)>,
    /// Extension headers of IPv6, by kind and units of eight bytes beyond the first; words of IPv4 options.
    extensions: Vec<(u8, u8)>,
    tags: Vec<u16>,
    padding: usize,
}

/// A frame, and whether it leaves the endpoint.
pub fn frames() -> impl Strategy<Value = (Vec<u8>, bool)> {
    let good = plans().prop_map(|plan| (frame(&plan), plan.out)).boxed();
    prop_oneof![
        4 => good.clone(),
        4 => (good, change::changes()).prop_map(|((frame, out), changes)| (change::apply(frame, &changes), out)),
        1 => (prop::collection::vec(any::<u8>(), 14..100), any::<bool>()),
        1 => (select(vec![0x0806_u16, 0x88cc, 0x8847, 0]), any::<bool>())
            .prop_map(|(kind, out)| ([&[2; 12][..], &kind.to_be_bytes(), &[0; 46]].concat(), out)),
    ]
}

fn plans() -> impl Strategy<Value = Plan> {
    let network = (any::<bool>(), any::<bool>(), 0..2_usize, select(vec![64_u8, 64, 255, 1]));
    let fragment = prop_oneof![
        4 => Just(None),
        2 => (select(vec![0_u16, 0, 0, 1, 2, 3, 3, 0x1fff]), any::<bool>()).prop_map(Some),
    ];
    let outside = (
        prop::collection::vec(select(vec![0x8100_u16, 0x88a8]), 0..3),
        prop_oneof![3 => Just(0_usize), 1 => 0..20_usize],
    );
    (network, 0..2_u32, fragment, outside).prop_flat_map(|(network, identification, fragment, outside)| {
        let (v6, out, peer, hop_limit) = network;
        let (tags, padding) = outside;
        let transport = prop_oneof![4 => transports(v6), 1 => errors(v6, out, peer)];
        (transport, extensions(v6)).prop_map(move |((protocol, transport), extensions)| {
            let tags = tags.clone();
            Plan {
                v6,
                out,
                peer,
                hop_limit,
                protocol,
                transport,
                identification,
                fragment,
                extensions,
                tags,
                padding,
            }
        })
    })
}

fn extensions(v6: bool) -> BoxedStrategy<Vec<(u8, u8)>> {
    if !v6 {
        return extensions4().boxed();
    }
    let kinds = select(vec![0_u8, 43, 51, 60, 60, 60, 44, 135, 59]);
    let some = prop::collection::vec((kinds, select(vec![0_u8, 0, 0, 1, 20, 255])), 0..8);
    prop_oneof![3 => Just(Vec::new()), 2 => some].boxed()
}

/// A transport header with what follows: its protocol and its bytes.
fn transports(v6: bool) -> BoxedStrategy<(u8, Vec<u8>)> {
    let ports = (0..4_u16, 0..4_u16);
    let payload = prop_oneof![3 => Just(0_usize), 1 => Just(8), 1 => 0..40_usize];
    let tcp = (ports.clone(), select(vec![2_u8, 0x12, 0x10, 0x11, 4, 0x14, 0]), 5..8_u8, payload.clone())
        .prop_map(|(ports, flags, words, more)| (6, build::tcp(ports, flags, words, more)));
    let udp = (ports.clone(), payload.clone()).prop_map(|(ports, more)| (17, build::udp(ports, more)));
    let sctp = (ports, payload.clone()).prop_map(|(ports, more)| (132, build::sctp(ports, more)));
    let kinds = if v6 {
        vec![128, 128, 129, 133, 134, 135, 136, 137, 130, 131, 132, 143, 1]
    } else {
        vec![8, 8, 0, 0, 3, 13, 5]
    };
    let icmp = (select(kinds), 0..5_u8, 0..2_u16, payload.clone())
        .prop_map(move |(kind, code, id, more)| (if v6 { 58 } else { 1 }, build::icmp(kind, code, id, more)));
    let other =
        (select(vec![47_u8, 50, 89, 1, 58, 59]), payload).prop_map(|(number, more)| (number, vec![0; more]));
    prop_oneof![4 => tcp, 3 => udp, 1 => sctp, 3 => icmp, 1 => other].boxed()
}

/// An ICMP error that repeats a packet, which went the other way.
fn errors(v6: bool, out: bool, peer: usize) -> BoxedStrategy<(u8, Vec<u8>)> {
    let kinds = if v6 { vec![1_u8, 2, 3, 4] } else { vec![3_u8, 11, 12] };
    let cut = prop_oneof![3 => Just(usize::MAX), 1 => 0..60_usize];
    (select(kinds), 0..5_u8, transports(v6), extensions(v6), cut, prop::bool::weighted(0.8))
        .prop_map(move |(kind, code, (protocol, transport), extensions, cut, other_way)| {
            let plan = Plan {
                v6,
                out: out != other_way,
                peer,
                hop_limit: 9,
                protocol,
                transport,
                identification: 0,
                fragment: None,
                extensions,
                tags: Vec::new(),
                padding: 0,
            };
            let mut repeated = internet(&plan);
            repeated.truncate(cut);
            let message = [build::icmp(kind, code, 0, 0), repeated].concat();
            (if v6 { 58 } else { 1 }, message)
        })
        .boxed()
}
