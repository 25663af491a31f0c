//! Sockets: those that helpers find, and what of them programs can read (`struct bpf_sock` of `linux/bpf.h`).

/// Bytes of a socket.
const LENGTH: usize = 80;
const MARK: usize = 16;
const STATE: usize = 72;
/// States of those that are not whole: just ended, and being made.
const TIME_WAIT: u32 = 6;
const NEW_SYN_RECV: u32 = 12;

/// A socket, as far as programs here ask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Socket {
    /// The mark of what it sends.
    pub mark: u32,
    /// Its state, as TCP numbers them in the kernel.
    pub state: u32,
}

impl Socket {
    /// Whether all of it is there, and not only what stands for it.
    pub(super) fn is_whole(&self) -> bool {
        self.state != TIME_WAIT && self.state != NEW_SYN_RECV
    }
}

/// What there is to be found. Whoever looks for a socket finds the same, whatever the addresses and ports are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sockets {
    /// The socket that takes what nobody else does.
    pub listener: Option<Socket>,
    /// The socket of a TCP connection.
    pub connection: Option<Socket>,
}

/// The bytes of a socket that a program has found.
pub(super) fn bytes(socket: &Socket) -> Vec<u8> {
    let mut bytes = vec![0; LENGTH];
    bytes[MARK..MARK + 4].copy_from_slice(&socket.mark.to_le_bytes());
    bytes[STATE..STATE + 4].copy_from_slice(&socket.state.to_le_bytes());
    bytes
}
