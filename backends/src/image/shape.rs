//! What a program must know of the images that it reads: sizes, widths, places.

use serde::{Deserialize, Serialize};
use sluice_ir::decision::ByDirection;

use super::hosts::PROBES;
use super::trie::{CHUNK_BYTES, HEADER};

/// Everything about the layout of a set of images that is the same for as long as they are in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Shape {
    /// Addresses of IPv4.
    pub trie4: Trie4,
    /// Addresses of IPv6.
    pub trie6: Trie6,
    /// The stride of a table: how many classes of peers there can be.
    pub classes: usize,
    /// How many tables there are.
    pub tables: usize,
    /// The size of an entry of a table.
    pub row_width: Width,
    /// Ports, rows and cells of each direction.
    #[serde(with = "BothWays")]
    pub sides: ByDirection<SideShape>,
    /// The size of a cell.
    pub cell_width: Width,
    /// How many cells there are, of both directions.
    pub cells: usize,
    /// How many verdicts there can be.
    pub verdicts: usize,
    /// Whether some verdict sends packets to the DNS proxy.
    pub dns_proxy: bool,
    /// Whether policy of the host lets something not pass: then endpoints' programs ask it about what the host and they
    /// send each other.
    pub host_policy: bool,
    /// How many slots for endpoints there are; a power of two.
    pub endpoints: usize,
    /// The class of the host; [`NO_CLASS`](crate::abi::NO_CLASS) if it has none.
    pub host_class: u32,
}

impl Shape {
    /// Whether programs for images of one shape are those for images of the other: the class of the host is told by the
    /// image of endpoints.
    pub fn is_coded_like(&self, other: &Shape) -> bool {
        *self == Shape { host_class: self.host_class, ..other.clone() }
    }
}

/// How one thing for each direction is written down.
#[derive(Serialize, Deserialize)]
#[serde(remote = "ByDirection", deny_unknown_fields)]
pub(crate) struct BothWays<T> {
    ingress: T,
    egress: T,
}

/// How many bytes a number has in an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Width {
    /// One.
    One,
    /// Two.
    Two,
    /// Four.
    Four,
}

impl Width {
    /// The number of bytes.
    pub fn bytes(self) -> usize {
        1 << self as usize
    }

    /// The largest number of this many bytes: it stands for none.
    pub fn none(self) -> u32 {
        match self {
            Width::One => 0xff,
            Width::Two => 0xffff,
            Width::Four => u32::MAX,
        }
    }

    /// Two bytes or four, for numbers below a bound, and none.
    pub(crate) fn of(bound: usize) -> Width {
        if bound <= Width::Two.none() as usize { Width::Two } else { Width::Four }
    }
}

/// The trie of IPv4.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Trie4 {
    /// Every address is in this class, and no image is needed.
    Constant(u32),
    /// A root of 65,536 entries, then chunks of 256.
    Trie {
        /// How many chunks there can be.
        chunks: usize,
        /// How many lie on one way at most: 0 to 2.
        depth: usize,
    },
}

impl Trie4 {
    /// The class of every address, if it is one.
    pub fn constant(&self) -> Option<u32> {
        match self {
            Trie4::Constant(class) => Some(*class),
            Trie4::Trie { .. } => None,
        }
    }
}

/// Hosts and tries of IPv6. Parts lie in the image in the order of the fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Trie6 {
    /// Addresses that stand for themselves, if there are any.
    pub hosts: Option<Hosts>,
    /// Those that begin like most, if that saves chunks.
    pub stem: Option<Stem>,
    /// All others.
    pub prefixes: Prefixes6,
}

/// Addresses of IPv6 that begin alike, in a trie of their own: its root is where they part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Stem {
    /// The higher half of the address at which they begin, and the lower.
    pub first: (u64, u64),
    /// How many bits of it they share.
    pub length: u8,
    /// How many bits behind those the root looks at. They lie in one half, and end with a byte.
    pub width: u8,
    /// What all chunks leave out, if it is the same and one of them is the whole way.
    pub skip: Option<Skip>,
    /// Where its parts lie.
    pub trie: Places,
}

impl Stem {
    /// Where the bits of the root end.
    pub fn end(&self) -> u8 {
        self.length + self.width
    }
}

/// The bits between a root and the byte of its chunks, which lie in one half: a program knows them, and reads no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Skip {
    /// How many bits are before the byte.
    pub position: u8,
    /// Those behind the root's, as a number.
    pub bits: u64,
}

impl Skip {
    /// The bits of an address between the end of a root's and the byte.
    pub fn of(&self, address: u128, end: u8) -> u64 {
        (address << end).checked_shr(128 - u32::from(self.position - end)).unwrap_or(0) as u64
    }
}

/// Where the parts of a trie of IPv6 lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Places {
    /// Where the root begins, in bytes.
    pub root: usize,
    /// Where the headers begin.
    pub headers: usize,
    /// Where the chunks begin.
    pub entries: usize,
    /// How many chunks there can be.
    pub chunks: usize,
    /// How many lie on one way at most: 0 to 15.
    pub depth: usize,
}

impl Places {
    /// One part behind the other: a root that looks at so many bits, so many headers, so many chunks.
    pub(crate) fn of(root: usize, bits: u8, chunks: usize, depth: usize) -> Places {
        // No header lies across two lines of a cache.
        let headers = root + (4_usize << bits).next_multiple_of(HEADER);
        Places { root, headers, entries: headers + chunks * HEADER, chunks, depth }
    }

    /// Where the last chunk ends.
    pub(crate) fn end(&self) -> usize {
        self.entries + self.chunks * CHUNK_BYTES
    }
}

/// A hash table of IPv6 addresses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Hosts {
    /// A hash has this many bits.
    pub bits: u32,
    /// What the higher half of an address is multiplied by, and the lower.
    pub multipliers: (u64, u64),
}

impl Hosts {
    /// How many slots there are: the last hash has as many to look at as the others.
    pub fn slots(&self) -> usize {
        (1 << self.bits) + PROBES - 1
    }

    /// The slot at which the search for an address begins: the upper bits of the sum of products.
    pub fn slot(&self, (higher, lower): (u64, u64)) -> usize {
        let (a, b) = self.multipliers;
        let sum = higher.wrapping_mul(a).wrapping_add(lower.wrapping_mul(b));
        (sum >> (64 - self.bits)) as usize
    }
}

/// The trie of IPv6.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Prefixes6 {
    /// Every address that is no host is in this class.
    Constant(u32),
    /// A root of 256 entries, then headers, then chunks.
    Trie(Places),
}

impl Prefixes6 {
    /// The class of every address that is no host, if it is one.
    pub fn constant(&self) -> Option<u32> {
        match self {
            Prefixes6::Constant(class) => Some(*class),
            Prefixes6::Trie(_) => None,
        }
    }
}

/// One direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct SideShape {
    /// How the class of a port is found.
    pub ports: Ports,
    /// The stride of a row: the number of classes of ports, or the next power of two.
    pub stride: usize,
    /// Where the cells of the direction begin, as a number of cells.
    pub base: usize,
    /// How many rows there can be.
    pub rows: usize,
    /// The row of every table and class, if it is one and stays so.
    pub row: Option<u32>,
}

/// How the class of a port is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Ports {
    /// Every port of every protocol is in this class.
    One(u32),
    /// A protocol after the other.
    Chain {
        /// The protocols that are listed, the most frequent first.
        arms: Vec<Arm>,
        /// The class of all others.
        otherwise: u32,
        /// The size of an entry of a block.
        width: Width,
    },
    /// For each of the 256 protocols eight bytes, from this place in the image on: where its block begins, as a
    /// number of entries of the whole image, and the bits of a port that count.
    Index {
        /// In bytes.
        place: usize,
        /// The size of an entry of a block.
        width: Width,
        /// The number of entries of the whole image.
        entries: usize,
    },
}

/// A protocol that is listed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Arm {
    /// Its number.
    pub protocol: u8,
    /// How the class of one of its ports is found.
    pub lookup: Lookup,
}

/// How the class of a port of one protocol is found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub enum Lookup {
    /// First ports and the class from there on: the first one is port 0.
    Tree(Vec<(u16, u32)>),
    /// A block of 65,536 entries, which begins at this byte of the image.
    Block(usize),
}

/// How much more than there is now can come in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Classes of peers.
    pub classes: usize,
    /// Verdicts.
    pub verdicts: usize,
    /// Rows of each direction.
    pub rows: ByDirection<usize>,
    /// Chunks of the trie of IPv4: two for an address far from all others.
    pub chunks4: usize,
    /// Chunks of the trie of IPv6: one or two for a prefix.
    pub chunks6: usize,
    /// Hosts of IPv6.
    pub hosts6: usize,
    /// Blocks of ports, of 65,536 bytes: a protocol whose ports are told apart takes one, in each direction.
    pub ports: usize,
}

impl Room {
    /// For images that nobody changes: the smallest, and the quickest.
    pub const NONE: Room = Room {
        classes: 0,
        verdicts: 0,
        rows: ByDirection { ingress: 0, egress: 0 },
        chunks4: 0,
        chunks6: 0,
        hosts6: 0,
        ports: 0,
    };

    /// For a node that changes while it runs: about 10 MiB, and some thousand answers of DNS. Half of it is for those that come
    /// while larger images are made, which takes the kernel half a second or so. Sizes are powers of two, so that the
    /// programs of most generations are the same.
    pub const LIVE: Room = Room {
        classes: 1_024,
        verdicts: 1_024,
        rows: ByDirection { ingress: 1_024, egress: 1_024 },
        chunks4: 4_096,
        chunks6: 512,
        hosts6: 8_192,
        ports: 4,
    };
}

impl Room {
    /// How many there can be of something of which there are some, with room for so many more.
    pub(crate) fn above(count: usize, more: usize) -> usize {
        if more == 0 { count } else { (count + more).next_power_of_two() }
    }
}

impl Default for Room {
    fn default() -> Room {
        Room::LIVE
    }
}
