//! Where orders come from: files and interfaces that change, signals; and signs of life.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{sleep, timeout};

use super::Order;
use super::service::Service;
use crate::endpoint::Changes;
use crate::watch_files::Watching;

/// How long the core may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The signals that the agent knows.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// From now on they are orders, and end nothing by themselves.
    pub(super) fn new() -> std::io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for one.
    async fn next(&mut self) -> Wish {
        tokio::select! {
            _ = self.terminate.recv() => Wish::End("SIGTERM"),
            _ = self.interrupt.recv() => Wish::End("SIGINT"),
            _ = self.hang_up.recv() => Wish::Read,
        }
    }

    /// Waits for one that ends the agent.
    async fn end(&mut self) -> &'static str {
        loop {
            if let Wish::End(name) = self.next().await {
                return name;
            }
        }
    }
}

/// What a signal asks for.
enum Wish {
    /// Read everything again.
    Read,
    /// End; the signal's name.
    End(&'static str),
}

/// Carries orders to the core. It ends when the core does not, and has to be ended when the core has.
pub(super) async fn steer(
    mut signals: Signals,
    (mut watching, mut changes): (Watching, Changes),
    orders: mpsc::Sender<Order>,
    service: Service,
) {
    // While the core is at work, what else is wanted becomes one order of each kind.
    let mut wanted: BTreeSet<Order> = BTreeSet::new();
    loop {
        let next = wanted.first().copied();
        tokio::select! {
            room = orders.reserve(), if next.is_some() => match (room, next) {
                (Ok(room), Some(order)) => {
                    room.send(order);
                    wanted.remove(&order);
                }
                _ => break,
            },
            () = watching.changed() => {
                tracing::debug!("files have changed");
                wanted.insert(Order::Read);
            }
            () = changes.changed() => {
                wanted.insert(Order::Find);
            }
            wish = signals.next() => match wish {
                Wish::Read => {
                    tracing::info!("SIGHUP: everything is read again");
                    service.reloading();
                    wanted.insert(Order::Read);
                }
                Wish::End(name) => {
                    tracing::info!("{name}: the agent is to end");
                    break;
                }
            },
            // The core has ended by itself.
            () = orders.closed() => break,
        }
    }
    service.stopping();
    let stop = async {
        // The core may have ended by itself.
        let _ = orders.send(Order::Stop).await;
        std::future::pending::<()>().await;
    };
    // Whoever asks twice means it.
    tokio::select! {
        _ = timeout(PATIENCE, stop) => {}
        name = signals.end() => tracing::warn!("{name} again: the agent ends at once"),
    }
}

/// A sign that the core lives.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pulse(Arc<AtomicBool>);

impl Pulse {
    /// The core lives.
    pub(crate) fn beat(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it did since this was asked last.
    fn was_beaten(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Tells the service manager that the agent lives, as long as the core does.
pub(super) async fn keep_alive(pulse: Pulse, service: Service) {
    let Some(watchdog) = service.watchdog() else { return };
    loop {
        // Half the time, so that one late sign is no death.
        sleep(watchdog / 2).await;
        if pulse.was_beaten() {
            service.alive();
        }
    }
}
