//! Sets of addresses, as prefixes with exceptions make them.

use std::net::IpAddr;

use sluice_ir::net::Cidr;

use super::prefixes::{Exceptions, write};

/// A prefix without some prefixes inside it.
pub(super) type Cut = (Cidr, Vec<Cidr>);

/// A set of addresses of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    v4: Vec<Span>,
    v6: Vec<Span>,
}

/// The first and the last address of a run. The runs of a set are in order, and do not touch.
pub(super) type Span = (u128, u128);

/// How many bits an address of each family has.
const WIDTHS: (u8, u8) = (32, 128);

impl Addresses {
    /// Everything that lies in one of `prefixes` but not in its exceptions.
    pub(super) fn of<'c>(prefixes: impl IntoIterator<Item = (Cidr, &'c [Cidr])>) -> Addresses {
        let mut addresses = Addresses::default();
        for (cidr, except) in prefixes {
            let spans = if cidr.is_ipv4() { &mut addresses.v4 } else { &mut addresses.v6 };
            add_without(spans, cidr, except);
        }
        Addresses { v4: joined(addresses.v4), v6: joined(addresses.v6) }
    }

    /// Whether every address of `other` is here.
    pub(super) fn covers(&self, other: &Addresses) -> bool {
        covers(&self.v4, &other.v4) && covers(&self.v6, &other.v6)
    }

    /// The set in as few prefixes and exceptions as there can be; among such lists, with the fewest
    /// exceptions. The prefix of length 0 is never among them (semantics.md 12.1).
    pub(super) fn cuts(&self) -> Vec<Cut> {
        self.write(1, Exceptions::Allowed)
    }

    /// The set in as few prefixes as there can be, without exceptions. `shortest` is the length that none
    /// may fall below.
    pub(super) fn prefixes(&self, shortest: u8) -> Vec<Cidr> {
        self.write(shortest, Exceptions::Never).into_iter().map(|(cidr, _)| cidr).collect()
    }

    fn write(&self, shortest: u8, exceptions: Exceptions) -> Vec<Cut> {
        let mut cuts = write(&self.v4, WIDTHS.0, shortest, exceptions);
        cuts.extend(write(&self.v6, WIDTHS.1, shortest, exceptions));
        cuts
    }
}

fn add_without(spans: &mut Vec<Span>, cidr: Cidr, except: &[Cidr]) {
    let (mut start, end) = span(cidr);
    let mut holes: Vec<Span> =
        except.iter().filter(|e| e.is_ipv4() == cidr.is_ipv4()).map(|e| span(*e)).collect();
    holes.sort();
    for (first, last) in holes {
        if first > start {
            spans.push((start, first - 1));
        }
        match last.checked_add(1) {
            Some(next) => start = start.max(next),
            None => return,
        }
    }
    if start <= end {
        spans.push((start, end));
    }
}

fn span(cidr: Cidr) -> Span {
    let (first, width) = match cidr.address() {
        IpAddr::V4(address) => (u128::from(u32::from(address)), WIDTHS.0),
        IpAddr::V6(address) => (u128::from(address), WIDTHS.1),
    };
    (first, first | host_bits(width, cidr.length()))
}

/// All host bits of a prefix.
pub(super) fn host_bits(width: u8, length: u8) -> u128 {
    u128::MAX.checked_shr(u32::from(128 - (width - length))).unwrap_or(0)
}

/// The same addresses in runs that neither overlap nor touch, in order.
fn joined(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort();
    let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
    for (first, last) in spans {
        match apart.last_mut() {
            Some(run) if first <= run.1.saturating_add(1) => run.1 = run.1.max(last),
            _ => apart.push((first, last)),
        }
    }
    apart
}

fn covers(wide: &[Span], narrow: &[Span]) -> bool {
    narrow.iter().all(|(first, last)| {
        let at = wide.partition_point(|run| run.1 < *last);
        wide.get(at).is_some_and(|run| run.0 <= *first)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Prefixes of 10.0.0.0/26 and fd00::/122 with up to six bits, each with some of the others inside it.
    fn cuts() -> impl Strategy<Value = Vec<Cut>> {
        let cidr = (any::<bool>(), 0..=6_u8, 0..64_u8).prop_map(|(v4, bits, host)| match v4 {
            true => Cidr::new([10, 0, 0, host].into(), 26 + bits).unwrap(),
            false => Cidr::new([0xfd00, 0, 0, 0, 0, 0, 0, u16::from(host)].into(), 122 + bits).unwrap(),
        });
        let cut = (cidr.clone(), prop::collection::vec(cidr, 0..5)).prop_map(|(cidr, mut except)| {
            except.retain(|inner| cidr.covers(*inner));
            except.sort();
            except.dedup();
            (cidr, except)
        });
        prop::collection::vec(cut, 0..8)
    }

    fn set(cuts: &[Cut]) -> Addresses {
        Addresses::of(cuts.iter().map(|(cidr, except)| (*cidr, except.as_slice())))
    }

    fn entries(cuts: &[Cut]) -> usize {
        cuts.iter().map(|(_, except)| 1 + except.len()).sum()
    }

    fn has(cuts: &[Cut], address: IpAddr) -> bool {
        cuts.iter()
            .any(|(cidr, except)| cidr.contains(address) && !except.iter().any(|e| e.contains(address)))
    }

    fn world() -> impl Iterator<Item = IpAddr> {
        let v4 = (0..=65).map(|host| IpAddr::from([10, 0, 0, host]));
        v4.chain((0..=65).map(|host| IpAddr::from([0xfd00, 0, 0, 0, 0, 0, 0, host])))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_shortest_list_is_the_same_set_and_no_longer(cuts in cuts()) {
            let short = set(&cuts).cuts();
            for address in world() {
                prop_assert_eq!(has(&short, address), has(&cuts, address), "{}: {:?}", address, short);
            }
            prop_assert!(entries(&short) <= entries(&cuts), "{:?}", short);
            prop_assert_eq!(set(&short), set(&cuts));
            prop_assert_eq!(set(&short).cuts(), short);
        }

        #[test]
        fn covering_is_by_address(wide in cuts(), narrow in cuts()) {
            let within = world().all(|address| has(&wide, address) || !has(&narrow, address));
            prop_assert_eq!(set(&wide).covers(&set(&narrow)), within);
        }

        #[test]
        fn plain_prefixes_are_the_same_set(cuts in cuts()) {
            let plain: Vec<Cut> =
                set(&cuts).prefixes(1).into_iter().map(|cidr| (cidr, Vec::new())).collect();
            prop_assert_eq!(set(&plain), set(&cuts));
        }
    }

    fn written(text: &[(&str, &[&str])]) -> Vec<Cut> {
        let cidr = |text: &str| text.parse::<Cidr>().unwrap();
        text.iter().map(|(prefix, except)| (cidr(prefix), except.iter().map(|e| cidr(e)).collect())).collect()
    }

    #[test]
    fn the_two_halves_of_everything_stay_two() {
        for halves in [["0.0.0.0/1", "128.0.0.0/1"], ["::/1", "8000::/1"]] {
            let halves = written(&[(halves[0], &[]), (halves[1], &[])]);
            assert_eq!(set(&halves).cuts(), halves);
        }
    }

    #[test]
    fn exceptions_stay_where_prefixes_would_be_more() {
        let cut = written(&[("10.0.0.0/8", &["10.1.1.1/32"]), ("10.1.0.0/16", &["10.1.1.1/32"])]);
        assert_eq!(set(&cut).cuts(), written(&[("10.0.0.0/8", &["10.1.1.1/32"])]));
        let given_back = written(&[("10.0.0.0/8", &["10.1.0.0/16"]), ("10.1.0.0/16", &[])]);
        assert_eq!(set(&given_back).cuts(), written(&[("10.0.0.0/8", &[])]));
        let within = written(&[("10.0.0.0/8", &["10.1.0.0/16"]), ("10.1.7.0/24", &[])]);
        assert_eq!(set(&within).cuts(), within);
    }

    #[test]
    fn ten_thousand_hosts_take_no_time() {
        let host = |i: u32| {
            Cidr::host(std::net::Ipv6Addr::from(u128::from(i.wrapping_mul(2_654_435_761)) << 64).into())
        };
        let hosts: Vec<Cut> = (0..10_000).map(|i| (host(i), Vec::new())).collect();
        assert_eq!(set(&hosts).cuts().len(), 10_000);
    }
}
