//! From when until when an address is known for a name.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sluice_ir::dns_name::DnsName;

use super::who::{Unit, Units};
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

/// When an address is known, by the node of who asked; none where it is not known.
pub(super) type ByNode = BTreeMap<Option<Arc<str>>, Vec<Interval>>;

/// What is known when.
#[derive(Debug, Default)]
pub(super) struct Known {
    of: BTreeMap<DnsName, BTreeMap<IpAddr, ByNode>>,
    names: BTreeMap<IpAddr, Vec<DnsName>>,
}

impl Known {
    pub(super) fn new(recording: &Recording, units: &Units, least: Duration) -> Known {
        let mut known = Known::default();
        for entry in &recording.entries {
            // On whose node it was learned is not known.
            if entry.endpoint.as_deref().is_some_and(|endpoint| !units.knows(endpoint)) {
                continue;
            }
            let node = entry.endpoint.as_deref().and_then(|endpoint| units.node_of(endpoint));
            let of_name = known.of.entry(entry.name.clone()).or_default();
            match &entry.said {
                Said::Addresses(addresses, ttl) => {
                    let until = entry.time.zip(*ttl).map(|(time, ttl)| time.after(ttl.max(least)));
                    let when = Interval { from: entry.time, until };
                    for address in addresses {
                        let whens = of_name.entry(*address).or_default().entry(node.clone()).or_default();
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
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&DnsName, IpAddr, &ByNode)> {
        self.of
            .iter()
            .flat_map(|(name, of)| of.iter().map(move |(address, by_node)| (name, *address, by_node)))
    }

    /// The names of an address.
    pub(super) fn names_of(&self, address: IpAddr) -> impl Iterator<Item = (&DnsName, &ByNode)> {
        let names = self.names.get(&address).into_iter().flatten();
        names.filter_map(move |name| Some((name, self.of.get(name)?.get(&address)?)))
    }

    /// When it is known on a node that has a pod of the unit, in order and apart.
    pub(super) fn of_unit(by_node: &ByNode, unit: &Unit) -> Vec<Interval> {
        let here = by_node.iter().filter(|(node, _)| unit.is_on(node.as_ref()));
        let mut whens: Vec<Interval> = here.flat_map(|(_, whens)| whens.iter().copied()).collect();
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
