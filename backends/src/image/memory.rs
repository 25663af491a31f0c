//! The bytes of images, and the stores that change them.

use crate::abi::MapSpec;

/// An image, by what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Image {
    /// The class of every IPv4 address.
    Trie4,
    /// The class of every IPv6 address.
    Trie6,
    /// The class of every port.
    Ports,
    /// The row of every class of peers.
    Tables,
    /// The verdict of every class of ports.
    Cells,
    /// What to do.
    Verdicts,
    /// Endpoints by interface.
    Endpoints,
}

impl Image {
    /// Every image, in the order of [`MAPS`](crate::abi::MAPS).
    pub const ALL: [Image; 7] = [
        Image::Trie4,
        Image::Trie6,
        Image::Ports,
        Image::Tables,
        Image::Cells,
        Image::Verdicts,
        Image::Endpoints,
    ];

    /// The map that holds it.
    pub fn map(self) -> &'static MapSpec {
        &crate::abi::MAPS[self as usize]
    }
}

/// A store into an image that is in use.
///
/// Writes are done in order. The bytes of one are stored in rising order, by aligned words of 4 bytes where the
/// offset and the length are multiples of 4, else of 2: so no reader sees half an entry. On a machine that reorders
/// stores there is a barrier after each write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Where to.
    pub image: Image,
    /// The first byte.
    pub offset: usize,
    /// What is stored.
    pub bytes: Vec<u8>,
}

/// The bytes of all images.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Memory {
    bytes: [Vec<u8>; 7],
    journal: Option<Journal>,
}

/// What was stored since [`Memory::begin`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Journal {
    writes: Vec<Write>,
    /// What was there before, in the order of the stores.
    before: Vec<Write>,
    /// Whether the next store must not be part of the last write.
    fenced: bool,
}

impl Memory {
    /// Gives an image its size; every byte is `fill`.
    pub(super) fn allocate(&mut self, image: Image, size: usize, fill: u8) {
        self.bytes[image as usize] = vec![fill; size];
    }

    pub(super) fn bytes(&self, image: Image) -> &[u8] {
        &self.bytes[image as usize]
    }

    pub(super) fn u16(&self, image: Image, offset: usize) -> u16 {
        u16::from_ne_bytes(read(self.bytes(image), offset))
    }

    pub(super) fn u32(&self, image: Image, offset: usize) -> u32 {
        u32::from_ne_bytes(read(self.bytes(image), offset))
    }

    pub(super) fn u64(&self, image: Image, offset: usize) -> u64 {
        u64::from_ne_bytes(read(self.bytes(image), offset))
    }

    /// Stores bytes, and notes them if a change is under way.
    pub(super) fn store(&mut self, image: Image, offset: usize, bytes: &[u8]) {
        let there = &mut self.bytes[image as usize][offset..offset + bytes.len()];
        if let Some(journal) = &mut self.journal {
            journal.note(image, offset, bytes, there);
        }
        there.copy_from_slice(bytes);
    }

    pub(super) fn store_u32(&mut self, image: Image, offset: usize, word: u32) {
        self.store(image, offset, &word.to_ne_bytes());
    }

    /// What is stored from now on must be seen later than what was stored before, even if it lies beside it.
    pub(super) fn fence(&mut self) {
        if let Some(journal) = &mut self.journal {
            journal.fenced = true;
        }
    }

    /// Begins to note stores.
    pub(super) fn begin(&mut self) {
        self.journal = Some(Journal::default());
    }

    /// The stores since the beginning.
    pub(super) fn commit(&mut self) -> Vec<Write> {
        self.journal.take().unwrap_or_default().writes
    }

    /// Takes the stores since the beginning back.
    pub(super) fn roll_back(&mut self) {
        for Write { image, offset, bytes } in self.journal.take().unwrap_or_default().before.iter().rev() {
            self.store(*image, *offset, bytes);
        }
    }
}

impl Journal {
    fn note(&mut self, image: Image, offset: usize, bytes: &[u8], there: &[u8]) {
        self.before.push(Write { image, offset, bytes: there.to_vec() });
        let fenced = std::mem::take(&mut self.fenced);
        match self.writes.last_mut() {
            Some(last) if !fenced && last.image == image && last.offset + last.bytes.len() == offset => {
                last.bytes.extend_from_slice(bytes);
            }
            _ => self.writes.push(Write { image, offset, bytes: bytes.to_vec() }),
        }
    }
}

/// The bytes at an offset; zeros behind the end, where nothing ever reads.
pub(crate) fn read<const N: usize>(bytes: &[u8], offset: usize) -> [u8; N] {
    let there = offset.checked_add(N).and_then(|end| bytes.get(offset..end));
    there.and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
}

#[cfg(test)]
mod tests {
    use super::{Image, Memory};
    use crate::abi::{MapKind, Scope};

    #[test]
    fn images_are_the_maps_of_a_generation() {
        for image in Image::ALL {
            let map = image.map();
            let name = format!("sluice_{image:?}").to_lowercase();
            assert_eq!((map.name, map.kind, map.scope), (name.as_str(), MapKind::Memory, Scope::Generation));
        }
    }

    #[test]
    fn stores_beside_each_other_are_one_write_and_can_be_taken_back() {
        let mut memory = Memory::default();
        memory.allocate(Image::Cells, 16, 0);
        let before = memory.clone();
        memory.begin();
        memory.store_u32(Image::Cells, 4, 1);
        memory.store_u32(Image::Cells, 8, 2);
        memory.store_u32(Image::Cells, 4, 3);
        let mut other = memory.clone();
        other.roll_back();
        assert_eq!(other, before);
        let writes: Vec<_> = memory.commit().iter().map(|write| (write.offset, write.bytes.len())).collect();
        assert_eq!(writes, [(4, 8), (4, 4)]);
    }
}
