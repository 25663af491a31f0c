//! Replies over UDP from addresses and ports of other machines.

use std::io::{self, IoSlice};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::AsRawFd;

use nix::libc::{in_addr, in_pktinfo, in6_addr, in6_pktinfo};
use nix::sys::socket::{ControlMessage, MsgFlags, SockaddrStorage, sendmsg};
use socket2::{Protocol, Type};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::{SocketError, open};

/// A raw socket gets a copy of whatever is for its address, so it has one to which nobody sends: the dummy address of
/// IPv4 (RFC 7600) and one that is for discarding (RFC 6666).
const NOBODY4: Ipv4Addr = Ipv4Addr::new(192, 0, 0, 8);
const NOBODY6: Ipv6Addr = Ipv6Addr::new(0x100, 0, 0, 0, 0, 0, 0, 1);

const UDP: u8 = 17;
const HEADER: usize = 8;

/// What replies of one family go through.
#[derive(Debug)]
pub(super) struct Replies {
    /// A raw one: of this type it has the readiness alone.
    socket: UdpSocket,
    is_ipv4: bool,
}

impl Replies {
    /// Opens a socket for the family of an address; none if the machine does not have it.
    pub(super) fn open(of: IpAddr) -> Result<Option<Replies>, SocketError> {
        let nobody = if of.is_ipv4() { IpAddr::V4(NOBODY4) } else { IpAddr::V6(NOBODY6) };
        let address = SocketAddr::new(nobody, 0);
        let Some(socket) = open::transparent(Type::RAW, Protocol::UDP, address)? else {
            return Ok(None);
        };
        let socket = UdpSocket::from_std(socket.into()).map_err(open::refused("wait for room to send"))?;
        Ok(Some(Replies { socket, is_ipv4: of.is_ipv4() }))
    }

    pub(super) fn is_for(&self, address: &SocketAddr) -> bool {
        address.is_ipv4() == self.is_ipv4
    }

    /// Sends a message from one address and port to another.
    pub(super) async fn send(&self, from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> io::Result<()> {
        let header = header(from, to, bytes).ok_or(io::ErrorKind::InvalidInput)?;
        let parts = [IoSlice::new(&header), IoSlice::new(bytes)];
        // A raw socket has no ports.
        let there = SockaddrStorage::from(SocketAddr::new(to.ip(), 0));
        let (four, six) = (source4(from.ip()), source6(from.ip()));
        let source = match from.ip() {
            IpAddr::V4(_) => ControlMessage::Ipv4PacketInfo(&four),
            IpAddr::V6(_) => ControlMessage::Ipv6PacketInfo(&six),
        };
        let send = || {
            let (socket, source) = (self.socket.as_raw_fd(), std::slice::from_ref(&source));
            let sent = sendmsg(socket, &parts, source, MsgFlags::empty(), Some(&there));
            sent.map(|_| ()).map_err(io::Error::from)
        };
        self.socket.async_io(Interest::WRITABLE, send).await
    }
}

fn source4(address: IpAddr) -> in_pktinfo {
    let address = if let IpAddr::V4(address) = address { address } else { Ipv4Addr::UNSPECIFIED };
    let none = in_addr { s_addr: 0 };
    let source = in_addr { s_addr: u32::from_ne_bytes(address.octets()) };
    in_pktinfo { ipi_ifindex: 0, ipi_spec_dst: source, ipi_addr: none }
}

fn source6(address: IpAddr) -> in6_pktinfo {
    let address = if let IpAddr::V6(address) = address { address } else { Ipv6Addr::UNSPECIFIED };
    in6_pktinfo { ipi6_addr: in6_addr { s6_addr: address.octets() }, ipi6_ifindex: 0 }
}

/// The header of UDP (RFC 768) with its checksum; none if the message is too long for one.
fn header(from: SocketAddr, to: SocketAddr, bytes: &[u8]) -> Option<[u8; HEADER]> {
    let length = u16::try_from(HEADER + bytes.len()).ok()?;
    let [[a, b], [c, d], [e, f]] = [from.port(), to.port(), length].map(u16::to_be_bytes);
    let mut header = [a, b, c, d, e, f, 0, 0];
    let mut sum = Sum::default();
    sum.add_address(from.ip());
    sum.add_address(to.ip());
    sum.add(&[0, UDP, e, f]);
    sum.add(&header);
    sum.add(bytes);
    // Nothing would say that there is no checksum.
    let [high, low] = match sum.finish() {
        0 => [0xff, 0xff],
        sum => sum.to_be_bytes(),
    };
    (header[6], header[7]) = (high, low);
    Some(header)
}

/// The Internet checksum (RFC 1071).
#[derive(Default)]
struct Sum(u64);

impl Sum {
    fn add_address(&mut self, address: IpAddr) {
        match address {
            IpAddr::V4(address) => self.add(&address.octets()),
            IpAddr::V6(address) => self.add(&address.octets()),
        }
    }

    /// Adds bytes that begin a pair; of an odd number the last has none.
    fn add(&mut self, bytes: &[u8]) {
        for pair in bytes.chunks(2) {
            let low = pair.get(1).copied().unwrap_or_default();
            self.0 += u64::from(u16::from_be_bytes([pair[0], low]));
        }
    }

    fn finish(mut self) -> u16 {
        while self.0 > 0xffff {
            self.0 = (self.0 & 0xffff) + (self.0 >> 16);
        }
        !(self.0 as u16)
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::{Sum, header};

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_header_is_what_others_write() {
        let four = header(address("10.0.0.2:53"), address("10.0.0.1:4660"), b"abc").unwrap();
        assert_eq!(four, [0, 53, 0x12, 0x34, 0, 11, 0x15, 0x0a]);
        let mut all = Sum::default();
        all.add_address("10.0.0.2".parse().unwrap());
        all.add_address("10.0.0.1".parse().unwrap());
        all.add(&[0, 17, 0, 11]);
        all.add(&four);
        all.add(b"abc");
        assert_eq!(all.finish(), 0, "what is whole sums up to nothing");
        assert_eq!(header(address("[::1]:53"), address("[::2]:1"), &[0; 65_528]), None);
        let six = header(address("[fd00::2]:53"), address("[fd00::1]:4660"), b"abc").unwrap();
        assert_eq!(six[..6], four[..6]);
    }
}
