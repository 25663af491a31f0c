//! Connections that the datapath remembers.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};

use aya::maps::{HashMap, Map as AyaMap, MapData};
use rustix::time::{ClockId, clock_gettime};
use sluice_backends::abi::{ConntrackEntry, ConntrackKey, DIRECTION_EGRESS};

use super::map::Map;
use super::per_cpu::Raw;
use super::{KernelError, whole};

// SAFETY: it is a record of the ABI, for which every pattern of bytes is a value (`FromBytes` is derived), and
// which has no holes (`records_have_no_holes`).
unsafe impl aya::Pod for Raw<ConntrackKey> {}
// SAFETY: likewise.
unsafe impl aya::Pod for Raw<ConntrackEntry> {}

/// Reads the table of connections.
pub struct Connections {
    table: HashMap<MapData, Raw<ConntrackKey>, Raw<ConntrackEntry>>,
    /// While the kernel's table changes, a walk through it can begin anew; it must come to an end all the same.
    most: usize,
}

impl Connections {
    /// The reader of a table.
    ///
    /// # Errors
    ///
    /// The map is no such table.
    pub fn of(map: &Map) -> Result<Connections, KernelError> {
        let refused = |why: String| KernelError::Open { path: map.spec().name.into(), why };
        let table = AyaMap::from_map_data(map.again()?).map_err(|why| refused(whole(&why)))?;
        let table = HashMap::try_from(table).map_err(|why| refused(whole(&why)))?;
        Ok(Connections { table, most: map.entries()? as usize * 2 })
    }

    /// How many have not ended.
    ///
    /// # Errors
    ///
    /// See [`Connections::begun`].
    pub fn alive(&self) -> Result<u64, KernelError> {
        self.walk(|_| true).try_fold(0, |count, key| key.map(|_| count + 1))
    }

    /// Both ends of every connection that an endpoint began and that has not ended: the endpoint first. It takes two calls of
    /// the kernel for each connection.
    ///
    /// # Errors
    ///
    /// The kernel cannot be asked, or the table changed too much meanwhile to be seen whole.
    pub fn begun(&self) -> Result<BTreeSet<(IpAddr, IpAddr)>, KernelError> {
        let begun = self.walk(|key| u32::from(key.direction) == DIRECTION_EGRESS);
        begun.map(|key| key.map(|key| (address(key.local), address(key.remote)))).collect()
    }

    /// The connections that have not ended, of those that are meant.
    fn walk(
        &self,
        is_meant: impl Fn(&ConntrackKey) -> bool,
    ) -> impl Iterator<Item = Result<ConntrackKey, KernelError>> {
        let refused = |why: String| KernelError::Open { path: "the table of connections".into(), why };
        let now = clock_gettime(ClockId::Monotonic).tv_sec;
        self.table.keys().enumerate().filter_map(move |(seen, key)| {
            if seen >= self.most {
                return Some(Err(refused("it changes faster than it is read".to_owned())));
            }
            let key = match key {
                Ok(key) if is_meant(&key.0) => key,
                Ok(_) => return None,
                Err(why) => return Some(Err(refused(whole(&why)))),
            };
            // It may have gone since.
            let entry = self.table.get(&key, 0).ok()?;
            (i64::from(entry.0.expires) >= now).then_some(Ok(key.0))
        })
    }
}

/// An address of either family; one of IPv4 is mapped.
fn address([high, low]: [u64; 2]) -> IpAddr {
    let address = Ipv6Addr::from_bits(u128::from(high) << 64 | u128::from(low));
    address.to_ipv4_mapped().map_or(IpAddr::V6(address), IpAddr::V4)
}
