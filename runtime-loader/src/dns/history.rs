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

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Bound;
use std::time::Duration;

use sluice_ir::dns_name::DnsName;

use crate::api::time::Moment;

/// Connections are looked at so often before an address goes (semantics.md 5.5).
const LOOKS: u8 = 2;

/// An address of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// The answer holds.
    Current {
        /// When it came.
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

/// A name with one of its addresses.
pub type Pair = (DnsName, IpAddr);

/// The names of an endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    names: BTreeMap<DnsName, BTreeMap<IpAddr, State>>,
    addresses: usize,
    leaving: usize,
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

fn is_later(before: Moment, now: Moment) -> bool {
    let slack = SLACK.as_micros() as u64;
    before.micros() / slack < now.micros() / slack
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
        let mut news = News::default();
        let known = self.names.entry(name.clone()).or_default();
        for address in addresses {
            let now = State::Current { looked_up, expires };
            match known.insert(*address, now) {
                None => {
                    self.addresses += 1;
                    news.added.push(*address);
                }
                Some(State::Leaving { .. }) => {
                    self.leaving -= 1;
                    news.worth_keeping = true;
                }
                Some(before @ State::Current { expires: holds, .. }) => {
                    if holds > expires {
                        known.insert(*address, before);
                    }
                    news.worth_keeping |= is_later(holds, expires);
                }
            }
        }
        if known.is_empty() {
            self.names.remove(name);
        }
        news.worth_keeping |= !news.added.is_empty();
        news
    }

    /// Addresses whose time is over begin to leave, and of names with more than `per_name` current ones those that
    /// hold the shortest. How many do.
    pub fn expire(&mut self, now: Moment, per_name: usize) -> usize {
        let before = self.leaving;
        for addresses in self.names.values_mut() {
            let mut current = Vec::new();
            for (address, state) in addresses.iter_mut() {
                let State::Current { expires, .. } = *state else { continue };
                if expires <= now {
                    *state = leaving(now);
                    self.leaving += 1;
                } else {
                    current.push((expires, *address));
                }
            }
            let excess = current.len().saturating_sub(per_name);
            if excess > 0 {
                current.sort_unstable();
                for (_, address) in &current[..excess] {
                    addresses.insert(*address, leaving(now));
                    self.leaving += 1;
                }
            }
        }
        self.leaving - before
    }

    /// Connections were looked at, beginning at `at`: what is leaving and not in use goes. Gives what went.
    pub fn looked(&mut self, at: Moment, grace: Duration, in_use: &BTreeSet<IpAddr>) -> Vec<Pair> {
        let grace = u64::try_from(grace.as_micros()).unwrap_or(u64::MAX);
        let mut gone = Vec::new();
        for (name, addresses) in &mut self.names {
            let mut name_alive = false;
            for (address, state) in addresses.iter_mut() {
                if let State::Leaving { since, alive, looks } = state
                    && *since <= at
                {
                    *looks = looks.saturating_add(1);
                    if in_use.contains(address) {
                        *alive = Some(at);
                        name_alive = true;
                    }
                }
            }
            if name_alive {
                continue;
            }
            addresses.retain(|address, state| {
                let State::Leaving { since, looks, .. } = *state else { return true };
                let over = since.micros().saturating_add(grace) < at.micros();
                let stays = looks < LOOKS || !over;
                if !stays {
                    gone.push((name.clone(), *address));
                }
                stays
            });
        }
        self.dropped(&gone);
        gone
    }

    /// Lets go what is leaving beyond `most`: first what no connection was seen to use, or longest ago; then what has been
    /// leaving longest; then what has the fewest names (semantics.md 5.5). Gives what went.
    pub fn evict_leaving(&mut self, most: usize) -> Vec<Pair> {
        if self.leaving <= most {
            return Vec::new();
        }
        let mut names_of: BTreeMap<IpAddr, usize> = BTreeMap::new();
        let mut order = Vec::with_capacity(self.leaving);
        for (name, addresses) in &self.names {
            for (address, state) in addresses {
                if let State::Leaving { since, alive, .. } = *state {
                    *names_of.entry(*address).or_default() += 1;
                    order.push((alive, since, name, *address));
                }
            }
        }
        order.sort_by_key(|(alive, since, _, address)| (*alive, *since, names_of.get(address).copied()));
        let excess = order.into_iter().take(self.leaving - most);
        let gone: Vec<Pair> = excess.map(|(_, _, name, address)| (name.clone(), address)).collect();
        self.remove(&gone);
        gone
    }

    /// Makes room for `number` addresses: what is leaving goes first, then what holds the shortest. Gives what went.
    pub fn make_room(&mut self, number: usize) -> Vec<Pair> {
        let mut gone = self.evict_leaving(self.leaving.saturating_sub(number));
        if gone.len() < number {
            let mut current: Vec<(Moment, Pair)> = Vec::with_capacity(self.addresses);
            for (name, addresses) in &self.names {
                for (address, state) in addresses {
                    if let State::Current { expires, .. } = state {
                        current.push((*expires, (name.clone(), *address)));
                    }
                }
            }
            current.sort();
            let more: Vec<Pair> =
                current.into_iter().take(number - gone.len()).map(|(_, pair)| pair).collect();
            self.remove(&more);
            gone.extend(more);
        }
        gone
    }

    /// Forgets names. Gives what went.
    pub fn forget(&mut self, is_meant: impl Fn(&DnsName) -> bool) -> Vec<Pair> {
        let meant = self.names.iter().filter(|(name, _)| is_meant(name));
        let gone: Vec<Pair> = meant
            .flat_map(|(name, addresses)| addresses.keys().map(|address| (name.clone(), *address)))
            .collect();
        self.remove(&gone);
        gone
    }

    /// Takes pairs away, whatever state they are in.
    pub fn remove(&mut self, pairs: &[Pair]) {
        let mut gone = Vec::new();
        for (name, address) in pairs {
            let Some(addresses) = self.names.get_mut(name) else { continue };
            if let Some(state) = addresses.remove(address) {
                self.leaving -= usize::from(matches!(state, State::Leaving { .. }));
                gone.push(name);
                self.addresses -= 1;
            }
        }
        for name in gone {
            if self.names.get(name).is_some_and(BTreeMap::is_empty) {
                self.names.remove(name);
            }
        }
    }

    /// Counts what [`History::looked`] has taken out.
    fn dropped(&mut self, gone: &[Pair]) {
        self.addresses -= gone.len();
        self.leaving -= gone.len();
        if !gone.is_empty() {
            self.names.retain(|_, addresses| !addresses.is_empty());
        }
    }

    /// Every name with its addresses.
    pub fn names(&self) -> impl Iterator<Item = (&DnsName, &BTreeMap<IpAddr, State>)> {
        self.names.iter()
    }

    /// Those names that come after one.
    pub fn names_after(
        &self,
        after: Option<&DnsName>,
    ) -> impl Iterator<Item = (&DnsName, &BTreeMap<IpAddr, State>)> {
        let after = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.names.range::<DnsName, _>((after, Bound::Unbounded))
    }

    /// Whether a name has an address.
    pub fn has(&self, name: &DnsName, address: IpAddr) -> bool {
        self.names.get(name).is_some_and(|addresses| addresses.contains_key(&address))
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

fn leaving(since: Moment) -> State {
    State::Leaving { since, alive: None, looks: 0 }
}

#[cfg(test)]
mod tests;
