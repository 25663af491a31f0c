//! Notices that interfaces or routes have changed, so that endpoints may be found elsewhere than before.

use std::time::Duration;

use futures_util::StreamExt;
use rtnetlink::{MulticastGroup, new_multicast_connection};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::FindError;

/// How long it must be quiet before the reader is told: a pod comes with some ten messages.
const QUIET: Duration = Duration::from_millis(50);

/// How many times that the reader waits at most while messages go on to come.
const MOST_BURSTS: usize = 10;

/// How long until the next attempt if the kernel's socket breaks.
const RETRY: Duration = Duration::from_secs(5);

/// Whatever leads to an endpoint.
const GROUPS: [MulticastGroup; 3] =
    [MulticastGroup::Link, MulticastGroup::Ipv4Route, MulticastGroup::Ipv6Route];

/// Interfaces and routes that are watched, until it is dropped.
#[derive(Debug)]
pub struct Changes {
    changes: mpsc::Receiver<()>,
    task: JoinHandle<()>,
}

impl Changes {
    /// Watches those of the network namespace of this thread. It must be called within a runtime whose threads are
    /// in it too.
    ///
    /// # Errors
    ///
    /// The kernel has no socket for it.
    pub fn begin() -> Result<Changes, FindError> {
        let first = Messages::open()?;
        let (tell, changes) = mpsc::channel(1);
        Ok(Changes { changes, task: tokio::spawn(follow(first, tell)) })
    }

    /// Waits until something has changed since the last time. Cancelled, it loses nothing.
    pub async fn changed(&mut self) {
        if self.changes.recv().await.is_none() {
            // The task ends only with us.
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(first: Messages, tell: mpsc::Sender<()>) {
    let mut messages = Some(first);
    loop {
        if let Some(messages) = &mut messages {
            while messages.burst().await {
                if let Err(mpsc::error::TrySendError::Closed(())) = tell.try_send(()) {
                    return;
                }
            }
        }
        tracing::warn!("the kernel does not tell of interfaces any more: asking again");
        sleep(RETRY).await;
        messages = Messages::open().ok();
        // What was missed meanwhile is a change too.
        let _ = tell.try_send(());
    }
}

/// What the kernel tells.
struct Messages {
    /// What arrives, reduced to that it did.
    arrived: mpsc::Receiver<()>,
    connection: JoinHandle<()>,
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Messages {
    fn open() -> Result<Messages, FindError> {
        let (connection, _, mut messages) = new_multicast_connection(&GROUPS).map_err(FindError::Socket)?;
        let (sign, arrived) = mpsc::channel(1);
        let connection = tokio::spawn(async move {
            let take = async {
                while messages.next().await.is_some() {
                    // A sign that waits already says as much.
                    let _ = sign.try_send(());
                }
            };
            tokio::select! {
                () = connection => {}
                () = take => {}
            }
        });
        Ok(Messages { arrived, connection })
    }

    /// Waits for a message and for the quiet after it; false if there will be none.
    async fn burst(&mut self) -> bool {
        if self.arrived.recv().await.is_none() {
            return false;
        }
        for _ in 0..MOST_BURSTS {
            sleep(QUIET).await;
            if self.arrived.try_recv().is_err() {
                break;
            }
        }
        true
    }
}
