//! Images against what they are made from.

mod decisions;
mod endpoints;
mod late;
pub(crate) mod ports;
mod prefixes;
mod updates;

use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use sluice_ir::decision::tables::{Cells, Tables};
use sluice_ir::decision::{ByDirection, EndpointName, Outcome, PortClasses, Row};
use sluice_ir::ids::{ClassId, OriginId, RowId, VerdictId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::eval::{Reason, Verdict};
use sluice_ir::policy::{Direction, Proxy};

use super::Interface;
use crate::abi::Endpoint;

/// An endpoint of this name.
fn endpoint(name: &str) -> EndpointName {
    EndpointName { namespace: Some(Arc::from("a")), name: Arc::from(name) }
}

/// Its interface.
fn interface(name: &EndpointName, ifindex: u32) -> Interface {
    Interface { name: name.clone(), endpoint: Endpoint { ifindex, id: ifindex, ..Endpoint::default() } }
}

fn outcome(verdict: Verdict) -> Outcome {
    let (reason, origins) = match verdict {
        Verdict::Deny => (Reason::DefaultDeny, Vec::new()),
        _ => (Reason::Rules, vec![OriginId::new(0)]),
    };
    let proxy = (verdict == Verdict::Redirect).then_some(Proxy::Other);
    Outcome { verdict, reason, authentication: None, widened: false, origins, l7: Vec::new(), proxy }
}

/// Tables with a deny and an allow, a row of each, and a row for each of some classes: even ones are let pass.
pub(crate) fn tables(classes: usize, prefixes: &[(Cidr, usize)]) -> Tables {
    let mut tables = Tables::default();
    let verdicts = [Verdict::Deny, Verdict::Allow].map(outcome);
    tables.verdicts = verdicts.into_iter().enumerate().map(|(at, o)| (VerdictId::new(at), o)).collect();
    let rows: Vec<Row> = (0..2).map(|at| Row(Box::new([VerdictId::new(at)]))).collect();
    tables.ports = ByDirection::from_fn(|_| Some((PortClasses::default(), rows.clone())));
    for direction in Direction::BOTH {
        tables.cells.extend((0..classes).map(|class| cell(direction, class)));
    }
    let class = |(prefix, class): &(Cidr, usize)| (*prefix, Some(ClassId::new(*class)));
    tables.prefixes = prefixes.iter().map(class).collect();
    tables
}

fn cell(direction: Direction, class: usize) -> Cells {
    let row = RowId::new((class + 1) % 2);
    Cells { endpoint: endpoint("x"), direction, rows: vec![(ClassId::new(class), row)] }
}

/// Prefixes of a world in which most nest or touch.
pub(crate) fn cidr() -> impl Strategy<Value = Cidr> {
    let byte = || select(vec![0_u8, 1, 0x20, 0x7f, 0x80, 0xfd, 0xff]);
    let v4 = (prop::array::uniform4(byte()), 0..=32_u8);
    let v4 = v4.prop_filter_map("a prefix", |(bytes, length)| Cidr::new(bytes.into(), length));
    let v6 = (prop::array::uniform16(select(vec![0_u8, 0, 0, 1, 0xfd])), 0..=128_u8);
    let v6 = v6.prop_filter_map("a prefix", |(bytes, length)| Cidr::new(bytes.into(), length));
    prop_oneof![v4, v6]
}

/// Any prefixes at all.
pub(crate) fn wild_cidr() -> impl Strategy<Value = Cidr> {
    let v4 = (any::<[u8; 4]>(), 0..=32_u8);
    let v4 = v4.prop_filter_map("a prefix", |(bytes, length)| Cidr::new(bytes.into(), length));
    let v6 = (any::<[u8; 16]>(), 0..=128_u8);
    let v6 = v6.prop_filter_map("a prefix", |(bytes, length)| Cidr::new(bytes.into(), length));
    prop_oneof![v4, v6]
}

/// Endpoints of some nodes, each with a class: node and number of an endpoint are at these bits.
pub(crate) fn endpoints6(
    first: &str,
    nodes: u128,
    of_node: u128,
    (node, number): (u8, u8),
) -> Vec<(Cidr, usize)> {
    let first = first.parse::<std::net::Ipv6Addr>().unwrap().to_bits();
    let all = (0..nodes).flat_map(|at| (1..=of_node).map(move |number| (at, number)));
    let address = |(at, which): (u128, u128)| first | at << node | which << number;
    all.enumerate().map(|(at, of)| (Cidr::host(IpAddr::V6(address(of).into())), at % 5)).collect()
}

/// The addresses at which a prefix begins and ends, those beside it, and some that leave it at one bit.
pub(crate) fn around(prefix: Cidr) -> Vec<IpAddr> {
    match prefix.address() {
        IpAddr::V4(first) => {
            let first = first.to_bits();
            let last = first | u32::MAX.checked_shr(u32::from(prefix.length())).unwrap_or(0);
            let near = [first, last, first.wrapping_sub(1), last.wrapping_add(1)];
            let flipped = (0..32).step_by(3).map(|bit| first ^ 1 << bit);
            near.into_iter().chain(flipped).map(|bits| IpAddr::V4(bits.into())).collect()
        }
        IpAddr::V6(first) => {
            let first = first.to_bits();
            let last = first | u128::MAX.checked_shr(u32::from(prefix.length())).unwrap_or(0);
            let near = [first, last, first.wrapping_sub(1), last.wrapping_add(1)];
            let flipped = (0..128).step_by(7).map(|bit| first ^ 1 << bit);
            near.into_iter().chain(flipped).map(|bits| IpAddr::V6(bits.into())).collect()
        }
    }
}
