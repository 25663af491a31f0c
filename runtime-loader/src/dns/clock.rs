//! What time it is, for what is learned.

use std::time::Instant;

use crate::api::time::Moment;

/// A clock that says the time of day and never jumps: names must not expire because somebody set the machine's clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    began: Moment,
    since: Instant,
}

impl Clock {
    /// A clock that is right now.
    pub(super) fn begin() -> Clock {
        Clock { began: Moment::now(), since: Instant::now() }
    }

    /// The time.
    pub(super) fn now(&self) -> Moment {
        let passed = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        Moment::of_micros(self.began.micros().saturating_add(passed))
    }
}
