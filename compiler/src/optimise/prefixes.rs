//! The shortest list of prefixes and exceptions for a set of addresses.
//!
//! Dynamic programming over the binary tree of prefixes. What a list says about an address is what its
//! longest entry says, a prefix or an exception. So a subtree can be written by itself as soon as it is
//! known whether the addresses around it are in or out, and its cheapest form for either case is made of the
//! cheapest forms of its halves, with or without an entry of its own. Parts that are all in or all
//! out, and those that hold a single prefix, are not walked through; so a set of n runs has about n forks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use sluice_ir::net::Cidr;

use super::addresses::{Cut, Span, host_bits};

/// Whether a list may have exceptions.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceptions {
    /// Where they make it shorter.
    Allowed,
    /// Not at all.
    Never,
}

/// Writes the set of `spans`, of addresses with `width` bits, in order of address. No prefix is shorter
/// than `shortest`, which is 0 or 1.
pub(super) fn write(spans: &[Span], width: u8, shortest: u8, exceptions: Exceptions) -> Vec<Cut> {
    let exception = match exceptions {
        Exceptions::Allowed => EXCEPTION,
        Exceptions::Never => NEVER,
    };
    let mut writer = Writer { width, shortest, exception, forks: Vec::new(), cuts: Vec::new() };
    let root = writer.part(0, 0, spans);
    writer.emit(root, 0, 0, None);
    writer.cuts
}

/// What a prefix costs. Costs of lists are compared by their number of entries first, which is why an
/// exception is one entry and a little more.
const PREFIX: u64 = 1 << 32;
const EXCEPTION: u64 = PREFIX + 1;
const NEVER: u64 = 1 << 62;

struct Writer {
    width: u8,
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
    /// One prefix in it, by first address and length, at least two bits longer.
    Lone(u128, u8),
    /// Anything else: a place among the forks.
    Fork(usize),
}

#[derive(Clone, Copy)]
struct Fork {
    halves: [Part; 2],
    /// The cost of both halves where addresses around them are out, and where they are in.
    halves_cost: [u64; 2],
    /// The least cost in either case, be it with an entry for this very prefix.
    cost: [u64; 2],
}

impl Writer {
    /// Reads the part of the set that lies in a prefix. `spans` are the runs that meet it.
    fn part(&mut self, first: u128, length: u8, spans: &[Span]) -> Part {
        let last = first | host_bits(self.width, length);
        match spans {
            [] => return Part::Whole(false),
            [run] if length >= self.shortest => {
                if run.0 <= first && last <= run.1 {
                    return Part::Whole(true);
                }
                if let Some(inner) = self.as_prefix(*run).filter(|inner| *inner >= length + 2) {
                    return Part::Lone(run.0, inner);
                }
            }
            _ => {}
        }
        let middle = last - host_bits(self.width, length + 1);
        let low = &spans[..spans.partition_point(|run| run.0 < middle)];
        let high = &spans[spans.partition_point(|run| run.1 < middle)..];
        let halves = [self.part(first, length + 1, low), self.part(middle, length + 1, high)];
        let fork = self.fork(halves, length);
        self.forks.push(fork);
        Part::Fork(self.forks.len() - 1)
    }

    fn fork(&self, halves: [Part; 2], length: u8) -> Fork {
        let both = |inside| self.cost(halves[0], inside).saturating_add(self.cost(halves[1], inside));
        let halves_cost = [both(false), both(true)];
        let turned = |to: bool| self.price(to).saturating_add(halves_cost[usize::from(to)]);
        let cost = match length >= self.shortest {
            true => [halves_cost[0].min(turned(true)), halves_cost[1].min(turned(false))],
            false => halves_cost,
        };
        Fork { halves, halves_cost, cost }
    }

    /// The length of the prefix that is a run.
    fn as_prefix(&self, (first, last): Span) -> Option<u8> {
        let host = first ^ last;
        let whole = host & host.wrapping_add(1) == 0 && first & host == 0;
        let bits = u8::try_from(host.count_ones()).ok()?;
        if whole { self.width.checked_sub(bits) } else { None }
    }

    fn price(&self, inside: bool) -> u64 {
        if inside { PREFIX } else { self.exception }
    }

    fn cost(&self, part: Part, inside: bool) -> u64 {
        match part {
            Part::Whole(is) if is == inside => 0,
            Part::Whole(is) => self.price(is),
            // From inside, an exception around the prefix; two bits above it no way down is cheaper.
            Part::Lone(..) if inside => self.exception.saturating_add(PREFIX),
            Part::Lone(..) => PREFIX,
            Part::Fork(at) => self.forks[at].cost[usize::from(inside)],
        }
    }

    /// Writes a part. `within` is the prefix that the addresses around it are in by, none if they are out.
    fn emit(&mut self, part: Part, first: u128, length: u8, within: Option<usize>) {
        let inside = within.is_some();
        match part {
            Part::Whole(is) if is == inside => {}
            Part::Whole(_) => {
                self.entry(first, length, within);
            }
            Part::Lone(inner, inner_length) => {
                if inside {
                    self.entry(first, length, within);
                }
                self.entry(inner, inner_length, None);
            }
            Part::Fork(at) => {
                let Fork { halves: [low, high], halves_cost, cost } = self.forks[at];
                let turns = cost[usize::from(inside)] < halves_cost[usize::from(inside)];
                let around = if turns { self.entry(first, length, within) } else { within };
                let middle = first | (host_bits(self.width, length) - host_bits(self.width, length + 1));
                self.emit(low, first, length + 1, around);
                self.emit(high, middle, length + 1, around);
            }
        }
    }

    /// An entry for a prefix: one of its own where it stands outside, else an exception. What it leaves its
    /// addresses within.
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
