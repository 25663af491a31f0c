//! The DNS proxy of the agent: what it begins with, what the core shows it, and what it asks of the core.
//!
//! What an agent before this one has learned is read before anything else, and is in the first tables that this one puts
//! in force. Only then is the datapath told where the proxy listens.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sluice_compiler::options::DnsOptions;
use tokio::sync::broadcast;
use tokio::task::JoinSet;

use super::way::Way;
use crate::api::told::Told;
use crate::dns::disk::Disk;
use crate::dns::keep::{Connections as Alive, Keeper, expire};
use crate::dns::names::{Names, Work};
use crate::dns::policy::Book;
use crate::dns::proxy::Proxy;
use crate::dns::serve::serve;
use crate::dns::socket::Sockets;
use crate::kernel::Connections;
use crate::node::Node;

/// What begins with the agent.
pub(super) struct Begun {
    proxy: Arc<Proxy>,
    sockets: Option<Arc<Sockets>>,
    disk: Option<Disk>,
}

/// What the core has of it.
#[derive(Debug)]
pub(crate) struct Dns {
    proxy: Arc<Proxy>,
    /// What was learned, on its way into force.
    keeper: Keeper,
    port: u16,
    /// Whether the datapath knows the port.
    is_known: bool,
    way: Arc<Way>,
    /// What is done beside the core; ends with it.
    beside: JoinSet<()>,
}

impl Begun {
    /// Reads what was learned, and listens. Where either is not possible that is said, and the rest of the agent goes on.
    pub(super) fn new(state: &Path, told: broadcast::Sender<Arc<Told>>) -> Begun {
        let (disk, records) = match Disk::open(state) {
            Ok((disk, found)) => {
                found.warnings.iter().for_each(|warning| tracing::warn!("{warning}"));
                (Some(disk), found.records)
            }
            Err(error) => {
                tracing::warn!(%error, folder = %state.display(), "names are not kept for the next agent");
                (None, Vec::new())
            }
        };
        let names = Names::restored(records);
        let size = names.size();
        if size.names > 0 {
            tracing::info!(names = size.names, addresses = size.addresses, "what was learned is known again");
        }
        let sockets = match Sockets::listen(0) {
            Ok(sockets) => Some(Arc::new(sockets)),
            Err(error) => {
                let help = error.help().unwrap_or_default();
                tracing::error!(%error, help, "there is no DNS proxy: what rules send to it is dropped");
                None
            }
        };
        let proxy = Proxy::new(Arc::new(names), told).with_files(files());
        Begun { proxy: Arc::new(proxy), sockets, disk }
    }

    /// What is known.
    pub(super) fn names(&self) -> Arc<Names> {
        Arc::clone(self.proxy.names())
    }

    /// Goes on beside the core, which gets its part.
    pub(super) fn go_on(self) -> Dns {
        let Begun { proxy, sockets, disk } = self;
        let mut beside = JoinSet::new();
        let keeper = Keeper::new(Arc::clone(&proxy), disk);
        let port = sockets.as_ref().map_or(0, |sockets| sockets.port());
        if let Some(sockets) = sockets {
            beside.spawn(serve(Arc::clone(&proxy), sockets));
        }
        Dns { proxy, keeper, port, is_known: false, way: Arc::new(Way::new()), beside }
    }
}

impl Dns {
    /// Waits for what is to be put in force, which is written down by then. Nothing is lost where nobody waits any more.
    pub(super) async fn work(&mut self) -> Work {
        self.keeper.next().await
    }

    /// It is in force, or this is why not.
    pub(super) fn done(&self, work: &Work, refused: Option<&str>) {
        self.keeper.done(work, refused);
    }

    /// How packets get to the proxy.
    pub(super) fn way(&self) -> Arc<Way> {
        Arc::clone(&self.way)
    }

    /// The proxy.
    pub(super) fn proxy(&self) -> &Arc<Proxy> {
        &self.proxy
    }

    /// Looks at a node's connections from now on, so that names go that nobody uses.
    pub(super) fn watch(&mut self, connections: Connections) {
        self.beside.spawn(expire(Arc::clone(&self.proxy), Arc::new(OfNode(connections))));
    }

    /// A generation is in force, and these are its rules.
    pub(super) fn show(&mut self, book: Book, options: &DnsOptions, node: &Node) {
        self.way.follow(book.needs_proxy());
        self.proxy.put_in_force(Arc::new(book), options.clone());
        if !self.is_known {
            match node.set_dns_port(self.port) {
                Ok(()) => self.is_known = true,
                Err(error) => tracing::error!(%error, "the datapath does not know where the DNS proxy is"),
            }
        }
    }
}

/// How many files this process may have open: as many as it can be had. Service managers begin with 1,024.
fn files() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        let raised = Rlimit { current: limit.maximum, ..limit };
        match setrlimit(Resource::Nofile, raised) {
            Ok(()) => limit = raised,
            Err(error) => tracing::warn!(%error, "the number of open files cannot be raised"),
        }
    }
    limit.current.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX))
}

/// The connections of the node's datapath.
struct OfNode(Connections);

impl Alive for OfNode {
    fn alive(&self) -> std::io::Result<BTreeSet<(IpAddr, IpAddr)>> {
        self.0.begun().map_err(std::io::Error::other)
    }
}
