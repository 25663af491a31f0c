//! Questions over UDP.
//!
//! Each has a socket of its own, which the kernel gives a random port and which hears its server alone. So who forges an
//! answer has to guess port and id, and a server that is not there is noticed at once.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::{Ipv4RecvErr, Ipv6RecvErr};
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::timeout;

use super::{NoAnswer, fresh_id, mark, set_id};
use crate::dns::counts::Counts;
use crate::dns::message::{Answer, Mismatch, Query};

/// The largest datagram.
const LARGEST: usize = 65_535;

/// Asks a server, and gives its answer with what is learned from it. The id is the server's; see [`set_id`].
///
/// # Errors
///
/// See [`NoAnswer`].
pub async fn ask(
    server: SocketAddr,
    query: &Query,
    message: &mut [u8],
    patience: Duration,
    counts: &Counts,
) -> Result<(Vec<u8>, Answer), NoAnswer> {
    let any = match server {
        SocketAddr::V4(_) => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        SocketAddr::V6(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    let id = fresh_id();
    set_id(message, id);
    let answered = async {
        let socket = UdpSocket::bind((any, 0)).await?;
        mark(&socket)?;
        hear_of_errors(&socket, server)?;
        socket.connect(server).await?;
        socket.send(message).await?;
        loop {
            let ready = socket.ready(Interest::READABLE | Interest::ERROR).await?;
            if ready.is_error() {
                refused(&socket)?;
            }
            let Some(bytes) = receive(&socket)? else { continue };
            match Answer::read(&bytes, query, id) {
                Ok(answer) => return Ok((bytes, answer)),
                Err(Mismatch::Malformed) => return Err(NoAnswer::Malformed),
                Err(Mismatch::Foreign) => counts.mismatched.add(),
            }
        }
    };
    timeout(patience, answered).await.unwrap_or(Err(NoAnswer::Timeout))
}

/// Without this the kernel tells that nobody listens at the port, and not that there is no way to the server.
fn hear_of_errors(socket: &UdpSocket, server: SocketAddr) -> io::Result<()> {
    let told = match server {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4RecvErr, &true),
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvErr, &true),
    };
    Ok(told?)
}

/// What the network said instead of an answer: nobody listens there, or there is no way.
fn refused(socket: &UdpSocket) -> io::Result<()> {
    match socket.take_error()? {
        Some(error) => Err(error),
        None => {
            // Whoever is ready stays so until told otherwise.
            let nothing = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            let _ = socket.try_io(Interest::ERROR, nothing);
            Ok(())
        }
    }
}

/// What has arrived. Room for the largest datagram is needed only while it is read, not while it is waited for.
fn receive(socket: &UdpSocket) -> io::Result<Option<Vec<u8>>> {
    let mut buffer = [0; LARGEST];
    match socket.try_recv(&mut buffer) {
        Ok(length) => Ok(Some(buffer[..length].to_vec())),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    }
}
