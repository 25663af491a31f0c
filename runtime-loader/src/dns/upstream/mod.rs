//! The servers that pods ask: questions go out with an id of their own, from a port of their own.

pub mod frame;
mod tcp;
mod udp;

pub use tcp::{Line, Replies};
pub use udp::ask;

use std::io;
use std::os::fd::AsFd;
use std::time::Duration;

use sluice_backends::abi::MARK_OF_PROXY;
use socket2::SockRef;

/// How long a server may take (semantics.md 5.3).
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Why a server did not answer.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    /// It took too long.
    #[error("the server did not answer")]
    Timeout,
    /// It cannot be reached, or closed the connection.
    #[error("the server cannot be asked: {0}")]
    Unreachable(#[from] std::io::Error),
    /// Its answer cannot be read.
    #[error("the server's answer is malformed")]
    Malformed,
}

/// Marks a socket before anything is sent: what endpoints ask is judged by their policy, and not by the host's
/// (`bpf/lib/policy.h`). Who has no right to has no sockets either for what endpoints send, and says so there
/// ([`super::socket`]); it may ask as itself.
fn mark(socket: &impl AsFd) -> io::Result<()> {
    match SockRef::from(socket).set_mark(MARK_OF_PROXY) {
        Err(why) if why.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        done => done,
    }
}

/// An id that nobody can guess.
fn fresh_id() -> u16 {
    rand::random()
}

/// The message with another id.
pub fn set_id(message: &mut [u8], id: u16) {
    if let Some(bytes) = message.first_chunk_mut() {
        *bytes = id.to_be_bytes();
    }
}
