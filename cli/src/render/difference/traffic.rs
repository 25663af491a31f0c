//! Protocols and ports in words.

use std::collections::{BTreeMap, BTreeSet};

use sluice_compiler::compare::Traffic;
use sluice_ir::net::{PortRange, Protocol};

use super::listed;

/// Of many ranges so many are named.
const MOST: usize = 6;

/// Protocols with the same ports, by those ports.
type ByRange = BTreeMap<(u16, u16), Vec<Protocol>>;

/// `8080/tcp`, `53/tcp+udp`, `all traffic`, `everything but 80/tcp`.
pub(crate) fn text(traffic: &[Traffic]) -> String {
    text_of(traffic, MOST)
}

/// The same with so many ranges named.
pub(super) fn text_of(traffic: &[Traffic], most: usize) -> String {
    let mut all_but = None;
    let mut ranges: BTreeMap<Protocol, Vec<PortRange>> = BTreeMap::new();
    for one in traffic {
        match one {
            Traffic::AllBut(others) => all_but = Some(others),
            Traffic::Ports(protocol, range) => ranges.entry(*protocol).or_default().push(*range),
        }
    }
    let Some(others) = all_but else { return some(&ranges, most) };
    let others: BTreeSet<Protocol> = others.iter().copied().collect();
    let missing: BTreeMap<Protocol, Vec<PortRange>> = others
        .iter()
        .map(|protocol| (*protocol, without(ranges.get(protocol).map_or(&[], Vec::as_slice))))
        .filter(|(_, missing)| !missing.is_empty())
        .collect();
    if missing.is_empty() {
        "all traffic".to_owned()
    } else {
        format!("everything but {}", some(&missing, most))
    }
}

/// The ports that are in none of some ranges, which are sorted.
fn without(ranges: &[PortRange]) -> Vec<PortRange> {
    let mut missing = Vec::new();
    let mut next = Some(0_u16);
    for range in ranges {
        let Some(start) = next else { break };
        if start < range.start {
            missing.push(PortRange { start, end: range.start - 1 });
        }
        next = range.end.checked_add(1);
    }
    missing.extend(next.map(|start| PortRange { start, end: u16::MAX }));
    missing
}

fn some(ranges: &BTreeMap<Protocol, Vec<PortRange>>, most: usize) -> String {
    let mut with_ports = ByRange::default();
    let mut texts = Vec::new();
    for (protocol, ranges) in ranges {
        for range in ranges {
            if protocol.has_ports() {
                with_ports.entry((range.start, range.end)).or_default().push(*protocol);
            } else if protocol.is_icmp() && *range != PortRange::ALL {
                let types = if range.start == range.end { "type" } else { "types" };
                texts.push(format!("{protocol} {types} {range}"));
            } else {
                texts.push(protocol.to_string());
            }
        }
    }
    let ports = with_ports.into_iter().map(|((start, end), protocols)| {
        let names: Vec<String> = protocols.iter().map(ToString::to_string).collect();
        match (PortRange { start, end }, names.join("+")) {
            (PortRange::ALL, names) => format!("every {names} port"),
            (range, names) => format!("{range}/{names}"),
        }
    });
    listed(ports.chain(texts).collect(), most)
}

#[cfg(test)]
mod tests {
    use super::text;
    use sluice_compiler::compare::Traffic;
    use sluice_ir::net::{PortRange, Protocol};

    fn ports(protocol: Protocol, start: u16, end: u16) -> Traffic {
        Traffic::Ports(protocol, PortRange { start, end })
    }

    #[test]
    fn ports_are_named_as_people_do() {
        for (traffic, words) in [
            (vec![Traffic::AllBut(vec![])], "all traffic"),
            (vec![ports(Protocol::TCP, 80, 80)], "80/tcp"),
            (vec![ports(Protocol::TCP, 53, 53), ports(Protocol::UDP, 53, 53)], "53/tcp+udp"),
            (vec![ports(Protocol::TCP, 0, 65535)], "every tcp port"),
            (vec![ports(Protocol::ICMP, 8, 8), ports(Protocol(47), 0, 65535)], "icmp type 8 and gre"),
            (
                vec![
                    Traffic::AllBut(vec![Protocol::TCP]),
                    ports(Protocol::TCP, 0, 79),
                    ports(Protocol::TCP, 81, 65535),
                ],
                "everything but 80/tcp",
            ),
            (vec![Traffic::AllBut(vec![Protocol::TCP, Protocol::UDP])], "everything but every tcp+udp port"),
            (vec![Traffic::AllBut(vec![Protocol::TCP]), ports(Protocol::TCP, 0, 65535)], "all traffic"),
        ] {
            assert_eq!(text(&traffic), words);
        }
    }
}
