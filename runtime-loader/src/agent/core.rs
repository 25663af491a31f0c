//! The core: puts in force what is read and what is learned, and tells of it.
//!
//! Its contract with the rest of the agent:
//!
//! * It begins with reading the files, without an order.
//! * `Order::Read`: read and compile again. If that cannot be put in force, what is in force stays, and the snapshot
//!   says why.
//! * `Order::Find`: an interface or a route came or went; look for the endpoints' interfaces again.
//! * `Order::Stop`, or no more orders: end with `Ok`. The datapath stays.
//! * `Fed`, and what the DNS proxy has learned: put changes in force that no file says, all or none, and answer when packets
//!   are judged by them. These come first; after each, whatever else there is to do has a turn, so that no pod can keep a
//!   policy out of force by asking for names.
//! * It replaces the snapshot whenever something changes, and while somebody reads counters.
//! * It calls `service.ready` when a generation is in force, and after every later attempt, be it in vain.
//! * It beats `pulse` at least once a second.
//!
//! What takes a while is done elsewhere: files are read and tables made anew (`work.rs`), events explained and counters read
//! (`telling.rs`), programs verified and grace periods waited for. The core itself does only what ends soon.

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use sluice_backends::datapath::{DatapathError, entries};
use sluice_compiler::session::Change;
use tokio::sync::{oneshot, watch};
use tokio::task::{JoinError, JoinHandle, JoinSet, spawn_blocking, yield_now};
use tokio::time::{MissedTickBehavior, interval};

use super::aside::aside;
use super::book::Books;
use super::counts::Counts;
use super::enforce::{Attempt, Enforcer};
use super::grow::{AheadError, Ready};
use super::reading::Reader;
use super::slots::Slots;
use super::tally::Tally;
use super::telling::Telling;
use super::work::{Done, Made, Work as Task, Worker};
use super::{Applied, Core, Fed, Order};
use crate::api::snapshot::{Snapshot, SourcesState};
use crate::api::time::Moment;
use crate::dns::names::Work;
use crate::endpoint::{FindError, Finder};
use crate::kernel::{KernelError, wait_for_readers};
use crate::node::{Node, NodeError, Sizes};
use crate::pins::Pins;

/// How often the core shows that it lives.
const BEAT: Duration = Duration::from_millis(500);

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
    /// Two agents would write over each other's generations.
    #[error("another agent is at work on `{}`: end it first, or give one of them another folder with `--pins`", .0.display())]
    Taken(PathBuf),
    /// The folder of pins cannot be made.
    #[error("cannot use `{}` for what outlives the agent: {why} (it takes root, and a kernel with bpffs)", .path.display())]
    Pins {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        #[source]
        why: std::io::Error,
    },
    /// The programs are not what they should be: a mistake in Sluice.
    #[error(transparent)]
    Datapath(#[from] DatapathError),
    /// Packets cannot be kept from a proxy.
    #[error(transparent)]
    Delivery(#[from] crate::delivery::DeliveryError),
    /// Interfaces cannot be looked for.
    #[error(transparent)]
    Find(#[from] FindError),
    /// What is done beside the core came to no end: a mistake in Sluice.
    #[error("what is done beside the core came to no end: {0}")]
    Beside(#[from] JoinError),
}

/// What is being done beside the core.
struct Beside {
    /// Who reads files, unless it is at work.
    worker: Option<Worker>,
    work: Option<JoinHandle<Result<Done, JoinError>>>,
    /// What was ordered while it was.
    wanted: Option<Task>,
    /// What it has done, until that can be put in force.
    done: Option<Done>,
    /// Whether what it has read may not be in force, though it waited for nothing but larger images: it is read again.
    is_stale: bool,
    grace: Option<JoinHandle<Result<(), KernelError>>>,
    ahead: Option<JoinHandle<Result<Ready, AheadError>>>,
    /// Who waits for larger images, and for the generation that they come with.
    waiting: Vec<Asker>,
}

/// Who has changes put in force.
enum Asker {
    /// The DNS proxy, with what it has learned.
    Dns(Work),
    /// Whoever feeds the core.
    Feed(oneshot::Sender<Applied>),
}

impl Asker {
    /// It is in force, or this is why not.
    fn answer(self, core: &Core, refused: Option<&str>) {
        match self {
            Asker::Dns(work) => core.dns.done(&work, refused),
            // Whoever asked need not wait.
            Asker::Feed(done) => {
                let applied = refused.map_or(Applied::InForce, |why| Applied::Refused(why.to_owned()));
                drop(done.send(applied));
            }
        }
    }
}

/// Runs until it is told to stop: as a task, so that whoever waits for an answer runs where the core has just put it in
/// force, and no thread has to be woken in between.
pub(super) async fn run(core: Core) -> Result<(), CoreError> {
    let mut tasks = JoinSet::new();
    tasks.spawn(work(core));
    tasks.join_next().await.unwrap_or(Ok(Ok(())))?
}

async fn work(mut core: Core) -> Result<(), CoreError> {
    let _alone = alone(&Pins::new(&core.config.pins))?;
    let (telling, mut enforcer, mut beside) = begin(&mut core)?;
    let mut telling = tokio::spawn(telling.run());
    let ended = tokio::select! {
        ended = attend(&mut core, &mut enforcer, &mut beside) => ended,
        ended = &mut telling => ended?,
    };
    telling.abort();
    ended
}

/// Keeps other agents away from a node's datapath, as long as what is given is there.
pub(super) fn alone(pins: &Pins) -> Result<File, CoreError> {
    let path = pins.root().to_owned();
    pins.lock().map_err(|why| match why.kind() {
        std::io::ErrorKind::WouldBlock => CoreError::Taken(path),
        _ => CoreError::Pins { path, why },
    })
}

/// Finds or makes the node's datapath, and what is to be done with it.
fn begin(core: &mut Core) -> Result<(Telling, Enforcer, Beside), CoreError> {
    let node = Node::open(Pins::new(&core.config.pins), &entries()?, Sizes::default())?;
    let (books, of_books) = watch::channel(Books::default());
    let counts = Counts::of(&node)?;
    let slots = slots(core, &node, &counts)?;
    let telling = Telling {
        ring: node.events()?.into_async().map_err(CoreError::Wait)?,
        counts,
        tally: Tally::new(node.connections()?),
        books: of_books,
        snapshot: core.snapshot.clone(),
        told: core.told.clone(),
        proxy: Arc::clone(core.dns.proxy()),
    };
    let read = std::mem::replace(&mut core.read, Box::new(|_| super::Inputs::default()));
    let reader = Reader::new(read, &core.config.node, core.config.keep_going);
    let finder = Finder::new(core.config.host_interfaces.clone())?;
    let worker = Worker { reader, finder: Arc::new(finder), way: core.dns.way() };
    core.dns.watch(node.connections()?);
    let enforcer = Enforcer::new(&core.config, node, slots, books, Arc::clone(core.dns.proxy().names()));
    let mut beside = Beside::new(worker);
    beside.want(Task::Read);
    Ok((telling, enforcer, beside))
}

/// The counters of rules: those of an agent before, and else such as nobody has counted with in a datapath that was there.
fn slots(core: &Core, node: &Node, counts: &Counts) -> Result<Slots, CoreError> {
    let folder = &core.config.state;
    if let Some(slots) = Slots::kept(folder) {
        return Ok(slots);
    }
    let unused = if node.current().is_some() { counts.unused()? } else { 0 };
    Ok(Slots::from(folder, unused))
}

/// Does what is ordered, as it comes.
async fn attend(core: &mut Core, enforcer: &mut Enforcer, beside: &mut Beside) -> Result<(), CoreError> {
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut urgent = true;
    loop {
        beside.go_on(core, enforcer);
        tokio::select! {
            biased;
            work = core.dns.work(), if urgent => {
                let changes = enforcer.of_scope(&work.changes);
                feed(core, enforcer, beside, changes, Asker::Dns(work)).await;
                urgent = false;
            }
            Some(Fed { changes, done }) = core.urgent.recv(), if urgent => {
                feed(core, enforcer, beside, changes, Asker::Feed(done)).await;
                urgent = false;
            }
            order = core.orders.recv() => match order {
                // What is found where is part of what the files mean for this node.
                Some(Order::Read) => beside.want(Task::Read),
                Some(Order::Find) => beside.want(Task::Find),
                Some(Order::Stop) | None => return Ok(()),
            },
            ended = beside.ended() => ended?.take_in(core, enforcer, beside),
            _ = beat.tick() => {
                core.pulse.beat();
                enforcer.mark();
            }
            // Nothing else is there.
            () = std::future::ready(()), if !urgent => urgent = true,
        }
    }
}

/// What was done beside the core.
enum Ended {
    Work(Box<Done>),
    Grace(Result<(), KernelError>),
    Ahead(Box<Result<Ready, AheadError>>),
}

impl Ended {
    fn take_in(self, core: &mut Core, enforcer: &mut Enforcer, beside: &mut Beside) {
        match self {
            Ended::Work(done) => beside.done = Some(*done),
            Ended::Grace(passed) => {
                if let Err(error) = passed.map_err(NodeError::from).and_then(|()| enforcer.grace_passed()) {
                    tracing::warn!(%error, "the generation before is still there");
                }
            }
            Ended::Ahead(ready) => match enforcer.keep(*ready) {
                Ok(None) => {}
                Ok(Some(attempt)) => {
                    beside.is_stale |= attempt.refused().is_some();
                    beside.release(core, &attempt);
                    enforcer.show(&mut core.dns);
                    tell(core, enforcer, attempt, false);
                }
                Err(error) => {
                    tracing::warn!(%error, "the next generation has to wait for its programs");
                }
            },
        }
    }
}

/// Waits for something that is done beside the core; for ever where nothing is.
async fn ended<T>(job: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    let Some(handle) = job else { return std::future::pending().await };
    let result = handle.await;
    *job = None;
    result
}

impl Beside {
    fn new(worker: Worker) -> Beside {
        Beside {
            worker: Some(worker),
            work: None,
            wanted: None,
            done: None,
            is_stale: false,
            grace: None,
            ahead: None,
            waiting: Vec::new(),
        }
    }

    /// Wants some work done, as soon as the worker has done what it is doing ([`Beside::go_on`]).
    fn want(&mut self, work: Task) {
        // Whoever reads finds, too.
        self.wanted = self.wanted.take().max(Some(work));
    }

    /// Begins what is wanted, if the worker is there.
    fn begin(&mut self, enforcer: &Enforcer) {
        // While the worker is away, what is wanted stays wanted.
        if self.done.is_some() || self.worker.is_none() {
            return;
        }
        if self.is_stale {
            self.want(Task::Read);
        }
        if let Some(work) = self.wanted.take()
            && let Some(mut worker) = self.worker.take()
        {
            if std::mem::take(&mut self.is_stale) {
                worker.reader.forget();
            }
            self.work = Some(tokio::spawn(worker.work(work, enforcer.at_hand())));
        }
    }

    /// Waits for something to end; for ever where nothing is under way.
    async fn ended(&mut self) -> Result<Ended, CoreError> {
        tokio::select! {
            biased;
            done = ended(&mut self.work) => Ok(Ended::Work(Box::new(done??))),
            passed = ended(&mut self.grace) => Ok(Ended::Grace(passed?)),
            ready = ended(&mut self.ahead) => Ok(Ended::Ahead(Box::new(ready?))),
        }
    }

    /// Tells those who wait what became of the generation that they wait for.
    fn release(&mut self, core: &Core, attempt: &Attempt) {
        let refused = attempt.refused();
        self.waiting.drain(..).for_each(|asker| asker.answer(core, refused));
    }

    /// Puts in force what was done, once no packet needs what is in its way; and begins what is to be done beside.
    fn go_on(&mut self, core: &mut Core, enforcer: &mut Enforcer) {
        if !enforcer.is_waited_for() {
            // Another generation than they waited for may have come first.
            self.release(core, &Attempt::Same);
        }
        let free = enforcer.is_settled() && self.ahead.is_none() && !enforcer.is_waited_for();
        if free && let Some(done) = self.done.take() {
            self.finish(done, core, enforcer);
        }
        if self.grace.is_none() && enforcer.wants_grace() {
            self.grace = Some(spawn_blocking(wait_for_readers));
        }
        if self.ahead.is_none()
            && let Some(ahead) = enforcer.take_ahead()
        {
            self.ahead = Some(aside(|| ahead.run()));
        }
        self.begin(enforcer);
    }

    fn finish(&mut self, done: Done, core: &mut Core, enforcer: &mut Enforcer) {
        let Done { mut worker, outcome } = done;
        if self.is_stale {
            // It is what is different from something that is not in force.
            self.worker = Some(worker);
            return;
        }
        // Who only looked for interfaces knows nothing of files.
        let of_files = !matches!(&outcome, Ok(made) if made.inventory().is_none());
        if let Some(inventory) = outcome.as_ref().ok().and_then(Made::inventory) {
            enforcer.meet(inventory, &core.config.node);
        }
        let attempt = match outcome {
            // Somebody else has to make all tables, and the core goes on.
            Ok(made) if made.wants_tables(enforcer) => {
                self.work = Some(tokio::spawn(worker.anew(made, enforcer.learned())));
                return;
            }
            Ok(made) => made.enact(enforcer),
            Err(findings) => Attempt::Refused(findings),
        };
        match attempt {
            Attempt::Refused(_) if of_files => {
                worker.reader.forget();
                // Who is not in files that are refused is still there.
                if let Some(live) = enforcer.live() {
                    let compiled = Arc::clone(&live.compiled);
                    enforcer.meet(&compiled.inventory, &core.config.node);
                }
            }
            Attempt::Refused(_) => {}
            _ => enforcer.show(&mut core.dns),
        }
        self.worker = Some(worker);
        tell(core, enforcer, attempt, of_files);
        enforcer.hash(&core.snapshot);
        enforcer.save();
    }
}

/// Puts changes in force that no file says, and answers whoever waits for that, now or when there is room: with why not,
/// where they were refused.
async fn feed(
    core: &mut Core,
    enforcer: &mut Enforcer,
    beside: &mut Beside,
    changes: Vec<Change>,
    asker: Asker,
) {
    core.pulse.beat();
    let of_names = |change: &Change| matches!(change, Change::DnsAnswer(..) | Change::DnsExpiry(..));
    let of_objects = !changes.iter().all(of_names);
    let attempt = enforcer.feed(changes);
    match attempt {
        Attempt::Waits => beside.waiting.push(asker),
        _ => asker.answer(core, attempt.refused()),
    }
    // An answer in place changes nothing of what is told.
    if matches!(attempt, Attempt::Published(_)) || of_objects {
        enforcer.show(&mut core.dns);
        tell(core, enforcer, attempt, false);
    }
    enforcer.save();
    // Whoever waits for it runs on this thread, and before the next.
    yield_now().await;
}

/// Tells what became of an attempt.
fn tell(core: &Core, enforcer: &Enforcer, attempt: Attempt, of_files: bool) {
    match &attempt {
        Attempt::Published(publish) => {
            tracing::info!(
                generation = publish.generation,
                seconds = publish.seconds,
                "a generation is in force"
            );
        }
        Attempt::InPlace => tracing::info!("what is new is in force, in place"),
        Attempt::Waits => tracing::info!("what is new waits for larger images"),
        Attempt::Same => tracing::debug!("what is in force is what the files say"),
        Attempt::Refused(findings) => {
            let (first, places) = (attempt.refused(), findings.len());
            tracing::error!(
                findings = places,
                first,
                "what is new cannot be put in force: what was in force is"
            );
        }
    }
    core.snapshot.send_modify(|snapshot| {
        let snapshot = Arc::make_mut(snapshot);
        record(snapshot, attempt, of_files);
        enforcer.describe(snapshot);
    });
    if enforcer.generation().is_some() {
        core.service.ready(&status(&core.snapshot.borrow()));
    }
}

/// What became of an attempt.
fn record(snapshot: &mut Snapshot, attempt: Attempt, of_files: bool) {
    let status = &mut snapshot.status;
    let (state, findings) = match attempt {
        Attempt::Published(publish) => {
            status.published += 1;
            status.publish = Some(publish);
            (SourcesState::Ok, Vec::new())
        }
        Attempt::InPlace | Attempt::Waits | Attempt::Same => (SourcesState::Ok, Vec::new()),
        Attempt::Refused(findings) => {
            status.refused += 1;
            (SourcesState::Refused, findings)
        }
    };
    if of_files {
        status.sources.since = Moment::now();
        (status.sources.state, status.sources.findings) = (state, findings);
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

#[cfg(test)]
mod tests;
