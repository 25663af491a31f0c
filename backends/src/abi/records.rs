//! Records: the layout of everything that both sides read.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A record as C sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its name in C, behind `struct`.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static [&'static str],
    /// Its size in bytes.
    pub size: usize,
    /// Its fields, in order, without holes.
    pub fields: &'static [Field],
}

/// A field of a record as C sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub doc: &'static [&'static str],
    /// Its type in C; of an array, that of the elements.
    pub kind: &'static str,
    /// How many elements, if it is an array.
    pub count: Option<usize>,
    /// Where it begins, in bytes.
    pub offset: usize,
}

/// A type that both languages have.
trait Shared {
    const KIND: &'static str;
    const COUNT: Option<usize> = None;
}

macro_rules! shared {
    ($($type:ty => $kind:literal),* $(,)?) => {
        $(impl Shared for $type { const KIND: &'static str = $kind; })*
    };
}

shared!(u8 => "__u8", u16 => "__u16", u32 => "__u32", u64 => "__u64");

impl<T: Shared, const N: usize> Shared for [T; N] {
    const KIND: &'static str = T::KIND;
    const COUNT: Option<usize> = Some(N);
}

macro_rules! records {
    ($(
        $(#[doc = $doc:literal])*
        struct $name:ident as $c:literal {
            $( $(#[doc = $field_doc:literal])* $field:ident: $type:ty, )*
        }
    )*) => {
        $(
            $(#[doc = $doc])*
            #[repr(C)]
            #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
            pub struct $name {
                $( $(#[doc = $field_doc])* pub $field: $type, )*
            }
        )*

        /// Every record, in the order in which C needs them.
        pub const RECORDS: &[Record] = &[$(
            Record {
                name: $c,
                doc: &[$($doc),*],
                size: size_of::<$name>(),
                fields: &[$(
                    Field {
                        name: stringify!($field),
                        doc: &[$($field_doc),*],
                        kind: <$type as Shared>::KIND,
                        count: <$type as Shared>::COUNT,
                        offset: std::mem::offset_of!($name, $field),
                    },
                )*],
            },
        )*];
    };
}

records! {
    /// The word that names the generation in force. One store of it flips the node.
    struct Word as "sluice_word" {
        /// The generation; its lowest bit is the bank of the programs.
        generation: u32,
        /// The one before, as long as it judges the packets that it has judged before; else the same.
        previous: u32,
        /// For each bank, the mark of what its generation has let pass; 0 if no mark is free, and nothing is marked.
        marks: [u32; 2],
        /// For each mark and for none, when the last generation that had it gave it up, in seconds since the machine began;
        /// 0 if nobody has. It is there for whoever changes marks next: programs do not read it.
        given_up: [u32; 16],
    }

    /// Where proxies listen. It outlives generations and whoever writes it, and each store is seen at once.
    struct Proxy as "sluice_proxy" {
        /// The port of the DNS proxy, on the addresses of the loopback; 0 if nobody listens.
        dns_port: u32,
        /// Nothing yet.
        reserved: u32,
    }

    /// An endpoint, in a slot of the image of endpoints.
    struct Endpoint as "sluice_endpoint" {
        /// The interface that its packets cross; 0 for a free slot.
        ifindex: u32,
        /// Its number in the manifest of the generation.
        id: u32,
        /// The table of what comes to it.
        ingress_table: u32,
        /// The table of what it sends.
        egress_table: u32,
        /// `SLUICE_ENDPOINT_*`.
        flags: u32,
        /// Its IPv4 address, if it has one and its source is checked.
        address4: u32,
        /// Its IPv6 address, likewise: the higher half, then the lower.
        address6: [u64; 2],
        /// The generation whose image this is: a program is that of a bank, and outlives the generation.
        generation: u32,
        /// The class of the host, or `SLUICE_NO_CLASS`.
        host_class: u32,
        /// The number of the host, if its policy is asked, too.
        host: u32,
        /// The host's table of what comes to it.
        host_ingress_table: u32,
        /// The host's table of what it sends.
        host_egress_table: u32,
        /// Nothing yet.
        reserved: u32,
    }

    /// What to do with a packet: an entry of the image of verdicts.
    struct Verdict as "sluice_verdict" {
        /// 0 denies, 1 allows, 2 redirects.
        action: u8,
        /// Why a packet is dropped, a drop reason; for an authentication that is demanded, too. Else 0.
        reason: u8,
        /// For a redirect, to which proxy: `SLUICE_PROXY_*`.
        proxy: u8,
        /// Nothing yet.
        reserved: u8,
        /// The counter of the rules behind it, in the map of counters.
        counter: u32,
    }

    /// A connection as its endpoint sees it. Both ways of it have the same key.
    struct ConntrackKey as "sluice_ct_key" {
        /// The endpoint's address; one of IPv4 is mapped.
        local: [u64; 2],
        /// The other side's address.
        remote: [u64; 2],
        /// The endpoint's port; for ICMP echo the identifier.
        local_port: u16,
        /// The other side's port; for ICMP 0.
        remote_port: u16,
        /// The protocol.
        protocol: u8,
        /// Who began: `SLUICE_DIRECTION_EGRESS` if the endpoint did.
        direction: u8,
        /// Nothing yet.
        reserved: u16,
    }

    /// What is known of a connection.
    struct ConntrackEntry as "sluice_ct_entry" {
        /// Packets, both ways.
        packets: u64,
        /// Bytes, both ways.
        bytes: u64,
        /// When it began, in nanoseconds since the machine did.
        since: u64,
        /// When it ends if nothing comes, in seconds since the machine began.
        expires: u32,
        /// `SLUICE_CT_*`.
        flags: u32,
        /// The generation that let it in.
        generation: u32,
        /// The counter of the rules that let it in.
        counter: u32,
        /// The endpoint's interface, or 0 if that is the host. Its address may be another endpoint's by now.
        ifindex: u32,
        /// Nothing yet.
        reserved: u32,
    }

    /// A packet that came in fragments.
    struct FragmentKey as "sluice_fragment_key" {
        /// Source address; one of IPv4 is mapped.
        source: [u64; 2],
        /// Destination address.
        destination: [u64; 2],
        /// The number that its fragments share.
        identification: u32,
        /// The interface.
        ifindex: u32,
        /// The protocol; of IPv6, what the fragment header says follows.
        protocol: u8,
        /// Which way.
        direction: u8,
        /// Nothing yet.
        reserved: [u8; 6],
    }

    /// What the first fragment said.
    struct FragmentPorts as "sluice_fragment_ports" {
        /// Source port; for ICMP echo the identifier.
        source: u16,
        /// Destination port; for ICMP the type.
        destination: u16,
        /// Of ICMP, the code.
        code: u8,
        /// The protocol: later fragments do not name it where extension headers were cut, too.
        protocol: u8,
        /// Bytes up to the end of the transport header: a later fragment that begins before would write over it.
        headers: u16,
    }

    /// Packets and bytes.
    struct Counter as "sluice_counter" {
        /// Packets.
        packets: u64,
        /// Bytes, from the network layer on.
        bytes: u64,
    }

    /// How many events this second has had.
    struct Limit as "sluice_limit" {
        /// The second, since the machine began.
        second: u64,
        /// Events told in it.
        told: u64,
        /// Events not told since the beginning.
        lost: u64,
    }

    /// What the datapath tells.
    struct Event as "sluice_event" {
        /// Nanoseconds since the machine began.
        time: u64,
        /// Source address; one of IPv4 is mapped.
        source: [u64; 2],
        /// Destination address.
        destination: [u64; 2],
        /// The generation that decided.
        generation: u32,
        /// The interface.
        ifindex: u32,
        /// The endpoint's number in the manifest of the generation.
        endpoint: u32,
        /// The class of the other side, or `SLUICE_NO_CLASS`.
        class: u32,
        /// The verdict, or `SLUICE_NO_VERDICT`.
        verdict: u32,
        /// The length of the packet, from the network layer on.
        length: u32,
        /// Source port.
        source_port: u16,
        /// Destination port, or the ICMP type.
        destination_port: u16,
        /// The protocol.
        protocol: u8,
        /// 4 or 6.
        family: u8,
        /// Which way, seen from the endpoint.
        direction: u8,
        /// What it tells: `SLUICE_EVENT_*`.
        kind: u8,
        /// Of a drop, the reason.
        reason: u8,
        /// Of TCP, the flags.
        tcp_flags: u8,
        /// Of ICMP, the code.
        code: u8,
        /// Nothing yet.
        reserved: [u8; 5],
    }
}

#[cfg(test)]
mod tests {
    use super::RECORDS;

    #[test]
    fn records_have_no_holes() {
        for record in RECORDS {
            let mut next = 0;
            for field in record.fields {
                assert_eq!(field.offset, next, "{} before {}", record.name, field.name);
                let size = match field.kind {
                    "__u8" => 1,
                    "__u16" => 2,
                    "__u32" => 4,
                    _ => 8,
                };
                next = field.offset + size * field.count.unwrap_or(1);
            }
            assert_eq!(record.size, next, "the end of {}", record.name);
        }
    }
}
