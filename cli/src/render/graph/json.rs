//! A graph as JSON. These types are the interface that other tools read.

use std::io;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};
use sluice_compiler::reach::ends::{End, EndId, Isolation, State, Who};
use sluice_compiler::reach::{Answer, Reach};
use sluice_ir::decision::Outcome;
use sluice_ir::origin::Origin;
use sluice_ir::policy::eval::Verdict;
use sluice_ir::policy::{Authentication, Direction};

use super::name::{block, titles};
use super::traffic::{kind, word};
use super::view::View;
use crate::render::answer;
use crate::render::line::Line;
use crate::render::text::harmless_json;

/// Who reaches whom: every pair of ends, with the rules behind each side.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Graph of sluice")]
pub(crate) struct Graph {
    /// The version of this shape. Fields may be added within a version.
    version: u32,
    /// The node whose view is taken; null for the whole cluster.
    node: Option<String>,
    /// Who is there.
    ends: Vec<EndTold>,
    /// The different answers about a pair: all traffic, cut where a side says another thing.
    answers: Vec<Vec<StretchTold>>,
    /// The different verdicts of a side.
    verdicts: Vec<VerdictTold>,
    /// The lines behind verdicts and isolation.
    lines: Vec<Line>,
    /// For each sender a list with the answer about each receiver, both in the order of `ends`: a place in `answers`, or
    /// null where no packet goes that way, no endpoint is at either end, or the pair was not asked for.
    cells: Vec<Vec<Option<u32>>>,
}

/// Some that policy treats alike.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndTold {
    /// What they are called.
    name: String,
    /// `pods`, `entity`, `host` (for pods their own node), `remote-node` or `outside`.
    kind: &'static str,
    /// The namespace of pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// The workload of pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    workload: Option<String>,
    /// The pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pods: Vec<String>,
    /// Nodes of the input, entities, or DNS names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    /// Addresses, as prefixes with exceptions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    /// For endpoints, what becomes of ingress that no rule is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    ingress: Option<IsolationTold>,
    /// The same for egress.
    #[serde(skip_serializing_if = "Option::is_none")]
    egress: Option<IsolationTold>,
}

/// Whether a direction is isolated.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct IsolationTold {
    /// `default-deny`, `open` or `not-enforced`.
    state: &'static str,
    /// The lines that isolate it, as places in `lines`.
    lines: Vec<usize>,
}

/// Traffic about which each side says one thing.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct StretchTold {
    /// Protocol and ports, such as `8080/tcp`.
    traffic: String,
    /// `allow`, `deny` or `redirect`: both sides together.
    verdict: String,
    /// Whether it passes because no rule is about it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    unrestricted: bool,
    /// What the sender's side says, as a place in `verdicts`; null if it is no endpoint.
    egress: Option<usize>,
    /// What the receiver's side says.
    ingress: Option<usize>,
}

/// What a side says.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct VerdictTold {
    /// `allow`, `deny` or `redirect`.
    verdict: String,
    /// `rules`, `default-deny`, `not-isolated`, `localhost` or `not-enforced`.
    reason: &'static str,
    /// Authentication that the traffic must have first.
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<&'static str>,
    /// For a redirect, what the proxy looks at: `http`, `dns`, `server names` or `proxy`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    layer7: Vec<&'static str>,
    /// For a redirect, whether a rule without layer 7 rules matches too, so that the proxy lets everything pass.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    widened: bool,
    /// The lines that made it, as places in `lines`.
    lines: Vec<usize>,
}

/// The text of a view: one line for each end, answer, verdict and row.
pub(super) fn render(view: &View<'_>) -> String {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Lines::default());
    // Writing to memory cannot fail.
    let _ = Graph::new(view).serialize(&mut serializer);
    text.push(b'\n');
    harmless_json(String::from_utf8(text).unwrap_or_default())
}

impl Graph {
    fn new(view: &View<'_>) -> Graph {
        let reach = view.reach;
        let decision = reach.decision();
        let mut answers: indexmap::IndexSet<Answer> = indexmap::IndexSet::new();
        let ids: Vec<EndId> = reach.iter().map(|(id, _)| id).collect();
        let mut cell =
            |from: EndId, to: EndId| u32::try_from(answers.insert_full(view.between(from, to)?).0).ok();
        let cells = ids.iter().map(|from| ids.iter().map(|to| cell(*from, *to)).collect()).collect();
        let lines = lines(reach);
        let told = |(end, name): (&End, String)| EndTold::new(end, name, &lines);
        Graph {
            version: 1,
            node: decision.node.as_deref().map(str::to_owned),
            ends: reach.ends().iter().zip(titles(reach)).map(told).collect(),
            answers: answers.into_iter().map(|answer| stretches(reach, answer)).collect(),
            verdicts: verdicts(reach),
            lines: lines.iter().map(Line::new).collect(),
            cells,
        }
    }
}

fn stretches(reach: &Reach, answer: Answer) -> Vec<StretchTold> {
    let told = |stretch: sluice_compiler::reach::Stretch| {
        let verdict = reach.verdict(&stretch);
        StretchTold {
            traffic: word(&stretch.traffic),
            verdict: verdict.to_string(),
            unrestricted: verdict != Verdict::Deny && reach.is_unrestricted(&stretch),
            egress: stretch.egress.map(|verdict| verdict.index()),
            ingress: stretch.ingress.map(|verdict| verdict.index()),
        }
    };
    reach.stretches(answer).into_iter().map(told).collect()
}

/// Every line that a verdict or an isolation names: those of the table come first, in its order.
pub(super) fn lines(reach: &Reach) -> Vec<Origin> {
    let of_end = |end: &End| {
        let both = end.isolation.iter().flat_map(|both| [&both.ingress, &both.egress]);
        both.flat_map(|isolation| isolation.lines.clone()).collect::<Vec<_>>()
    };
    let of_table = reach.decision().origins.iter().cloned();
    let all: indexmap::IndexSet<Origin> = of_table.chain(reach.ends().iter().flat_map(of_end)).collect();
    all.into_iter().collect()
}

/// Every verdict of the table, in its order.
pub(super) fn verdicts(reach: &Reach) -> Vec<VerdictTold> {
    let decision = reach.decision();
    let told = |outcome: &Outcome| {
        let mut layer7: Vec<&str> = outcome.l7.iter().map(|l7| kind(&decision.l7[l7.index()])).collect();
        layer7.dedup();
        VerdictTold {
            verdict: outcome.verdict.to_string(),
            reason: answer::reason(outcome.reason),
            authentication: outcome.authentication.map(|mode| match mode {
                Authentication::Disabled => "disabled",
                Authentication::Required => "required",
                Authentication::AlwaysFail => "test-always-fail",
            }),
            layer7,
            widened: outcome.widened,
            lines: outcome.origins.iter().map(|origin| origin.index()).collect(),
        }
    };
    decision.verdicts.iter().map(told).collect()
}

impl EndTold {
    /// An end under a name; what isolates it is found among the lines.
    pub(super) fn new(end: &End, name: String, lines: &[Origin]) -> EndTold {
        let mut told = EndTold {
            name,
            kind: "outside",
            namespace: end.namespace().map(|namespace| namespace.to_string()),
            workload: None,
            pods: Vec::new(),
            names: Vec::new(),
            addresses: Vec::new(),
            ingress: end.isolation.as_ref().map(|both| IsolationTold::new(&both[Direction::Ingress], lines)),
            egress: end.isolation.as_ref().map(|both| IsolationTold::new(&both[Direction::Egress], lines)),
        };
        let texts = |all: &[std::sync::Arc<str>]| all.iter().map(|one| one.to_string()).collect();
        match &end.who {
            Who::Pods(group) => {
                told.kind = "pods";
                told.workload = Some(group.workload.name.to_string());
                told.pods = group.endpoints.iter().map(|pod| pod.name.to_string()).collect();
            }
            Who::Entity(words) => (told.kind, told.names) = ("entity", texts(words)),
            Who::Host(nodes) => (told.kind, told.names) = ("host", texts(&nodes.names)),
            Who::RemoteNode(nodes) => (told.kind, told.names) = ("remote-node", texts(&nodes.names)),
            Who::Outside(outside) => {
                let all: Vec<_> = outside.worlds.iter().chain(&outside.names).cloned().collect();
                told.names = texts(&all);
                told.addresses = outside.blocks.iter().map(block).collect();
            }
        }
        told
    }
}

impl IsolationTold {
    fn new(isolation: &Isolation, lines: &[Origin]) -> IsolationTold {
        let place = |line: &Origin| lines.iter().position(|known| known == line);
        IsolationTold {
            state: match isolation.state {
                State::DefaultDeny => "default-deny",
                State::Open => "open",
                State::NotEnforced => "not-enforced",
            },
            lines: isolation.lines.iter().filter_map(place).collect(),
        }
    }
}

/// Pretty down to the lists of the document, and one line for each member of those.
#[derive(Default)]
struct Lines {
    pretty: PrettyFormatter<'static>,
    depth: usize,
}

/// From here on inwards all stands on one line.
const DEPTH: usize = 2;

macro_rules! choose {
    ($self:ident, $inside:expr, $method:ident ( $($argument:expr),* )) => {
        if $inside { CompactFormatter.$method($($argument),*) } else { $self.pretty.$method($($argument),*) }
    };
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        choose!(self, self.depth > DEPTH, begin_array(writer))
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        choose!(self, self.depth >= DEPTH, end_array(writer))
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        choose!(self, self.depth > DEPTH, begin_array_value(writer, first))
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        choose!(self, self.depth > DEPTH, end_array_value(writer))
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        choose!(self, self.depth > DEPTH, begin_object(writer))
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        choose!(self, self.depth >= DEPTH, end_object(writer))
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        choose!(self, self.depth > DEPTH, begin_object_key(writer, first))
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        choose!(self, self.depth > DEPTH, begin_object_value(writer))
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        choose!(self, self.depth > DEPTH, end_object_value(writer))
    }
}
