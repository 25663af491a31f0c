//! What the agent tells, and the socket it tells it over.
//!
//! ```text
//! core ─watch→ Snapshot ─┐
//! core ─broadcast→ Told ─┴→ server ─one line of JSON→ client
//! ```
//!
//! The types are data: the agent's core fills them, the server sends them, commands and other programs read them.
//! Fields may be added; none changes its meaning.
//!
//! A connection has one question: a line of JSON ([`Request`]), answered by a line of JSON ([`Answer`]), or, for
//! [`Request::Monitor`], by as many as there are events.

pub mod client;
pub mod dns;
pub mod filter;
pub mod policy;
pub mod server;
pub mod snapshot;
mod socket;
pub mod time;
pub mod told;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use dns::{FqdnEntry, FqdnFilter};
use filter::Filter;
use policy::PolicyStatus;
use snapshot::{EndpointStatus, Status};
use told::Told;

/// Where the agent listens if nobody says another place.
pub const SOCKET: &str = "/run/sluice/sluice.sock";

/// A question, as JSON: `{"ask":"status"}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ask", rename_all = "camelCase")]
pub enum Request {
    /// How the agent is.
    Status,
    /// The endpoints of the node.
    Endpoints,
    /// The policy in force, with its counters.
    Policy,
    /// What endpoints have learned of names.
    Fqdn(FqdnFilter),
    /// Forget some of that.
    FqdnFlush(FqdnFilter),
    /// What happens from now on.
    Monitor(Filter),
}

/// An answer, or a part of one, as JSON: `{"status":{…}}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// To [`Request::Status`].
    Status(Box<Status>),
    /// To [`Request::Endpoints`].
    Endpoints(Vec<EndpointStatus>),
    /// To [`Request::Policy`].
    Policy(Box<PolicyStatus>),
    /// To [`Request::Fqdn`], by endpoint and name.
    Fqdn(Vec<FqdnEntry>),
    /// To [`Request::FqdnFlush`]: how many names of endpoints were forgotten.
    Flushed(usize),
    /// To [`Request::Monitor`]: something happened.
    Event(Box<Told>),
    /// To [`Request::Monitor`]: the reader was too slow for so many events, whatever they were about.
    Lost(u64),
    /// To anything else.
    Refused(Refusal),
}

/// Why a question is not answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}
