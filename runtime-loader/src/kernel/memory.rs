//! Memory that programs in the kernel read while it is written here.

use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use memmap2::{MmapOptions, MmapRaw};

use super::KernelError;
use super::map::Map;

/// Bytes that are compared at once.
const LONG: usize = size_of::<u64>();

/// The memory of a map of kind `Memory`. Programs see each store at once; a store of a word is never seen in half.
#[derive(Debug)]
pub struct Memory {
    map: MmapRaw,
    size: usize,
}

impl Memory {
    /// Maps the memory of a map.
    ///
    /// # Errors
    ///
    /// The map was not made for it.
    pub fn of(map: &Map) -> Result<Memory, KernelError> {
        let size = map.value_size()?;
        let fd = rustix::fd::AsRawFd::as_raw_fd(&map.descriptor());
        let mapped = MmapOptions::new()
            .len(size)
            .map_raw(fd)
            .map_err(|why| KernelError::Mmap { map: map.spec().name.to_owned(), why })?;
        Ok(Memory { map: mapped, size })
    }

    /// How many bytes there are.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Writes bytes, word by word in rising order; what came before is seen before.
    ///
    /// # Errors
    ///
    /// They would not fit.
    pub fn write(&self, offset: usize, bytes: &[u8]) -> Result<(), KernelError> {
        self.within(offset, bytes.len())?;
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = match rest {
                [a, b, c, d, ..] if at.is_multiple_of(4) => {
                    self.word(at).store(u32::from_ne_bytes([*a, *b, *c, *d]), Ordering::Release);
                    4
                }
                [a, b, ..] if at.is_multiple_of(2) => {
                    self.half(at).store(u16::from_ne_bytes([*a, *b]), Ordering::Release);
                    2
                }
                [a, ..] => {
                    self.byte(at).store(*a, Ordering::Release);
                    1
                }
                [] => 0,
            };
            at += taken;
            rest = &rest[taken..];
        }
        Ok(())
    }

    /// Makes the memory say some bytes from the beginning on, by stores where it does not. Nobody may be reading them.
    ///
    /// # Errors
    ///
    /// They would not fit.
    pub fn become_bytes(&self, bytes: &[u8]) -> Result<(), KernelError> {
        self.within(0, bytes.len())?;
        let (longs, rest) = bytes.as_chunks::<LONG>();
        for (at, long) in longs.iter().enumerate() {
            if self.long(at * LONG).load(Ordering::Relaxed) != u64::from_ne_bytes(*long) {
                self.write(at * LONG, long)?;
            }
        }
        self.write(longs.len() * LONG, rest)
    }

    /// Whether the memory says some bytes from the beginning on.
    pub fn says(&self, bytes: &[u8]) -> bool {
        let (longs, rest) = bytes.as_chunks::<LONG>();
        let alike = |(at, long): (usize, &[u8; LONG])| {
            self.long(at * LONG).load(Ordering::Relaxed) == u64::from_ne_bytes(*long)
        };
        let rest_at = longs.len() * LONG;
        let is_rest = || self.read(rest_at, rest.len()).is_ok_and(|read| read == rest);
        self.within(0, bytes.len()).is_ok() && longs.iter().enumerate().all(alike) && is_rest()
    }

    /// Reads bytes.
    ///
    /// # Errors
    ///
    /// There are not so many.
    pub fn read(&self, offset: usize, length: usize) -> Result<Vec<u8>, KernelError> {
        self.within(offset, length)?;
        Ok((offset..offset + length).map(|at| self.byte(at).load(Ordering::Acquire)).collect())
    }

    /// Stores one word, after everything that was written before.
    ///
    /// # Errors
    ///
    /// The offset is beyond the memory or between words.
    pub fn store(&self, offset: usize, word: u32) -> Result<(), KernelError> {
        self.aligned(offset)?;
        self.word(offset).store(word, Ordering::SeqCst);
        Ok(())
    }

    /// Loads one word.
    ///
    /// # Errors
    ///
    /// The offset is beyond the memory or between words.
    pub fn load(&self, offset: usize) -> Result<u32, KernelError> {
        self.aligned(offset)?;
        Ok(self.word(offset).load(Ordering::SeqCst))
    }

    fn within(&self, offset: usize, length: usize) -> Result<(), KernelError> {
        match offset.checked_add(length) {
            Some(end) if end <= self.size => Ok(()),
            _ => Err(KernelError::Beyond { offset, length, size: self.size }),
        }
    }

    fn aligned(&self, offset: usize) -> Result<(), KernelError> {
        self.within(offset, 4)?;
        if offset.is_multiple_of(4) {
            return Ok(());
        }
        Err(KernelError::Beyond { offset, length: 4, size: self.size })
    }

    /// The word at an offset that was found to be within the memory and between no words.
    fn word(&self, offset: usize) -> &AtomicU32 {
        debug_assert!(offset.is_multiple_of(4) && offset + 4 <= self.size);
        // SAFETY: the offset is within the mapping, which lives as long as `self`, begins at a page and is never
        // unmapped before; whoever else reads or writes it does so by atomic accesses of machine words.
        unsafe { AtomicU32::from_ptr(self.map.as_mut_ptr().add(offset).cast()) }
    }

    /// As [`Memory::word`], of eight bytes.
    fn long(&self, offset: usize) -> &AtomicU64 {
        debug_assert!(offset.is_multiple_of(LONG) && offset + LONG <= self.size);
        // SAFETY: as in `word`.
        unsafe { AtomicU64::from_ptr(self.map.as_mut_ptr().add(offset).cast()) }
    }

    /// As [`Memory::word`], of two bytes.
    fn half(&self, offset: usize) -> &AtomicU16 {
        debug_assert!(offset.is_multiple_of(2) && offset + 2 <= self.size);
        // SAFETY: as in `word`.
        unsafe { AtomicU16::from_ptr(self.map.as_mut_ptr().add(offset).cast()) }
    }

    /// As [`Memory::word`], of one byte.
    fn byte(&self, offset: usize) -> &AtomicU8 {
        debug_assert!(offset < self.size);
        // SAFETY: as in `word`.
        unsafe { AtomicU8::from_ptr(self.map.as_mut_ptr().add(offset)) }
    }
}
