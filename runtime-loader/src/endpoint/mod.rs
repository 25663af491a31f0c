//! Where endpoints meet the node: the interface on the node's side.
//!
//! An endpoint lives in a network namespace, and a pair of interfaces leads out of it. There are three ways to find the
//! end on the node's side: by its name, through the namespace, and by the endpoint's address.
//!
//! All three ask the kernel through netlink. `/sys/class/net` would need no library, but it shows the namespace of
//! whoever mounted it and not that of the thread that looks: to see an endpoint's interfaces there, sysfs would have
//! to be mounted anew in a mount namespace for each endpoint.

mod changes;
mod host;
mod netlink;

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use sluice_compiler::resource::endpoint_interfaces::InterfaceRef;

use crate::node::Interface;
pub use changes::Changes;
use netlink::{Link, Netlink, Way};

/// Where `ip netns` keeps network namespaces.
const NAMESPACES: &str = "/run/netns";

/// Why an endpoint's interface was not found.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// There is no such interface.
    #[error("the node has no interface `{0}`")]
    NoInterface(String),
    /// The namespace cannot be entered.
    #[error("cannot look into the network namespace `{}`: {why}", path.display())]
    Namespace {
        /// Its file.
        path: PathBuf,
        /// Why.
        #[source]
        why: io::Error,
    },
    /// No interface in the namespace leads to the node.
    #[error("no interface in the network namespace `{}` leads to one of the node", .0.display())]
    NoPair(PathBuf),
    /// Several interfaces in the namespace lead to the node.
    #[error(
        "several interfaces lead from the network namespace `{}` to the node ({}): name one with `interface`",
        path.display(), names.join(", ")
    )]
    SeveralPairs {
        /// The namespace.
        path: PathBuf,
        /// The interfaces on the node's side.
        names: Vec<String>,
    },
    /// The endpoint has no address to be found by.
    #[error("it has no address, and no interface is named for it")]
    NoAddress,
    /// The node has no way to the address, or it is the node's own.
    #[error("no interface of the node leads to {0}")]
    NoRoute(IpAddr),
    /// The address is reached through another machine.
    #[error("{address} is not on this node: it is reached through {through}")]
    Elsewhere {
        /// The address.
        address: IpAddr,
        /// The next machine on the way.
        through: String,
    },
    /// The way to the address leads out by an interface that no single endpoint has.
    #[error(
        "{address} is behind `{name}`, which is {kind}: name the endpoint's own interface with `--endpoints`"
    )]
    NotAPair {
        /// The address.
        address: IpAddr,
        /// The interface.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// No interface of the machine has an address of the node.
    #[error(
        "no interface has one of the addresses of the node ({}): name those by which it is reached with `--host-interface`",
        .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    )]
    NoHost(Vec<IpAddr>),
    /// The kernel does not answer.
    #[error("cannot ask the kernel for interfaces: {0}")]
    Netlink(#[from] rtnetlink::Error),
    /// There is no socket to ask over.
    #[error("cannot ask the kernel for interfaces: {0}")]
    Socket(#[source] io::Error),
}

/// Finds interfaces in the network namespace of the thread that made it.
#[derive(Debug)]
pub struct Finder {
    node: Netlink,
    /// The interfaces by which the host is reached; none if they are to be found by its addresses.
    host: Vec<String>,
    /// Addresses of the host that policy does not know, of which somebody was told.
    told: Mutex<BTreeSet<IpAddr>>,
}

impl Finder {
    /// It must be called within a runtime. The host is reached by interfaces with these names, or, if there are none, by those that
    /// have an address of it.
    ///
    /// # Errors
    ///
    /// The kernel has no socket for it.
    pub fn new(host: Vec<String>) -> Result<Finder, FindError> {
        Ok(Finder { node: Netlink::new()?, host, told: Mutex::default() })
    }

    /// The interface of an endpoint: as it is named, or else by the first of its addresses that leads to one.
    ///
    /// # Errors
    ///
    /// See [`FindError`]; of several addresses, what is wrong with the first.
    pub async fn find(
        &self,
        named: Option<&InterfaceRef>,
        addresses: &[IpAddr],
    ) -> Result<Interface, FindError> {
        match named {
            Some(InterfaceRef::Interface(name)) => self.by_name(name).await,
            Some(InterfaceRef::Namespace(namespace)) => self.by_namespace(namespace).await,
            None => {
                let mut first = None;
                for address in addresses {
                    match self.by_address(*address).await {
                        Ok(interface) => return Ok(interface),
                        Err(error) => first = first.or(Some(error)),
                    }
                }
                Err(first.unwrap_or(FindError::NoAddress))
            }
        }
    }

    /// The interface with a name.
    ///
    /// # Errors
    ///
    /// There is none.
    pub async fn by_name(&self, name: &str) -> Result<Interface, FindError> {
        let link = self.node.link_by_name(name).await?;
        link.map(Link::into_interface).ok_or_else(|| FindError::NoInterface(name.to_owned()))
    }

    /// The interface that the one in a network namespace is paired with. The namespace is a name as `ip netns` has
    /// it, or the path of a file.
    ///
    /// # Errors
    ///
    /// There is no such namespace, or not exactly one such interface.
    pub async fn by_namespace(&self, namespace: &str) -> Result<Interface, FindError> {
        let path = Path::new(NAMESPACES).join(namespace);
        let inside = netlink::links_inside(&path).await?;
        let mut pairs = Vec::new();
        for link in inside {
            let Some(peer) = link.peer else { continue };
            // A number alone could be that of another interface, as each namespace counts for itself. Both ends of a
            // pair name each other.
            match self.node.link(peer).await? {
                Some(outside) if outside.peer == Some(link.ifindex) && outside.kind == link.kind => {
                    pairs.push(outside);
                }
                _ => {}
            }
        }
        match pairs.len() {
            0 => Err(FindError::NoPair(path)),
            1 => pairs.pop().map(Link::into_interface).ok_or(FindError::NoPair(path)),
            _ => {
                let names = pairs.into_iter().map(|link| link.name).collect();
                Err(FindError::SeveralPairs { path, names })
            }
        }
    }

    /// The interface that leads to an address on this node.
    ///
    /// # Errors
    ///
    /// The address is elsewhere, or behind an interface that others use too.
    pub async fn by_address(&self, address: IpAddr) -> Result<Interface, FindError> {
        let link = match self.node.way_to(address).await? {
            Way::Direct(ifindex) => self.node.link(ifindex).await?.ok_or(FindError::NoRoute(address))?,
            Way::Through(through) => return Err(FindError::Elsewhere { address, through }),
            Way::None => return Err(FindError::NoRoute(address)),
        };
        match link.kind.shared() {
            None => Ok(link.into_interface()),
            Some(kind) => Err(FindError::NotAPair { address, name: link.name, kind }),
        }
    }
}
