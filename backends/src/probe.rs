//! Packets that only ask: for each question a frame and its context, and the verdict out of the answer.
//!
//! A program that is given a probe remembers, counts and tells nothing (see [`MARK_TEST`]). So every verdict of a
//! generation can be asked of its program before a packet of anybody depends on it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::abi::{MARK_TEST, Reason, TEST_SEGMENTS};
use crate::program::interpret::Context;

/// The size of `struct __sk_buff` (Linux 6.18), which programs have as their context.
pub const CONTEXT: usize = 192;

const AT_MARK: usize = 8;
const AT_INGRESS_IFINDEX: usize = 36;
const AT_IFINDEX: usize = 40;
const AT_CB: usize = 48;
const AT_SEGMENTS: usize = 164;

const ETHERNET_IPV4: u16 = 0x0800;
const ETHERNET_IPV6: u16 = 0x86dd;

const ICMP: u8 = 1;
const TCP: u8 = 6;
const UDP: u8 = 17;
const ICMPV6: u8 = 58;
const SCTP: u8 = 132;

/// A question: what becomes of a packet that crosses an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Probe {
    /// The interface.
    pub ifindex: u32,
    /// The interface that it came in by; 0 if this machine sends it.
    pub ingress_ifindex: u32,
    /// Who sends it; of the same family as the destination.
    pub source: IpAddr,
    /// To whom.
    pub destination: IpAddr,
    /// The protocol.
    pub protocol: u8,
    /// The destination port, or the ICMP type; of other protocols it is not in the packet.
    pub port: u16,
    /// Whether policy of the host is asked at the interface of another endpoint, about what these send each other.
    pub of_host: bool,
}

/// What became of a probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The number of the verdict, or [`NO_VERDICT`](crate::abi::NO_VERDICT).
    pub verdict: u32,
    /// The class of the other side, or [`NO_CLASS`](crate::abi::NO_CLASS).
    pub class: u32,
    /// Why it would be dropped.
    pub reason: Option<Reason>,
    /// The endpoint's number in the manifest.
    pub endpoint: u32,
}

impl Found {
    /// Reads the answer out of a context that a program has left; none if it is too short to be one.
    pub fn read(context: &[u8]) -> Option<Found> {
        let word = |at: usize| {
            let bytes = context.get(AT_CB + 4 * at..AT_CB + 4 * at + 4)?;
            bytes.try_into().ok().map(u32::from_ne_bytes)
        };
        Some(Found::of_words([word(0)?, word(1)?, word(2)?, word(3)?]))
    }

    /// The answer in the words of a context that are for programs.
    pub fn of_words([verdict, class, reason, endpoint]: [u32; 4]) -> Found {
        let reason = u8::try_from(reason).ok().and_then(Reason::of_code);
        Found { verdict, class, reason, endpoint }
    }
}

impl Probe {
    /// The context.
    pub fn context(&self) -> [u8; CONTEXT] {
        let mut context = [0; CONTEXT];
        let mut put = |at: usize, word: u32| context[at..at + 4].copy_from_slice(&word.to_ne_bytes());
        put(AT_MARK, MARK_TEST);
        put(AT_INGRESS_IFINDEX, self.ingress_ifindex);
        put(AT_IFINDEX, self.ifindex);
        put(AT_CB + 16, self.of_host.into());
        put(AT_SEGMENTS, TEST_SEGMENTS);
        context
    }

    /// The context, for the interpreter.
    pub fn to_interpret(&self) -> Context {
        let protocol = if self.is_ipv4() { ETHERNET_IPV4 } else { ETHERNET_IPV6 };
        let Probe { ifindex, ingress_ifindex, of_host, .. } = *self;
        let cb = [0, 0, 0, 0, of_host.into()];
        Context {
            mark: MARK_TEST,
            protocol,
            ifindex,
            ingress_ifindex,
            cb,
            gso_segments: TEST_SEGMENTS,
            ..Context::default()
        }
    }

    fn is_ipv4(&self) -> bool {
        self.source.is_ipv4() && self.destination.is_ipv4()
    }

    /// The frame: Ethernet, IPv4 or IPv6, and a transport header that begins something.
    pub fn frame(&self) -> Vec<u8> {
        let transport = self.transport();
        let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                frame.extend(ETHERNET_IPV4.to_be_bytes());
                frame.extend(ipv4(source, destination, self.protocol, transport.len()));
            }
            (source, destination) => {
                frame.extend(ETHERNET_IPV6.to_be_bytes());
                frame.extend(ipv6(six(source), six(destination), self.protocol, transport.len()));
            }
        }
        frame.extend(transport);
        frame
    }

    fn transport(&self) -> Vec<u8> {
        let [high, low] = self.port.to_be_bytes();
        // 0xc0de is any source port.
        match self.protocol {
            // Data offset 5, SYN.
            TCP => vec![0xc0, 0xde, high, low, 0, 0, 0, 1, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0],
            UDP => vec![0xc0, 0xde, high, low, 0, 8, 0, 0],
            // With an INIT chunk's first bytes.
            SCTP => vec![0xc0, 0xde, high, low, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 4],
            ICMP | ICMPV6 => vec![low, 0, 0, 0, 0, 1, 0, 1],
            _ => vec![0; 8],
        }
    }
}

/// An IPv4 address as IPv6 has it, so that a packet of two families is a packet at all.
fn six(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// A header of IPv4 (RFC 791) without options, with its checksum.
fn ipv4(source: Ipv4Addr, destination: Ipv4Addr, protocol: u8, payload: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(20 + payload).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = vec![0x45, 0, high, low, 0, 1, 0, 0, 64, protocol, 0, 0];
    header.extend(source.octets());
    header.extend(destination.octets());
    let sum: u32 = header.chunks(2).map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]]))).sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    let [high, low] = (!((folded & 0xffff) as u16 + (folded >> 16) as u16)).to_be_bytes();
    header[10] = high;
    header[11] = low;
    header
}

/// A header of IPv6 (RFC 8200). The hop limit is that of a packet that may have come from afar.
fn ipv6(source: Ipv6Addr, destination: Ipv6Addr, protocol: u8, payload: usize) -> Vec<u8> {
    let [high, low] = u16::try_from(payload).unwrap_or(u16::MAX).to_be_bytes();
    let mut header = vec![0x60, 0, 0, 0, high, low, protocol, 64];
    header.extend(source.octets());
    header.extend(destination.octets());
    header
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::{Found, Probe};
    use crate::abi::Reason;

    fn probe(source: &str, destination: &str, protocol: u8) -> Probe {
        let address = |text: &str| text.parse::<IpAddr>().unwrap();
        Probe {
            ifindex: 3,
            ingress_ifindex: 0,
            source: address(source),
            destination: address(destination),
            protocol,
            port: 443,
            of_host: false,
        }
    }

    #[test]
    fn a_frame_of_each_family() {
        let frame = probe("10.0.0.1", "10.0.0.2", 6).frame();
        assert_eq!(frame.len(), 14 + 20 + 20);
        assert_eq!(frame[14..34], [0x45, 0, 0, 40, 0, 1, 0, 0, 64, 6, 0x66, 0xcd, 10, 0, 0, 1, 10, 0, 0, 2]);
        assert_eq!(frame[36..38], [1, 187]);
        let frame = probe("fd00::1", "fd00::2", 17).frame();
        assert_eq!(frame.len(), 14 + 40 + 8);
        assert_eq!(frame[12..22], [0x86, 0xdd, 0x60, 0, 0, 0, 0, 8, 17, 64]);
    }

    #[test]
    fn an_answer_is_read_where_programs_write_it() {
        let mut context = probe("10.0.0.1", "10.0.0.2", 6).context();
        assert_eq!(context[8..12], 0x5c1c_e7e5_u32.to_ne_bytes());
        assert_eq!(context[40..44], 3_u32.to_ne_bytes());
        for (at, word) in [5_u32, 9, 133, 2].into_iter().enumerate() {
            context[48 + 4 * at..52 + 4 * at].copy_from_slice(&word.to_ne_bytes());
        }
        let found = Found { verdict: 5, class: 9, reason: Some(Reason::Policy), endpoint: 2 };
        assert_eq!(Found::read(&context), Some(found));
        assert_eq!(Found::read(&context[..60]), None);
    }
}
