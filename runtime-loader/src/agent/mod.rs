//! The daemon of a node.
//!
//! ```text
//! files, interfaces ─┐                      ┌→ server ─→ `sluice status`, `monitor`, …
//! signals ───────────┼→ orders ─→ core ─────┼→ metrics
//! answers of DNS ────┘              └→ node └→ service manager
//! ```
//!
//! The core (`core.rs`) is the only one that knows what is in force. Everything else here carries orders to it and what it tells to
//! those who ask. Nothing of that can hold it up, and when the agent ends, for whatever reason, the datapath stays.
//!
//! The order of beginning: the socket, because there another agent shows; the metrics' port; files, interfaces and
//! signals; the core. The order of ending: the core; then those who listen.

mod aside;
mod book;
mod core;
mod counts;
mod describe;
mod dns;
mod enforce;
mod explain;
mod feed;
mod grow;
mod live;
mod orders;
mod place;
mod reading;
pub mod service;
mod settings;
mod slots;
mod stopwatch;
mod tally;
mod telling;
#[cfg(test)]
mod tests;
mod way;
mod work;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sluice_backends::datapath::entries;
use sluice_compiler::diagnostic::Diagnostic;
use sluice_compiler::options::Options;
use sluice_compiler::resource::Resource;
use sluice_compiler::resource::aws::AwsInventory;
use sluice_compiler::resource::dns_answers::DnsAnswers;
use sluice_compiler::resource::endpoint_interfaces::EndpointInterfaces;
use sluice_compiler::source::Sources;
use tokio::sync::{broadcast, mpsc, watch};
use tokio::task::JoinSet;

use crate::api::server::{Feeds, ListenError, Socket, serve};
use crate::api::snapshot::{Snapshot, Status};
use crate::api::time::Moment;
use crate::delivery::Delivery;
use crate::endpoint::{Changes, FindError};
use crate::metrics::{Server, ServerError};
use crate::node::{Node, Sizes};
use crate::pins::Pins;
use crate::watch_files::{WatchError, Watching};
pub use core::CoreError;
pub(crate) use feed::Fed;
pub use feed::{Applied, Feed};
use orders::Signals;
use service::Service;

/// Events that wait for slow readers.
const EVENTS: usize = 4_096;

/// Orders that wait for the core: the next is made when it has taken this one.
const ORDERS: usize = 1;

/// Changes that wait for the core. Whoever has more of them waits.
const CHANGES: usize = 256;

/// Where pins are if nobody says another place.
pub const PINS: &str = "/sys/fs/bpf/sluice";

/// Where what is kept on disk is if nobody says another place.
pub const STATE: &str = "/var/lib/sluice";

/// What the agent is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The node whose view is taken: its pods are the endpoints, its own addresses are the host.
    pub node: String,
    /// The version to tell.
    pub version: String,
    /// Files, folders and patterns: when one of them changes, everything is read again.
    pub watched: Vec<PathBuf>,
    /// Whether invalid documents are left out, instead of keeping what was in force before.
    pub keep_going: bool,
    /// Where to listen.
    pub socket: PathBuf,
    /// Where what is kept on disk is.
    pub state: PathBuf,
    /// The folder of bpffs for pins.
    pub pins: PathBuf,
    /// Where to serve metrics, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// The interfaces by which the host is reached, where policy is enforced on it; those that have an address of the
    /// node, if none is named.
    pub host_interfaces: Vec<String>,
    /// Whether what policy of the host would drop passes, and is told.
    pub audit_host: bool,
    /// Whether connections that begin are told, and not drops alone.
    pub tell_new: bool,
}

/// Everything that the agent's files say at one moment.
#[derive(Debug, Default)]
pub struct Inputs {
    /// The texts.
    pub sources: Sources,
    /// The objects that are valid by themselves.
    pub resources: Vec<Resource>,
    /// DNS answers that are known beforehand.
    pub answers: DnsAnswers,
    /// What AWS has.
    pub aws: AwsInventory,
    /// Options that change what policy means.
    pub options: Options,
    /// Where endpoints meet the node.
    pub interfaces: EndpointInterfaces,
    /// What is wrong so far.
    pub diagnostics: Vec<Diagnostic>,
    /// A hash of what was read, as a bundle of the same files has it.
    pub hash: Option<String>,
}

/// Reads the files anew each time it is called, with the files that it gave last: those that are still there keep their
/// numbers ([`Sources::following`]). Files belong to the command line, so it hands this in.
pub type Read = Box<dyn FnMut(&Sources) -> Inputs + Send>;

/// Why the agent ended.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// What the agent writes would be a sign to read everything again, whenever it learns something.
    #[error(
        "`{}` is where the agent keeps its own, and it lies in `{}`, which is watched\n  help: name another folder with `--state`",
        state.display(),
        watched.display()
    )]
    OwnFolder {
        /// The folder for its own.
        state: PathBuf,
        /// The folder of manifests.
        watched: PathBuf,
    },
    /// There is no runtime.
    #[error("cannot begin: {0}")]
    Runtime(#[source] std::io::Error),
    /// Signals cannot be taken.
    #[error("cannot take signals: {0}")]
    Signals(#[source] std::io::Error),
    /// The socket.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// The metrics.
    #[error(transparent)]
    Metrics(#[from] ServerError),
    /// The files.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// The kernel does not tell of interfaces.
    #[error(transparent)]
    Interfaces(#[from] FindError),
    /// The core.
    #[error(transparent)]
    Core(#[from] CoreError),
    /// The core did not end when it was told to.
    #[error("the agent did not end when it was told to")]
    Stuck,
}

/// What the core is told to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Order {
    /// Read the files again: something has changed, or somebody asks for it.
    Read,
    /// Find the interfaces of endpoints again: an interface or a route came or went.
    Find,
    /// End. The datapath stays.
    Stop,
}

/// What the core has to do with.
pub(crate) struct Core {
    /// What the agent is to do.
    pub(crate) config: Arc<Config>,
    /// Reads the files.
    pub(crate) read: Read,
    /// What to do next.
    pub(crate) orders: mpsc::Receiver<Order>,
    /// What no file says, to be put in force before anything else is done.
    pub(crate) urgent: mpsc::Receiver<Fed>,
    /// The DNS proxy.
    pub(crate) dns: dns::Dns,
    /// How the node is, for whoever asks: replaced whenever it changes, counters included.
    pub(crate) snapshot: watch::Sender<Arc<Snapshot>>,
    /// What happens, for whoever listens.
    pub(crate) told: broadcast::Sender<Arc<crate::api::told::Told>>,
    /// Told when a generation is in force ([`Service::ready`]), and after every attempt to read again.
    pub(crate) service: Service,
    /// Beaten at least once a second, else the service manager takes the agent for dead.
    pub(crate) pulse: orders::Pulse,
}

/// Takes the datapath off a node, first from its interfaces. From then on nothing is enforced.
///
/// # Errors
///
/// A pin or a rule that cannot be removed, or an agent that is at work there.
pub fn detach(socket: &Path, pins: &Path) -> Result<(), AgentError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(AgentError::Runtime)?;
    let _inside = runtime.enter();
    // An agent would put everything back; where one listens, this fails.
    let _socket = Socket::listen(socket)?;
    let _alone = core::alone(&Pins::new(pins))?;
    let node = Node::open(Pins::new(pins), &entries().map_err(CoreError::from)?, Sizes::default());
    node.and_then(Node::remove).map_err(CoreError::from)?;
    let delivery = Delivery::new().map_err(CoreError::from)?;
    Ok(runtime.block_on(delivery.remove()).map_err(CoreError::from)?)
}

/// Runs the agent until it is told to stop.
///
/// # Errors
///
/// It could not begin, or its core gave up. What was in force is.
pub fn run(config: &Config, read: Read) -> Result<(), AgentError> {
    run_fed(config, read, drop)
}

/// Does what [`run`] does, and hands out the way by which the core hears of changes that no file says.
///
/// # Errors
///
/// See [`run`].
pub fn run_fed(config: &Config, read: Read, feed: impl FnOnce(Feed)) -> Result<(), AgentError> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(AgentError::Runtime)?;
    let result = runtime.block_on(agent(config, read, feed, core::run));
    runtime.shutdown_timeout(Duration::from_secs(1));
    result
}

async fn agent<F>(
    config: &Config,
    read: Read,
    feed: impl FnOnce(Feed),
    core: impl FnOnce(Core) -> F,
) -> Result<(), AgentError>
where
    F: Future<Output = Result<(), CoreError>>,
{
    let service = Service::of_environment();
    if let Some(watched) = config.watched.iter().find(|folder| lies_in(&config.state, folder)) {
        return Err(AgentError::OwnFolder { state: config.state.clone(), watched: watched.clone() });
    }
    let socket = Socket::listen(&config.socket)?;
    let (snapshot, of_snapshot) = watch::channel(Arc::new(beginning(config)));
    let (told, _) = broadcast::channel(EVENTS);
    let begun = dns::Begun::new(&config.state, told.clone());
    let mut tasks = JoinSet::new();
    if let Some(address) = config.metrics {
        let server = Server::listen(address, of_snapshot.clone()).await?;
        tasks.spawn(server.serve());
    }
    let watching = Watching::begin(config.watched.clone())?;
    let changes = Changes::begin()?;
    let signals = Signals::new().map_err(AgentError::Signals)?;
    tasks.spawn(serve(
        socket,
        Feeds { snapshot: of_snapshot, names: Some(begun.names()), told: told.clone() },
    ));
    let (order, orders) = mpsc::channel(ORDERS);
    let (fed, urgent) = mpsc::channel(CHANGES);
    feed(Feed::new(fed, begun.names()));
    let dns = begun.go_on();
    let pulse = orders::Pulse::default();
    tasks.spawn(orders::keep_alive(pulse.clone(), service.clone()));
    let mut steering = JoinSet::new();
    steering.spawn(orders::steer(signals, (watching, changes), order, service.clone()));
    tracing::info!(node = config.node, socket = %config.socket.display(), "the agent begins");
    let core = core(Core {
        config: Arc::new(config.clone()),
        read,
        orders,
        urgent,
        dns,
        snapshot,
        told,
        service: service.clone(),
        pulse,
    });
    let result = tokio::select! {
        result = core => result.map_err(AgentError::from),
        _ = steering.join_next() => Err(AgentError::Stuck),
    };
    service.stopping();
    tasks.shutdown().await;
    tracing::info!("the agent ends, the datapath stays");
    result
}

/// Whether a path, be it of something that is yet to be made, leads into a folder.
fn lies_in(path: &Path, folder: &Path) -> bool {
    let Ok(path) = std::path::absolute(path) else { return false };
    let there = path.ancestors().find_map(|part| Some((part, part.canonicalize().ok()?)));
    let whole = there.map(|(part, real)| real.join(path.strip_prefix(part).unwrap_or(Path::new(""))));
    let real = folder.canonicalize().ok().filter(|folder| folder.is_dir());
    whole.zip(real).is_some_and(|(path, folder)| path.starts_with(folder))
}

/// What is known before the core knows anything.
fn beginning(config: &Config) -> Snapshot {
    let since = Moment::now();
    let mut status =
        Status { node: config.node.clone(), version: config.version.clone(), since, ..Status::default() };
    status.sources.since = since;
    Snapshot { status, ..Snapshot::default() }
}
