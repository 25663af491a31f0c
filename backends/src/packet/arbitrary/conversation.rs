//! Packets that belong together: both sides of one flow, errors about it, and fragments of its packets.

use proptest::prelude::*;
use proptest::sample::select;

use super::Plan;
use super::build::{self, frame, internet};

/// A step: whether the endpoint takes it, the flags of TCP, and what is sent.
type Step = (bool, u8, What);

#[derive(Clone, Copy, Debug)]
enum What {
    Packet,
    /// An error of this kind, about a packet that went the other way; repeated so far.
    Error(u8, usize),
    /// A part: its offset in units of eight bytes, and whether more follow.
    Part(u16, bool),
}

/// Frames of one flow in turn, each with whether it leaves the endpoint.
pub fn conversations() -> impl Strategy<Value = Vec<(Vec<u8>, bool)>> {
    let flow = (any::<bool>(), 0..2_usize, select(vec![6_u8, 6, 17, 132, 1, 47]));
    let ports = (select(vec![1_u16, 1, 0, 5]), select(vec![1_u16, 1, 1, 2, 9]));
    let flags = select(vec![2_u8, 2, 0x12, 0x10, 0x10, 0x11, 4]);
    let error = (1..13_u8, prop_oneof![3 => Just(usize::MAX), 1 => 20..60_usize]);
    let what = prop_oneof![
        6 => Just(What::Packet),
        2 => error.prop_map(|(kind, cut)| What::Error(kind, cut)),
        2 => (select(vec![0_u16, 0, 1, 2, 3, 5]), any::<bool>()).prop_map(|(at, more)| What::Part(at, more)),
    ];
    let steps = prop::collection::vec((any::<bool>(), flags, what), 2..12);
    (flow, ports, steps).prop_map(|((v6, peer, protocol), ports, steps)| {
        let step = |step: &Step| (frame(&plan(v6, peer, protocol, ports, *step)), step.0);
        steps.iter().map(step).collect()
    })
}

fn plan(v6: bool, peer: usize, number: u8, (local, remote): (u16, u16), (out, flags, what): Step) -> Plan {
    let ports = if out { (local, remote) } else { (remote, local) };
    let (protocol, transport) = match number {
        6 => (6, build::tcp(ports, flags, 5, 4)),
        17 => (17, build::udp(ports, 0)),
        132 => (132, build::sctp(ports, 4)),
        // Of ICMP, the flags choose between a request and a reply.
        1 if v6 => (58, build::icmp(128 + u8::from(flags != 2), 0, local, 0)),
        1 => (1, build::icmp(if flags == 2 { 8 } else { 0 }, 0, local, 0)),
        other => (other, vec![0; 8]),
    };
    let mut plan = Plan {
        v6,
        out,
        peer,
        hop_limit: 64,
        protocol,
        transport,
        identification: 1,
        fragment: None,
        extensions: Vec::new(),
        tags: Vec::new(),
        padding: 0,
    };
    match what {
        What::Packet => {}
        What::Part(offset, more) => plan.fragment = Some((offset, more)),
        What::Error(kind, cut) => {
            let about = self::plan(v6, peer, number, (local, remote), (!out, flags, What::Packet));
            let mut repeated = internet(&about);
            repeated.truncate(cut);
            plan.protocol = if v6 { 58 } else { 1 };
            plan.transport = [build::icmp(kind, 0, 0, 0), repeated].concat();
        }
    }
    plan
}
