//! One name with its addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{News, SLACK, State};
use crate::api::time::Moment;

/// Connections are looked at so often before an address goes (semantics.md 5.5).
const LOOKS: u8 = 2;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    addresses: BTreeMap<IpAddr, State>,
    leaving: usize,
    /// When it is to be looked at; none if nothing in it holds.
    pub(super) due: Option<Moment>,
}

fn is_later(before: Moment, now: Moment) -> bool {
    let slack = SLACK.as_micros() as u64;
    before.micros() / slack < now.micros() / slack
}

impl Known {
    /// See [`super::History::learn`].
    pub(super) fn learn(&mut self, addresses: &[IpAddr], looked_up: Moment, expires: Moment) -> News {
        let mut news = News::default();
        for address in addresses {
            let now = State::Current { looked_up, expires };
            match self.addresses.insert(*address, now) {
                None => news.added.push(*address),
                Some(State::Leaving { .. }) => {
                    self.leaving -= 1;
                    news.worth_keeping = true;
                }
                Some(State::Current { looked_up: before, expires: holds }) => {
                    if holds > expires {
                        let (looked_up, expires) = (looked_up.max(before), holds);
                        self.addresses.insert(*address, State::Current { looked_up, expires });
                    }
                    news.worth_keeping |= is_later(holds, expires);
                }
            }
        }
        news.worth_keeping |= !news.added.is_empty();
        news
    }

    /// See [`super::History::expire`].
    pub(super) fn expire(&mut self, now: Moment, most: usize) {
        let leaving = State::Leaving { since: now, alive: None, looks: 0 };
        let mut current = Vec::new();
        for (address, state) in &mut self.addresses {
            let State::Current { expires, .. } = *state else { continue };
            if expires <= now {
                *state = leaving;
                self.leaving += 1;
            } else {
                current.push((expires, *address));
            }
        }
        let excess = current.len().saturating_sub(most);
        if excess > 0 {
            current.sort_unstable();
            for (_, address) in &current[..excess] {
                self.addresses.insert(*address, leaving);
                self.leaving += 1;
            }
        }
    }

    /// When the first of those that hold ceases to.
    pub(super) fn holds(&self) -> Option<Moment> {
        let current = self.addresses.values().filter_map(|state| match state {
            State::Current { expires, .. } => Some(*expires),
            State::Leaving { .. } => None,
        });
        current.min()
    }

    /// Connections were looked at. Which addresses are to go, `grace` being in microseconds.
    pub(super) fn looked(&mut self, at: Moment, grace: u64, in_use: &BTreeSet<IpAddr>) -> Vec<IpAddr> {
        let mut is_alive = false;
        for (address, state) in &mut self.addresses {
            if let State::Leaving { since, alive, looks } = state
                && *since <= at
            {
                *looks = looks.saturating_add(1);
                if in_use.contains(address) {
                    *alive = Some(at);
                    is_alive = true;
                }
            }
        }
        if is_alive {
            return Vec::new();
        }
        let goes = |state: &State| match *state {
            State::Leaving { since, looks, .. } => {
                looks >= LOOKS && since.micros().saturating_add(grace) < at.micros()
            }
            State::Current { .. } => false,
        };
        let going = self.addresses.iter().filter(|(_, state)| goes(state));
        going.map(|(address, _)| *address).collect()
    }

    /// Takes an address away; whether it was there.
    pub(super) fn remove(&mut self, address: IpAddr) -> bool {
        let removed = self.addresses.remove(&address);
        self.leaving -= usize::from(matches!(removed, Some(State::Leaving { .. })));
        removed.is_some()
    }

    /// Every address.
    pub(super) fn states(&self) -> &BTreeMap<IpAddr, State> {
        &self.addresses
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.addresses.len()
    }

    /// How many of them are leaving.
    pub(super) fn leaving(&self) -> usize {
        self.leaving
    }
}
