//! Which chunks of a trie are in use.

/// Why a trie cannot take a prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// Every chunk is in use.
    Chunks,
    /// The program looks at fewer chunks on one way.
    Depth,
}

/// Chunks by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chunks {
    /// How many there are.
    pub(super) capacity: usize,
    /// The first that was never in use.
    fresh: u32,
    free: Vec<u32>,
    /// No longer in use, but someone may still be reading them.
    retired: Vec<u32>,
}

impl Chunks {
    pub(super) fn new(capacity: usize) -> Chunks {
        Chunks { capacity, ..Chunks::default() }
    }

    pub(super) fn take(&mut self) -> Result<u32, Full> {
        if let Some(chunk) = self.free.pop() {
            return Ok(chunk);
        }
        if (self.fresh as usize) < self.capacity {
            self.fresh += 1;
            return Ok(self.fresh - 1);
        }
        Err(Full::Chunks)
    }

    pub(super) fn retire(&mut self, chunk: u32) {
        self.retired.push(chunk);
    }

    /// Whether some may be free once nobody reads them any more.
    pub(super) fn is_settling(&self) -> bool {
        !self.retired.is_empty()
    }

    /// How many can be taken, at the latest when nobody reads what is not in use any more.
    pub(super) fn left(&self) -> usize {
        self.capacity - self.fresh as usize + self.free.len() + self.retired.len()
    }

    /// Nobody reads what is not in use any more.
    pub(super) fn settle(&mut self) {
        self.free.append(&mut self.retired);
    }
}
