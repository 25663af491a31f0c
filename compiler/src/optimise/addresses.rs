//! Sets of addresses, and the shortest way to write them as prefixes with exceptions.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_ir::net::Cidr;

/// A prefix without some prefixes inside it.
pub(super) type Cut = (Cidr, Vec<Cidr>);

/// A set of addresses of both families.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Addresses {
    v4: Vec<Span>,
    v6: Vec<Span>,
}

/// The first and the last address of a run. The runs of a set are in order, and do not touch.
type Span = (u128, u128);

/// The width of a family's addresses.
#[derive(Clone, Copy)]
enum Family {
    V4,
    V6,
}

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
        let cuts = |spans, family| Writer::new(family, 1, EXCEPTION).write(spans);
        let mut all = cuts(&self.v4, Family::V4);
        all.extend(cuts(&self.v6, Family::V6));
        all
    }

    /// The set in as few prefixes as there can be, without exceptions. `shortest` is the length that none
    /// may fall below.
    pub(super) fn prefixes(&self, shortest: u8) -> Vec<Cidr> {
        let cuts = |spans, family| Writer::new(family, shortest, NEVER).write(spans);
        let mut all = cuts(&self.v4, Family::V4);
        all.extend(cuts(&self.v6, Family::V6));
        all.into_iter().map(|(cidr, _)| cidr).collect()
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
        IpAddr::V4(address) => (u128::from(u32::from(address)), 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    (first, first | host_bits(width, cidr.length()))
}

/// All host bits of a prefix.
fn host_bits(width: u8, length: u8) -> u128 {
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

/// What a prefix costs. Costs of lists are compared by their number of entries first, which is why an
/// exception is one entry and a little more.
const PREFIX: u64 = 1 << 32;
const EXCEPTION: u64 = PREFIX + 1;
const NEVER: u64 = 1 << 62;

/// Writes a set as prefixes by dynamic programming over the binary tree of prefixes: the cheapest way to
/// write a subtree is known for either case, that what stands around it is in the set or out of it.
struct Writer {
    width: u8,
    /// No prefix is shorter.
    shortest: u8,
    exception: u64,
    forks: Vec<Fork>,
    cuts: Vec<Cut>,
}

/// A prefix's part of the set.
#[derive(Clone, Copy)]
enum Part {
    /// All of it, or nothing.
    Whole(bool),
    /// Some of it: a place among the forks.
    Fork(usize),
}

struct Fork {
    halves: [Part; 2],
    /// The cost of writing both halves where addresses around them are out, and where they are in.
    halves_cost: [u64; 2],
    /// The least cost, with or without an entry for this very prefix.
    cost: [u64; 2],
}

impl Writer {
    fn new(family: Family, shortest: u8, exception: u64) -> Writer {
        let width = match family {
            Family::V4 => 32,
            Family::V6 => 128,
        };
        Writer { width, shortest, exception, forks: Vec::new(), cuts: Vec::new() }
    }

    fn write(mut self, spans: &[Span]) -> Vec<Cut> {
        let root = self.part(0, 0, spans);
        self.emit(root, 0, 0, None);
        self.cuts
    }

    /// Reads the part of the set that lies in a prefix. `spans` are the runs that meet it.
    fn part(&mut self, first: u128, length: u8, spans: &[Span]) -> Part {
        let last = first | host_bits(self.width, length);
        match spans {
            [] => return Part::Whole(false),
            [run] if length >= self.shortest && run.0 <= first && last <= run.1 => return Part::Whole(true),
            _ => {}
        }
        let middle = last - host_bits(self.width, length + 1);
        let low = &spans[..spans.partition_point(|run| run.0 < middle)];
        let high = &spans[spans.partition_point(|run| run.1 < middle)..];
        let halves = [self.part(first, length + 1, low), self.part(middle, length + 1, high)];
        let halves_cost = [false, true]
            .map(|inside| self.cost(halves[0], inside).saturating_add(self.cost(halves[1], inside)));
        let turned = |to: bool| self.price(to).saturating_add(halves_cost[usize::from(to)]);
        let cost = match length >= self.shortest {
            true => [halves_cost[0].min(turned(true)), halves_cost[1].min(turned(false))],
            false => halves_cost,
        };
        self.forks.push(Fork { halves, halves_cost, cost });
        Part::Fork(self.forks.len() - 1)
    }

    fn price(&self, inside: bool) -> u64 {
        if inside { PREFIX } else { self.exception }
    }

    fn cost(&self, part: Part, inside: bool) -> u64 {
        match part {
            Part::Whole(is) if is == inside => 0,
            Part::Whole(is) => self.price(is),
            Part::Fork(at) => self.forks[at].cost[usize::from(inside)],
        }
    }

    /// Writes a part. `within` is the prefix that the addresses around it are in by, none if they are out.
    fn emit(&mut self, part: Part, first: u128, length: u8, within: Option<usize>) {
        let inside = within.is_some();
        let (halves, turns) = match part {
            Part::Whole(is) => (None, is != inside),
            Part::Fork(at) => {
                let fork = &self.forks[at];
                let state = usize::from(inside);
                (Some(fork.halves), fork.cost[state] < fork.halves_cost[state])
            }
        };
        let around = if turns { self.entry(first, length, within) } else { within };
        if let Some([low, high]) = halves {
            let middle = first | (host_bits(self.width, length) - host_bits(self.width, length + 1));
            self.emit(low, first, length + 1, around);
            self.emit(high, middle, length + 1, around);
        }
    }

    /// An entry for a prefix: a prefix of its own where it stands outside, else an exception.
    fn entry(&mut self, first: u128, length: u8, within: Option<usize>) -> Option<usize> {
        let cidr = Cidr::new(self.address(first), length)?;
        match within {
            Some(at) => {
                self.cuts[at].1.push(cidr);
                None
            }
            None => {
                self.cuts.push((cidr, Vec::new()));
                Some(self.cuts.len() - 1)
            }
        }
    }

    fn address(&self, bits: u128) -> IpAddr {
        match u32::try_from(bits) {
            Ok(bits) if self.width == 32 => Ipv4Addr::from(bits).into(),
            _ => Ipv6Addr::from(bits).into(),
        }
    }
}
