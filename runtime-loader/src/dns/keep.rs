//! What goes on beside the proxy: what was learned is written down and enforced, and expires.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sluice_compiler::session::Change;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use super::cache::Endpoint;
use super::disk::Disk;
use super::names::{Names, Work};
use super::proxy::Proxy;

/// How often names are looked through (semantics.md 5.5).
pub const PERIOD: Duration = Duration::from_secs(60);

/// Why changes are not in force.
#[derive(Debug, thiserror::Error)]
pub enum NotEnforced {
    /// The node cannot enforce them.
    #[error("what was learned cannot be enforced: {0}")]
    Refused(String),
    /// There is nobody who enforces any more.
    #[error("the agent ends")]
    Ended,
}

/// Puts changes in force.
pub trait Enforce: Send {
    /// Puts changes in force, all or none; done when packets are judged by them.
    fn enforce(&mut self, changes: Vec<Change>) -> impl Future<Output = Result<(), NotEnforced>> + Send;
}

/// Knows connections.
pub trait Connections: Send + Sync + 'static {
    /// The ends of every connection that is alive: who began it, and to where. It may take a while.
    ///
    /// # Errors
    ///
    /// They cannot be found out; then nothing goes.
    fn alive(&self) -> std::io::Result<BTreeSet<(IpAddr, IpAddr)>>;
}

/// Writes down and enforces what is learned, in order, until there is nobody who enforces.
pub async fn keep(proxy: Arc<Proxy>, mut disk: Option<Disk>, mut enforce: impl Enforce) {
    let names = proxy.names();
    let mut writing: Option<JoinHandle<()>> = None;
    loop {
        let Work { changes, records, batch } = names.work().await;
        if let Some(disk) = &mut disk {
            // Before it is enforced: what is in force must be found again.
            if let Err(error) = disk.append(&records) {
                tracing::warn!(%error, "what was learned is not kept for the next agent");
            }
            if disk.is_long() && writing.as_ref().is_none_or(JoinHandle::is_finished) {
                writing = renew(disk, names);
            }
        }
        if changes.is_empty() {
            names.enforced(batch);
            continue;
        }
        match enforce.enforce(changes.clone()).await {
            Ok(()) => names.enforced(batch),
            Err(NotEnforced::Ended) => return,
            Err(error) => {
                proxy.counts().not_enforced.add_many(changes.len() as u64);
                tracing::error!(%error, "addresses stay unknown until they are asked for again");
                names.take_back(&changes);
            }
        }
    }
}

/// Begins to write everything anew.
fn renew(disk: &mut Disk, names: &Names) -> Option<JoinHandle<()>> {
    let new = match disk.turn() {
        Ok(new) => new,
        Err(error) => {
            tracing::warn!(%error, "no new journal can be begun");
            return None;
        }
    };
    let records = names.records();
    Some(spawn_blocking(move || {
        if let Err(error) = new.write(&records) {
            tracing::warn!(%error, "what was learned is not written anew");
        }
    }))
}

/// Lets expire what has expired, and go what nobody uses, for ever.
pub async fn expire(proxy: Arc<Proxy>, connections: Arc<impl Connections>, period: Duration) {
    let mut ticks = interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first is at once.
    ticks.tick().await;
    loop {
        ticks.tick().await;
        expire_once(&proxy, &connections).await;
    }
}

/// Does it once.
pub async fn expire_once(proxy: &Proxy, connections: &Arc<impl Connections>) {
    let (names, options, counts) = (proxy.names(), proxy.options(), proxy.counts());
    // Before anybody is known to be here, everybody may be.
    let Some(book) = proxy.book() else { return };
    let began = proxy.now();
    let (expired, leaving) = names.expire(began, &options);
    counts.expired.add_many(expired as u64);
    counts.gone.add_many(names.retain(|endpoint| book.has(endpoint)));
    if leaving == 0 {
        return;
    }
    let connections = Arc::clone(connections);
    // What expires from now on is not in what is seen now.
    let seen = proxy.now();
    let alive = match spawn_blocking(move || connections.alive()).await {
        Ok(Ok(alive)) => alive,
        Ok(Err(error)) => {
            tracing::warn!(%error, "connections cannot be looked at, so no name goes");
            return;
        }
        // The agent ends.
        Err(_) => return,
    };
    let mut in_use: BTreeMap<Endpoint, BTreeSet<IpAddr>> = BTreeMap::new();
    for (from, to) in alive {
        if let Some(asker) = book.asker(from) {
            in_use.entry(Arc::clone(&asker.endpoint)).or_default().insert(to);
        }
    }
    counts.gone.add_many(names.looked(seen, &options, &in_use));
}
