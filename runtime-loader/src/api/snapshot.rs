//! How the agent and its node are at one moment.

use std::collections::BTreeMap;
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sluice_compiler::diagnostic::Diagnostic;
use sluice_compiler::source::Sources;

use super::dns::DnsStatus;
use super::policy::PolicyStatus;
use super::time::Moment;

/// Everything that can be asked of the agent at one moment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The agent.
    pub status: Status,
    /// The endpoints of the node, by name.
    pub endpoints: Vec<EndpointStatus>,
    /// The policy in force.
    pub policy: PolicyStatus,
}

/// How the agent is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Status of the sluice agent")]
pub struct Status {
    /// The node whose view is taken.
    pub node: String,
    /// The version of the agent.
    pub version: String,
    /// When it began.
    pub since: Moment,
    /// The generation in force; null before the first.
    pub generation: Option<u32>,
    /// A hash of what the files in force mean for this node, wherever it is written: that of the policy of a bundle of
    /// them. Answers of DNS that were learned do not count. Null until it is known.
    pub policy_hash: Option<String>,
    /// A hash of the files in force and of the options that bear on them: that of the input of such a bundle.
    pub input_hash: Option<String>,
    /// The files that the agent reads.
    pub sources: SourcesStatus,
    /// The last time that a generation was put in force by this agent.
    pub publish: Option<Publish>,
    /// How often this agent put a generation in force.
    pub published: u64,
    /// How often it could not.
    pub refused: u64,
    /// Packets since the datapath began.
    pub traffic: Traffic,
    /// DNS since the agent began; null without a proxy.
    #[serde(default)]
    pub dns: Option<DnsStatus>,
}

/// The files that the agent reads, and whether what is in force is what they say.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourcesStatus {
    /// How they are.
    pub state: SourcesState,
    /// Since when.
    pub since: Moment,
    /// What is wrong with them; where they are in force, what was left out of them.
    pub findings: Vec<Finding>,
}

/// How the files are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum SourcesState {
    /// They were not read yet.
    #[default]
    Pending,
    /// What they say is in force.
    Ok,
    /// They cannot be put in force; what was in force before is.
    Refused,
}

/// What is wrong, and where. Lines and columns count from 1.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The stable code, such as `S0201`; null if it is not about the files but about the node.
    pub code: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
    /// The file.
    pub file: Option<String>,
    /// The line.
    pub line: Option<u32>,
    /// The column.
    pub column: Option<u32>,
}

impl Finding {
    /// What the compiler found.
    pub fn of(sources: &Sources, diagnostic: &Diagnostic) -> Finding {
        let file = diagnostic.span.map(|span| sources.file(span.file));
        // A file that could not be read has no text, and so no lines.
        let place = match (diagnostic.span, file) {
            (Some(span), Some(file)) if !file.text().is_empty() => Some(sources.locate(span).0),
            _ => None,
        };
        Finding {
            code: Some(diagnostic.code.as_str().to_owned()),
            message: diagnostic.message.clone(),
            help: diagnostic.help.clone(),
            file: file.map(|file| file.name().to_string()),
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
        }
    }

    /// What went wrong on the node: an error with its causes.
    pub fn of_error(error: &dyn std::error::Error) -> Finding {
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message.push_str(&format!(": {cause}"));
            source = cause.source();
        }
        Finding { message, ..Finding::default() }
    }
}

/// How a generation was put in force.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Publish {
    /// When.
    pub at: Moment,
    /// Which.
    pub generation: u32,
    /// How long it took, in seconds.
    pub seconds: f64,
    /// How long each stage took, in their order.
    pub stages: Vec<StageTime>,
    /// The bytes of each image and program, by name.
    pub sizes: BTreeMap<String, u64>,
}

/// How long a stage took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StageTime {
    /// The stage.
    pub stage: String,
    /// In seconds.
    pub seconds: f64,
}

/// Packets and bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Count {
    /// Packets.
    pub packets: u64,
    /// Bytes, from the network layer on.
    pub bytes: u64,
}

/// Which way a packet goes, seen from an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// To it.
    #[default]
    Ingress,
    /// From it.
    Egress,
}

impl Direction {
    /// Both.
    pub const BOTH: [Direction; 2] = [Direction::Ingress, Direction::Egress];

    /// `ingress` or `egress`.
    pub fn name(self) -> &'static str {
        match self {
            Direction::Ingress => "ingress",
            Direction::Egress => "egress",
        }
    }
}

/// One count for each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Counts {
    /// To endpoints.
    pub ingress: Count,
    /// From endpoints.
    pub egress: Count,
}

impl Counts {
    /// The count of a direction.
    pub fn of(self, direction: Direction) -> Count {
        match direction {
            Direction::Ingress => self.ingress,
            Direction::Egress => self.egress,
        }
    }
}

/// What the datapath did with packets since it began.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Traffic {
    /// Packets that were let pass.
    pub forwarded: Counts,
    /// Packets that were dropped, by reason and direction.
    pub drops: Vec<Drops>,
    /// Connections that are remembered.
    pub connections: u64,
    /// Connections that there is room for.
    pub connections_max: u64,
    /// Events that the datapath told.
    pub events: u64,
    /// Events that it did not tell, because there were too many.
    pub events_lost: u64,
}

/// Packets that were dropped for one reason.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Drops {
    /// The reason.
    pub reason: DropReason,
    /// Which way they went.
    pub direction: Direction,
    /// How many.
    #[serde(flatten)]
    pub count: Count,
}

/// Why packets are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DropReason {
    /// Cilium's number.
    pub number: u8,
    /// What people read.
    pub text: String,
}

impl From<sluice_backends::abi::Reason> for DropReason {
    fn from(reason: sluice_backends::abi::Reason) -> DropReason {
        DropReason { number: reason as u8, text: reason.text().to_owned() }
    }
}

/// An endpoint of the node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "An endpoint of a node of sluice")]
pub struct EndpointStatus {
    /// `namespace/name`, or `host`.
    pub name: String,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
    /// Its interface on the node's side; null if none was found, and nothing is enforced.
    pub interface: Option<String>,
    /// The number of that interface.
    pub ifindex: Option<u32>,
    /// Why nothing is enforced, if nothing is.
    pub problem: Option<String>,
    /// Whether what policy would drop is told and let pass.
    #[serde(default)]
    pub audited: bool,
    /// What comes to it.
    pub ingress: EndpointSide,
    /// What it sends.
    pub egress: EndpointSide,
}

impl EndpointStatus {
    /// A direction of it.
    pub fn side(&self, direction: Direction) -> &EndpointSide {
        match direction {
            Direction::Ingress => &self.ingress,
            Direction::Egress => &self.egress,
        }
    }
}

/// One direction of an endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct EndpointSide {
    /// Whether some peer or port is not allowed.
    pub enforced: bool,
    /// Packets that were let pass; null if they are not counted by endpoint.
    pub forwarded: Option<Count>,
    /// Packets that were dropped; null likewise.
    pub dropped: Option<Count>,
}
