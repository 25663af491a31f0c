//! Arrays with a copy for each processor.

use aya::maps::{Map as AyaMap, MapData, PerCpuArray};
use sluice_backends::abi::{Counter, Limit};
use zerocopy::FromZeros;

use super::map::Map;
use super::{KernelError, whole};

/// What such an array has, and how the copies make one.
pub trait Copies: FromZeros + Copy + 'static {
    /// Adds the copy of another processor.
    fn add(&mut self, other: &Self);
}

impl Copies for Counter {
    fn add(&mut self, other: &Counter) {
        self.packets += other.packets;
        self.bytes += other.bytes;
    }
}

impl Copies for Limit {
    fn add(&mut self, other: &Limit) {
        self.second = self.second.max(other.second);
        self.told += other.told;
        self.lost += other.lost;
    }
}

/// A value as the library wants it: nobody outside can make one.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Raw<T>(pub(super) T);

// SAFETY: it is a record of the ABI, for which every pattern of bytes is a value (`FromBytes` is derived), and
// which has no holes (`records_have_no_holes`).
unsafe impl aya::Pod for Raw<Counter> {}
// SAFETY: likewise.
unsafe impl aya::Pod for Raw<Limit> {}

/// Reads an array with a copy for each processor.
pub struct PerCpu<T: Copies>(PerCpuArray<MapData, Raw<T>>)
where
    Raw<T>: aya::Pod;

impl<T: Copies> PerCpu<T>
where
    Raw<T>: aya::Pod,
{
    /// The reader of an array.
    ///
    /// # Errors
    ///
    /// The map is no such array, or its values are others.
    pub fn of(map: &Map) -> Result<PerCpu<T>, KernelError> {
        let refused = |why: String| KernelError::Open { path: map.spec().name.into(), why };
        let array = AyaMap::from_map_data(map.again()?).map_err(|why| refused(whole(&why)))?;
        PerCpuArray::try_from(array).map(PerCpu).map_err(|why| refused(whole(&why)))
    }

    /// The value at an index, of all processors together.
    ///
    /// # Errors
    ///
    /// There is no such index.
    pub fn sum(&self, index: u32) -> Result<T, KernelError> {
        let copies = self.0.get(&index, 0);
        let copies = copies.map_err(|why| KernelError::Open {
            path: format!("index {index} of an array for each processor").into(),
            why: whole(&why),
        })?;
        let mut sum = T::new_zeroed();
        copies.iter().for_each(|copy| sum.add(&copy.0));
        Ok(sum)
    }
}
