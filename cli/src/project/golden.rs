//! `golden`: clusters of a repository whose meaning is kept as text beside them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::ValueEnum;
use sluice_compiler::diagnostic::{Code, Diagnostic, did_you_mean};
use sluice_compiler::source::{Entry, Node};

use super::read::{Reader, elements, entries, text};
use crate::options::AcceptArg;

/// What `golden` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Golden {
    /// The folder of the texts.
    pub(crate) folder: PathBuf,
    /// The clusters by name.
    pub(crate) clusters: BTreeMap<String, Cluster>,
}

impl Default for Golden {
    fn default() -> Golden {
        Golden { folder: "golden".into(), clusters: BTreeMap::new() }
    }
}

/// One cluster, or one node of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cluster {
    /// Its manifests: files, folders, patterns.
    pub(crate) paths: Vec<PathBuf>,
    /// Whose view is taken; the whole cluster's without.
    pub(crate) node: Option<String>,
    /// Which texts there are.
    pub(crate) stages: Vec<Stage>,
    /// As `--dns`.
    pub(crate) dns: Option<PathBuf>,
    /// As `--aws`.
    pub(crate) aws: Vec<PathBuf>,
    /// As `--config`.
    pub(crate) config: Option<PathBuf>,
    /// As `--accept`.
    pub(crate) accept: AcceptArg,
}

impl Default for Cluster {
    fn default() -> Cluster {
        Cluster {
            paths: Vec::new(),
            node: None,
            stages: vec![Stage::Access],
            dns: None,
            aws: Vec::new(),
            config: None,
            accept: AcceptArg::default(),
        }
    }
}

/// A text that can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Stage {
    /// Who may do what, by workload
    Access,
    /// The rules, without the lines that they stand at
    Ir,
    /// The table
    Decision,
}

impl Stage {
    /// The word for it, which names its file too.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Stage::Access => "access",
            Stage::Ir => "ir",
            Stage::Decision => "decision",
        }
    }
}

const KEYS: [&str; 2] = ["folder", "clusters"];
const OF_CLUSTER: [&str; 7] = ["paths", "node", "stages", "dns", "aws", "config", "accept"];

/// Reads the value of `golden`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Golden {
    let mut golden = Golden::default();
    for entry in entries(reader, node) {
        match &*entry.key {
            "folder" => golden.folder = path(reader, &entry.value).unwrap_or(golden.folder),
            "clusters" => {
                for entry in entries(reader, &entry.value) {
                    if entry.key.is_empty() || entry.key.contains(['/', '\\']) || entry.key.starts_with('.') {
                        fault(reader, entry, "the name of a cluster is the name of a folder");
                    }
                    let cluster = cluster(reader, entry);
                    golden.clusters.insert(entry.key.to_string(), cluster);
                }
            }
            _ => unknown(reader, entry, &KEYS),
        }
    }
    golden
}

fn cluster(reader: &mut Reader, of: &Entry) -> Cluster {
    let mut cluster = Cluster::default();
    for entry in entries(reader, &of.value) {
        let value = &entry.value;
        match &*entry.key {
            "paths" => cluster.paths = paths(reader, value),
            "node" => cluster.node = text(reader, value).map(str::to_owned),
            "stages" => cluster.stages = words(reader, value),
            "dns" => cluster.dns = path(reader, value),
            "aws" => cluster.aws = paths(reader, value),
            "config" => cluster.config = path(reader, value),
            "accept" => cluster.accept = word(reader, value).unwrap_or_default(),
            _ => unknown(reader, entry, &OF_CLUSTER),
        }
    }
    if cluster.paths.is_empty() {
        fault(reader, of, "a cluster needs `paths`");
    }
    cluster
}

fn path(reader: &mut Reader, node: &Node) -> Option<PathBuf> {
    text(reader, node).map(PathBuf::from)
}

fn paths(reader: &mut Reader, node: &Node) -> Vec<PathBuf> {
    elements(reader, node).iter().filter_map(|item| path(reader, item)).collect()
}

fn words<W: ValueEnum>(reader: &mut Reader, node: &Node) -> Vec<W> {
    elements(reader, node).iter().filter_map(|item| word(reader, item)).collect()
}

/// One of the words of an option.
fn word<W: ValueEnum>(reader: &mut Reader, node: &Node) -> Option<W> {
    let typed = text(reader, node)?;
    if let Ok(known) = W::from_str(typed, false) {
        return Some(known);
    }
    let words: Vec<String> = W::value_variants()
        .iter()
        .filter_map(|one| Some(one.to_possible_value()?.get_name().to_owned()))
        .collect();
    let finding = Diagnostic::new(Code::ProjectFile, node.span, format!("unknown word `{typed}`"));
    reader.report(finding.help(format!("it is one of `{}`", words.join("`, `"))));
    None
}

fn unknown(reader: &mut Reader, entry: &Entry, known: &[&str]) {
    let help = match did_you_mean(&entry.key, known.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("keys here are `{}`", known.join("`, `")),
    };
    let message = format!("unknown key `{}`", entry.key);
    reader.report(Diagnostic::new(Code::ProjectFile, entry.key_span, message).help(help));
}

fn fault(reader: &mut Reader, entry: &Entry, message: &str) {
    reader.report(
        Diagnostic::new(Code::ProjectFile, entry.key_span, message)
            .help("`sluice explain S0912` shows what the file looks like"),
    );
}
