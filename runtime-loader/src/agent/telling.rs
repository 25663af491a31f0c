//! Tells what happens, and what was counted, beside the core: nothing here can hold it up.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use sluice_ir::policy::eval::Reason;
use tokio::io::unix::AsyncFd;
use tokio::sync::{broadcast, watch};
use tokio::time::{MissedTickBehavior, interval};

use super::book::{Book, Books};
use super::core::CoreError;
use super::counts::Counts;
use super::explain::Explainer;
use super::tally::Tally;
use crate::api::snapshot::{Count, Counts as BothWays, Snapshot, Traffic};
use crate::api::told::Told;
use crate::dns::proxy::Proxy;
use crate::kernel::{KernelError, Ring};

/// How often counters are read.
const BEAT: Duration = Duration::from_millis(500);

/// So many events are told at a time, before anything else has its turn.
const AT_A_TIME: usize = 256;

/// What telling works with.
pub(super) struct Telling {
    pub(super) ring: AsyncFd<Ring>,
    pub(super) counts: Counts,
    pub(super) tally: Tally,
    /// What explains the generations whose packets may be told of.
    pub(super) books: watch::Receiver<Books>,
    pub(super) snapshot: watch::Sender<Arc<Snapshot>>,
    pub(super) told: broadcast::Sender<Arc<Told>>,
    /// The DNS proxy, for what it has counted.
    pub(super) proxy: Arc<Proxy>,
}

impl Telling {
    /// Tells until it is ended.
    pub(super) async fn run(mut self) -> Result<(), CoreError> {
        let mut beat = interval(BEAT);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                ready = self.ring.readable_mut() => {
                    let mut ready = ready.map_err(CoreError::Wait)?;
                    let books = self.books.borrow().clone();
                    if !tell(&self.told, &books, ready.get_inner_mut()) {
                        ready.clear_ready();
                    }
                }
                _ = beat.tick() => {
                    let connections = self.tally.last().await;
                    self.count(connections);
                }
            }
        }
    }

    fn count(&self, connections: u64) {
        let in_force = self.books.borrow().in_force.clone();
        match read(&self.counts, in_force.as_deref()) {
            Ok(counted) => self.snapshot.send_modify(|snapshot| {
                let snapshot = Arc::make_mut(snapshot);
                counted.note(snapshot);
                snapshot.status.traffic.connections = connections;
                snapshot.status.dns = Some(self.proxy.status());
            }),
            Err(error) => tracing::warn!(%error, "counters cannot be read"),
        }
    }
}

/// Tells some events; whether there may be more.
fn tell(told: &broadcast::Sender<Arc<Told>>, books: &Books, ring: &mut Ring) -> bool {
    // Nobody listens: events are taken all the same, so that the ring has room for those to come.
    let heard = told.receiver_count() > 0;
    let mut explainer = Explainer::new(books);
    for _ in 0..AT_A_TIME {
        let Some(event) = ring.next_event() else { return false };
        if heard && let Some(event) = explainer.told(&event) {
            // Whoever listened has gone in the meantime.
            let _ = told.send(Arc::new(event));
        }
    }
    true
}

/// What was counted, before anybody is told.
struct Counted {
    traffic: Traffic,
    default_deny: BothWays,
    /// By file, line and column.
    rules: BTreeMap<(String, u32, u32), Count>,
}

fn read(counts: &Counts, book: Option<&Book>) -> Result<Counted, KernelError> {
    let mut traffic = Traffic::default();
    counts.traffic(&mut traffic)?;
    let default_deny = counts.default_deny()?;
    let mut rules: BTreeMap<(String, u32, u32), Count> = BTreeMap::new();
    for named in book.map(Book::verdicts).unwrap_or_default() {
        // Where no rule allowed a packet, those that isolate the endpoint did nothing to it.
        if named.reason == Reason::DefaultDeny || named.rules.is_empty() {
            continue;
        }
        let count = counts.rules(named.counter)?;
        for rule in &named.rules {
            let sum = rules.entry((rule.file.clone(), rule.line, rule.column)).or_default();
            sum.packets += count.packets;
            sum.bytes += count.bytes;
        }
    }
    Ok(Counted { traffic, default_deny, rules })
}

impl Counted {
    fn note(mut self, snapshot: &mut Snapshot) {
        snapshot.status.traffic = self.traffic;
        snapshot.policy.default_deny = self.default_deny;
        for rule in snapshot.policy.objects.iter_mut().flat_map(|object| &mut object.rules) {
            let place = (std::mem::take(&mut rule.file), rule.line, rule.column);
            rule.count = self.rules.get_mut(&place).copied().unwrap_or_default();
            rule.file = place.0;
        }
    }
}
