//! From when until when an address is known for a name.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sluice_ir::dns_name::DnsName;

use super::who::{Unit, Units};
use crate::options::Scope;
use crate::resource::dns_answers::time::Time;
use crate::resource::dns_answers::{Recording, Said};

/// A stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Interval {
    /// From when; from the beginning where nobody wrote it down.
    pub from: Option<Time>,
    /// Until when; to the end where nobody wrote it down.
    pub until: Option<Time>,
}

impl Interval {
    /// Whether some time is in both.
    pub(super) fn overlaps(self, other: Interval) -> bool {
        let begins =
            |a: Interval, b: Interval| b.until.is_none_or(|until| a.from.is_none_or(|from| from < until));
        begins(self, other) && begins(other, self)
    }

    /// Both as one, if there is no time between them.
    fn joined(self, later: Interval) -> Option<Interval> {
        let touches = self.until.is_none_or(|until| later.from.is_none_or(|from| from <= until));
        let until = self.until.zip(later.until).map(|(a, b)| a.max(b));
        touches.then_some(Interval { from: self.from, until })
    }
}

/// For whom an answer counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Whom {
    /// For everybody: nobody knows who asked, or on which node.
    Everybody,
    /// For the pods of a node.
    Node(Arc<str>),
    /// For the workload of who asked.
    Unit(usize),
}

/// When an address is known, by for whom.
pub(super) type ByWhom = BTreeMap<Whom, Vec<Interval>>;

/// What is known when.
#[derive(Debug, Default)]
pub(super) struct Known {
    of: BTreeMap<DnsName, BTreeMap<IpAddr, ByWhom>>,
    names: BTreeMap<IpAddr, Vec<DnsName>>,
}

impl Known {
    pub(super) fn new(recording: &Recording, units: &Units, least: Duration, scope: Scope) -> Known {
        let mut known = Known::default();
        for entry in &recording.entries {
            let Some(whom) = whom(entry.endpoint.as_deref(), units, scope) else { continue };
            let of_name = known.of.entry(entry.name.clone()).or_default();
            match &entry.said {
                Said::Addresses(addresses, ttl) => {
                    let until = entry.time.zip(*ttl).map(|(time, ttl)| time.after(ttl.max(least)));
                    let when = Interval { from: entry.time, until };
                    for address in addresses {
                        let whens = of_name.entry(*address).or_default().entry(whom.clone()).or_default();
                        // Entries come in the order of time.
                        match whens.last_mut().and_then(|last| Some((last.joined(when)?, last))) {
                            Some((joined, last)) => *last = joined,
                            None => whens.push(when),
                        }
                    }
                }
                // It has no time of its own.
                Said::Gone(_) | Said::Nothing(_) | Said::Refused => {}
            }
        }
        for (name, of) in &known.of {
            of.keys().for_each(|address| known.names.entry(*address).or_default().push(name.clone()));
        }
        known
    }

    /// Every name with each of its addresses.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&DnsName, IpAddr, &ByWhom)> {
        self.of
            .iter()
            .flat_map(|(name, of)| of.iter().map(move |(address, by_whom)| (name, *address, by_whom)))
    }

    /// The names of an address.
    pub(super) fn names_of(&self, address: IpAddr) -> impl Iterator<Item = (&DnsName, &ByWhom)> {
        let names = self.names.get(&address).into_iter().flatten();
        names.filter_map(move |name| Some((name, self.of.get(name)?.get(&address)?)))
    }

    /// When it is known for a unit, in order and apart.
    pub(super) fn of_unit(by_whom: &ByWhom, at: usize, unit: &Unit) -> Vec<Interval> {
        let counts = |whom: &Whom| match whom {
            Whom::Everybody => true,
            Whom::Node(node) => unit.is_on(node),
            Whom::Unit(of) => *of == at,
        };
        let its = by_whom.iter().filter(|(whom, _)| counts(whom));
        let mut whens: Vec<Interval> = its.flat_map(|(_, whens)| whens.iter().copied()).collect();
        whens.sort_unstable();
        let mut apart: Vec<Interval> = Vec::with_capacity(whens.len());
        for when in whens {
            match apart.last_mut().and_then(|last| Some((last.joined(when)?, last))) {
                Some((joined, last)) => *last = joined,
                None => apart.push(when),
            }
        }
        apart
    }
}

/// For whom an answer to somebody counts; none if it counts for nobody who is here.
fn whom(asked: Option<&str>, units: &Units, scope: Scope) -> Option<Whom> {
    let Some(endpoint) = asked else { return Some(Whom::Everybody) };
    match scope {
        // On whose node it was learned is not known.
        Scope::Node if !units.knows(endpoint) => None,
        Scope::Node => Some(units.node_of(endpoint).map_or(Whom::Everybody, Whom::Node)),
        Scope::Pod => units.of_endpoint(endpoint).map(Whom::Unit),
    }
}

#[cfg(test)]
mod tests {
    use super::{Interval, Time};

    fn interval(from: u64, until: Option<u64>) -> Interval {
        Interval { from: Some(Time::of_micros(from)), until: until.map(Time::of_micros) }
    }

    #[test]
    fn stretches_meet_and_join() {
        let (first, second, third) = (interval(1, Some(3)), interval(3, Some(5)), interval(4, None));
        assert!(!first.overlaps(second) && second.overlaps(third) && third.overlaps(second));
        assert_eq!(first.joined(second), Some(interval(1, Some(5))));
        assert_eq!((first.joined(third), second.joined(third)), (None, Some(interval(3, None))));
    }
}
