//! Packets by hand, each with what must become of it.

use std::net::IpAddr;

use proptest::prelude::*;
use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;

use super::arbitrary::{OWN4, PEERS4, conversations, frames};
use super::{Crossing, Endpoint, Lifetimes, Memory, Node, Outcome, Policy, Question, Way, judge};
use crate::abi::Reason;

const NODE: Node = Node {
    ipv4: true,
    ipv6: true,
    allow_frag_needed: true,
    lifetimes: Lifetimes { tcp: 8000, opening: 60, closed: 10, other: 60 },
};

/// Allows port 443 and echo requests, and has names.
struct Web;

impl Policy for Web {
    fn is_host(&self, _: IpAddr) -> bool {
        false
    }

    fn verdict(&self, question: &Question) -> Result<Way, Reason> {
        match (question.protocol, question.port) {
            (6, 443) | (17, 443) | (1, 8) => Ok(Way::On),
            (_, 53) => Ok(Way::ToProxy),
            _ => Err(Reason::Policy),
        }
    }

    fn verdict_of_host(&self, _: &Question) -> Result<Way, Reason> {
        Err(Reason::NoConfiguration)
    }
}

/// An endpoint that remembers and checks everything.
fn endpoint() -> Endpoint {
    let both = ByDirection { ingress: true, egress: true };
    Endpoint { tracks: both, enforces: both, source4: Some(OWN4), ..Endpoint::default() }
}

/// What becomes of packets in turn: true are sent, false received, each at its second.
fn outcomes(packets: &[(bool, u64, Vec<u8>)]) -> Vec<Outcome> {
    let mut memory = Memory::default();
    let mut one = |(out, now, packet): &(bool, u64, Vec<u8>)| {
        let frame = [&[2; 12][..], &[8, 0], packet].concat();
        let hook = if *out { Direction::Egress } else { Direction::Ingress };
        let crossing = Crossing {
            frame: &frame,
            hook,
            made_here: false,
            of_proxy: false,
            asks: false,
            proxied: true,
            now: *now,
        };
        judge(&NODE, &endpoint(), &Web, &mut memory, &crossing)
    };
    packets.iter().map(&mut one).collect()
}

/// An IPv4 packet of the endpoint, or to it, with a field of flags and offset.
fn packet(out: bool, protocol: u8, field: u16, body: &[u8]) -> Vec<u8> {
    let (own, peer) = (OWN4.octets(), PEERS4[0].octets());
    let ends = if out { [own, peer] } else { [peer, own] };
    let length = (20 + body.len()) as u16;
    let fixed = [&[0x45, 0][..], &length.to_be_bytes(), &[0, 7], &field.to_be_bytes(), &[64, protocol, 0, 0]];
    [&fixed.concat(), ends.as_flattened(), body].concat()
}

fn tcp(source: u16, destination: u16, flags: u8) -> Vec<u8> {
    let ports = [source.to_be_bytes(), destination.to_be_bytes()].concat();
    [&ports[..], &[0, 0, 0, 1, 0, 0, 0, 2, 0x50, flags, 1, 0, 0, 0, 0, 0]].concat()
}

#[test]
fn replies_pass_while_the_connection_is_remembered() {
    let send = |now, flags| (true, now, packet(true, 6, 0, &tcp(5, 443, flags)));
    let receive = |now, flags| (false, now, packet(false, 6, 0, &tcp(443, 5, flags)));
    let got = outcomes(&[
        receive(0, 0x12),
        send(1, 0x02),
        receive(2, 0x12),
        send(3, 0x10),
        receive(5000, 0x10),
        receive(5001, 0x02),
        receive(5002, 0x04),
        receive(5013, 0x10),
    ]);
    let dropped = Outcome::Dropped(Reason::Policy);
    let expected = [
        dropped,
        Outcome::Begins,
        Outcome::Passes,
        Outcome::Passes,
        Outcome::Passes,
        // Who replied asks for a connection of its own.
        dropped,
        Outcome::Passes,
        // The reset one is forgotten.
        dropped,
    ];
    assert_eq!(got, expected);
}

#[test]
fn whoever_is_pinged_may_not_ping_back() {
    let echo = |kind| [kind, 0, 0, 0, 0, 9, 0, 0];
    let got = outcomes(&[
        (true, 0, packet(true, 1, 0, &echo(8))),
        (false, 0, packet(false, 1, 0, &echo(0))),
        (false, 0, packet(false, 1, 0, &[13, 0, 0, 0, 0, 9, 0, 0])),
    ]);
    assert_eq!(got, [Outcome::Begins, Outcome::Passes, Outcome::Dropped(Reason::Policy)]);
}

#[test]
fn errors_pass_only_about_connections() {
    let error = |port| {
        let repeated = packet(true, 6, 0, &tcp(port, 443, 2));
        (false, 0, packet(false, 1, 0, &[&[11, 0, 0, 0, 0, 0, 0, 0][..], &repeated].concat()))
    };
    let got = outcomes(&[(true, 0, packet(true, 6, 0, &tcp(5, 443, 2))), error(5), error(6)]);
    assert_eq!(got, [Outcome::Begins, Outcome::Passes, Outcome::Dropped(Reason::Policy)]);
}

#[test]
fn later_fragments_are_judged_by_the_first_and_may_not_change_it() {
    let first = [&tcp(5, 443, 2)[..], &[0; 4]].concat();
    let later = |offset| (true, 0, packet(true, 6, offset, &[0; 16]));
    let got = outcomes(&[
        later(3),
        (true, 0, packet(true, 6, 0x2000, &first)),
        later(3),
        later(2),
        (true, 0, packet(true, 6, 0x2000, &first[..16])),
    ]);
    let expected = [
        Outcome::Dropped(Reason::FragmentMissing),
        Outcome::Begins,
        Outcome::Passes,
        Outcome::Dropped(Reason::Truncated),
        Outcome::Dropped(Reason::Truncated),
    ];
    assert_eq!(got, expected);
}

#[test]
fn what_is_asked_of_names_goes_to_the_proxy() {
    let query = |field, protocol| {
        let length = if protocol == 17 { 16_u16 } else { 0 };
        let ports = [9_u16.to_be_bytes(), 53_u16.to_be_bytes(), length.to_be_bytes(), [0; 2]].concat();
        packet(true, protocol, field, &[&ports[..], &[0; 8]].concat())
    };
    let got = outcomes(&[
        (true, 0, query(0, 17)),
        (true, 1, query(0, 17)),
        (false, 1, packet(false, 17, 0, &[0, 53, 0, 9, 0, 8, 0, 0])),
        (true, 1, query(0x2000, 17)),
        (true, 1, query(0, 132)),
        (false, 1, packet(false, 17, 0, &[0, 9, 0, 53, 0, 8, 0, 0])),
    ]);
    let expected = [
        Outcome::Proxied { begins: true },
        Outcome::Proxied { begins: false },
        Outcome::Passes,
        Outcome::Dropped(Reason::Fragmented),
        Outcome::Dropped(Reason::NoProxy),
        Outcome::Dropped(Reason::NoProxy),
    ];
    assert_eq!(got, expected);
    let frame = [&[2; 12][..], &[8, 0], &query(0, 17)].concat();
    let absent = |asks| {
        let crossing = Crossing {
            frame: &frame,
            hook: Direction::Egress,
            made_here: false,
            of_proxy: false,
            asks,
            proxied: false,
            now: 0,
        };
        judge(&NODE, &endpoint(), &Web, &mut Memory::default(), &crossing)
    };
    assert_eq!(absent(false), Outcome::Dropped(Reason::ProxyAbsent));
    assert_eq!(absent(true), Outcome::Proxied { begins: false });
}

#[test]
fn contradictions_are_malformed() {
    let mut short_header = packet(true, 6, 0, &tcp(5, 443, 2));
    short_header[0] = 0x44;
    let mut too_long = packet(true, 6, 0, &tcp(5, 443, 2));
    too_long[3] += 1;
    let mut no_words = tcp(5, 443, 2);
    no_words[12] = 0x40;
    for bad in [short_header, too_long, packet(true, 6, 0, &no_words), packet(true, 58, 0, &[0; 8])] {
        assert_eq!(outcomes(&[(true, 0, bad)]), [Outcome::Dropped(Reason::InvalidPacket)]);
    }
    assert_eq!(
        outcomes(&[(true, 0, packet(false, 6, 0, &tcp(5, 443, 2)))]),
        [Outcome::Dropped(Reason::InvalidSource)]
    );
}

proptest! {
    #[test]
    fn every_packet_has_an_answer_and_asking_leaves_nothing(
        single in prop::collection::vec((frames(), any::<bool>()), 1..30),
        together in conversations(),
    ) {
        let packets: Vec<_> = single.into_iter().chain(together.into_iter().map(|frame| (frame, false))).collect();
        let mut memory = Memory::default();
        for ((frame, out), asks) in &packets {
            let hook = if *out { Direction::Egress } else { Direction::Ingress };
            let crossing = Crossing { frame, hook, made_here: false, of_proxy: false, asks: *asks, proxied: true, now: 0 };
            let before = memory.clone();
            judge(&NODE, &endpoint(), &Web, &mut memory, &crossing);
            if *asks {
                prop_assert_eq!(&before, &memory);
            }
        }
    }
}
