//! What all endpoints have learned, and what follows for the node: an address of a name is enforced as long as one
//! endpoint has it (semantics.md 5.1, 5.5); or, by option, for each endpoint as long as it has it itself.

mod pods;

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use sluice_compiler::options::{DnsOptions, Scope};
use sluice_compiler::resource::dns_answers::DnsAnswers;
use sluice_compiler::session::Change;
use sluice_ir::dns_name::{Asker, DnsName, LearnedName};

use pods::Pods;
pub use pods::{Incarnation, Pod};

use super::history::{Going, History, Leaving, Looked, Pair, State};
use super::record::Record;
use crate::api::time::Moment;

/// Addresses that one endpoint may know.
pub const MOST_OF_ENDPOINT: usize = 100_000;

/// Addresses that all endpoints together may know.
pub const MOST_OF_NODE: usize = 500_000;

/// So many are let go at a time where there is no room, so that not every answer has to look for some.
const ROOM: usize = 256;

/// An endpoint by its name.
pub type Endpoint = Arc<str>;

/// A name of an endpoint, as a place among all.
pub type Place = (Endpoint, DnsName);

/// An answer that a pod got.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// Who asked.
    pub endpoint: &'a Endpoint,
    /// Which pod of that name it was; none where it can only be the one that is there.
    pub asker: Option<Incarnation>,
    /// For what.
    pub name: &'a DnsName,
    /// What the server said.
    pub addresses: &'a [IpAddr],
    /// For how long it said so, with the minimum of the options.
    pub ttl: Duration,
    /// When.
    pub at: Moment,
}

/// What is known.
#[derive(Debug, Default)]
pub struct Cache {
    endpoints: BTreeMap<Endpoint, History>,
    /// Who they are.
    pods: Pods,
    /// For whom answers count.
    scope: Scope,
    /// By name, for whom it counts, and address, how many endpoints have it, and the batch of changes that brought it.
    shared: BTreeMap<LearnedName, BTreeMap<IpAddr, Shared>>,
    /// The names of each address, from when somebody asks for them: only rules that name servers by name do.
    by_address: Option<BTreeMap<IpAddr, BTreeSet<LearnedName>>>,
    addresses: usize,
    batch: u64,
    latest: Moment,
}

#[derive(Clone, Copy, Debug)]
struct Shared {
    holders: u32,
    batch: u64,
}

/// What follows from an answer, or from time that has passed.
#[derive(Debug, Default)]
pub struct Followed {
    /// What the node must enforce from now on, or no more.
    pub changes: Vec<Change>,
    /// What must be written down.
    pub records: Vec<Record>,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Names, each once for each endpoint that has it.
    pub names: usize,
    /// Addresses, each once for each name and endpoint that has it.
    pub addresses: usize,
    /// Those of them that are leaving.
    pub leaving: usize,
}

/// A name that an endpoint has learned, and for whom it counts.
fn counts(name: &DnsName, endpoint: &Endpoint, scope: Scope) -> LearnedName {
    let by = (scope == Scope::Pod).then(|| Asker::new(Arc::clone(endpoint)));
    LearnedName { name: name.clone(), by }
}

/// Whether a name is one that is told where answers count like this.
pub fn counts_for(name: &LearnedName, scope: Scope) -> bool {
    name.by.is_some() == (scope == Scope::Pod)
}

/// Each name with each of its addresses.
pub(super) fn pairs(answers: DnsAnswers) -> BTreeSet<(LearnedName, IpAddr)> {
    let of_name = |(name, of): (LearnedName, Vec<IpAddr>)| of.into_iter().map(move |it| (name.clone(), it));
    answers.0.into_iter().flat_map(of_name).collect()
}

impl Cache {
    /// An endpoint got an answer.
    pub fn learn(&mut self, lookup: Lookup<'_>) -> Followed {
        let Lookup { endpoint, addresses, at, .. } = lookup;
        let mut followed = Followed::default();
        self.latest = self.latest.max(at);
        if addresses.is_empty() {
            return followed;
        }
        self.make_room(endpoint, addresses.len(), &mut followed);
        // A name that is known is not kept twice.
        let counts = counts(lookup.name, endpoint, self.scope);
        let counts = self.shared.get_key_value(&counts).map_or(&counts, |(known, _)| known).clone();
        let name = counts.name.clone();
        let ttl = u64::try_from(lookup.ttl.as_micros()).unwrap_or(u64::MAX);
        let expires = Moment::of_micros(at.micros().saturating_add(ttl));
        let history = self.endpoints.entry(Arc::clone(endpoint)).or_default();
        let news = history.learn(&name, addresses, at, expires);
        self.addresses += news.added.len();
        let of_name = self.shared.entry(counts.clone()).or_default();
        for address in news.added {
            let shared = of_name.entry(address).or_insert(Shared { holders: 0, batch: self.batch + 1 });
            if shared.holders == 0 {
                followed.changes.push(Change::DnsAnswer(counts.clone(), address));
                if let Some(names) = &mut self.by_address {
                    names.entry(address).or_default().insert(counts.clone());
                }
            }
            shared.holders += 1;
        }
        if of_name.is_empty() {
            self.shared.remove(&counts);
        }
        if news.worth_keeping {
            followed.records.push(Record::Learned {
                endpoint: Arc::clone(endpoint),
                name,
                addresses: addresses.to_vec(),
                looked_up: at,
                expires,
            });
        }
        self.count(&followed);
        followed
    }

    /// The batch that must be in force before an answer is released; none if not all of it is known any more.
    pub fn batch_of(&self, lookup: Lookup<'_>) -> Option<u64> {
        let of_name = self.shared.get(&counts(lookup.name, lookup.endpoint, self.scope));
        let batch = |address| Some(of_name?.get(address)?.batch);
        lookup.addresses.iter().try_fold(0, |last, address| Some(batch(address)?.max(last)))
    }

    fn make_room(&mut self, endpoint: &Endpoint, number: usize, followed: &mut Followed) {
        let own = self.endpoints.get(endpoint).map_or(0, History::addresses);
        let gives = if own + number > MOST_OF_ENDPOINT {
            Arc::clone(endpoint)
        } else if self.addresses + number > MOST_OF_NODE {
            let most = self.endpoints.iter().max_by_key(|(_, history)| history.addresses());
            most.map_or_else(|| Arc::clone(endpoint), |(most, _)| Arc::clone(most))
        } else {
            return;
        };
        let gone = self.endpoints.get_mut(&gives).map(|history| history.make_room(number.max(ROOM)));
        self.drop_empty(&gives);
        self.release(&gives, gone.unwrap_or_default(), followed);
    }

    /// Addresses whose time is over begin to leave, and names with too many addresses let some go. No more than `most`
    /// names are looked at: if it were so many there may be more to do.
    pub fn expire(&mut self, now: Moment, options: &DnsOptions, most: usize) -> Looked {
        self.endpoints.values_mut().fold(Looked::default(), |looked, history| {
            let more = history.expire(now, options.addresses_per_name, most - looked.names);
            Looked { names: looked.names + more.names, expired: looked.expired + more.expired }
        })
    }

    /// Connections were looked at, beginning at `at`. Gives what is leaving of no more than `most` names that come after a
    /// place, and whether it is to go as nobody uses it; and the place of the last name, none if there are no more.
    pub fn look(
        &mut self,
        at: Moment,
        options: &DnsOptions,
        in_use: &BTreeMap<Endpoint, BTreeSet<IpAddr>>,
        after: Option<&Place>,
        most: usize,
    ) -> (Vec<(Endpoint, Leaving, bool)>, Option<Place>) {
        let (nothing, mut seen, mut left) = (BTreeSet::new(), Vec::new(), most);
        let from = after.map_or(Bound::Unbounded, |(endpoint, _)| Bound::Included(Arc::clone(endpoint)));
        for (endpoint, history) in self.endpoints.range_mut((from, Bound::Unbounded)) {
            let within = after.filter(|(of, _)| of == endpoint).map(|(_, name)| name);
            let in_use = in_use.get(endpoint).unwrap_or(&nothing);
            let (more, names, last) = history.look(at, options.idle_grace, in_use, within, left);
            seen.extend(more.into_iter().map(|(leaving, goes)| (Arc::clone(endpoint), leaving, goes)));
            left -= names;
            if left == 0 {
                return (seen, last.map(|name| (Arc::clone(endpoint), name)));
            }
        }
        (seen, None)
    }

    /// What is known of no more than `most` names that come after a place, of those that are meant; and the place of the
    /// last name, none if there are no more.
    pub fn held(
        &self,
        is_meant: impl Fn(&Endpoint, &DnsName) -> bool,
        after: Option<&Place>,
        most: usize,
    ) -> (Vec<(Endpoint, Pair)>, Option<Place>) {
        let (mut held, mut last) = (Vec::new(), None);
        for (endpoint, name, addresses) in self.names_after(after).take(most) {
            if is_meant(endpoint, name) {
                let pairs = addresses.keys().map(|address| (name.clone(), *address));
                held.extend(pairs.map(|pair| (Arc::clone(endpoint), pair)));
            }
            last = Some((endpoint, name));
        }
        (held, last.map(|(endpoint, name)| (Arc::clone(endpoint), name.clone())))
    }

    /// Addresses go, of those that are still there.
    pub fn let_go(&mut self, pairs: &[(Endpoint, Pair)], going: Going) -> Followed {
        let mut followed = Followed::default();
        for of_one in pairs.chunk_by(|(one, _), (other, _)| one == other) {
            let Some((endpoint, _)) = of_one.first() else { continue };
            let Some(history) = self.endpoints.get_mut(endpoint) else { continue };
            let pairs: Vec<Pair> = of_one.iter().map(|(_, pair)| pair.clone()).collect();
            let gone = history.let_go(&pairs, going);
            self.drop_empty(endpoint);
            self.release(endpoint, gone, &mut followed);
        }
        self.count(&followed);
        followed
    }

    /// When the last answer came.
    pub fn latest(&self) -> Moment {
        self.latest
    }

    /// Takes back what could not be enforced: whoever asks again learns it anew. What was to go with it has to go by itself.
    pub fn take_back(&mut self, changes: &[Change]) -> Followed {
        let learned: Vec<(&LearnedName, IpAddr)> = changes
            .iter()
            .filter_map(|change| match change {
                Change::DnsAnswer(learned, address) => Some((learned, *address)),
                _ => None,
            })
            .collect();
        let mut followed = Followed::default();
        let mut all = Vec::new();
        for (endpoint, history) in &mut self.endpoints {
            let is_of = |by: &Option<Asker>| by.as_ref().is_none_or(|by| by.as_str() == &**endpoint);
            let had = learned.iter().filter(|(of, ip)| is_of(&of.by) && history.has(&of.name, *ip));
            let had: Vec<Pair> = had.map(|(of, ip)| (of.name.clone(), *ip)).collect();
            if !had.is_empty() {
                history.remove(&had);
                all.push((Arc::clone(endpoint), had));
            }
        }
        for (endpoint, gone) in all {
            self.drop_empty(&endpoint);
            self.release(&endpoint, gone, &mut followed);
        }
        let is_known =
            |of: &LearnedName, ip: &IpAddr| self.shared.get(of).is_some_and(|known| known.contains_key(ip));
        let goes = |change: &&Change| matches!(change, Change::DnsExpiry(of, ip) if !is_known(of, ip));
        followed.changes.extend(changes.iter().filter(goes).cloned());
        self.count(&followed);
        followed
    }

    /// An endpoint that knows nothing has no history, and if it is not there either it is nobody.
    fn drop_empty(&mut self, endpoint: &Endpoint) {
        if self.endpoints.get(endpoint).is_some_and(History::is_empty) {
            self.endpoints.remove(endpoint);
            self.pods.left_nothing(endpoint);
        }
    }

    /// An endpoint does not have these any more.
    fn release(&mut self, endpoint: &Endpoint, gone: Vec<Pair>, followed: &mut Followed) {
        self.addresses -= gone.len();
        for (name, address) in &gone {
            let counts = counts(name, endpoint, self.scope);
            let Some(of_name) = self.shared.get_mut(&counts) else { continue };
            let Some(shared) = of_name.get_mut(address) else { continue };
            shared.holders -= 1;
            if shared.holders == 0 {
                of_name.remove(address);
                followed.changes.push(Change::DnsExpiry(counts.clone(), *address));
                if let Some(names) = &mut self.by_address
                    && let Some(of_address) = names.get_mut(address)
                {
                    of_address.remove(&counts);
                    if of_address.is_empty() {
                        names.remove(address);
                    }
                }
            }
            if of_name.is_empty() {
                self.shared.remove(&counts);
            }
        }
        let mut by_name: BTreeMap<DnsName, Vec<IpAddr>> = BTreeMap::new();
        for (name, address) in gone {
            by_name.entry(name).or_default().push(address);
        }
        followed.records.extend(by_name.into_iter().map(|(name, addresses)| Record::Gone {
            endpoint: Arc::clone(endpoint),
            name,
            addresses,
        }));
    }

    fn count(&mut self, followed: &Followed) {
        self.batch += u64::from(!followed.changes.is_empty());
    }

    /// The last batch of changes.
    pub fn batch(&self) -> u64 {
        self.batch
    }

    /// Brings back what was written down. What follows for the node is in [`Cache::answers`].
    pub fn restore(&mut self, records: impl IntoIterator<Item = Record>) {
        for record in records {
            match record {
                Record::Learned { endpoint, name, addresses, looked_up, expires } => {
                    let ttl = expires.since(looked_up) + super::history::SLACK;
                    let (name, addresses) = (&name, addresses.as_slice());
                    let (asker, at) = (None, looked_up);
                    self.learn(Lookup { endpoint: &endpoint, asker, name, addresses, ttl, at });
                }
                Record::Pod { endpoint, pod } => self.pods.restore(endpoint, pod),
                Record::Gone { endpoint, name, addresses } => {
                    let pairs = addresses.into_iter().map(|address| (name.clone(), address));
                    let Some(history) = self.endpoints.get_mut(&endpoint) else { continue };
                    let had: Vec<Pair> = pairs.filter(|(name, ip)| history.has(name, *ip)).collect();
                    history.remove(&had);
                    // Whose it was still counts: more may follow of the same pod.
                    if history.is_empty() {
                        self.endpoints.remove(&endpoint);
                    }
                    self.release(&endpoint, had, &mut Followed::default());
                }
            }
        }
        // All of it goes into the first table, before anybody can ask.
        self.batch = 0;
        for shared in self.shared.values_mut().flat_map(BTreeMap::values_mut) {
            shared.batch = 0;
        }
    }

    /// What is known of so many names that come after a place, to be written down, and the last of them; none if there are
    /// no more.
    pub fn records(&self, after: Option<&Place>, most: usize) -> (Vec<Record>, Option<Place>) {
        let (mut records, mut last) = (Vec::new(), None);
        if after.is_none() {
            let pod = |(endpoint, pod): (&Endpoint, &Pod)| Record::Pod {
                endpoint: Arc::clone(endpoint),
                pod: pod.clone(),
            };
            records.extend(self.pods.iter().map(pod));
        }
        for (endpoint, name, addresses) in self.names_after(after).take(most) {
            records.extend(Record::of_name(endpoint, name, addresses));
            last = Some((endpoint, name));
        }
        (records, last.map(|(endpoint, name)| (Arc::clone(endpoint), name.clone())))
    }

    /// The names that come after a place, each with its endpoint and its addresses.
    fn names_after(
        &self,
        after: Option<&Place>,
    ) -> impl Iterator<Item = (&Endpoint, &DnsName, &BTreeMap<IpAddr, State>)> {
        let from = after.map_or(Bound::Unbounded, |(endpoint, _)| Bound::Included(Arc::clone(endpoint)));
        self.endpoints.range((from, Bound::Unbounded)).flat_map(move |(endpoint, history)| {
            let within = after.filter(|(of, _)| of == endpoint).map(|(_, name)| name);
            history.names_after(within).map(move |(name, addresses)| (endpoint, name, addresses))
        })
    }

    /// What the node enforces if answers count like this: every name with its addresses.
    pub fn answers(&self, scope: Scope) -> DnsAnswers {
        let mut answers: BTreeMap<LearnedName, BTreeSet<IpAddr>> = BTreeMap::new();
        for (endpoint, history) in &self.endpoints {
            for (name, addresses) in history.names() {
                answers.entry(counts(name, endpoint, scope)).or_default().extend(addresses.keys());
            }
        }
        let in_order = answers.into_iter().map(|(name, of)| (name, of.into_iter().collect()));
        DnsAnswers(in_order.collect())
    }

    /// Answers count like this from now on. What is known by then is in [`Cache::answers`], and changes no more.
    pub fn count_for(&mut self, scope: Scope) {
        self.scope = scope;
        (self.shared, self.by_address) = (BTreeMap::new(), None);
        for (endpoint, history) in &self.endpoints {
            for (name, addresses) in history.names() {
                let of_name = self.shared.entry(counts(name, endpoint, scope)).or_default();
                for address in addresses.keys() {
                    let new = Shared { holders: 0, batch: self.batch };
                    of_name.entry(*address).or_insert(new).holders += 1;
                }
            }
        }
    }

    /// Answers count like this again, and nothing came of how they counted meanwhile: whoever enforces has these, and gets what
    /// is other by now.
    pub fn count_again(&mut self, scope: Scope, enforced: &BTreeSet<(LearnedName, IpAddr)>) -> Followed {
        let mut followed = Followed::default();
        let known = pairs(self.answers(scope));
        let gone = enforced.difference(&known).cloned();
        followed.changes.extend(gone.map(|(name, address)| Change::DnsExpiry(name, address)));
        let came = known.difference(enforced).cloned();
        followed.changes.extend(came.map(|(name, address)| Change::DnsAnswer(name, address)));
        self.count(&followed);
        self.count_for(scope);
        followed
    }

    /// The names that an address was learned for, as they count for an endpoint.
    pub fn names_of(&mut self, address: IpAddr, endpoint: &str) -> Vec<DnsName> {
        let shared = &self.shared;
        let names = self.by_address.get_or_insert_with(|| {
            let mut names: BTreeMap<IpAddr, BTreeSet<LearnedName>> = BTreeMap::new();
            for (name, address) in shared.iter().flat_map(|(name, of)| of.keys().map(move |at| (name, at))) {
                names.entry(*address).or_default().insert(name.clone());
            }
            names
        });
        let counts = |learned: &&LearnedName| learned.by.as_ref().is_none_or(|by| by.as_str() == endpoint);
        let of_address = names.get(&address).into_iter().flatten();
        of_address.filter(counts).map(|learned| learned.name.clone()).collect()
    }

    /// Every endpoint with what it has learned.
    pub fn endpoints(&self) -> impl Iterator<Item = (&Endpoint, &History)> {
        self.endpoints.iter()
    }

    /// How much there is.
    pub fn size(&self) -> Size {
        self.endpoints.values().fold(Size::default(), |size, history| Size {
            names: size.names + history.len(),
            addresses: size.addresses + history.addresses(),
            leaving: size.leaving + history.leaving(),
        })
    }
}

#[cfg(test)]
mod tests;
