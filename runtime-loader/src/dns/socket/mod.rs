//! Sockets of a proxy that takes queries on their way to other servers, and answers as if it were these.
//!
//! ```text
//! endpoint ─query→ datapath gives it a socket ─→ recv, accept: from whom, to which server
//! endpoint ←reply─ datapath: a reply ←───────── reply, stream: from the server's address and port
//! ```
//!
//! They listen on the loopback, so that nobody from elsewhere reaches them but by the datapath, which gives them packets
//! to any address and port (`bpf/lib/proxy.h`). It knows them by their mark and by their port
//! ([`Node::set_dns_port`](crate::node::Node::set_dns_port)); packets come to this machine by a rule and a route
//! ([`delivery`](crate::delivery)).
//!
//! Replies over UDP are sent through a raw socket. One that is bound to the server's address and port would do too, but
//! it would take queries from those who are not redirected where the server is on this machine, and cannot be had
//! where another one listens at the port on every address.

mod open;
mod reply;
mod udp;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::{TcpListener, TcpStream};

use reply::Replies;
use udp::Queries;

/// The address of each family at which they listen.
const LISTENS: [IpAddr; 2] = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];

/// How many ports are tried where any is good: one may be taken for another protocol or family.
const ATTEMPTS: usize = 16;

/// Connections that wait to be accepted, of each family.
const BACKLOG: i32 = 1_024;

/// A message over UDP that an endpoint has sent to a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Datagram {
    /// Who sent it.
    pub from: SocketAddr,
    /// The server.
    pub to: SocketAddr,
    /// The message.
    pub bytes: Vec<u8>,
}

/// Why there are no sockets.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// This takes rights that the process does not have.
    #[error("not allowed to {what}")]
    NotAllowed {
        /// What it takes them for.
        what: &'static str,
    },
    /// Somebody else listens there.
    #[error("port {port} of {address} is taken")]
    Taken {
        /// The port.
        port: u16,
        /// The address.
        address: IpAddr,
    },
    /// The system refused.
    #[error("cannot {what}: {why}")]
    Refused {
        /// What it was to do.
        what: &'static str,
        /// Why not.
        #[source]
        why: io::Error,
    },
}

impl SocketError {
    /// What to do about it.
    pub fn help(&self) -> Option<&'static str> {
        match self {
            SocketError::NotAllowed { .. } => {
                Some("run it as root, or give it the capabilities CAP_NET_ADMIN and CAP_NET_RAW")
            }
            SocketError::Taken { .. } => Some("name another port, or 0 for any that is free"),
            SocketError::Refused { .. } => None,
        }
    }
}

/// The sockets of the proxy: UDP and TCP, of IPv4 and, where the machine has it, IPv6.
#[derive(Debug)]
pub struct Sockets {
    port: u16,
    queries: Vec<Queries>,
    listeners: Vec<TcpListener>,
    replies: Vec<Replies>,
}

impl Sockets {
    /// Listens at a port, in the network namespace of this thread; 0 stands for any that is free. It must be called
    /// within a runtime.
    ///
    /// # Errors
    ///
    /// No right to, or the port is taken.
    pub fn listen(port: u16) -> Result<Sockets, SocketError> {
        let mut attempts = if port == 0 { ATTEMPTS } else { 1 };
        loop {
            attempts -= 1;
            match Sockets::listen_at(port) {
                Err(SocketError::Taken { .. }) if attempts > 0 => {}
                result => return result,
            }
        }
    }

    fn listen_at(mut port: u16) -> Result<Sockets, SocketError> {
        let (mut queries, mut listeners, mut replies) = (Vec::new(), Vec::new(), Vec::new());
        for address in LISTENS {
            let Some(socket) = open::udp(SocketAddr::new(address, port))? else { continue };
            let of_address = Queries::new(socket)?;
            port = of_address.port();
            queries.push(of_address);
            listeners.extend(open::tcp(SocketAddr::new(address, port), BACKLOG)?);
            replies.extend(Replies::open(address)?);
        }
        Ok(Sockets { port, queries, listeners, replies })
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Waits for a message over UDP. Cancelled, it loses none; several may wait at once.
    ///
    /// # Errors
    ///
    /// What the system says of the socket.
    pub async fn recv(&self) -> io::Result<Datagram> {
        match &self.queries[..] {
            [four, six] => tokio::select! {
                datagram = four.recv() => datagram,
                datagram = six.recv() => datagram,
            },
            [one] => one.recv().await,
            _ => Err(none()),
        }
    }

    /// Sends a message over UDP to an endpoint, as if from a server: what [`Sockets::recv`] gave as `from` and `to`.
    ///
    /// # Errors
    ///
    /// There is no way to the endpoint, or the message is too long.
    pub async fn reply(&self, from: &SocketAddr, to: &SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let replies = self.replies.iter().find(|replies| replies.is_for(from) && replies.is_for(to));
        replies.ok_or_else(none)?.send(*to, *from, bytes).await
    }

    /// Waits for a TCP connection: the stream, who began it, and the server. Cancelled, it loses none.
    ///
    /// # Errors
    ///
    /// What the system says of the socket, or that there are too many.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr, SocketAddr)> {
        loop {
            let (stream, from) = match &self.listeners[..] {
                [four, six] => tokio::select! {
                    accepted = four.accept() => accepted?,
                    accepted = six.accept() => accepted?,
                },
                [one] => one.accept().await?,
                _ => return Err(none()),
            };
            // It may have been reset since.
            let Ok(to) = stream.local_addr() else { continue };
            if !is_own(&to, self.port) {
                return Ok((stream, from, to));
            }
        }
    }
}

/// Whether somebody on this machine meant the proxy itself: it would ask itself for the answer.
fn is_own(to: &SocketAddr, port: u16) -> bool {
    LISTENS.contains(&to.ip()) && to.port() == port
}

/// There is no socket of this family.
fn none() -> io::Error {
    io::ErrorKind::AddrNotAvailable.into()
}
