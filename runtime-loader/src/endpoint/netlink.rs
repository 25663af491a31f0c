//! Questions to the kernel about interfaces and routes.

use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::Path;
use std::pin::pin;

use futures_util::{Stream, StreamExt};
use rtnetlink::packet_core::ErrorMessage;
use rtnetlink::packet_route::address::{AddressAttribute, AddressMessage};
use rtnetlink::packet_route::link::{InfoKind, LinkAttribute, LinkFlags, LinkInfo, LinkMessage};
use rtnetlink::packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteType, RouteVia};
use rtnetlink::{Handle, RouteMessageBuilder, new_connection};
use rustix::fd::AsFd;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::FindError;
use crate::node::Interface;

/// What an interface is, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of a pair.
    Veth,
    /// One of a pair, of the newer kind.
    Netkit,
    /// The end of a tunnel to a process, as of a virtual machine.
    Tun,
    /// A bridge.
    Bridge,
    /// Anything else.
    Other,
}

impl Kind {
    /// What it is, if more than one endpoint can be behind it.
    pub(super) fn shared(self) -> Option<&'static str> {
        match self {
            Kind::Veth | Kind::Netkit | Kind::Tun => None,
            Kind::Bridge => Some("a bridge"),
            Kind::Other => Some("no interface of a single endpoint"),
        }
    }
}

/// An interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Link {
    pub(super) ifindex: u32,
    pub(super) name: String,
    pub(super) kind: Kind,
    /// The number of the other end of its pair, where that is.
    pub(super) peer: Option<u32>,
    /// Whether it leads back to the machine itself.
    pub(super) loopback: bool,
}

impl Link {
    pub(super) fn into_interface(self) -> Interface {
        Interface { ifindex: self.ifindex, name: self.name }
    }

    fn of(message: LinkMessage) -> Link {
        let mut link = Link {
            ifindex: message.header.index,
            name: String::new(),
            kind: Kind::Other,
            peer: None,
            loopback: message.header.flags.contains(LinkFlags::Loopback),
        };
        for attribute in message.attributes {
            match attribute {
                LinkAttribute::IfName(name) => link.name = name,
                LinkAttribute::Link(peer) => link.peer = Some(peer),
                LinkAttribute::LinkInfo(infos) => {
                    link.kind = infos.iter().find_map(kind).unwrap_or(link.kind)
                }
                _ => {}
            }
        }
        // Other kinds name what they lie upon.
        if !matches!(link.kind, Kind::Veth | Kind::Netkit) {
            link.peer = None;
        }
        link
    }
}

fn kind(info: &LinkInfo) -> Option<Kind> {
    let LinkInfo::Kind(kind) = info else { return None };
    Some(match kind {
        InfoKind::Veth => Kind::Veth,
        InfoKind::Netkit => Kind::Netkit,
        InfoKind::Tun => Kind::Tun,
        InfoKind::Bridge => Kind::Bridge,
        _ => Kind::Other,
    })
}

/// How packets go to an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By an interface, without a machine between.
    Direct(u32),
    /// By another machine.
    Through(String),
    /// Not at all, or the address is the node's own.
    None,
}

/// A socket to ask over.
#[derive(Debug)]
pub(super) struct Netlink {
    handle: Handle,
    connection: JoinHandle<()>,
}

impl Drop for Netlink {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Netlink {
    /// A socket in the network namespace of this thread.
    pub(super) fn new() -> Result<Netlink, FindError> {
        let (connection, handle, _) = new_connection().map_err(FindError::Socket)?;
        Ok(Netlink { handle, connection: tokio::spawn(connection) })
    }

    pub(super) async fn link_by_name(&self, name: &str) -> Result<Option<Link>, FindError> {
        one(self.handle.link().get().match_name(name).execute()).await.map(|link| link.map(Link::of))
    }

    pub(super) async fn link(&self, ifindex: u32) -> Result<Option<Link>, FindError> {
        one(self.handle.link().get().match_index(ifindex).execute()).await.map(|link| link.map(Link::of))
    }

    async fn links(&self) -> Result<Vec<Link>, FindError> {
        let mut messages = pin!(self.handle.link().get().execute());
        let mut links = Vec::new();
        while let Some(message) = messages.next().await {
            links.push(Link::of(message?));
        }
        Ok(links)
    }

    /// The machine's addresses, with the interface of each.
    pub(super) async fn addresses(&self) -> Result<Vec<(u32, IpAddr)>, FindError> {
        let mut messages = pin!(self.handle.address().get().execute());
        let mut addresses = Vec::new();
        while let Some(message) = messages.next().await {
            addresses.extend(own_address(&message?));
        }
        Ok(addresses)
    }

    /// What the kernel would do with a packet to an address.
    pub(super) async fn way_to(&self, address: IpAddr) -> Result<Way, FindError> {
        let question = match address {
            IpAddr::V4(address) => {
                RouteMessageBuilder::<std::net::Ipv4Addr>::new().destination_prefix(address, 32).build()
            }
            IpAddr::V6(address) => {
                RouteMessageBuilder::<std::net::Ipv6Addr>::new().destination_prefix(address, 128).build()
            }
        };
        let answer = one(self.handle.route().get(question).execute()).await?;
        Ok(answer.map_or(Way::None, |route| way(&route)))
    }
}

/// Where a link has two ends, the address of the other one is told too.
fn own_address(message: &AddressMessage) -> Option<(u32, IpAddr)> {
    let own = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let any = || {
        message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    };
    Some((message.header.index, own.or_else(any)?))
}

fn way(route: &RouteMessage) -> Way {
    if route.header.kind != RouteType::Unicast {
        return Way::None;
    }
    let mut way = Way::None;
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Gateway(RouteAddress::Inet(gateway))
            | RouteAttribute::Via(RouteVia::Inet(gateway)) => {
                return Way::Through(gateway.to_string());
            }
            RouteAttribute::Gateway(RouteAddress::Inet6(gateway))
            | RouteAttribute::Via(RouteVia::Inet6(gateway)) => {
                return Way::Through(gateway.to_string());
            }
            RouteAttribute::Gateway(_) | RouteAttribute::Via(_) => {
                return Way::Through("another machine".to_owned());
            }
            RouteAttribute::Oif(ifindex) => way = Way::Direct(*ifindex),
            _ => {}
        }
    }
    way
}

/// The one message of an answer; none if the kernel says that there is no such thing.
async fn one<T>(answer: impl Stream<Item = Result<T, rtnetlink::Error>>) -> Result<Option<T>, FindError> {
    match pin!(answer).next().await {
        Some(Err(rtnetlink::Error::NetlinkError(error))) if is_absence(&error) => Ok(None),
        Some(result) => Ok(Some(result?)),
        None => Ok(None),
    }
}

fn is_absence(error: &ErrorMessage) -> bool {
    use rustix::io::Errno;
    let absent = [Errno::NODEV, Errno::NOENT, Errno::NETUNREACH, Errno::HOSTUNREACH, Errno::SRCH];
    error.to_io().raw_os_error().is_some_and(|code| absent.contains(&Errno::from_raw_os_error(code)))
}

/// The interfaces in a network namespace.
///
/// A thread of its own goes there and never comes back, so that no other work ever finds itself in it.
pub(super) async fn links_inside(path: &Path) -> Result<Vec<Link>, FindError> {
    let (tell, told) = oneshot::channel();
    let (file, error_path) = (path.to_owned(), path.to_owned());
    let refused = move |why| FindError::Namespace { path: error_path.clone(), why };
    let inside = {
        let refused = refused.clone();
        move || {
            enter(&file).map_err(&refused)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
            runtime.map_err(FindError::Socket)?.block_on(async { Netlink::new()?.links().await })
        }
    };
    let thread = std::thread::Builder::new().name("namespace".to_owned());
    // Whoever asked may have gone away.
    let spawned = thread.spawn(move || drop(tell.send(inside())));
    spawned.map_err(&refused)?;
    told.await.map_err(|_| refused(io::Error::other("the thread that looked ended early")))?
}

fn enter(path: &Path) -> io::Result<()> {
    let file = File::open(path)?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
    Ok(())
}
