//! Maps of the kernel.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::path::Path;

use aya::maps::{Map as AyaMap, MapData, MapError, ProgramArray};
use aya_obj::generated::bpf_map_type;
use aya_obj::maps::{LegacyMap, PinningType, bpf_map_def};
use aya_obj::{EbpfSectionKind, Map as Definition};
use sluice_backends::abi::{MapKind, MapSpec};

use super::program::Program;
use super::{KernelError, whole};

/// So that its memory can be mapped (Linux 5.5).
const MMAPABLE: u32 = 1 << 10;

/// A map of the kernel, as long as someone holds or has pinned it.
#[derive(Debug)]
pub struct Map {
    spec: &'static MapSpec,
    data: MapData,
}

impl Map {
    /// Makes a map of the ABI. `bytes` is the size of its value where the ABI leaves that open, as it does for
    /// images; `entries` replaces the number of entries.
    ///
    /// # Errors
    ///
    /// The kernel's refusal: no right to, or no memory.
    pub fn create(spec: &'static MapSpec, bytes: usize, entries: Option<u32>) -> Result<Map, KernelError> {
        let value = if spec.value == 0 { bytes } else { spec.value };
        let flags = if spec.kind == MapKind::Memory { MMAPABLE } else { 0 };
        Map::create_as(spec, kind(spec.kind), flags, value, entries.unwrap_or(spec.entries))
    }

    pub(super) fn create_as(
        spec: &'static MapSpec,
        kind: bpf_map_type,
        flags: u32,
        value: usize,
        entries: u32,
    ) -> Result<Map, KernelError> {
        let def = bpf_map_def {
            map_type: kind as u32,
            key_size: size(spec.key),
            value_size: size(value),
            max_entries: entries,
            map_flags: flags,
            id: 0,
            pinning: PinningType::None,
        };
        let definition = Definition::Legacy(LegacyMap {
            def,
            inner_def: None,
            section_index: 0,
            section_kind: EbpfSectionKind::Maps,
            symbol_index: None,
            data: Vec::new(),
        });
        let data = MapData::create(definition, spec.name, None).map_err(|why| KernelError::CreateMap {
            map: spec.name,
            bytes: value,
            why: whole(&why),
        })?;
        Ok(Map { spec, data })
    }

    /// Opens a map that is pinned.
    ///
    /// # Errors
    ///
    /// Nothing is pinned there, or it is no map.
    pub fn open(spec: &'static MapSpec, path: &Path) -> Result<Map, KernelError> {
        let data = MapData::from_pin(path)
            .map_err(|why| KernelError::Open { path: path.to_owned(), why: whole(&why) })?;
        Ok(Map { spec, data })
    }

    /// Pins the map, so that it outlives whoever holds it.
    ///
    /// # Errors
    ///
    /// The path is taken, or on another file system than bpffs.
    pub fn pin(&self, path: &Path) -> Result<(), KernelError> {
        self.data.pin(path).map_err(|why| KernelError::Pin { path: path.to_owned(), why: whole(&why) })
    }

    /// What the ABI says of it.
    pub fn spec(&self) -> &'static MapSpec {
        self.spec
    }

    /// The number by which a program that is loaded now names it.
    pub(super) fn raw_fd(&self) -> RawFd {
        self.data.fd().as_fd().as_raw_fd()
    }

    /// Its descriptor.
    pub(super) fn descriptor(&self) -> BorrowedFd<'_> {
        self.data.fd().as_fd()
    }

    /// How many entries there is room for.
    ///
    /// # Errors
    ///
    /// The kernel does not say.
    pub fn entries(&self) -> Result<u32, KernelError> {
        let info = self.data.info();
        let unknown = |why| KernelError::Open { path: self.spec.name.into(), why: whole(&why) };
        Ok(info.map_err(unknown)?.max_entries())
    }

    /// The size of its value as the kernel has it.
    pub(super) fn value_size(&self) -> Result<usize, KernelError> {
        let info = self
            .data
            .info()
            .map_err(|why| KernelError::Open { path: self.spec.name.into(), why: whole(&why) })?;
        Ok(info.value_size() as usize)
    }

    /// Puts a program into a slot of an array of programs.
    ///
    /// # Errors
    ///
    /// The map is no such array, or has no such slot.
    pub fn set_program(&self, slot: u32, program: &Program) -> Result<(), KernelError> {
        let refused = |why: String| KernelError::Slot { slot, why };
        let fd = program.fd()?;
        self.programs(slot)?.set(slot, fd, 0).map_err(|why| refused(whole(&why)))
    }

    /// Empties a slot of an array of programs; that it is empty is as good.
    ///
    /// # Errors
    ///
    /// The map is no such array, or has no such slot.
    pub fn clear_program(&self, slot: u32) -> Result<(), KernelError> {
        match self.programs(slot)?.clear_index(&slot) {
            Err(MapError::SyscallError(error)) if error.io_error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(why) => Err(KernelError::Slot { slot, why: whole(&why) }),
            Ok(()) => Ok(()),
        }
    }

    /// The same map by a second descriptor, as the library wants to own one.
    pub(super) fn again(&self) -> Result<MapData, KernelError> {
        let refused = |why: String| KernelError::Open { path: self.spec.name.into(), why };
        let fd = self.descriptor().try_clone_to_owned().map_err(|why| refused(why.to_string()))?;
        MapData::from_fd(fd).map_err(|why| refused(whole(&why)))
    }

    fn programs(&self, slot: u32) -> Result<ProgramArray<MapData>, KernelError> {
        let refused = |why: String| KernelError::Slot { slot, why };
        let map = AyaMap::from_map_data(self.again()?).map_err(|why| refused(whole(&why)))?;
        ProgramArray::try_from(map).map_err(|why| refused(whole(&why)))
    }
}

fn kind(kind: MapKind) -> bpf_map_type {
    match kind {
        MapKind::Memory => bpf_map_type::BPF_MAP_TYPE_ARRAY,
        MapKind::Programs => bpf_map_type::BPF_MAP_TYPE_PROG_ARRAY,
        MapKind::Lru => bpf_map_type::BPF_MAP_TYPE_LRU_HASH,
        MapKind::PerCpu => bpf_map_type::BPF_MAP_TYPE_PERCPU_ARRAY,
        MapKind::Ring => bpf_map_type::BPF_MAP_TYPE_RINGBUF,
    }
}

/// Sizes of maps have 32 bits; one that has not is refused by the kernel.
fn size(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}
