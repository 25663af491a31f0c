//! What the proxy has done, in numbers.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::api::dns::{Bucket, DnsStatus, Phase as PhaseStatus};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub fn add(&self) {
        self.add_many(1);
    }

    /// So many more.
    pub fn add_many(&self, number: u64) {
        self.0.fetch_add(number, Ordering::Relaxed);
    }

    /// How many.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Why a query got no answer of its server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server did not answer in time: there is no reply.
    Timeout,
    /// The server cannot be reached.
    Unreachable,
    /// The server's answer cannot be read.
    Malformed,
    /// Too many queries are under way.
    Overload,
    /// The answer could not be enforced in time, and options say that it is not released then.
    NotEnforced,
    /// So much is to be enforced that nothing more can be learned.
    Busy,
    /// The pod that asked is not there any more: an answer is learned for nobody else.
    Gone,
}

impl Failure {
    const ALL: [Failure; 7] = [
        Failure::Timeout,
        Failure::Unreachable,
        Failure::Malformed,
        Failure::Overload,
        Failure::NotEnforced,
        Failure::Busy,
        Failure::Gone,
    ];

    /// Its name, for metrics and for people.
    pub fn name(self) -> &'static str {
        match self {
            Failure::Timeout => "timeout",
            Failure::Unreachable => "unreachable",
            Failure::Malformed => "malformed answer",
            Failure::Overload => "too many queries",
            Failure::NotEnforced => "not enforced in time",
            Failure::Busy => "too much to enforce",
            Failure::Gone => "pod is gone",
        }
    }
}

/// A stretch of a query's way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// From the query to the server's answer.
    Upstream,
    /// From the answer until it is enforced; only where there was something to wait for.
    Enforce,
    /// From the query to the reply.
    Total,
}

impl Phase {
    const ALL: [Phase; 3] = [Phase::Upstream, Phase::Enforce, Phase::Total];

    fn name(self) -> &'static str {
        match self {
            Phase::Upstream => "upstream",
            Phase::Enforce => "enforce",
            Phase::Total => "total",
        }
    }
}

/// Upper ends of buckets, in microseconds.
const BUCKETS: [u64; 15] = [
    25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 1_000_000,
    10_000_000,
];

#[derive(Debug, Default)]
struct Times {
    buckets: [Count; BUCKETS.len()],
    number: Count,
    micros: Count,
}

/// What the proxy has done.
#[derive(Debug, Default)]
pub struct Counts {
    /// Questions of endpoints that could be read.
    pub queries: Count,
    /// Questions that the rules did not allow.
    pub refused: Count,
    /// Questions that went to their server.
    pub forwarded: Count,
    /// Answers of servers that went to who asked.
    pub answered: Count,
    /// Answers that were released before they were enforced.
    pub released_early: Count,
    /// Changes that could not be enforced.
    pub not_enforced: Count,
    /// Messages that are no question.
    pub malformed: Count,
    /// Messages of nobody on this node.
    pub strangers: Count,
    /// Connections that an endpoint had too many.
    pub connections_refused: Count,
    /// Messages that came in the place of an answer and were none.
    pub mismatched: Count,
    /// Addresses that expired.
    pub expired: Count,
    /// Addresses that are not enforced any more.
    pub gone: Count,
    failures: [Count; Failure::ALL.len()],
    times: [Times; Phase::ALL.len()],
}

impl Counts {
    /// A query failed.
    pub fn failed(&self, failure: Failure) {
        self.failures[failure as usize].add();
    }

    /// How often that happened.
    pub fn failures(&self, failure: Failure) -> u64 {
        self.failures[failure as usize].get()
    }

    /// A phase took so long.
    pub fn took(&self, phase: Phase, time: Duration) {
        let times = &self.times[phase as usize];
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        times.number.add();
        times.micros.add_many(micros);
        if let Some(bucket) = BUCKETS.iter().position(|end| micros <= *end) {
            times.buckets[bucket].add();
        }
    }

    /// For whoever asks.
    pub fn describe(&self, status: &mut DnsStatus) {
        status.queries = self.queries.get();
        status.refused = self.refused.get();
        status.forwarded = self.forwarded.get();
        status.answered = self.answered.get();
        status.released_early = self.released_early.get();
        status.not_enforced = self.not_enforced.get();
        status.expired = self.expired.get();
        status.gone = self.gone.get();
        status.dropped = BTreeMap::from([
            ("malformed".to_owned(), self.malformed.get()),
            ("not an endpoint".to_owned(), self.strangers.get()),
            ("too many connections".to_owned(), self.connections_refused.get()),
            ("not the answer".to_owned(), self.mismatched.get()),
        ]);
        status.failures =
            Failure::ALL.iter().map(|failure| (failure.name().to_owned(), self.failures(*failure))).collect();
        status.phases = Phase::ALL.iter().map(|phase| self.phase(*phase)).collect();
    }

    fn phase(&self, phase: Phase) -> PhaseStatus {
        let times = &self.times[phase as usize];
        let buckets = BUCKETS.iter().zip(&times.buckets);
        let buckets = buckets.map(|(end, count)| Bucket { seconds: *end as f64 / 1e6, count: count.get() });
        PhaseStatus {
            phase: phase.name().to_owned(),
            buckets: buckets.collect(),
            count: times.number.get(),
            seconds: times.micros.get() as f64 / 1e6,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_is_not_longer() {
        let counts = Counts::default();
        for micros in [10, 25, 26, 20_000_000] {
            counts.took(Phase::Enforce, Duration::from_micros(micros));
        }
        counts.failed(Failure::Busy);
        let mut status = DnsStatus::default();
        counts.describe(&mut status);
        let phase = &status.phases[1];
        assert_eq!((phase.buckets[0].count, phase.buckets[1].count, phase.buckets[14].count), (2, 1, 0));
        assert_eq!((phase.phase.as_str(), phase.count), ("enforce", 4));
        assert_eq!(status.failures["too much to enforce"], 1);
    }
}
