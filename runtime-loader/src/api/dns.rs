//! DNS: what the proxy did, and what was learned.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::Moment;

/// What the DNS proxy did since the agent began, and how much it knows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsStatus {
    /// Questions of endpoints.
    pub queries: u64,
    /// Questions that the rules did not allow.
    pub refused: u64,
    /// Questions that went to their server.
    pub forwarded: u64,
    /// Answers of servers that went to who asked.
    pub answered: u64,
    /// Answers that were released before they were enforced, because that took too long.
    pub released_early: u64,
    /// Changes that could not be enforced.
    pub not_enforced: u64,
    /// Messages that got no reply, by the reason.
    pub dropped: BTreeMap<String, u64>,
    /// Questions without an answer of the server, by the reason.
    pub failures: BTreeMap<String, u64>,
    /// How long it took, by phase: `upstream`, `enforce`, `total`.
    pub phases: Vec<Phase>,
    /// Questions under way.
    pub in_flight: u64,
    /// Connections of endpoints.
    pub connections: u64,
    /// Names that are known, each once for each endpoint that has it.
    pub names: u64,
    /// Addresses that are known, each once for each name and endpoint that has it.
    pub addresses: u64,
    /// Addresses that have expired and are kept for connections in use.
    pub leaving: u64,
    /// Addresses that expired.
    pub expired: u64,
    /// Addresses that are not enforced any more.
    pub gone: u64,
}

/// How long a phase took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// Its name.
    pub phase: String,
    /// How many queries took longer than the time before, and no longer than this. Those that took longer than all are in none.
    pub buckets: Vec<Bucket>,
    /// How many there were.
    pub count: u64,
    /// How long all of them took together, in seconds.
    pub seconds: f64,
}

/// How many took no longer than a time, and longer than that of the bucket before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bucket {
    /// The time, in seconds.
    pub seconds: f64,
    /// How many.
    pub count: u64,
}

/// A question or an answer, as far as an event tells of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DnsTold {
    /// The name asked for, with its final dot.
    pub query: String,
    /// The type asked for: `A`, or `TYPE65000`.
    pub qtype: String,
    /// The response code, such as `NOERROR`; null for a question that went to its server.
    pub rcode: Option<String>,
    /// The addresses of the answer.
    pub ips: Vec<IpAddr>,
    /// For how many seconds they are known.
    pub ttl: Option<u64>,
    /// Names that the answer leads over.
    pub cnames: Vec<String>,
    /// How long it took since the question, in seconds.
    pub seconds: Option<FiniteSeconds>,
    /// What went wrong, if the server did not answer.
    pub problem: Option<String>,
}

/// Seconds to the microsecond, so that they can be compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, JsonSchema)]
#[schemars(transparent)]
pub struct FiniteSeconds(#[schemars(with = "f64")] u64);

impl FiniteSeconds {
    /// A time.
    pub fn of(time: std::time::Duration) -> FiniteSeconds {
        FiniteSeconds(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    }

    /// In seconds.
    pub fn seconds(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl Serialize for FiniteSeconds {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.seconds())
    }
}

impl<'de> Deserialize<'de> for FiniteSeconds {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<FiniteSeconds, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        let time = std::time::Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)?;
        Ok(FiniteSeconds::of(time))
    }
}

/// Which of what was learned is meant. What is left out is no condition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct FqdnFilter {
    /// Of this endpoint: `shop/web`.
    pub endpoint: Option<String>,
    /// Names that this pattern matches, as `matchPattern` has it.
    pub pattern: Option<String>,
    /// Names with this address.
    pub address: Option<IpAddr>,
    /// Of this kind.
    pub source: Option<FqdnSource>,
}

/// Why an address is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum FqdnSource {
    /// An answer holds.
    #[default]
    Lookup,
    /// It has expired and is kept for connections in use.
    Connection,
}

impl FqdnSource {
    /// `lookup` or `connection`.
    pub fn name(self) -> &'static str {
        match self {
            FqdnSource::Lookup => "lookup",
            FqdnSource::Connection => "connection",
        }
    }
}

/// Addresses of a name that an endpoint learned at one time (semantics.md 5.8).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(title = "A name that an endpoint of a node of sluice has learned")]
pub struct FqdnEntry {
    /// The name, with its final dot.
    pub fqdn: String,
    /// The addresses.
    pub ips: Vec<IpAddr>,
    /// Who learned them: `shop/web`.
    pub endpoint: String,
    /// Why they are known.
    pub source: FqdnSource,
    /// When they were learned; for what is kept for connections, since when it is.
    pub lookup_time: Moment,
    /// For how many seconds, by the answer.
    pub ttl: u64,
    /// Until when.
    pub expiration_time: Moment,
}
