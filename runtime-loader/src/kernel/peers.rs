//! Maps as others have them, to be measured beside those of Sluice. No program of a node has any.

use std::os::fd::{AsFd, AsRawFd};
use std::{fs, io};

use aya::maps::lpm_trie::{Key, LpmTrie};
use aya::maps::{HashMap, Map as AyaMap};
use aya_obj::generated::bpf_map_type;
use sluice_backends::abi::MapSpec;

use super::map::Map;
use super::{KernelError, whole};

/// `BPF_F_NO_PREALLOC`, without which the kernel makes no such trie.
const NOT_AT_ONCE: u32 = 1;

/// A map with entries of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A hash table.
    Hash,
    /// A trie by the longest prefix of a key, which begins with the number of its bits.
    Prefixes,
}

impl Map {
    /// Makes such a map; the kind and the number of entries that the description says do not count.
    ///
    /// # Errors
    ///
    /// As [`Map::create`].
    pub fn create_peer(spec: &'static MapSpec, peer: Peer, entries: u32) -> Result<Map, KernelError> {
        match peer {
            Peer::Hash => Map::create_as(spec, bpf_map_type::BPF_MAP_TYPE_HASH, 0, spec.value, entries),
            Peer::Prefixes => {
                Map::create_as(spec, bpf_map_type::BPF_MAP_TYPE_LPM_TRIE, NOT_AT_ONCE, spec.value, entries)
            }
        }
    }

    /// Stores entries in a hash table.
    ///
    /// # Errors
    ///
    /// The map is none, keys or values have other sizes, or it is full.
    pub fn insert_hashed<const K: usize, const V: usize>(
        &self,
        entries: impl IntoIterator<Item = ([u8; K], [u8; V])>,
    ) -> Result<(), KernelError> {
        let map = AyaMap::from_map_data(self.again()?).map_err(|why| self.refused(&why))?;
        let mut map: HashMap<_, [u8; K], [u8; V]> = map.try_into().map_err(|why| self.refused(&why))?;
        entries
            .into_iter()
            .try_for_each(|(key, value)| map.insert(key, value, 0))
            .map_err(|why| self.refused(&why))
    }

    /// Stores entries in a trie: the number of bits, the other bytes of the key, the value.
    ///
    /// # Errors
    ///
    /// As [`Map::insert_hashed`].
    pub fn insert_prefixes<const K: usize, const V: usize>(
        &self,
        entries: impl IntoIterator<Item = (u32, [u8; K], [u8; V])>,
    ) -> Result<(), KernelError> {
        let map = AyaMap::from_map_data(self.again()?).map_err(|why| self.refused(&why))?;
        let mut map: LpmTrie<_, [u8; K], [u8; V]> = map.try_into().map_err(|why| self.refused(&why))?;
        entries
            .into_iter()
            .try_for_each(|(bits, key, value)| map.insert(&Key::new(bits, key), value, 0))
            .map_err(|why| self.refused(&why))
    }

    /// The memory that the kernel counts for the map, in bytes: `memlock` of its descriptor.
    ///
    /// # Errors
    ///
    /// The kernel does not say.
    pub fn memory(&self) -> io::Result<u64> {
        let told =
            fs::read_to_string(format!("/proc/self/fdinfo/{}", self.descriptor().as_fd().as_raw_fd()))?;
        let bytes = told.lines().find_map(|line| line.strip_prefix("memlock:")?.trim().parse().ok());
        bytes.ok_or_else(|| io::Error::other("a descriptor of a map does not say its memory"))
    }

    fn refused(&self, why: &dyn std::error::Error) -> KernelError {
        KernelError::Open { path: self.spec().name.into(), why: whole(why) }
    }
}
