//! How the sockets are opened.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use nix::sys::socket::{setsockopt, sockopt};
use rustix::io::Errno;
use sluice_backends::abi::MARK_OF_PROXY;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, UdpSocket};

use super::SocketError;

/// Says what the system refused.
pub(super) fn refused(what: &'static str) -> impl Fn(io::Error) -> SocketError {
    move |why| match why.kind() {
        ErrorKind::PermissionDenied => SocketError::NotAllowed { what },
        _ => SocketError::Refused { what, why },
    }
}

/// Says that an address could not be had.
fn not_had(address: SocketAddr, what: &'static str) -> impl Fn(io::Error) -> SocketError {
    move |why| match why.kind() {
        ErrorKind::AddrInUse => SocketError::Taken { port: address.port(), address: address.ip() },
        _ => refused(what)(why),
    }
}

/// A socket that is bound to an address, be it another machine's, and known by its mark; none if the machine does not
/// have the family.
pub(super) fn transparent(
    kind: Type,
    protocol: Protocol,
    address: SocketAddr,
) -> Result<Option<Socket>, SocketError> {
    let what = if kind == Type::RAW { "send with other machines' ports" } else { "open a socket" };
    let socket = match Socket::new(Domain::for_address(address), kind, Some(protocol)) {
        Err(why) if Errno::from_io_error(&why) == Some(Errno::AFNOSUPPORT) => return Ok(None),
        made => made.map_err(refused(what))?,
    };
    socket.set_nonblocking(true).map_err(refused("open a socket"))?;
    let done = match address {
        SocketAddr::V4(_) => socket.set_ip_transparent_v4(true),
        SocketAddr::V6(_) => socket.set_ip_transparent_v6(true),
    };
    done.map_err(refused("have sockets with other machines' addresses"))?;
    if address.is_ipv6() && kind != Type::RAW {
        socket.set_only_v6(true).map_err(refused("keep a socket to IPv6"))?;
    }
    if kind == Type::STREAM {
        // Connections of a proxy before this one may still be closing.
        socket.set_reuse_address(true).map_err(refused("use a port again"))?;
    }
    socket.set_mark(MARK_OF_PROXY).map_err(refused("mark sockets"))?;
    socket.bind(&address.into()).map_err(not_had(address, "bind a socket"))?;
    Ok(Some(socket))
}

/// A socket for messages that says to whom they were sent.
pub(super) fn udp(address: SocketAddr) -> Result<Option<UdpSocket>, SocketError> {
    let Some(socket) = transparent(Type::DGRAM, Protocol::UDP, address)? else { return Ok(None) };
    let told = match address {
        SocketAddr::V4(_) => setsockopt(&socket, sockopt::Ipv4OrigDstAddr, &true),
        SocketAddr::V6(_) => setsockopt(&socket, sockopt::Ipv6OrigDstAddr, &true),
    };
    told.map_err(|why| refused("learn to whom messages were sent")(why.into()))?;
    UdpSocket::from_std(socket.into()).map(Some).map_err(refused("wait for messages"))
}

/// A socket for connections.
pub(super) fn tcp(address: SocketAddr, backlog: i32) -> Result<Option<TcpListener>, SocketError> {
    let Some(socket) = transparent(Type::STREAM, Protocol::TCP, address)? else { return Ok(None) };
    socket.listen(backlog).map_err(not_had(address, "listen"))?;
    TcpListener::from_std(socket.into()).map(Some).map_err(refused("wait for connections"))
}
