//! How long each stage takes.

use std::time::{Duration, Instant};

use crate::api::snapshot::StageTime;

/// The times of the stages so far.
#[derive(Debug)]
pub(super) struct Stopwatch {
    began: Instant,
    last: Instant,
    stages: Vec<StageTime>,
}

impl Stopwatch {
    /// The first stage begins.
    pub(super) fn new() -> Stopwatch {
        let now = Instant::now();
        Stopwatch { began: now, last: now, stages: Vec::new() }
    }

    /// A stage has ended, and the next begins.
    pub(super) fn ended(&mut self, stage: &str) {
        let took = self.last.elapsed();
        self.stages.push(StageTime { stage: stage.to_owned(), seconds: took.as_secs_f64() });
        self.last = Instant::now();
    }

    /// All stages together, and each.
    pub(super) fn finish(self) -> (Duration, Vec<StageTime>) {
        (self.began.elapsed(), self.stages)
    }
}
