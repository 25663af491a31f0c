//! Messages, with the address that they were sent to.

use std::io::{self, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::sync::{Mutex, PoisonError};

use nix::cmsg_space;
use nix::libc::{sockaddr_in, sockaddr_in6};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, SockaddrIn6, SockaddrStorage, recvmsg};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::{Datagram, SocketError, is_own};

/// No message is longer.
const LONGEST: usize = 65_535;

/// A socket that endpoints' messages come to.
#[derive(Debug)]
pub(super) struct Queries {
    socket: UdpSocket,
    port: u16,
    /// Where messages arrive, of which nearly all are short: what is kept of one is a copy of its length.
    room: Mutex<Room>,
}

#[derive(Debug)]
struct Room {
    bytes: Vec<u8>,
    control: Vec<u8>,
}

impl Queries {
    pub(super) fn new(socket: UdpSocket) -> Result<Queries, SocketError> {
        let own = socket.local_addr();
        let port = own.map_err(|why| SocketError::Refused { what: "learn a port", why })?.port();
        let room = Room { bytes: vec![0; LONGEST], control: cmsg_space!(sockaddr_in6) };
        Ok(Queries { socket, port, room: Mutex::new(room) })
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// The next message that somebody sent to a server.
    pub(super) async fn recv(&self) -> io::Result<Datagram> {
        loop {
            let received = self.socket.async_io(Interest::READABLE, || self.take()).await?;
            if let Some(datagram) = received.filter(|datagram| !is_own(&datagram.to, self.port)) {
                return Ok(datagram);
            }
        }
    }

    /// A message that is there; none if its addresses are not known.
    fn take(&self) -> io::Result<Option<Datagram>> {
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        let Room { bytes, control } = &mut *room;
        let (length, ends) = {
            let mut slices = [IoSliceMut::new(bytes)];
            let flags = MsgFlags::empty();
            let message =
                recvmsg::<SockaddrStorage>(self.socket.as_raw_fd(), &mut slices, Some(control), flags)?;
            let to = message.cmsgs()?.find_map(|control| destination(&control));
            (message.bytes, message.address.as_ref().and_then(address).zip(to))
        };
        let bytes = bytes.get(..length).unwrap_or_default().to_vec();
        Ok(ends.map(|(from, to)| Datagram { from, to, bytes }))
    }
}

fn destination(control: &ControlMessageOwned) -> Option<SocketAddr> {
    match control {
        ControlMessageOwned::Ipv4OrigDstAddr(address) => Some(v4(*address).into()),
        ControlMessageOwned::Ipv6OrigDstAddr(address) => Some(v6(*address).into()),
        _ => None,
    }
}

fn v4(address: sockaddr_in) -> SocketAddrV4 {
    SockaddrIn::from(address).into()
}

fn v6(address: sockaddr_in6) -> SocketAddrV6 {
    SockaddrIn6::from(address).into()
}

fn address(address: &SockaddrStorage) -> Option<SocketAddr> {
    match address.as_sockaddr_in6() {
        Some(six) => Some(SocketAddrV6::from(*six).into()),
        None => address.as_sockaddr_in().map(|four| SocketAddrV4::from(*four).into()),
    }
}
