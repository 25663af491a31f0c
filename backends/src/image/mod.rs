//! Images: the bytes that hold a node's decision.
//!
//! An [`Images`] is built from a verified decision, or from the tables of a session, and the interfaces of the
//! endpoints. Each image is one array value that the program addresses directly ([`abi::MAPS`](crate::abi::MAPS));
//! the [`Shape`] says what the program must know of it. The same input gives the same bytes.
//!
//! | image | what is where |
//! |---|---|
//! | `sluice_trie4` | 65,536 entries by the upper 16 bits of the address, then chunks of 256 |
//! | `sluice_trie6` | slots of hosts ([`Hosts`]), then the tries: that of the [`Stem`], whose root looks at where addresses part, and the common one, with 256 entries by the first byte; behind each root headers, then chunks of 256 |
//! | `sluice_ports` | blocks of 65,536 classes, or a place for each protocol ([`Ports`]) |
//! | `sluice_tables` | `table * classes + class`: a row |
//! | `sluice_cells` | `base + row * stride + class of ports`: a verdict |
//! | `sluice_verdicts` | [`abi::Verdict`](crate::abi::Verdict) |
//! | `sluice_endpoints` | [`abi::Endpoint`](crate::abi::Endpoint), by the hash of the interface |
//!
//! # Changes
//!
//! [`Images::apply`] takes what a session says is different, and gives the stores that bring images in use up to
//! date, or says why that cannot be ([`Refused`]); then nothing has changed. After any of the stores each address
//! is in the class that it had, or in the one that it gets. What a packet may still be reading is not used again
//! until [`Images::settle`].

mod check;
mod chunks;
mod endpoints;
pub(crate) mod hosts;
mod memory;
pub(crate) mod ports;
mod prefixes;
mod renew;
mod room;
mod rows;
pub(crate) mod shape;
mod source;
mod state;
pub(crate) mod stem;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod trie;
mod tries;
mod update;
mod verdicts;

use sluice_ir::decision::tables::Tables;
use sluice_ir::decision::verify::Verified;
use sluice_ir::decision::{ByDirection, Decision, EndpointName};
use sluice_ir::policy::Direction;

pub use endpoints::{Interface, probes, slot};
pub use memory::{Image, Write};
pub use renew::NeedsImages;
pub use shape::{
    Arm, Hosts, Lookup, Places, Ports, Prefixes6, Room, Shape, SideShape, Skip, Stem, Trie4, Trie6, Width,
};
pub use update::{NeedsGeneration, Refused};
pub use verdicts::{record, refusal};

use memory::Memory;
pub(crate) use memory::read;
use source::Source;
use state::State;
use tries::{build_trie4, build_trie6};

/// The largest image: the kernel's verifier lets no offset into a map's value be larger (`BPF_MAX_VAR_OFF`).
pub const LARGEST: usize = 1 << 29;

/// Why there are no images.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// An interface of an endpoint about which the tables say nothing.
    #[error("no table is about the endpoint `{0}`")]
    UnknownEndpoint(EndpointName),
    /// Two endpoints have one interface, or one has none.
    #[error("the interface {0} is not that of just one endpoint")]
    Interface(u32),
    /// The endpoints do not fit into any table.
    #[error("{0} endpoints are too many for one node")]
    Endpoints(usize),
    /// An image would be larger than a program can address.
    #[error("`{0}` would take {1} bytes, and {LARGEST} are the most")]
    TooLarge(&'static str, usize),
    /// Tables that do not fit together: a mistake in Sluice.
    #[error("tables do not fit together: {0}")]
    Tables(&'static str),
}

/// The images of a generation, and what must be known to change them in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Images {
    shape: Shape,
    memory: Memory,
    state: State,
}

impl Images {
    /// The images of a decision.
    ///
    /// # Errors
    ///
    /// An interface that is of no use, or an image that is too large.
    pub fn of_decision(
        decision: &Verified<Decision>,
        interfaces: &[Interface],
        room: &Room,
    ) -> Result<Images, BuildError> {
        Images::build(&Source::of_decision(decision), interfaces, room)
    }

    /// The images of all tables of a session.
    ///
    /// # Errors
    ///
    /// As [`Images::of_decision`], and tables that are not whole.
    pub fn of_tables(tables: &Tables, interfaces: &[Interface], room: &Room) -> Result<Images, BuildError> {
        Images::build(&Source::of_tables(tables)?, interfaces, room)
    }

    fn build(source: &Source<'_>, interfaces: &[Interface], room: &Room) -> Result<Images, BuildError> {
        let mut memory = Memory::default();
        let verdicts = Room::above(source.verdicts.len(), room.verdicts);
        let only = ByDirection::from_fn(|direction| rows::only_row(source, direction, room));
        let tables = rows::tables(source, &only, room);
        let (trie4, prefixes4, shape4) = build_trie4(&mut memory, source, room)?;
        let (hosts6, (trie6, prefixes6, shape6)) = build_trie6(&mut memory, source, room)?;
        let tries = ([prefixes4, prefixes6], [trie4, trie6]);
        let state = state::state(source, room, &tables, tries, hosts6);
        let mut shape = Shape {
            trie4: shape4,
            trie6: shape6,
            classes: rows::class_stride(source.classes, room),
            tables: Room::above(tables.all.len(), usize::from(room.classes > 0)),
            row_width: Width::Two,
            sides: sides(&mut memory, source, &only, room)?,
            cell_width: Width::of(verdicts),
            cells: 0,
            verdicts,
            dns_proxy: source.verdicts.iter().any(|outcome| verdicts::is_for_dns_proxy(outcome)),
            host_policy: state.asks_host(),
            endpoints: 0,
            host_class: source.host_class,
        };
        let rows = Direction::BOTH.map(|direction| shape.sides[direction].rows);
        shape.row_width = Width::of(rows.into_iter().max().unwrap_or(0));
        let SideShape { base, rows, stride, .. } = &shape.sides.egress;
        shape.cells = base + rows * stride;
        allocate(&mut memory, Image::Tables, shape.tables * shape.classes * shape.row_width.bytes(), 0xff)?;
        allocate(&mut memory, Image::Cells, shape.cells * shape.cell_width.bytes(), 0xff)?;
        rows::fill(&mut memory, &shape, &tables, source);
        allocate(&mut memory, Image::Verdicts, shape.verdicts * verdicts::RECORD, 0)?;
        source
            .verdicts
            .iter()
            .enumerate()
            .for_each(|(at, outcome)| verdicts::set(&mut memory, at, outcome, None));
        (source.verdicts.len()..shape.verdicts).for_each(|at| verdicts::clear(&mut memory, at));
        let slots = endpoints::image(&state::endpoints(&state, interfaces, source.host_class)?, 1)?;
        shape.endpoints = slots.len() / endpoints::SLOT;
        allocate(&mut memory, Image::Endpoints, slots.len(), 0)?;
        memory.store(Image::Endpoints, 0, &slots);
        Ok(Images { shape, memory, state })
    }

    /// What the program must know.
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// The bytes of an image as they are now; never empty.
    pub fn bytes(&self, image: Image) -> &[u8] {
        self.memory.bytes(image)
    }

    /// The image of endpoints for a generation: a program finds the generation's number in the slot of its endpoint.
    pub fn endpoints_of(&self, generation: u32) -> Vec<u8> {
        endpoints::of_generation(self.bytes(Image::Endpoints), generation)
    }

    /// The size of all images in bytes.
    pub fn size(&self) -> usize {
        Image::ALL.iter().map(|image| self.bytes(*image).len()).sum()
    }

    /// Whether some peer or port is not let pass to an endpoint that the tables name, and from it.
    pub fn enforced(&self, endpoint: &EndpointName) -> Option<ByDirection<bool>> {
        self.state.subjects.get(endpoint).map(|subject| subject.enforced)
    }

    /// Whether policy of the host is asked about what it and other endpoints send each other.
    pub fn asks_host(&self) -> bool {
        self.state.asks_host()
    }

    /// The tables of an endpoint that the tables name; for one without, `None`.
    pub fn tables_of(&self, endpoint: &EndpointName) -> Option<ByDirection<u32>> {
        self.state.subjects.get(endpoint).map(|subject| subject.tables)
    }
}

/// Gives an image its size. An empty one gets a word, as the kernel has no empty maps.
fn allocate(memory: &mut Memory, image: Image, size: usize, fill: u8) -> Result<(), BuildError> {
    if size > LARGEST {
        return Err(BuildError::TooLarge(image.map().name, size));
    }
    memory.allocate(image, size.max(8), fill);
    Ok(())
}

fn sides(
    memory: &mut Memory,
    source: &Source<'_>,
    only: &ByDirection<Option<u32>>,
    room: &Room,
) -> Result<ByDirection<SideShape>, BuildError> {
    let (ports, bytes) = ports::lay_out(&source.ports, room, None);
    let mut base = 0;
    let sides = ByDirection::from_fn(|direction| {
        let stride = rows::row_stride(source.ports[direction].len(), room);
        let rows = Room::above(source.rows[direction].len(), room.rows[direction]);
        let ports = ports[direction].clone();
        let side = SideShape { ports, stride, base, rows, row: only[direction] };
        base += rows * stride;
        side
    });
    allocate(memory, Image::Ports, bytes.len(), 0)?;
    memory.store(Image::Ports, 0, &bytes);
    Ok(sides)
}
