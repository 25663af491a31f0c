//! Numbers that both sides know, what the template leaves open, and the constants of a node.

/// The version of what both sides read: records, numbers, maps, constants, stubs. It rises with any change of one of
/// them, be it that something is added: a bundle of another version is refused, and what is pinned of another version is
/// replaced and not adopted. Reasons of drops have numbers for ever, so one more changes nothing. `golden/abi.txt` has the
/// hash of each version, and a test fails where one has become another.
pub const VERSION: u32 = 2;

/// A number as C sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static [&'static str],
    /// The number.
    pub value: u32,
}

macro_rules! numbers {
    ($( $(#[doc = $doc:literal])* $name:ident = $value:expr; )*) => {
        $( $(#[doc = $doc])* pub const $name: u32 = $value; )*

        /// Every number, in order; C puts `SLUICE_` before the name.
        pub const NUMBERS: &[Number] = &[
            $( Number { name: stringify!($name), doc: &[$($doc),*], value: $name }, )*
        ];
    };
}

numbers! {
    /// What comes to an endpoint.
    DIRECTION_INGRESS = 0;
    /// What an endpoint sends.
    DIRECTION_EGRESS = 1;
    /// Internet protocol version 4.
    FAMILY_IPV4 = 4;
    /// Internet protocol version 6.
    FAMILY_IPV6 = 6;

    /// A connection in which the endpoint is the destination is remembered.
    ENDPOINT_TRACK_INGRESS = 1 << 0;
    /// A connection in which the endpoint is the source is remembered.
    ENDPOINT_TRACK_EGRESS = 1 << 1;
    /// Some peer or port is not allowed towards the endpoint.
    ENDPOINT_ENFORCE_INGRESS = 1 << 2;
    /// Some peer or port is not allowed from the endpoint.
    ENDPOINT_ENFORCE_EGRESS = 1 << 3;
    /// The endpoint is the host: what comes in by its interface comes to it, and it is known by its addresses.
    ENDPOINT_HOST = 1 << 4;
    /// What the endpoint sends over IPv4 must come from its address.
    ENDPOINT_CHECK_SOURCE4 = 1 << 5;
    /// What the endpoint sends over IPv6 must come from its address, or one of the link.
    ENDPOINT_CHECK_SOURCE6 = 1 << 6;
    /// What would be dropped by policy is told and let pass.
    ENDPOINT_AUDIT = 1 << 7;
    /// What the endpoint and the host send each other crosses no interface of the host's: policy of the host is asked here.
    ENDPOINT_ASK_HOST = 1 << 8;
    /// What would be dropped by policy of the host is told and let pass.
    ENDPOINT_AUDIT_HOST = 1 << 9;
    /// A slot is found at its hash or one of the next, so many in all.
    ENDPOINT_PROBES = 8;

    /// The endpoint's side has closed.
    CT_CLOSED_OUT = 1 << 0;
    /// The other side has closed.
    CT_CLOSED_IN = 1 << 1;
    /// There was a reply.
    CT_SEEN_REPLY = 1 << 2;
    /// A TCP connection that both sides agreed on.
    CT_SETTLED = 1 << 3;
    /// The endpoint's side has reset it, and the other one has said nothing since.
    CT_RESET_OUT = 1 << 4;
    /// The other side has reset it, and the endpoint's has said nothing since.
    CT_RESET_IN = 1 << 5;
    /// A TCP connection whose beginning was seen.
    CT_OPENED = 1 << 6;

    /// A packet was dropped.
    EVENT_DROP = 1;
    /// A packet began a connection that is let pass.
    EVENT_NEW = 2;
    /// A packet would have been dropped.
    EVENT_AUDIT = 3;
    /// A packet began a connection that goes to a proxy.
    EVENT_REDIRECT = 4;

    /// No proxy is there for it.
    PROXY_NONE = 0;
    /// The DNS proxy of the node.
    PROXY_DNS = 1;

    /// No peer is in this class.
    NO_CLASS = 0x7fff_ffff;
    /// No rule makes this verdict.
    NO_VERDICT = 0xffff_ffff;
    /// Counters below this one are by drop reason, times two, and direction, with 0 for what passed; from here on
    /// they are the rules'.
    COUNTER_RULES = 512;
    /// No rule of this endpoint let a connection in.
    NO_COUNTER = 0xffff_ffff;
    /// Entries of a chunk of a trie.
    CHUNK = 256;
    /// Entries of the root of the IPv4 trie.
    ADDRESSES = 65_536;

    /// The mark of a packet that only asks for a verdict: nothing is remembered, counted or told, and the answer
    /// is in `cb`: the verdict, the class, the drop reason, the endpoint's number. Where the fifth word is not 0, policy
    /// of the host is asked about a packet of another endpoint.
    MARK_TEST = 0x5c1c_e7e5;
    /// Beside the mark, so many segments without a size are what such a packet has: no device and no socket makes
    /// one, and to have the mark alone means nothing.
    TEST_SEGMENTS = 0xe7e5;
    /// Where a packet says by which generation it was judged before: one of 15 marks, or 0.
    MARK_GENERATION_MASK = 0xf000_0000;
    /// The first of these marks, and what lies between them.
    MARK_GENERATION_ONE = 0x1000_0000;
    /// Where a mark says how this machine has to do with a packet. It lies in the highest byte, as the generation does,
    /// beside the bits that others are known to use: 0xc000, 0x0f00, 0xff0000.
    MARK_DELIVERY_MASK = 0x0f00_0000;
    /// The packet goes to a proxy on this machine, whatever its destination says.
    MARK_TO_PROXY = 0x0500_0000;
    /// The mark of a proxy's sockets, and of what they send. In a packet all of the highest byte must be so.
    MARK_OF_PROXY = 0x0600_0000;
}

/// A place in the template where generated instructions go. C calls it like a helper with this number: arguments
/// come in r1 to r5, the answer goes to r0, r6 to r9 and the stack stay as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stub {
    /// `__u32 sluice_class4(__u32 address)`: the class of an IPv4 address.
    Class4,
    /// `__u32 sluice_class6(__u64 high, __u64 low)`: the class of an IPv6 address.
    Class6,
    /// `__u32 sluice_ingress(__u32 table, __u32 class, __u32 protocol, __u32 port)`: the verdict, or
    /// [`NO_VERDICT`].
    Ingress,
    /// `__u32 sluice_egress(__u32 table, __u32 class, __u32 protocol, __u32 port)`: likewise.
    Egress,
}

impl Stub {
    /// The number that C calls.
    pub fn number(self) -> u32 {
        0x5100_0000 + self as u32
    }

    /// The stub that C calls by a number.
    pub fn of_number(number: u32) -> Option<Stub> {
        STUBS.iter().copied().find(|stub| stub.number() == number)
    }

    /// Its declaration in C: what it answers, its name, its arguments.
    pub fn declaration(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Stub::Class4 => ("__u32", "sluice_class4", "__u32 address"),
            Stub::Class6 => ("__u32", "sluice_class6", "__u64 high, __u64 low"),
            Stub::Ingress => {
                ("__u32", "sluice_ingress", "__u32 table, __u32 class, __u32 protocol, __u32 port")
            }
            Stub::Egress => {
                ("__u32", "sluice_egress", "__u32 table, __u32 class, __u32 protocol, __u32 port")
            }
        }
    }
}

/// Every stub.
pub const STUBS: [Stub; 4] = [Stub::Class4, Stub::Class6, Stub::Ingress, Stub::Egress];

/// A constant of a node. The template moves [`Config::magic`] into a register, and the linker puts the value in
/// its place, so that the kernel knows it and leaves out what hangs on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Config {
    /// Whether some endpoint has an IPv4 address, or may send from one: else IPv4 is dropped unseen.
    Ipv4,
    /// Whether IPv6 is.
    Ipv6,
    /// Slots of the image of endpoints, less one: a power of two less one.
    EndpointMask,
    /// Entries of the image of verdicts.
    Verdicts,
    /// Whether ICMP "fragmentation needed" always passes (`allow-icmp-frag-needed`, semantics.md 4.12).
    AllowFragNeeded,
    /// Events a second and processor; 0 tells nothing.
    EventRate,
    /// Whether the beginning of a connection that is let pass is told.
    TellNew,
    /// Seconds that a settled TCP connection is remembered.
    LifetimeTcp,
    /// Seconds that any other flow is.
    LifetimeOther,
    /// Seconds that a TCP connection is, before it is settled.
    LifetimeSyn,
    /// Seconds that a TCP connection is, after both sides closed or one reset it.
    LifetimeClosed,
    /// Whether some verdict sends packets to the DNS proxy.
    DnsProxy,
    /// Whether policy of the host lets something not pass.
    HostPolicy,
}

impl Config {
    /// The number in the template.
    pub fn magic(self) -> u32 {
        0x5c00_0000 + self as u32
    }

    /// The constant of a number in the template.
    pub fn of_magic(magic: u32) -> Option<Config> {
        CONFIG.iter().map(|(config, ..)| *config).find(|config| config.magic() == magic)
    }
}

/// Every constant: its name in C behind `SLUICE_CONFIG_`, and the value it has if nobody says another.
pub const CONFIG: [(Config, &str, u32); 13] = [
    (Config::Ipv4, "IPV4", 1),
    (Config::Ipv6, "IPV6", 1),
    (Config::EndpointMask, "ENDPOINT_MASK", 0),
    (Config::Verdicts, "VERDICTS", 0),
    (Config::AllowFragNeeded, "ALLOW_FRAG_NEEDED", 1),
    (Config::EventRate, "EVENT_RATE", 1_000),
    (Config::TellNew, "TELL_NEW", 0),
    (Config::LifetimeTcp, "LIFETIME_TCP", 8_000),
    (Config::LifetimeOther, "LIFETIME_OTHER", 60),
    (Config::LifetimeSyn, "LIFETIME_SYN", 60),
    (Config::LifetimeClosed, "LIFETIME_CLOSED", 10),
    (Config::DnsProxy, "DNS_PROXY", 0),
    (Config::HostPolicy, "HOST_POLICY", 0),
];

#[cfg(test)]
mod tests {
    use super::{CONFIG, Config, STUBS, Stub};

    #[test]
    fn numbers_lead_back() {
        for (config, ..) in CONFIG {
            assert_eq!(Config::of_magic(config.magic()), Some(config));
        }
        for stub in STUBS {
            assert_eq!(Stub::of_number(stub.number()), Some(stub));
        }
    }
}
