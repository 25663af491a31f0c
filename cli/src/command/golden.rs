//! `sluice golden`: the meaning of a repository's clusters as text, kept beside them.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use similar::TextDiff;
use sluice_compiler::classify::Limits;
use sluice_compiler::compare::decide_both;
use sluice_compiler::{Compiled, decide};

use crate::error::CliError;
use crate::input::{self, Input};
use crate::options::Inputs;
use crate::project::{self, Cluster, Golden, Stage};
use crate::render::difference::access;
use crate::render::{Format, text};
use crate::report;
use crate::terminal::Terminal;

/// Keep what the policies of a repository mean as text beside them
///
/// `sluice.yaml` names clusters under the key `golden`, each with its paths, and perhaps a node and stages: `access`
/// (who may do what, by workload; the default), `ir` (the rules, without lines) and `decision` (the table). `update`
/// writes a text for each, to be committed; `check` compares, shows what differs and exits with 1. So a review sees
/// what a change means as changed lines.
#[derive(Debug, Args)]
pub(crate) struct GoldenCommand {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write the texts anew
    Update(Which),
    /// Compare the texts with what the manifests mean now; exits with 1 if they differ
    Check(Which),
}

/// Which clusters.
#[derive(Debug, Args)]
struct Which {
    /// Only these clusters
    #[arg(value_name = "CLUSTER")]
    clusters: Vec<String>,
}

/// Texts by file.
type Texts = BTreeMap<PathBuf, String>;

impl GoldenCommand {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let (golden, valid) = read_project()?;
        let (What::Update(which) | What::Check(which)) = &self.what;
        if !valid {
            return Ok(2);
        }
        let chosen = chosen(&golden, &which.clusters)?;
        let mut texts = Texts::new();
        for (name, cluster) in &chosen {
            let Some(found) = texts_of(cluster)? else { return Ok(2) };
            let folder = golden.folder.join(name);
            texts.extend(found.into_iter().map(|(stage, text)| (folder.join(file_of(stage)), text)));
        }
        let stale = stale(&golden.folder, &chosen, &texts, which.clusters.is_empty());
        match self.what {
            What::Update(_) => update(&texts, &stale, terminal),
            What::Check(_) => check(&texts, &stale, terminal),
        }
    }
}

fn file_of(stage: Stage) -> String {
    format!("{}.txt", stage.word())
}

/// What `sluice.yaml` says of goldens, and whether all of it is valid. From then on its folder is the current one, as
/// its paths begin there and names in texts must not depend on who runs the command.
fn read_project() -> Result<(Golden, bool), CliError> {
    let Some(path) = project::find() else {
        return Err(CliError::Asked {
            message: "there is no `sluice.yaml` here or above".to_owned(),
            help: "`golden: {clusters: {NAME: {paths: [...]}}}` in it names clusters".to_owned(),
        });
    };
    let mut input = Input::default();
    let project = project::read(Some(&path), &mut input.sources, &mut input.diagnostics)?;
    report::complain(&input, Format::Human)?;
    if let Some(root) = &project.root {
        let failed = |source: io::Error| CliError::Read { path: root.clone(), source };
        std::env::set_current_dir(root).map_err(failed)?;
    }
    Ok((project.golden, !input.has_errors()))
}

fn chosen<'g>(golden: &'g Golden, names: &'g [String]) -> Result<Vec<(&'g str, &'g Cluster)>, CliError> {
    let all = golden.clusters.iter().map(|(name, cluster)| (name.as_str(), cluster));
    if let Some(unknown) = names.iter().find(|name| !golden.clusters.contains_key(*name)) {
        let known: Vec<&str> = golden.clusters.keys().map(String::as_str).collect();
        return Err(CliError::Asked {
            message: format!("there is no cluster `{unknown}` in `sluice.yaml`"),
            help: format!("it names `{}`", known.join("`, `")),
        });
    }
    let chosen: Vec<_> =
        all.filter(|(name, _)| names.is_empty() || names.iter().any(|one| one == name)).collect();
    match chosen.is_empty() {
        true => Err(CliError::Asked {
            message: "`sluice.yaml` names no clusters".to_owned(),
            help: "write `golden: {clusters: {NAME: {paths: [...]}}}` into it".to_owned(),
        }),
        false => Ok(chosen),
    }
}

/// The texts of a cluster; none if its manifests are not valid, which is said.
fn texts_of(cluster: &Cluster) -> Result<Option<Vec<(Stage, String)>>, CliError> {
    let inputs = Inputs {
        node: cluster.node.clone(),
        dns: cluster.dns.clone(),
        dns_at: None,
        aws: cluster.aws.clone(),
        config: cluster.config.clone(),
        accept: cluster.accept,
        keep_going: false,
    };
    let mut input = input::read(&cluster.paths, None, &inputs)?;
    let mut nothing = input.where_nothing_is_allowed();
    let compiled = input.compile()?;
    input.diagnostics.extend(Input::nobody(&compiled));
    let mut texts = Vec::new();
    for stage in &cluster.stages {
        if !input.has_errors()
            && let Some(text) = text_of(*stage, &mut input, &mut nothing, &compiled, cluster.node.as_deref())?
        {
            texts.push((*stage, text));
        }
    }
    report::complain(&input, Format::Human)?;
    Ok((!input.has_errors()).then_some(texts))
}

fn text_of(
    stage: Stage,
    input: &mut Input,
    nothing: &mut Input,
    compiled: &Compiled,
    node: Option<&str>,
) -> Result<Option<String>, CliError> {
    match stage {
        Stage::Ir => Ok(Some(without_places(&compiled.policy.to_string()))),
        Stage::Decision => match decide(compiled, node, &Limits::default(), &mut |_| ()) {
            Ok(decided) => Ok(Some(decided.classified.decision.to_string())),
            Err(error) => input.refused(error, compiled).map(|()| None),
        },
        Stage::Access => {
            let empty = nothing.compile()?;
            match decide_both(&empty, compiled, node, &Limits::default()) {
                Ok(both) => Ok(Some(access::render(&both))),
                Err(error) => input.refused(error.error, compiled).map(|()| None),
            }
        }
    }
}

/// Rules without ` at LINE:COLUMN`, so that a comment that is added changes nothing.
fn without_places(rules: &str) -> String {
    let line = |line: &str| {
        let place = line.strip_suffix(" {").and_then(|rest| rest.rsplit_once(" at "));
        let is_place = |place: &str| place.chars().all(|c| c.is_ascii_digit() || c == ':');
        match place {
            Some((rest, place)) if is_place(place) => format!("{rest} {{\n"),
            _ => format!("{line}\n"),
        }
    };
    rules.lines().map(line).collect()
}

/// Texts that are there and that nobody names any more: of the clusters that were asked for, or of all.
fn stale(folder: &Path, chosen: &[(&str, &Cluster)], texts: &Texts, all: bool) -> Vec<PathBuf> {
    let folders: Vec<PathBuf> = match (all, std::fs::read_dir(folder)) {
        (true, Ok(entries)) => entries.flatten().map(|entry| entry.path()).collect(),
        _ => chosen.iter().map(|(name, _)| folder.join(name)).collect(),
    };
    let stages = [Stage::Access, Stage::Ir, Stage::Decision];
    let mut stale: Vec<PathBuf> =
        folders.iter().flat_map(|folder| stages.map(|stage| folder.join(file_of(stage)))).collect();
    stale.retain(|path| path.is_file() && !texts.contains_key(path));
    stale.sort();
    stale
}

fn update(texts: &Texts, stale: &[PathBuf], terminal: &Terminal) -> Result<u8, CliError> {
    let mut written = 0;
    for (path, text) in texts {
        let failed = |source: io::Error| CliError::Write { path: path.clone(), source };
        if std::fs::read_to_string(path).is_ok_and(|known| known == *text) {
            continue;
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(path, text).map_err(failed)?;
        written += 1;
    }
    for path in stale {
        std::fs::remove_file(path).map_err(|source| CliError::Write { path: path.clone(), source })?;
    }
    let same = texts.len() - written;
    terminal.print(&format!("{written} written, {same} as before, {} removed\n", stale.len()))?;
    Ok(0)
}

fn check(texts: &Texts, stale: &[PathBuf], terminal: &Terminal) -> Result<u8, CliError> {
    let mut out = String::new();
    for (path, text) in texts {
        let known = match std::fs::read_to_string(path) {
            Ok(known) => known,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(source) => return Err(CliError::Read { path: path.clone(), source }),
        };
        if known != *text {
            let name = path.display().to_string();
            let diff = TextDiff::from_lines(&known, text);
            out.push_str(
                &diff.unified_diff().context_radius(3).header(&name, "what the manifests mean").to_string(),
            );
        }
    }
    for path in stale {
        out.push_str(&format!("{} belongs to nothing in sluice.yaml\n", path.display()));
    }
    if out.is_empty() {
        return Ok(0);
    }
    let lines: Vec<String> = out.lines().map(text::harmless).collect();
    terminal.print(&format!(
        "{}\n\nrun `sluice golden update`, and review what it changes\n",
        lines.join("\n")
    ))?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use super::without_places;

    #[test]
    fn places_are_left_out_and_words_are_not() {
        let rules = "  egress allow spec.egress[0] at 38:7 {\n    to name at {\n  }\n";
        assert_eq!(without_places(rules), "  egress allow spec.egress[0] {\n    to name at {\n  }\n");
    }
}
