//! The core: reads, compiles, publishes, and tells of it.
//!
//! Its contract with the rest of the agent:
//!
//! * It begins with reading the files, without an order.
//! * `Order::Read`: read and compile again. If that cannot be put in force, what is in force stays, and the snapshot
//!   says why.
//! * `Order::Find`: an interface or a route came or went; look for the endpoints' interfaces again.
//! * `Order::Apply`: put changes in force that no file says, all or none, and answer when packets are judged by them. These come
//!   first, whatever else there is to do.
//! * `Order::Stop`, or no more orders: end with `Ok`. The datapath stays.
//! * It replaces the snapshot whenever something changes, and while somebody reads counters.
//! * It calls `service.ready` when a generation is in force, and after every later attempt, be it in vain.
//! * It beats `pulse` at least once a second.

use std::sync::Arc;
use std::time::Duration;

use sluice_backends::datapath::{DatapathError, entries};
use tokio::time::{MissedTickBehavior, interval};

use super::counts::Counts;
use super::enforce::{Attempt, Enforcer};
use super::{Applied, Core, Order};
use crate::api::snapshot::{Snapshot, SourcesState};
use crate::api::time::Moment;
use crate::endpoint::{FindError, Finder};
use crate::kernel::{KernelError, Ring};
use crate::node::{Node, NodeError, Sizes};
use crate::pins::Pins;

/// How often counters are read.
const BEAT: Duration = Duration::from_millis(500);

/// So many events are told at a time, before anything else has its turn.
const AT_A_TIME: usize = 256;

/// Why the core gave up. What was in force is.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// The node's datapath could not be found or made.
    #[error("cannot begin with the node's datapath: {0}")]
    Node(#[from] NodeError),
    /// What the datapath tells cannot be read.
    #[error("cannot read what the datapath tells: {0}")]
    Told(#[from] KernelError),
    /// The ring cannot be waited for.
    #[error("cannot wait for what the datapath tells: {0}")]
    Wait(#[source] std::io::Error),
    /// The programs are not what they should be: a mistake in Sluice.
    #[error(transparent)]
    Datapath(#[from] DatapathError),
    /// Interfaces cannot be looked for.
    #[error(transparent)]
    Find(#[from] FindError),
}

/// Runs until it is told to stop.
pub(super) async fn run(mut core: Core<'_>) -> Result<(), CoreError> {
    let node = Node::open(Pins::new(&core.config.pins), &entries()?, Sizes::default())?;
    let mut ring = node.events()?.into_async().map_err(CoreError::Wait)?;
    let counts = Counts::of(&node)?;
    let mut enforcer = Enforcer::new(core.config, node, Finder::new()?);
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    attempt(&mut core, &mut enforcer).await;
    loop {
        tokio::select! {
            biased;
            Some(order) = core.urgent.recv() => {
                if !obey(&mut core, &mut enforcer, order).await {
                    return Ok(());
                }
            }
            order = core.orders.recv() => {
                if !obey(&mut core, &mut enforcer, order.unwrap_or(Order::Stop)).await {
                    return Ok(());
                }
            }
            ready = ring.readable_mut() => {
                let mut ready = ready.map_err(CoreError::Wait)?;
                if !tell(&core, &enforcer, ready.get_inner_mut()) {
                    ready.clear_ready();
                }
            }
            _ = beat.tick() => {
                core.pulse.beat();
                if let Err(error) = enforcer.settle() {
                    tracing::warn!(%error, "the generation before is still there");
                }
                count(&core, &enforcer, &counts);
            }
        }
    }
}

/// Does what is ordered; whether there is anything to do after it.
async fn obey(core: &mut Core<'_>, enforcer: &mut Enforcer, order: Order) -> bool {
    match order {
        // What is found where is part of what the files mean for this node.
        Order::Read | Order::Find => {
            attempt(core, enforcer).await;
        }
        Order::Apply(changes, done) => {
            let before = enforcer.feed(changes);
            let applied = attempt(core, enforcer).await;
            if applied != Applied::InForce {
                enforcer.fed = before;
            }
            // Whoever asked need not wait.
            let _ = done.send(applied);
        }
        Order::Stop => return false,
    }
    true
}

/// Reads, compiles and publishes once, and tells what became of it.
async fn attempt(core: &mut Core<'_>, enforcer: &mut Enforcer) -> Applied {
    let inputs = (core.read)();
    let keep_going = core.config.keep_going;
    let attempt = enforcer.attempt(inputs, keep_going).await;
    let generation = enforcer.generation();
    let applied = match &attempt {
        Attempt::Refused(findings) => {
            Applied::Refused(findings.first().map(|finding| finding.message.clone()).unwrap_or_default())
        }
        _ => Applied::InForce,
    };
    match &attempt {
        Attempt::Published(publish) => {
            tracing::info!(
                generation = publish.generation,
                seconds = publish.seconds,
                "a generation is in force"
            );
        }
        Attempt::Same => tracing::debug!("what is in force is what the files say"),
        Attempt::Refused(findings) => {
            let first = findings.first().map(|finding| finding.message.as_str()).unwrap_or_default();
            let places = findings.len();
            tracing::error!(
                findings = places,
                first,
                "the files cannot be put in force: what was in force is"
            );
        }
    }
    core.snapshot.send_modify(|snapshot| {
        let snapshot = Arc::make_mut(snapshot);
        record(snapshot, attempt);
        enforcer.describe(snapshot);
    });
    if generation.is_some() {
        core.service.ready(&status(&core.snapshot.borrow()));
    }
    applied
}

/// What became of an attempt.
fn record(snapshot: &mut Snapshot, attempt: Attempt) {
    let status = &mut snapshot.status;
    status.sources.since = Moment::now();
    match attempt {
        Attempt::Published(publish) => {
            status.published += 1;
            status.publish = Some(publish);
            (status.sources.state, status.sources.findings) = (SourcesState::Ok, Vec::new());
        }
        Attempt::Same => (status.sources.state, status.sources.findings) = (SourcesState::Ok, Vec::new()),
        Attempt::Refused(findings) => {
            status.refused += 1;
            (status.sources.state, status.sources.findings) = (SourcesState::Refused, findings);
        }
    }
}

/// The line that the service manager shows.
fn status(snapshot: &Snapshot) -> String {
    let generation = snapshot.status.generation.unwrap_or_default();
    let endpoints = snapshot.endpoints.len();
    match snapshot.status.sources.state {
        SourcesState::Refused => {
            format!("generation {generation} stays in force for {endpoints} endpoints: the files have errors")
        }
        _ => format!("generation {generation} is in force for {endpoints} endpoints"),
    }
}

/// Tells some events; whether there may be more.
fn tell(core: &Core<'_>, enforcer: &Enforcer, ring: &mut Ring) -> bool {
    // Nobody listens: events are taken all the same, so that the ring has room for those to come.
    let heard = core.told.receiver_count() > 0;
    let mut explainer = enforcer.explainer();
    for _ in 0..AT_A_TIME {
        let Some(event) = ring.next_event() else { return false };
        if heard && let Some(told) = explainer.told(&event) {
            // Whoever listened has gone in the meantime.
            let _ = core.told.send(Arc::new(told));
        }
    }
    true
}

fn count(core: &Core<'_>, enforcer: &Enforcer, counts: &Counts) {
    core.snapshot.send_modify(|snapshot| {
        let snapshot = Arc::make_mut(snapshot);
        let done =
            counts.traffic(&mut snapshot.status.traffic).and_then(|()| enforcer.count(counts, snapshot));
        if let Err(error) = done {
            tracing::warn!(%error, "counters cannot be read");
        }
    });
}
