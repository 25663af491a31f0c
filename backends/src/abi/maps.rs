//! Maps: those of a generation, its images, and those that outlive it.

use super::{ConntrackEntry, ConntrackKey, Counter, FragmentKey, FragmentPorts, Limit, Proxy, Word};

/// A map, by the name of the symbol in the template.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MapSpec {
    /// The symbol.
    pub name: &'static str,
    /// What it holds.
    pub doc: &'static str,
    /// What it is to the kernel.
    pub kind: MapKind,
    /// Who keeps it.
    pub scope: Scope,
    /// The size of a key in bytes.
    pub key: usize,
    /// The size of a value in bytes; 0 for an image, which has the size of its content.
    pub value: usize,
    /// How many entries, if nobody says another number; for a ring, its bytes.
    pub entries: u32,
}

/// What a map is to the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapKind {
    /// An array of one value that programs address directly, and whoever loads it maps into memory.
    Memory,
    /// Programs to go on with.
    Programs,
    /// A hash table that forgets what was not used for longest.
    Lru,
    /// An array with a copy for each processor.
    PerCpu,
    /// A ring of events.
    Ring,
}

/// Who keeps a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Each generation has its own.
    Generation,
    /// The node has one.
    Node,
}

const fn image(name: &'static str, doc: &'static str) -> MapSpec {
    MapSpec { name, doc, kind: MapKind::Memory, scope: Scope::Generation, key: 4, value: 0, entries: 1 }
}

const fn node(
    name: &'static str,
    doc: &'static str,
    kind: MapKind,
    key: usize,
    value: usize,
    entries: u32,
) -> MapSpec {
    MapSpec { name, doc, kind, scope: Scope::Node, key, value, entries }
}

/// Every map.
pub const MAPS: [MapSpec; 15] = [
    image("sluice_trie4", "the class of every IPv4 address"),
    image("sluice_trie6", "the class of every IPv6 address"),
    image("sluice_ports", "the class of every port"),
    image("sluice_tables", "the row of every class of peers, for each table"),
    image("sluice_cells", "the verdict of every class of ports, for each row"),
    image("sluice_verdicts", "what to do"),
    image("sluice_endpoints", "endpoints by interface"),
    node("sluice_word", "the generation in force", MapKind::Memory, 4, size_of::<Word>(), 1),
    node("sluice_proxy", "where proxies listen", MapKind::Memory, 4, size_of::<Proxy>(), 1),
    node(
        "sluice_calls",
        "the programs of both banks: bank times two and direction",
        MapKind::Programs,
        4,
        4,
        4,
    ),
    node(
        "sluice_conntrack",
        "connections",
        MapKind::Lru,
        size_of::<ConntrackKey>(),
        size_of::<ConntrackEntry>(),
        524_288,
    ),
    node(
        "sluice_fragments",
        "packets that came in fragments",
        MapKind::Lru,
        size_of::<FragmentKey>(),
        size_of::<FragmentPorts>(),
        8_192,
    ),
    node(
        "sluice_counters",
        "packets by rules, then by drop reason and direction",
        MapKind::PerCpu,
        4,
        size_of::<Counter>(),
        65_536,
    ),
    node("sluice_limit", "how much was told", MapKind::PerCpu, 4, size_of::<Limit>(), 1),
    node("sluice_events", "what happened", MapKind::Ring, 0, 0, 1 << 20),
];

/// The map of a symbol.
pub fn map(name: &str) -> Option<&'static MapSpec> {
    MAPS.iter().find(|map| map.name == name)
}
