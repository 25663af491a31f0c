//! The ring by which programs tell what happens.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

use aya::maps::{Map as AyaMap, MapData, RingBuf};
use sluice_backends::abi::Event;
use tokio::io::unix::AsyncFd;
use zerocopy::FromBytes;

use super::map::Map;
use super::{KernelError, whole};

/// Reads events. There is one reader for a ring; its descriptor is readable when there is something to read.
pub struct Ring(RingBuf<MapData>);

impl Ring {
    /// The reader of a ring.
    ///
    /// # Errors
    ///
    /// The map is no ring.
    pub fn of(map: &Map) -> Result<Ring, KernelError> {
        let refused = |why: String| KernelError::Mmap {
            map: map.spec().name.to_owned(),
            why: std::io::Error::other(why),
        };
        let ring = AyaMap::from_map_data(map.again()?).map_err(|why| refused(whole(&why)))?;
        RingBuf::try_from(ring).map(Ring).map_err(|why| refused(whole(&why)))
    }

    /// The same reader for whoever can wait for events. It must be called within a runtime.
    ///
    /// # Errors
    ///
    /// The runtime cannot wait for anything more.
    pub fn into_async(self) -> io::Result<AsyncFd<Ring>> {
        // SAFETY: the descriptor is that of the map, which the reader owns until it is dropped, and so is the same
        // as long as it is waited for.
        let registered = unsafe { AsyncFd::register(self) };
        registered.map_err(Into::into)
    }

    /// The next event; none if there is none now. What is no event is passed over.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            let item = self.0.next()?;
            if let Ok(event) = Event::read_from_bytes(&item) {
                return Some(event);
            }
        }
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Ring {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
