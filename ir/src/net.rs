//! Addresses, protocols and ports.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnetwork::IpNetwork;

/// The two kinds of addresses. They never meet: no prefix holds addresses of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4: 32 bits.
    V4,
    /// IPv6: 128 bits. IPv4-mapped addresses are among them (semantics.md 12.2).
    V6,
}

/// An address prefix in canonical form: the host bits are zero.
///
/// An IPv4-mapped IPv6 prefix stays an IPv6 prefix and contains no IPv4 address (semantics.md 12.2).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cidr(IpNetwork);

/// A text is not an address prefix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address prefix")]
pub struct CidrError(pub String);

impl Cidr {
    /// The prefix of `length` bits around `address`; `None` if the family has fewer bits.
    pub fn new(address: IpAddr, length: u8) -> Option<Cidr> {
        let network = IpNetwork::new(address, length).ok()?;
        IpNetwork::new(network.network(), length).ok().map(Cidr)
    }

    /// The prefix of an address whose host bits are known to be zero, and of a length that its family has.
    pub(crate) fn of_parts(address: IpAddr, length: u8) -> Cidr {
        IpNetwork::new(address, length).map_or(Cidr::host(address), Cidr)
    }

    /// The prefix that holds just `address`.
    pub fn host(address: IpAddr) -> Cidr {
        Cidr(IpNetwork::from(address))
    }

    /// The address with the host bits cleared.
    pub fn address(self) -> IpAddr {
        self.0.ip()
    }

    /// The number of leading bits that count.
    pub fn length(self) -> u8 {
        self.0.prefix()
    }

    /// Whether `address` lies in the prefix; never across families.
    pub fn contains(self, address: IpAddr) -> bool {
        self.0.contains(address)
    }

    /// Whether every address of `other` lies in this prefix.
    pub fn covers(self, other: Cidr) -> bool {
        self.length() <= other.length() && self.contains(other.address())
    }

    /// The prefix of the first `length` bits, which covers this one; itself where it has no more bits.
    pub fn truncated(self, length: u8) -> Cidr {
        Cidr::new(self.address(), length.min(self.length())).unwrap_or(self)
    }

    /// The family of its addresses.
    pub fn family(self) -> Family {
        if self.is_ipv4() { Family::V4 } else { Family::V6 }
    }

    /// Whether this is an IPv4 prefix.
    pub fn is_ipv4(self) -> bool {
        self.0.is_ipv4()
    }
}

impl FromStr for Cidr {
    type Err = CidrError;

    /// Reads `10.0.0.0/8`; host bits are accepted and cleared, a bare address is not.
    fn from_str(text: &str) -> Result<Cidr, CidrError> {
        let error = || CidrError(text.to_owned());
        let (address, length) = text.split_once('/').ok_or_else(error)?;
        let digits = !length.is_empty() && length.bytes().all(|b| b.is_ascii_digit());
        if !digits || (length.len() > 1 && length.starts_with('0')) {
            return Err(error());
        }
        let address: IpAddr = address.parse().map_err(|_| error())?;
        let length: u8 = length.parse().map_err(|_| error())?;
        Cidr::new(address, length).ok_or_else(error)
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address(), self.length())
    }
}

impl fmt::Debug for Cidr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An IP protocol number (IANA).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP for IPv4.
    pub const ICMP: Protocol = Protocol(1);
    /// TCP.
    pub const TCP: Protocol = Protocol(6);
    /// UDP.
    pub const UDP: Protocol = Protocol(17);
    /// ICMP for IPv6.
    pub const ICMPV6: Protocol = Protocol(58);
    /// SCTP.
    pub const SCTP: Protocol = Protocol(132);

    /// Name and number of every protocol that has a name in policy.
    pub const NAMES: &'static [(&'static str, Protocol)] = &[
        ("icmp", Protocol::ICMP),
        ("igmp", Protocol(2)),
        ("ipip", Protocol(4)),
        ("tcp", Protocol::TCP),
        ("udp", Protocol::UDP),
        ("ipv6", Protocol(41)),
        ("gre", Protocol(47)),
        ("esp", Protocol(50)),
        ("ah", Protocol(51)),
        ("icmpv6", Protocol::ICMPV6),
        ("vrrp", Protocol(112)),
        ("sctp", Protocol::SCTP),
    ];

    /// The protocol of a name, in any case.
    pub fn from_name(name: &str) -> Option<Protocol> {
        Protocol::NAMES.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, p)| *p)
    }

    /// Whether its packets carry a destination port.
    pub fn has_ports(self) -> bool {
        matches!(self, Protocol::TCP | Protocol::UDP | Protocol::SCTP)
    }

    /// Whether it is ICMP of either family, where a type stands in the place of the port.
    pub fn is_icmp(self) -> bool {
        matches!(self, Protocol::ICMP | Protocol::ICMPV6)
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match Protocol::NAMES.iter().find(|(_, p)| p == self) {
            Some((name, _)) => f.write_str(name),
            None => write!(f, "ip-{}", self.0),
        }
    }
}

/// Destination ports, or ICMP types, from `start` to `end`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortRange {
    /// The first.
    pub start: u16,
    /// The last; never below `start`.
    pub end: u16,
}

impl PortRange {
    /// Every port.
    pub const ALL: PortRange = PortRange { start: 0, end: u16::MAX };

    /// Just one.
    pub fn single(port: u16) -> PortRange {
        PortRange { start: port, end: port }
    }

    /// Whether `port` lies in it.
    pub fn contains(self, port: u16) -> bool {
        self.start <= port && port <= self.end
    }
}

impl fmt::Display for PortRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.start == self.end {
            write!(f, "{}", self.start)
        } else {
            write!(f, "{}-{}", self.start, self.end)
        }
    }
}

/// The name of a container port, in lower case: names are compared without case (semantics.md 4.8).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PortName(Box<str>);

impl PortName {
    /// Reads an IANA service name: at most 15 letters, digits and hyphens, with a letter in it, no
    /// hyphen at either end and no two in a row (RFC 6335, semantics.md 2.4).
    pub fn parse(text: &str) -> Option<PortName> {
        let characters = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let hyphens = !text.starts_with('-') && !text.ends_with('-') && !text.contains("--");
        let letter = text.bytes().any(|b| b.is_ascii_alphabetic());
        let length = (1..=15).contains(&text.len());
        (characters && hyphens && letter && length).then(|| PortName(text.to_ascii_lowercase().into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PortName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_are_canonical_and_strict() {
        let cidr: Cidr = "10.1.2.3/8".parse().unwrap();
        assert_eq!(cidr.to_string(), "10.0.0.0/8");
        assert!(cidr.contains("10.255.0.1".parse().unwrap()));
        assert!(!cidr.contains("::ffff:10.0.0.1".parse().unwrap()));
        for bad in
            ["10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "010.0.0.0/8", "1.2.3/8", "fe80::1%e/64"]
        {
            assert!(bad.parse::<Cidr>().is_err(), "{bad}");
        }
    }

    #[test]
    fn covering_is_containment_of_every_address() {
        let wide: Cidr = "10.0.0.0/8".parse().unwrap();
        let narrow: Cidr = "10.3.0.0/16".parse().unwrap();
        assert!(wide.covers(narrow) && wide.covers(wide) && !narrow.covers(wide));
        assert!(!"0.0.0.0/0".parse::<Cidr>().unwrap().covers("::/0".parse().unwrap()));
    }

    #[test]
    fn a_truncated_prefix_covers_the_whole() {
        let narrow: Cidr = "10.3.0.0/16".parse().unwrap();
        assert_eq!(narrow.truncated(9).to_string(), "10.0.0.0/9");
        assert_eq!(narrow.truncated(0).to_string(), "0.0.0.0/0");
        assert_eq!(narrow.truncated(200), narrow);
    }

    #[test]
    fn port_names_follow_the_service_name_rules() {
        assert_eq!(PortName::parse("WEB").unwrap().as_str(), "web");
        assert!(PortName::parse("0x10").is_some());
        for bad in ["", "80", "web-", "-web", "a--b", "abcdefghijklmnop", "we b"] {
            assert!(PortName::parse(bad).is_none(), "{bad}");
        }
    }
}
