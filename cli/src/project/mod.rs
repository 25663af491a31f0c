//! `sluice.yaml`: what a repository asks of Sluice.
//!
//! It stands in the current folder or in one above it; the first that is found counts. Each key has a file here with a
//! type of its own, and a key that nobody knows is a finding: what is passed over in silence would be taken to hold.

mod budget;
mod golden;
mod lints;
mod read;

use std::path::{Path, PathBuf};

use sluice_compiler::diagnostic::{Code, Diagnostic, did_you_mean};
use sluice_compiler::source::{FileId, Limits, Node, Sources, parse};

use crate::error::CliError;
pub(crate) use budget::{Measure, Threshold};
pub(crate) use golden::{Cluster, Golden, Stage};
pub(crate) use lints::{Level, Lints};
use read::{Reader, entries};

/// Its name.
const NAME: &str = "sluice.yaml";

/// The keys that it may have.
const KEYS: [&str; 3] = ["budget", "golden", "lints"];

/// What the file says.
#[derive(Debug, Default)]
pub(crate) struct Project {
    /// The folder that its paths begin at; none without a file.
    pub(crate) root: Option<PathBuf>,
    /// `budget`.
    pub(crate) budget: Vec<Threshold>,
    /// `golden`.
    pub(crate) golden: Golden,
    /// `lints`.
    pub(crate) lints: Lints,
}

/// The file that counts, if there is one.
pub(crate) fn find() -> Option<PathBuf> {
    let here = std::env::current_dir().ok()?;
    here.ancestors().map(|folder| folder.join(NAME)).find(|path| path.is_file())
}

/// Reads the file that is named, or else the one that is found. What is wrong with it joins the findings.
///
/// # Errors
///
/// A file that was named, or found, cannot be read.
pub(crate) fn read(
    named: Option<&Path>,
    sources: &mut Sources,
    findings: &mut Vec<Diagnostic>,
) -> Result<Project, CliError> {
    let Some(path) = named.map(Path::to_path_buf).or_else(find) else { return Ok(Project::default()) };
    let bytes = std::fs::read(&path).map_err(|source| CliError::Read { path: path.clone(), source })?;
    let file = sources.add_bytes(shown(&path), bytes);
    let root = std::path::absolute(&path).ok().and_then(|path| path.parent().map(Path::to_path_buf));
    let (mut project, mut found) = parsed(sources, file);
    project.root = root;
    findings.append(&mut found);
    Ok(project)
}

/// As seen from the current folder, where it lies in or below that.
fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

fn parsed(sources: &Sources, file: FileId) -> (Project, Vec<Diagnostic>) {
    let (documents, mut findings) = parse(sources, file, &Limits::default());
    let mut project = Project::default();
    if let Some(document) = documents.first() {
        let mut reader = Reader::default();
        top(&mut reader, &document.root, &mut project);
        findings.extend(reader.findings);
    }
    (project, findings)
}

fn top(reader: &mut Reader, root: &Node, project: &mut Project) {
    for entry in entries(reader, root) {
        match &*entry.key {
            "budget" => project.budget = budget::read(reader, &entry.value),
            "golden" => project.golden = golden::read(reader, &entry.value),
            "lints" => project.lints = lints::read(reader, &entry.value),
            key => {
                let help = match did_you_mean(key, KEYS) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => "this version knows `budget`, `golden` and `lints`".to_owned(),
                };
                reader.report(
                    Diagnostic::new(Code::ProjectFile, entry.key_span, format!("unknown key `{key}`"))
                        .help(help),
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(text: &str) -> Vec<String> {
        let mut sources = Sources::default();
        let file = sources.add("sluice.yaml", text);
        let (_, findings) = parsed(&sources, file);
        let show = |finding: &Diagnostic| {
            let place = finding.span.map(|span| sources.text(span)).unwrap_or_default();
            format!("{} `{place}` {}", finding.code, finding.help.as_deref().unwrap_or_default())
        };
        findings.iter().map(show).collect()
    }

    #[test]
    fn nothing_unknown_is_passed_over() {
        assert_eq!(
            faults("lints: {levels: {S1101: off, open-to-world: error, S12xx: info, all: warning}}\n"),
            [""; 0]
        );
        assert_eq!(
            faults(
                "golden: {folder: g, clusters: {prod: {paths: [a], node: n, stages: [ir, access], accept: agent}}}\n"
            ),
            [""; 0]
        );
        assert_eq!(faults("golden: {cluster: {}}\n"), ["S0912 `cluster` did you mean `clusters`?"]);
        assert_eq!(
            faults("golden: {clusters: {prod: {paths: [a], stages: [asm]}}}\n"),
            ["S0912 `asm` it is one of `access`, `ir`, `decision`"]
        );
        assert!(faults("golden: {clusters: {prod: {}}}\n")[0].starts_with("S0912 `prod`"));
        assert!(faults("golden: {clusters: {../up: {paths: [a]}}}\n")[0].starts_with("S0912 `../up`"));
        assert_eq!(faults("budget: {classes: 4000, bytesWithNames: 16 MiB, bytes: 1GiB}\n"), [""; 0]);
        assert_eq!(faults("budget: {clases: 4}\n"), ["S0912 `clases` did you mean `classes`?"]);
        assert!(faults("budget: {classes: many}\n")[0].starts_with("S0912 `many`"));
        assert!(faults("budget: {bytes: 3MB}\n")[0].starts_with("S0912 `3MB`"));
        assert!(faults("budget: {bytes: 99999999999GiB}\n")[0].starts_with("S0912"));
        assert_eq!(faults("lint: {}\n"), ["S0912 `lint` did you mean `lints`?"]);
        assert_eq!(faults("lints: {level: {}}\n"), ["S0912 `level` did you mean `levels`?"]);
        assert_eq!(faults("lints: {levels: {S1101: of}}\n"), ["S0912 `of` did you mean `off`?"]);
        assert_eq!(
            faults("lints: {levels: {open-to-word: off}}\n"),
            ["S0912 `open-to-word` did you mean `open-to-world`?"]
        );
        assert!(faults("lints: {levels: {S0501: off}}\n")[0].starts_with("S0912 `S0501`"));
        assert!(faults("lints: {paths: [{files: [\"a[\"], levels: {}}]}\n")[0].starts_with("S0912 `\"a[\"`"));
        assert!(faults("lints: {paths: [{levels: {}}]}\n")[0].starts_with("S0912"));
        assert!(faults("lints: 3\n")[0].starts_with("S0912 `3`"));
    }
}
