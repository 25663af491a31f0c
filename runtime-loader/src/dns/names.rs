//! What is known, shared by all who learn, enforce, expire and ask.
//!
//! ```text
//! proxy ─learn→ Names ─changes→ keep ─journal→ disk
//!   ↑             │              └──enforce→ core
//!   └──wait←──────┴──enforced←───────┘
//! ```
//!
//! Changes go to the core in the order in which they were learned, all that wait at once. So many answers at a time cost
//! little more than one.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use sluice_compiler::options::{DnsOptions, Scope};
use sluice_compiler::session::Change;
use sluice_ir::dns_name::{DnsName, DnsPattern, LearnedName};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::cache::{Cache, Endpoint, Followed, Incarnation, Lookup, Pod, Size, counts_for, pairs};
use super::counts::Failure;
use super::history::{Going, Leaving, Pair, State, excess};
use super::record::Record;
use crate::api::dns::{FqdnEntry, FqdnFilter, FqdnSource};
use crate::api::time::Moment;

/// Changes that may wait for the core. More cannot be learned until it has taken some.
const MOST_WAITING: usize = 200_000;

/// Names that are looked at at a time.
const AT_A_TIME: usize = 256;

/// Addresses that go at a time: an answer that comes then waits for no more.
const AT_ONCE: usize = 32;

/// While many names are looked at, whoever learns has this long in between: a thread that waits for its turn needs a while to
/// take it.
pub(super) const BREATH: Duration = Duration::from_millis(1);

/// So long the next wait at most for those that go before them.
const LONGEST_TURN: Duration = Duration::from_secs(1);

/// What is known.
#[derive(Debug)]
pub struct Names {
    inner: Mutex<Inner>,
    wake: Notify,
    progress: watch::Sender<Progress>,
}

/// What the core has done.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    /// The last batch that is in force.
    enforced: u64,
    /// How many batches were refused.
    refused: u64,
}

#[derive(Debug, Default)]
struct Inner {
    cache: Cache,
    work: Work,
}

/// What is to be done about what was learned.
#[derive(Debug, Default)]
pub struct Work {
    /// To be enforced, in order.
    pub changes: Vec<Change>,
    /// To be written down.
    pub records: Vec<Record>,
    /// The last batch of the changes, which is in force with them. Where there are none it says nothing: batches before it may
    /// still wait for room.
    pub batch: u64,
}

/// How an answer was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    /// There was nothing to wait for.
    NotAtAll,
    /// It is in force.
    Enforced,
    /// It is not in force yet.
    InVain,
}

impl Inner {
    fn add(&mut self, followed: Followed) {
        self.work.changes.extend(followed.changes);
        self.work.records.extend(followed.records);
        self.work.batch = self.cache.batch();
    }
}

impl Names {
    /// What an agent before this one has written down. All of it has to be enforced before anybody asks:
    /// see [`Names::answers`].
    pub fn restored(records: Vec<Record>) -> Names {
        let mut inner = Inner::default();
        inner.cache.restore(records);
        Names { inner: Mutex::new(inner), wake: Notify::new(), progress: watch::Sender::default() }
    }

    /// Takes in an answer, for which [`Names::wait`] waits then.
    ///
    /// # Errors
    ///
    /// Nothing more can be learned now, or nothing for a pod that is not there any more.
    pub fn learn(&self, lookup: Lookup<'_>) -> Result<(), Failure> {
        self.with(|inner| {
            if lookup.asker.is_some_and(|asker| !inner.cache.is_there(lookup.endpoint, asker)) {
                return Err(Failure::Gone);
            }
            if inner.work.changes.len() > MOST_WAITING {
                return Err(Failure::Busy);
            }
            let followed = inner.cache.learn(lookup);
            self.follow(inner, followed);
            Ok(())
        })
    }

    /// The pod of a name that asks from an address; none if no pod that is there has it.
    pub fn asker(&self, endpoint: &str, address: IpAddr) -> Option<Incarnation> {
        self.with(|inner| inner.cache.incarnation(endpoint, address))
    }

    /// Hands on what follows; how many addresses are not enforced any more.
    fn follow(&self, inner: &mut Inner, followed: Followed) -> u64 {
        let gone = followed.changes.iter().filter(|change| matches!(change, Change::DnsExpiry(..))).count();
        inner.add(followed);
        self.wake(inner);
        gone as u64
    }

    /// Wakes whoever does what there is to do.
    fn wake(&self, inner: &Inner) {
        if !inner.work.changes.is_empty() || !inner.work.records.is_empty() {
            self.wake.notify_one();
        }
    }

    /// Waits until an answer that was learned is in force, but no longer than `most`. What was refused is not known any more,
    /// and what was learned anew since comes with a later batch: so it is the cache that says what there is to wait for.
    pub async fn wait(&self, lookup: Lookup<'_>, most: Duration) -> Waited {
        let mut progress = self.progress.subscribe();
        let mut waited = Waited::NotAtAll;
        let in_force = async {
            loop {
                let now = *progress.borrow_and_update();
                let batch = self.with(|inner| inner.cache.batch_of(lookup))?;
                if batch <= now.enforced {
                    return Some(waited);
                }
                waited = Waited::Enforced;
                let moves = |next: &Progress| next.enforced >= batch || next.refused != now.refused;
                progress.wait_for(moves).await.ok()?;
            }
        };
        timeout(most, in_force).await.ok().flatten().unwrap_or(Waited::InVain)
    }

    /// Waits until the core has had its turn, but no longer than [`LONGEST_TURN`].
    async fn turn(&self, batch: u64) {
        let mut progress = self.progress.subscribe();
        // Whoever comes next may come a little early.
        let _ = timeout(LONGEST_TURN, progress.wait_for(|now| now.enforced >= batch)).await;
    }

    /// Waits for something to do.
    pub async fn work(&self) -> Work {
        loop {
            self.wake.notified().await;
            let work = self.with(|inner| std::mem::take(&mut inner.work));
            if !work.changes.is_empty() || !work.records.is_empty() {
                return work;
            }
        }
    }

    /// All changes up to this batch are in force, but for those that were taken back.
    pub fn enforced(&self, batch: u64) {
        self.progress.send_if_modified(|progress| {
            let newer = progress.enforced < batch;
            progress.enforced = batch.max(progress.enforced);
            newer
        });
    }

    /// Changes could not be enforced: they are not known any more, so that they are tried again with the next answer. What was
    /// to go with answers takes no room, and goes at once; what could not even go by itself waits for what comes next, or for
    /// [`Names::expire`].
    pub fn take_back(&self, changes: &[Change]) {
        let had_answers = changes.iter().any(|change| matches!(change, Change::DnsAnswer(..)));
        self.with(|inner| {
            let followed = inner.cache.take_back(changes);
            inner.add(followed);
            if had_answers {
                self.wake(inner);
            }
        });
        self.progress.send_modify(|progress| progress.refused += 1);
    }

    /// Addresses whose time is over begin to leave. How many, and whether there are more: whoever learns has to wait, so only
    /// some names are looked at.
    pub fn expire(&self, now: Moment, options: &DnsOptions) -> (usize, bool) {
        let looked = self.with(|inner| {
            self.wake(inner);
            inner.cache.expire(now, options, AT_A_TIME)
        });
        (looked.expired, looked.names == AT_A_TIME)
    }

    /// Connections were looked at, beginning at `at`: what nobody uses goes, as does what is leaving beyond the bound. How many
    /// addresses are not enforced any more.
    pub async fn looked(
        &self,
        at: Moment,
        options: &DnsOptions,
        in_use: &BTreeMap<Endpoint, BTreeSet<IpAddr>>,
    ) -> u64 {
        let mut going = Vec::new();
        let mut staying: BTreeMap<Endpoint, Vec<Leaving>> = BTreeMap::new();
        let mut after = None;
        loop {
            let look = |inner: &mut Inner| inner.cache.look(at, options, in_use, after.as_ref(), AT_A_TIME);
            let (seen, last) = self.with(look);
            for (endpoint, leaving, goes) in seen {
                match goes {
                    true => going.push((endpoint, (leaving.name, leaving.address))),
                    false => staying.entry(endpoint).or_default().push(leaving),
                }
            }
            if last.is_none() {
                break;
            }
            after = last;
            sleep(BREATH).await;
        }
        for (endpoint, leaving) in staying {
            let beyond = excess(leaving, options.deferred_deletes).into_iter();
            going.extend(beyond.map(|pair| (Arc::clone(&endpoint), pair)));
        }
        self.let_go(&going, Going::Leaving).await
    }

    /// These pods are there. One that has the name of another that was there before begins with nothing; gives what is not to
    /// be enforced any more, which goes to the core as well.
    pub fn meet(&self, pods: Vec<(Endpoint, Pod)>) -> Vec<Change> {
        self.with(|inner| {
            let followed = inner.cache.meet(pods);
            let gone = followed.changes.clone();
            self.follow(inner, followed);
            gone
        })
    }

    /// Endpoints that are not there any more lose what they knew when this began. How many addresses are not enforced any more.
    pub async fn retain(&self, is_there: impl Fn(&str) -> bool) -> u64 {
        let going = Going::KnownAt(self.with(|inner| inner.cache.latest()));
        let (mut gone, mut after) = (0, None);
        loop {
            let (held, last) = self.with(|inner| {
                // Who was away may be back by now.
                let endpoints = inner.cache.endpoints().map(|(endpoint, _)| endpoint);
                let away: BTreeSet<Endpoint> =
                    endpoints.filter(|endpoint| !is_there(endpoint)).cloned().collect();
                if away.is_empty() {
                    return (Vec::new(), None);
                }
                inner.cache.held(|endpoint, _| away.contains(endpoint), after.as_ref(), AT_A_TIME)
            });
            gone += self.let_go(&held, going).await;
            if last.is_none() {
                return gone;
            }
            after = last;
            sleep(BREATH).await;
        }
    }

    /// Forgets what a filter admits, but for what is learned from now on. How many names of endpoints.
    pub async fn flush(&self, filter: &FqdnFilter) -> usize {
        let pattern = pattern(filter);
        let is_meant = |endpoint: &Endpoint, name: &DnsName| {
            filter.endpoint.as_deref().is_none_or(|of| of == &**endpoint)
                && pattern.as_ref().is_none_or(|pattern| pattern.matches(name))
        };
        let known = Going::KnownAt(self.with(|inner| inner.cache.latest()));
        let going = self.held(is_meant).await;
        self.let_go(&going, known).await;
        let same = |(one, (name, _)): &(Endpoint, Pair), (other, (next, _)): &(Endpoint, Pair)| {
            one == other && name == next
        };
        going.chunk_by(same).count()
    }

    /// All that is known of the names that are meant, part by part.
    async fn held(&self, is_meant: impl Fn(&Endpoint, &DnsName) -> bool) -> Vec<(Endpoint, Pair)> {
        let (mut held, mut after) = (Vec::new(), None);
        loop {
            let (more, last) = self.with(|inner| inner.cache.held(&is_meant, after.as_ref(), AT_A_TIME));
            held.extend(more);
            if last.is_none() {
                return held;
            }
            after = last;
            sleep(BREATH).await;
        }
    }

    /// Addresses go, some at a time: the next when these are not enforced any more, so that an answer that comes meanwhile
    /// waits for some, and not for all. How many are not enforced any more.
    async fn let_go(&self, pairs: &[(Endpoint, Pair)], going: Going) -> u64 {
        let mut gone = 0;
        for some in pairs.chunks(AT_ONCE) {
            let (more, batch) = self.with(|inner| {
                let followed = inner.cache.let_go(some, going);
                (self.follow(inner, followed), inner.cache.batch())
            });
            gone += more;
            self.turn(batch).await;
        }
        gone
    }

    /// What a filter admits, by endpoint and name.
    pub fn list(&self, filter: &FqdnFilter) -> Vec<FqdnEntry> {
        let pattern = pattern(filter);
        let mut entries = Vec::new();
        self.with(|inner| {
            for (endpoint, history) in inner.cache.endpoints() {
                if filter.endpoint.as_deref().is_some_and(|wanted| wanted != &**endpoint) {
                    continue;
                }
                for (name, addresses) in history.names() {
                    let named = pattern.as_ref().is_none_or(|pattern| pattern.matches(name));
                    let has = filter.address.is_none_or(|address| addresses.contains_key(&address));
                    if named && has {
                        entries.extend(of_name(endpoint, name, addresses));
                    }
                }
            }
        });
        entries.retain(|entry| filter.source.is_none_or(|source| source == entry.source));
        entries
    }

    /// The names that an address was learned for, as they count for an endpoint.
    pub fn names_of(&self, address: IpAddr, endpoint: &str) -> Vec<DnsName> {
        self.with(|inner| inner.cache.names_of(address, endpoint))
    }

    /// What must be enforced if answers count like this.
    pub fn answers(&self, scope: Scope) -> BTreeSet<(LearnedName, IpAddr)> {
        pairs(self.with(|inner| inner.cache.answers(scope)))
    }

    /// Answers count like this from now on: whoever enforces changes by then, and takes up what this gives.
    pub fn count_for(&self, scope: Scope) -> BTreeSet<(LearnedName, IpAddr)> {
        self.with(|inner| inner.cache.count_for(scope));
        self.answers(scope)
    }

    /// Answers count like this again, as nothing came of how they counted since [`Names::count_for`]: what was learned since is
    /// told to whoever enforces `enforced`.
    pub fn count_again(&self, scope: Scope, mut enforced: BTreeSet<(LearnedName, IpAddr)>) {
        self.with(|inner| {
            // Some is on its way since before that, and comes first. What is told of the other scope is passed over.
            for change in &inner.work.changes {
                match change {
                    Change::DnsAnswer(name, address) if counts_for(name, scope) => {
                        enforced.insert((name.clone(), *address));
                    }
                    Change::DnsExpiry(name, address) => {
                        enforced.remove(&(name.clone(), *address));
                    }
                    _ => {}
                }
            }
            let followed = inner.cache.count_again(scope, &enforced);
            self.follow(inner, followed);
        });
    }

    /// Everything, to be written down. It is taken part by part, so that nobody who learns has to wait for all of it:
    /// what changes meanwhile is among the records of [`Names::work`].
    pub fn records(&self) -> Vec<Record> {
        let (mut records, mut after) = (Vec::new(), None);
        loop {
            let (more, last) = self.with(|inner| inner.cache.records(after.as_ref(), AT_A_TIME));
            records.extend(more);
            if last.is_none() {
                return records;
            }
            after = last;
        }
    }

    /// How much there is.
    pub fn size(&self) -> Size {
        self.with(|inner| inner.cache.size())
    }

    fn with<T>(&self, act: impl FnOnce(&mut Inner) -> T) -> T {
        act(&mut self.inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The pattern of a filter; one that is none matches nothing that anybody asks for.
fn pattern(filter: &FqdnFilter) -> Option<DnsPattern> {
    let text = filter.pattern.as_deref()?;
    DnsPattern::match_pattern(text).or_else(|_| DnsPattern::match_name("..")).ok()
}

/// The addresses of a name, those of one time together.
fn of_name(endpoint: &Endpoint, name: &DnsName, addresses: &BTreeMap<IpAddr, State>) -> Vec<FqdnEntry> {
    let mut by_time: BTreeMap<(FqdnSource, Moment, Moment), Vec<IpAddr>> = BTreeMap::new();
    for (address, state) in addresses {
        let key = match state {
            State::Current { looked_up, expires } => (FqdnSource::Lookup, *looked_up, *expires),
            State::Leaving { since, .. } => (FqdnSource::Connection, *since, *since),
        };
        by_time.entry(key).or_default().push(*address);
    }
    let entry = |((source, lookup_time, expiration_time), ips): ((_, Moment, Moment), _)| FqdnEntry {
        fqdn: if name.is_root() { ".".to_owned() } else { format!("{}.", name.as_str()) },
        ips,
        endpoint: endpoint.to_string(),
        source,
        lookup_time,
        ttl: expiration_time.since(lookup_time).as_secs(),
        expiration_time,
    };
    by_time.into_iter().map(entry).collect()
}
