//! The way of packets to the DNS proxy. Those who read files want it before rules are in force that send packets there; the
//! core wants it as long as they are.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Mutex;

use crate::delivery::{Delivery, DeliveryError};

/// Whether packets are led to the proxy, and whether they are to be.
#[derive(Debug)]
pub(super) struct Way {
    /// Whether what was read last needs it.
    coming: AtomicBool,
    /// Whether what is in force needs it: that of an agent before this one may.
    in_force: AtomicBool,
    /// Whether it is known to be gone; an agent before this one may have left it. One change at a time.
    is_gone: Mutex<bool>,
}

impl Way {
    pub(super) fn new() -> Way {
        Way { coming: AtomicBool::new(false), in_force: AtomicBool::new(true), is_gone: Mutex::new(false) }
    }

    /// Rules are to come, and need it or not. If they do, it is there on return: the first packet that they send finds it.
    pub(super) async fn prepare(&self, needed: bool) {
        self.coming.store(needed, Ordering::SeqCst);
        // What is in force has it.
        if needed || !self.in_force.load(Ordering::SeqCst) {
            self.lead().await;
        }
    }

    /// Rules are in force, and need it or not.
    pub(super) fn follow(self: &Arc<Self>, needed: bool) {
        if self.in_force.swap(needed, Ordering::SeqCst) != needed {
            let way = Arc::clone(self);
            tokio::spawn(async move { way.lead().await });
        }
    }

    /// Puts in place what is wanted by now, or takes it away.
    async fn lead(&self) {
        let mut is_gone = self.is_gone.lock().await;
        let wanted = self.coming.load(Ordering::SeqCst) || self.in_force.load(Ordering::SeqCst);
        if !wanted && *is_gone {
            return;
        }
        // What is there is put there again, as others may have taken it away.
        let result = change(wanted).await;
        *is_gone = !wanted && result.is_ok();
        match result {
            Ok(()) => {}
            Err(error) if wanted => tracing::error!(%error, "queries do not get to the DNS proxy"),
            Err(error) => {
                tracing::warn!(%error, "the way to the DNS proxy is still there, and nobody goes it");
            }
        }
    }
}

async fn change(wanted: bool) -> Result<(), DeliveryError> {
    let delivery = Delivery::new()?;
    if wanted { delivery.put().await } else { delivery.remove().await }
}
