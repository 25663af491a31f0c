//! What one endpoint has learned: its names with their addresses, and those that are about to leave.
//!
//! ```text
//! learned ──→ current ──its time is over, or its name has too many──→ leaving ──nobody uses it──→ gone
//!                ↑                                                       │
//!                └──────────────────── learned again ────────────────────┘
//! ```
//!
//! An address that is leaving is still enforced. It goes when connections were looked at twice since, the last time
//! after its grace, and no address of its name was in use (semantics.md 5.5). Time comes in as a parameter.
//!
//! Answers wait while time is told to pass. So names stand in a queue by when they are to be looked at, and those that have
//! addresses that are leaving are listed: what holds is not touched.

mod known;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Bound;
use std::time::Duration;

use known::Known;
use sluice_ir::dns_name::DnsName;

use crate::api::time::Moment;

/// An address of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The answer holds.
    Current {
        /// When it came last.
        looked_up: Moment,
        /// Until when it holds.
        expires: Moment,
    },
    /// It does not hold any more, and is kept for connections in use.
    Leaving {
        /// Since when.
        since: Moment,
        /// When a connection was seen last.
        alive: Option<Moment>,
        /// How often connections were looked at.
        looks: u8,
    },
}

/// Which of the addresses that are to go do go: it takes a while, and some are learned again meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// Those that are leaving, still.
    Leaving,
    /// Those that nobody has looked up since.
    KnownAt(Moment),
}

impl Going {
    fn takes(self, state: &State) -> bool {
        match (self, *state) {
            (Going::KnownAt(at), State::Current { looked_up, .. }) => looked_up <= at,
            (Going::Leaving, State::Current { .. }) => false,
            (_, State::Leaving { .. }) => true,
        }
    }
}

/// A name with one of its addresses.
pub type Pair = (DnsName, IpAddr);

/// The names of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    names: BTreeMap<DnsName, Known>,
    /// Names by when they are to be looked at: no later than the first of their addresses ceases to hold.
    due: BTreeSet<(Moment, DnsName)>,
    /// Names with addresses that are leaving.
    with_leaving: BTreeSet<DnsName>,
    /// How many addresses a name might have when it was looked at last.
    per_name: usize,
    addresses: usize,
    leaving: usize,
}

/// What became of a look at what is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many names were looked at.
    pub names: usize,
    /// How many addresses have begun to leave.
    pub expired: usize,
}

/// An address that is leaving.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaving {
    /// Its name.
    pub name: DnsName,
    /// The address.
    pub address: IpAddr,
    /// Since when.
    pub since: Moment,
    /// When a connection was seen last.
    pub alive: Option<Moment>,
}

/// What an answer changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// Addresses that the name did not have.
    pub added: Vec<IpAddr>,
    /// Whether what is kept on disk should know: the times on disk are exact to [`SLACK`] only.
    pub worth_keeping: bool,
}

/// How much longer an address may be current than what is kept on disk says.
pub const SLACK: Duration = Duration::from_secs(5);

/// What is leaving of a name.
fn leaving(name: &DnsName, known: &Known) -> impl Iterator<Item = Leaving> {
    known.states().iter().filter_map(|(address, state)| match *state {
        State::Leaving { since, alive, .. } => {
            Some(Leaving { name: name.clone(), address: *address, since, alive })
        }
        State::Current { .. } => None,
    })
}

/// What is to go of that which is leaving, so that no more than `most` is left: first what no connection was seen to use,
/// or longest ago; then what has been leaving longest; then what has the fewest names (semantics.md 5.5).
pub fn excess(mut leaving: Vec<Leaving>, most: usize) -> Vec<Pair> {
    let Some(excess) = leaving.len().checked_sub(most).filter(|excess| *excess > 0) else {
        return Vec::new();
    };
    let mut addresses: Vec<IpAddr> = leaving.iter().map(|leaving| leaving.address).collect();
    addresses.sort_unstable();
    let names = |address: IpAddr| {
        let before = addresses.partition_point(|it| *it < address);
        addresses[before..].partition_point(|it| *it == address)
    };
    leaving.sort_by_cached_key(|it| (it.alive, it.since, names(it.address)));
    leaving.into_iter().take(excess).map(|it| (it.name, it.address)).collect()
}

impl History {
    /// A name was answered with addresses. Of two answers that which holds longer counts.
    pub fn learn(
        &mut self,
        name: &DnsName,
        addresses: &[IpAddr],
        looked_up: Moment,
        expires: Moment,
    ) -> News {
        if addresses.is_empty() {
            return News::default();
        }
        let known = self.names.entry(name.clone()).or_default();
        let (leaving, due) = (known.leaving(), known.due);
        let news = known.learn(addresses, looked_up, expires);
        self.addresses += news.added.len();
        self.leaving -= leaving - known.leaving();
        if known.leaving() == 0 && leaving > 0 {
            self.with_leaving.remove(name);
        }
        // Too many are too many before any of them ceases to hold.
        let wanted = if known.len() > self.per_name { Moment::of_micros(0) } else { expires };
        if due.is_none_or(|due| wanted < due) {
            known.due = Some(wanted);
            if let Some(due) = due {
                self.due.remove(&(due, name.clone()));
            }
            self.due.insert((wanted, name.clone()));
        }
        news
    }

    /// Addresses whose time is over begin to leave, and of names with more than `per_name` current ones those that
    /// hold the shortest. No more than `most` names are looked at: if it were so many there may be more to do.
    pub fn expire(&mut self, now: Moment, per_name: usize, most: usize) -> Looked {
        if per_name < self.per_name {
            self.due_at_once();
        }
        self.per_name = per_name;
        let mut looked = Looked::default();
        while looked.names < most && self.due.first().is_some_and(|(due, _)| *due <= now) {
            let Some((_, name)) = self.due.pop_first() else { break };
            let Some(known) = self.names.get_mut(&name) else { continue };
            let leaving = known.leaving();
            known.expire(now, per_name);
            looked.names += 1;
            looked.expired += known.leaving() - leaving;
            known.due = known.holds();
            if known.leaving() > 0 {
                self.with_leaving.insert(name.clone());
            }
            if let Some(due) = known.due {
                self.due.insert((due, name));
            }
        }
        self.leaving += looked.expired;
        looked
    }

    /// Every name is to be looked at: what was not too much may be now.
    fn due_at_once(&mut self) {
        self.due.clear();
        for (name, known) in &mut self.names {
            known.due = Some(Moment::of_micros(0));
            self.due.insert((Moment::of_micros(0), name.clone()));
        }
    }

    /// Connections were looked at, beginning at `at`. Gives what is leaving of no more than `most` names that come after
    /// one, and whether it is to go now as nobody uses it; and how many names that are, and the last.
    pub fn look(
        &mut self,
        at: Moment,
        grace: Duration,
        in_use: &BTreeSet<IpAddr>,
        after: Option<&DnsName>,
        most: usize,
    ) -> (Vec<(Leaving, bool)>, usize, Option<DnsName>) {
        let grace = u64::try_from(grace.as_micros()).unwrap_or(u64::MAX);
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let (mut seen, mut names, mut last) = (Vec::new(), 0, None);
        for name in self.with_leaving.range::<DnsName, _>((after, Bound::Unbounded)).take(most) {
            if let Some(known) = self.names.get_mut(name) {
                let going = known.looked(at, grace, in_use);
                let goes = |leaving: Leaving| (going.contains(&leaving.address), leaving);
                seen.extend(leaving(name, known).map(goes).map(|(goes, leaving)| (leaving, goes)));
            }
            names += 1;
            last = Some(name);
        }
        (seen, names, last.cloned())
    }

    /// Takes those away that go. Gives what went.
    pub fn let_go(&mut self, pairs: &[Pair], going: Going) -> Vec<Pair> {
        let goes = |(name, address): &&Pair| {
            let known = self.names.get(name);
            known.and_then(|known| known.states().get(address)).is_some_and(|state| going.takes(state))
        };
        let gone: Vec<Pair> = pairs.iter().filter(goes).cloned().collect();
        self.remove(&gone);
        gone
    }

    /// Makes room for `number` addresses: what is leaving goes first, then what holds the shortest. Gives what went.
    pub fn make_room(&mut self, number: usize) -> Vec<Pair> {
        let all = self.with_leaving.iter().filter_map(|name| self.names.get_key_value(name));
        let all = all.flat_map(|(name, known)| leaving(name, known)).collect();
        let mut gone = excess(all, self.leaving.saturating_sub(number));
        self.remove(&gone);
        if gone.len() < number {
            let mut current: Vec<(Moment, &DnsName, IpAddr)> = Vec::with_capacity(self.addresses);
            for (name, addresses) in self.names() {
                for (address, state) in addresses {
                    if let State::Current { expires, .. } = state {
                        current.push((*expires, name, *address));
                    }
                }
            }
            let wanted = number - gone.len();
            if wanted < current.len() {
                current.select_nth_unstable(wanted);
            }
            let more = current.into_iter().take(wanted);
            let more: Vec<Pair> = more.map(|(_, name, address)| (name.clone(), address)).collect();
            self.remove(&more);
            gone.extend(more);
        }
        gone
    }

    /// Takes pairs away, whatever state they are in.
    pub fn remove(&mut self, pairs: &[Pair]) {
        for (name, address) in pairs {
            let Some(known) = self.names.get_mut(name) else { continue };
            let leaving = known.leaving();
            self.addresses -= usize::from(known.remove(*address));
            self.leaving -= leaving - known.leaving();
            if known.leaving() == 0 && leaving > 0 {
                self.with_leaving.remove(name);
            }
            if known.len() == 0 {
                if let Some(due) = known.due {
                    self.due.remove(&(due, name.clone()));
                }
                self.names.remove(name);
            }
        }
    }

    /// Every name with its addresses.
    pub fn names(&self) -> impl Iterator<Item = (&DnsName, &BTreeMap<IpAddr, State>)> {
        self.names.iter().map(|(name, known)| (name, known.states()))
    }

    /// Those names that come after one.
    pub fn names_after(
        &self,
        after: Option<&DnsName>,
    ) -> impl Iterator<Item = (&DnsName, &BTreeMap<IpAddr, State>)> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        let names = self.names.range::<DnsName, _>((after, Bound::Unbounded));
        names.map(|(name, known)| (name, known.states()))
    }

    /// Whether a name has an address.
    pub fn has(&self, name: &DnsName, address: IpAddr) -> bool {
        self.names.get(name).is_some_and(|known| known.states().contains_key(&address))
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// How many addresses there are, each counted once for each of its names.
    pub fn addresses(&self) -> usize {
        self.addresses
    }

    /// How many of them are leaving.
    pub fn leaving(&self) -> usize {
        self.leaving
    }
}

#[cfg(test)]
mod tests;
