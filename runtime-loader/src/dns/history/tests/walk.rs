//! What time does to names, by looking at each of them.

use super::*;

/// Names with their addresses.
#[derive(Clone, Debug, Default)]
pub(super) struct Walk(pub(super) BTreeMap<DnsName, BTreeMap<IpAddr, State>>);

impl Walk {
    pub(super) fn learn(&mut self, name: &DnsName, addresses: &[IpAddr], looked_up: Moment, expires: Moment) {
        for address in addresses {
            let now = State::Current { looked_up, expires };
            let known = self.0.entry(name.clone()).or_default().entry(*address).or_insert(now);
            match known {
                State::Current { looked_up: last, expires: holds } if *holds > expires => {
                    *last = looked_up.max(*last)
                }
                _ => *known = now,
            }
        }
    }

    pub(super) fn expire(&mut self, now: Moment, per_name: usize) -> usize {
        let mut expired = 0;
        for addresses in self.0.values_mut() {
            let current = addresses.iter().filter_map(|(address, state)| match state {
                State::Current { expires, .. } => Some((*expires, *address)),
                State::Leaving { .. } => None,
            });
            let mut current: Vec<(Moment, IpAddr)> = current.collect();
            current.sort_unstable();
            let over = current.partition_point(|(expires, _)| *expires <= now);
            let excess = current.len().saturating_sub(per_name);
            for (_, address) in &current[..over.max(excess)] {
                addresses.insert(*address, State::Leaving { since: now, alive: None, looks: 0 });
                expired += 1;
            }
        }
        expired
    }

    pub(super) fn looked(&mut self, at: Moment, grace: Duration, in_use: &BTreeSet<IpAddr>) -> Vec<Pair> {
        let mut gone = Vec::new();
        for (name, addresses) in &mut self.0 {
            let is_used = |(address, state): (&IpAddr, &State)| {
                matches!(state, State::Leaving { since, .. } if *since <= at) && in_use.contains(address)
            };
            let name_alive = addresses.iter().any(is_used);
            for (address, state) in addresses {
                let State::Leaving { since, alive, looks } = state else { continue };
                if *since > at {
                    continue;
                }
                *looks += 1;
                if in_use.contains(address) {
                    *alive = Some(at);
                }
                let waited = at.since(*since) > grace;
                if !name_alive && *looks >= 2 && waited {
                    gone.push((name.clone(), *address));
                }
            }
        }
        gone
    }

    pub(super) fn remove(&mut self, pairs: &[Pair]) {
        for (name, address) in pairs {
            if let Some(addresses) = self.0.get_mut(name) {
                addresses.remove(address);
            }
        }
        self.0.retain(|_, addresses| !addresses.is_empty());
    }
}
