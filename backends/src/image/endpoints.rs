//! Endpoints by interface: a hash table with open addressing.

use std::collections::BTreeSet;

use sluice_ir::decision::EndpointName;
use zerocopy::IntoBytes;

use super::BuildError;
use crate::abi::{ENDPOINT_PROBES, Endpoint};

/// The size of a slot in bytes.
pub(super) const SLOT: usize = size_of::<Endpoint>();

/// A slot begins with the interface.
const IFINDEX_BYTES: usize = 4;

/// Where in a slot the generation is.
const GENERATION: usize = std::mem::offset_of!(Endpoint, generation);

/// A larger table is refused.
const SLOTS: usize = 1 << 20;

/// An endpoint as whoever makes images knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// Whose tables it has; of several endpoints with one identity that which the tables name.
    pub name: EndpointName,
    /// Everything that is not in the tables: the interface, the number, addresses, flags, the generation. The numbers
    /// of its tables, the flags that follow from them, and the class of the host are filled in.
    pub endpoint: Endpoint,
}

/// The slot at which the search for an interface begins, in a table of `mask` and one slots.
pub fn slot(ifindex: u32, mask: u32) -> u32 {
    (ifindex.wrapping_mul(0x9e37_79b1) >> 16 ^ ifindex) & mask
}

/// The slots at which an interface can be.
pub fn probes(ifindex: u32, slots: usize) -> impl Iterator<Item = usize> {
    let mask = slots as u32 - 1;
    let first = slot(ifindex, mask);
    (0..ENDPOINT_PROBES).map(move |probe| ((first + probe) & mask) as usize)
}

/// The bytes of the table: as small as the number of slots that are looked at allows.
pub(super) fn image(endpoints: &[Endpoint]) -> Result<Vec<u8>, BuildError> {
    let mut known = BTreeSet::new();
    for endpoint in endpoints {
        if endpoint.ifindex == 0 || !known.insert(endpoint.ifindex) {
            return Err(BuildError::Interface(endpoint.ifindex));
        }
    }
    let mut slots = (2 * endpoints.len()).next_power_of_two();
    while slots <= SLOTS {
        if let Some(table) = place(endpoints, slots) {
            return Ok(table.as_bytes().to_vec());
        }
        slots *= 2;
    }
    Err(BuildError::Endpoints(endpoints.len()))
}

/// The bytes of the table with the number of a generation in every slot in use.
pub(super) fn of_generation(table: &[u8], generation: u32) -> Vec<u8> {
    let mut table = table.to_vec();
    for slot in table.chunks_exact_mut(SLOT).filter(|slot| slot[..IFINDEX_BYTES] != [0; IFINDEX_BYTES]) {
        slot[GENERATION..GENERATION + 4].copy_from_slice(&generation.to_ne_bytes());
    }
    table
}

fn place(endpoints: &[Endpoint], slots: usize) -> Option<Vec<Endpoint>> {
    let mut table = vec![Endpoint::default(); slots];
    for endpoint in endpoints {
        let free = probes(endpoint.ifindex, slots).find(|slot| table[*slot].ifindex == 0)?;
        table[free] = *endpoint;
    }
    Some(table)
}
