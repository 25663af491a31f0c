//! What goes on beside the proxy: what was learned is written down and enforced, and expires.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::sleep;

use super::cache::Endpoint;
use super::disk::Disk;
use super::names::{BREATH, Work};
use super::proxy::Proxy;

/// Names are looked through no more often than this, whatever the options say.
const LEAST: Duration = Duration::from_millis(100);

/// Knows connections.
pub trait Connections: Send + Sync + 'static {
    /// The ends of every connection that is alive: who began it, and to where. It may take a while.
    ///
    /// # Errors
    ///
    /// They cannot be found out; then nothing goes.
    fn alive(&self) -> std::io::Result<BTreeSet<(IpAddr, IpAddr)>>;
}

/// What was learned, on its way to whoever enforces it.
#[derive(Debug)]
pub struct Keeper {
    proxy: Arc<Proxy>,
    disk: Option<Disk>,
    writing: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Hands on what a proxy learns, and writes it down if there is a disk.
    pub fn new(proxy: Arc<Proxy>, disk: Option<Disk>) -> Keeper {
        Keeper { proxy, disk, writing: None }
    }

    /// Waits for something that is to be enforced, and has written it down by then: what is in force must be found again.
    /// Nothing is lost where nobody waits any more.
    pub async fn next(&mut self) -> Work {
        loop {
            let work = self.proxy.names().work().await;
            self.write(&work);
            if !work.changes.is_empty() {
                return work;
            }
        }
    }

    fn write(&mut self, work: &Work) {
        let Some(disk) = &mut self.disk else { return };
        if let Err(error) = disk.append(&work.records) {
            tracing::warn!(%error, "what was learned is not kept for the next agent");
        }
        if disk.is_long() && self.writing.as_ref().is_none_or(JoinHandle::is_finished) {
            self.writing = renew(disk, &self.proxy);
        }
    }

    /// It is enforced, or this is why not.
    pub fn done(&self, work: &Work, refused: Option<&str>) {
        let names = self.proxy.names();
        match refused {
            None => names.enforced(work.batch),
            Some(why) => {
                self.proxy.counts().not_enforced.add_many(work.changes.len() as u64);
                tracing::error!(why, "addresses stay unknown until they are asked for again");
                names.take_back(&work.changes);
            }
        }
    }
}

/// Begins to write everything anew.
fn renew(disk: &mut Disk, proxy: &Arc<Proxy>) -> Option<JoinHandle<()>> {
    let new = match disk.turn() {
        Ok(new) => new,
        Err(error) => {
            tracing::warn!(%error, "no new journal can be begun");
            return None;
        }
    };
    let proxy = Arc::clone(proxy);
    Some(spawn_blocking(move || {
        // What is learned meanwhile is in the new journal.
        let records = proxy.names().records();
        if let Err(error) = new.write(&records) {
            tracing::warn!(%error, "what was learned is not written anew");
        }
    }))
}

/// Lets expire what has expired, and go what nobody uses, for ever, as often as the options in force say.
pub async fn expire(proxy: Arc<Proxy>, connections: Arc<impl Connections>) {
    let mut last = Instant::now();
    loop {
        // Options may change while one waits.
        sleep(LEAST).await;
        if last.elapsed() < proxy.options().collection_interval {
            continue;
        }
        last = Instant::now();
        expire_once(&proxy, &connections).await;
    }
}

/// Does it once.
pub async fn expire_once(proxy: &Proxy, connections: &Arc<impl Connections>) {
    let (names, options, counts) = (proxy.names(), proxy.options(), proxy.counts());
    // Before anybody is known to be here, everybody may be.
    if proxy.book().is_none() {
        return;
    }
    let began = proxy.now();
    loop {
        let (expired, more) = names.expire(began, &options);
        counts.expired.add_many(expired as u64);
        if !more {
            break;
        }
        sleep(BREATH).await;
    }
    // This takes a while, in which others may come.
    let is_there = |endpoint: &str| proxy.book().is_none_or(|book| book.has(endpoint));
    counts.gone.add_many(names.retain(is_there).await);
    if names.size().leaving == 0 {
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
    let Some(book) = proxy.book() else { return };
    let mut in_use: BTreeMap<Endpoint, BTreeSet<IpAddr>> = BTreeMap::new();
    for (from, to) in alive {
        if let Some(asker) = book.asker(from) {
            in_use.entry(Arc::clone(&asker.endpoint)).or_default().insert(to);
        }
    }
    counts.gone.add_many(names.looked(seen, &options, &in_use).await);
}

#[cfg(test)]
mod tests;
