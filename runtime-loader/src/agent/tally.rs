//! How many connections are remembered: counted beside everything else, and never for more than a small part of the time.

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::aside::aside;
use crate::kernel::{Connections, KernelError};

/// After a count it is as quiet for so many times as long as the count took: a full table takes half a second.
const SHARE: u32 = 100;

/// Counts connections.
pub(super) struct Tally {
    /// Whoever counts, unless he does.
    reader: Option<Connections>,
    counting: Option<JoinHandle<Counted>>,
    next: Instant,
    last: u64,
}

/// The reader, what it has counted, and when that was over and is to begin again.
type Counted = (Connections, Result<u64, KernelError>, Instant);

impl Tally {
    pub(super) fn new(reader: Connections) -> Tally {
        Tally { reader: Some(reader), counting: None, next: Instant::now(), last: 0 }
    }

    /// What was counted last. Begins to count again when that is due.
    pub(super) async fn last(&mut self) -> u64 {
        if let Some(counting) = self.counting.take_if(|counting| counting.is_finished())
            && let Ok((reader, counted, next)) = counting.await
        {
            (self.reader, self.next) = (Some(reader), next);
            match counted {
                Ok(count) => self.last = count,
                Err(error) => tracing::debug!(%error, "connections cannot be counted"),
            }
        }
        if Instant::now() >= self.next
            && let Some(reader) = self.reader.take()
        {
            self.counting = Some(aside(|| count(reader)));
        }
        self.last
    }
}

fn count(reader: Connections) -> Counted {
    let began = Instant::now();
    let counted = reader.alive();
    let pause: Duration = began.elapsed() * SHARE;
    (reader, counted, Instant::now() + pause)
}
