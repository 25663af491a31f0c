//! The whole difference as JSON. These types are the interface that other tools read.

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;
use sluice_compiler::compare::digest::{self, Effect};
use sluice_compiler::compare::rows::{self, PeerGroup};
use sluice_compiler::compare::{self as compare, Traffic};
use sluice_ir::origin::Origin;
use sluice_ir::policy::{Authentication, Direction};

use super::{Compared, WAYS, change, layer7, preview};
use crate::input::Fate;
use crate::render::answer::reason;
use crate::render::json;
use crate::render::text::harmless_json;

/// What `sluice diff --format json` prints. Each flow that differs is in just one change of just one part.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Difference of two policies")]
pub(crate) struct Difference<'a> {
    /// The version of this shape. Fields may be added within a version.
    version: u32,
    /// The old side.
    old: Named,
    /// The new side.
    new: Named,
    /// Whether the policies are equal: no flow between ends that both sides know differs.
    equal: bool,
    /// How much was compared.
    compared: Extent,
    /// How many workloads each thing happens to.
    summary: Summary,
    /// Workloads, or pods of workloads, that only the new side has. They are not compared.
    added: Vec<Newcomer>,
    /// Workloads, or pods of workloads, that only the old side has.
    removed: Vec<Group>,
    /// Workloads with what changes for them.
    parts: Vec<Part>,
    /// Endpoints with differences that are not listed, as there were too many.
    unlisted: usize,
    /// What `sluice preview` says beside.
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<Preview<'a>>,
}

/// What a change does beside changing flows.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Preview<'a> {
    /// Objects that come, are replaced or go.
    objects: Vec<Object>,
    /// Pods for which any flow changes.
    pods: usize,
    /// Their nodes, as far as these are known.
    nodes: Vec<String>,
    /// Pods of these whose node is not known.
    without_node: usize,
    /// The tables of the endpoints that were compared, as they are.
    tables_before: Sizes,
    /// The tables of the endpoints that were compared, as they would be.
    tables_after: Sizes,
    /// What is found and was not found before.
    findings: Vec<json::Finding<'a>>,
}

/// An object that comes, is replaced or goes.
#[derive(Debug, Serialize, JsonSchema)]
struct Object {
    /// `KIND/NAMESPACE/NAME` or `KIND/NAME`.
    name: String,
    /// What becomes of it.
    fate: FateWord,
}

/// What becomes of an object.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum FateWord {
    /// It was not there.
    Added,
    /// It takes the place of one with its name.
    Replaced,
    /// It is gone.
    Deleted,
}

/// How large tables are.
#[derive(Debug, Serialize, JsonSchema)]
struct Sizes {
    /// Rows times classes of ports.
    cells: usize,
    /// Different rows of both directions.
    rows: usize,
    /// Bytes of a flat layout.
    bytes: usize,
}

impl From<preview::Sizes> for Sizes {
    fn from(sizes: preview::Sizes) -> Sizes {
        Sizes { cells: sizes.cells, rows: sizes.rows, bytes: sizes.bytes }
    }
}

impl<'a> Preview<'a> {
    fn new(preview: &'a preview::Preview<'_>) -> Preview<'a> {
        let object = |(name, fate): &(String, Fate)| Object {
            name: name.clone(),
            fate: match fate {
                Fate::Added => FateWord::Added,
                Fate::Replaced => FateWord::Replaced,
                Fate::Deleted => FateWord::Deleted,
            },
        };
        let report = preview.report();
        let findings = report.diagnostics.iter();
        Preview {
            objects: preview.objects.iter().map(object).collect(),
            pods: preview.pods,
            nodes: preview.nodes.iter().cloned().collect(),
            without_node: preview.homeless,
            tables_before: preview.tables.0.into(),
            tables_after: preview.tables.1.into(),
            findings: findings.map(|finding| json::Finding::new(report.sources, finding)).collect(),
        }
    }
}

/// A side.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Named {
    /// What it is called: a path, or a revision with its commit.
    name: String,
    /// Invalid documents that were left out.
    left_out: usize,
}

/// How much was compared.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Extent {
    /// Endpoints whose tables were compared, cell by cell.
    endpoints: usize,
    /// Endpoints with the same identity, rules and peers on both sides, whose tables are so the same.
    alike: usize,
    /// Cells that were compared.
    cells: usize,
}

/// How many workloads each thing happens to.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Summary {
    /// Any flow changes.
    changed: usize,
    /// Something that was dropped passes.
    allowed: usize,
    /// Something that passed is dropped.
    denied: usize,
    /// Something passes by other layer 7 rules or authentication.
    altered: usize,
    /// Default deny begins for a direction.
    isolation_begins: usize,
    /// Default deny ends for a direction.
    isolation_ends: usize,
    /// Only the new side has it.
    added: usize,
    /// Only the old side has it.
    removed: usize,
}

/// Some pods of a workload.
#[derive(Debug, Serialize, JsonSchema)]
struct Group {
    /// `namespace/name`; `host NAME` for the host of a node.
    workload: String,
    /// The names of the pods.
    pods: Vec<String>,
    /// Whether these are all of its pods.
    all: bool,
}

/// Some pods of a workload that only the new side has.
#[derive(Debug, Serialize, JsonSchema)]
struct Newcomer {
    /// Which.
    #[serde(flatten)]
    group: Group,
    /// Whether default deny holds, by direction.
    isolated: Isolated,
}

/// Whether default deny holds, by direction.
#[derive(Debug, Default, Serialize, JsonSchema)]
struct Isolated {
    /// For ingress.
    ingress: bool,
    /// For egress.
    egress: bool,
}

/// Workloads of which all that changes is the same.
#[derive(Debug, Serialize, JsonSchema)]
struct Part {
    /// The workloads.
    workloads: Vec<Group>,
    /// Where default deny begins or ends.
    isolation: Vec<Isolation>,
    /// Flows that change.
    changes: Vec<Change>,
}

/// Default deny begins or ends.
#[derive(Debug, Serialize, JsonSchema)]
struct Isolation {
    /// `ingress` or `egress`.
    direction: String,
    /// Whether it begins; else it ends.
    begins: bool,
    /// The rules that isolate, on the side on which it is isolated.
    lines: Vec<Line>,
}

/// Flows that change in one way.
#[derive(Debug, Serialize, JsonSchema)]
struct Change {
    /// `ingress` or `egress`, seen from the workloads.
    direction: String,
    /// What it means.
    effect: EffectWord,
    /// The other sides.
    peers: Vec<Peer>,
    /// Protocols and ports.
    traffic: Vec<TrafficSpan>,
    /// What was.
    old: Told,
    /// What is to be.
    new: Told,
    /// All of it in words.
    text: String,
}

/// What a change means to whoever sends.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum EffectWord {
    /// What was dropped passes.
    Allowed,
    /// What passed is dropped.
    Denied,
    /// It passes by other layer 7 rules or authentication.
    Altered,
}

/// The other sides of flows.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Peer {
    /// Pods of a workload.
    Pods(Group),
    /// What is known by what it is: `host`, `world`, ...
    Entity {
        /// The entity.
        name: String,
    },
    /// Nodes that have more than the labels of an entity, seen from others.
    Nodes {
        /// Their names.
        names: Vec<String>,
    },
    /// For pods on these nodes their own node, where it has more than the label of the host.
    OwnNode {
        /// The names of the nodes.
        names: Vec<String>,
    },
    /// Addresses that are neither a pod's nor a node's.
    Addresses {
        /// Prefixes.
        blocks: Vec<Block>,
    },
}

/// A prefix with exceptions.
#[derive(Debug, Serialize, JsonSchema)]
struct Block {
    /// The prefix.
    cidr: String,
    /// Prefixes inside it that are left out.
    except: Vec<String>,
}

/// Some ports.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum TrafficSpan {
    /// Every port of every protocol but these.
    AllBut {
        /// Protocols by name, or `ip-NUMBER`.
        protocols: Vec<String>,
    },
    /// Ports of one protocol; all of them for one without ports, and types for ICMP.
    Ports {
        /// The protocol by name, or `ip-NUMBER`.
        protocol: String,
        /// The first port.
        from: u16,
        /// The last port.
        to: u16,
    },
}

/// What one side says.
#[derive(Debug, Serialize, JsonSchema)]
struct Told {
    /// `allow`, `deny` or `redirect`.
    verdict: String,
    /// Which steps decided: `rules`, `default-deny`, `not-isolated`, `localhost` or `not-enforced`.
    reasons: Vec<&'static str>,
    /// Authentication that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    authentication: Option<&'static str>,
    /// What the proxy is to let pass, in words: alternatives.
    layer7: Vec<String>,
    /// The rules that made it.
    lines: Vec<Line>,
}

/// A rule, and where it is written.
#[derive(Debug, Serialize, JsonSchema)]
struct Line {
    /// The file, or `REVISION:PATH` in a revision.
    file: String,
    /// Line, from 1.
    line: u32,
    /// Column, from 1.
    column: u32,
    /// The kind of its object.
    kind: String,
    /// The object's namespace.
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    /// The object's name.
    name: String,
    /// The path in the object.
    path: String,
}

impl<'a> Difference<'a> {
    fn new(compared: &'a Compared<'_>) -> Difference<'a> {
        let totals = compared.totals();
        let roster = &compared.both.roster;
        let newcomer = |group: &rows::Group| {
            let isolated = group.endpoints.first().and_then(|name| compared.both.newcomers.get(name));
            let isolated = isolated.map(|one| Isolated { ingress: one.ingress, egress: one.egress });
            Newcomer { group: Group::new(group), isolated: isolated.unwrap_or_default() }
        };
        Difference {
            version: 1,
            old: Named { name: compared.old.clone(), left_out: compared.left_out.0 },
            new: Named { name: compared.new.clone(), left_out: compared.left_out.1 },
            equal: compared.equal,
            compared: Extent {
                endpoints: roster.endpoints.len(),
                alike: roster.alike.len(),
                cells: compared.cells,
            },
            summary: Summary {
                changed: totals.changed,
                allowed: totals.allowed,
                denied: totals.denied,
                altered: totals.altered,
                isolation_begins: totals.begins,
                isolation_ends: totals.ends,
                added: totals.added,
                removed: totals.removed,
            },
            added: roster.added.iter().map(newcomer).collect(),
            removed: roster.removed.iter().map(Group::new).collect(),
            parts: parts(compared),
            unlisted: compared.digest.unlisted,
            preview: compared.preview.as_ref().map(Preview::new),
        }
    }
}

fn parts(compared: &Compared<'_>) -> Vec<Part> {
    let everyone = compared.everyone();
    let part = |part: &digest::Part| {
        let isolation = |direction: Direction| {
            let one = part.isolation[direction].as_ref()?;
            let lines = one.origins.iter().map(Line::new).collect();
            Some(Isolation { direction: direction.to_string(), begins: one.begins, lines })
        };
        let change = |one: &digest::Change| {
            let worded = change::worded(one, part, &everyone);
            let more: String = worded.more.iter().map(|more| format!("; {more}")).collect();
            Change::new(one, format!("{} {}{more}", worded.verb, worded.what))
        };
        Part {
            workloads: part.groups.iter().map(Group::new).collect(),
            isolation: WAYS.into_iter().filter_map(isolation).collect(),
            changes: part.changes.iter().map(change).collect(),
        }
    };
    compared.digest.parts.par_iter().map(part).collect()
}

impl Group {
    fn new(group: &rows::Group) -> Group {
        Group {
            workload: group.workload.to_string(),
            pods: group.endpoints.iter().map(|pod| pod.name.to_string()).collect(),
            all: group.whole,
        }
    }
}

impl Change {
    fn new(change: &digest::Change, text: String) -> Change {
        Change {
            direction: change.direction.to_string(),
            effect: match change.effect() {
                Effect::Allowed => EffectWord::Allowed,
                Effect::Denied => EffectWord::Denied,
                Effect::Altered => EffectWord::Altered,
            },
            peers: change.peers.iter().map(peer).collect(),
            traffic: change.traffic.iter().map(traffic).collect(),
            old: Told::new(&change.old),
            new: Told::new(&change.new),
            text,
        }
    }
}

fn peer(peer: &PeerGroup) -> Peer {
    let names = |names: &[std::sync::Arc<str>]| names.iter().map(ToString::to_string).collect();
    let block = |block: &rows::Block| Block {
        cidr: block.cidr.to_string(),
        except: block.except.iter().map(ToString::to_string).collect(),
    };
    match peer {
        PeerGroup::Pods(pods) => Peer::Pods(Group::new(pods)),
        PeerGroup::Entity(name) => Peer::Entity { name: name.to_string() },
        PeerGroup::Nodes(nodes) => Peer::Nodes { names: names(nodes) },
        PeerGroup::Hosts(nodes) => Peer::OwnNode { names: names(nodes) },
        PeerGroup::Addresses(blocks) => Peer::Addresses { blocks: blocks.iter().map(block).collect() },
    }
}

fn traffic(traffic: &Traffic) -> TrafficSpan {
    match traffic {
        Traffic::AllBut(protocols) => {
            TrafficSpan::AllBut { protocols: protocols.iter().map(ToString::to_string).collect() }
        }
        Traffic::Ports(protocol, range) => {
            TrafficSpan::Ports { protocol: protocol.to_string(), from: range.start, to: range.end }
        }
    }
}

impl Told {
    fn new(told: &compare::Told) -> Told {
        Told {
            verdict: told.verdict.to_string(),
            reasons: told.reasons.iter().map(|one| reason(*one)).collect(),
            authentication: told.authentication.map(|mode| match mode {
                Authentication::Disabled => "disabled",
                Authentication::Required => "required",
                Authentication::AlwaysFail => "test-always-fail",
            }),
            layer7: layer7::items(told),
            lines: told.origins.iter().map(Line::new).collect(),
        }
    }
}

impl Line {
    fn new(origin: &Origin) -> Line {
        Line {
            file: origin.file.to_string(),
            line: origin.line,
            column: origin.column,
            kind: origin.kind.to_string(),
            namespace: origin.namespace.as_ref().map(ToString::to_string),
            name: origin.name.to_string(),
            path: origin.path.to_string(),
        }
    }
}

/// One object.
pub(super) fn render(compared: &Compared<'_>) -> String {
    let mut text = serde_json::to_string_pretty(&Difference::new(compared)).unwrap_or_default();
    text.push('\n');
    harmless_json(text)
}

/// One object a line for each change, with the workloads that it is about.
pub(super) fn render_lines(compared: &Compared<'_>) -> String {
    let mut text = String::new();
    for part in parts(compared) {
        for change in part.changes {
            let line = ChangeLine { workloads: &part.workloads, change };
            text.push_str(&serde_json::to_string(&line).unwrap_or_default());
            text.push('\n');
        }
    }
    harmless_json(text)
}

/// A line of what `sluice diff --format jsonl` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "One change of policy")]
pub(crate) struct ChangeLine<'p> {
    /// The workloads that it is about.
    workloads: &'p [Group],
    /// What changes.
    #[serde(flatten)]
    change: Change,
}
