//! `--baseline`: findings that were there before, and are not shown again.
//!
//! The file has the fingerprint of each, which stays when lines move, and beside it what a person needs to recognise
//! it. Errors are never part of it.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sluice_compiler::diagnostic::{Code, Diagnostic};
use sluice_compiler::source::Span;

use super::fingerprint::Fingerprints;
use crate::error::CliError;
use crate::input::Input;

/// The version of the file's form.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct File {
    version: u32,
    findings: Vec<Known>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Known {
    code: String,
    file: String,
    object: String,
    message: String,
    fingerprint: String,
}

/// Writes the findings as the ones that are known from now on; how many there are.
pub(crate) fn write(path: &Path, input: &Input) -> Result<usize, CliError> {
    let mut prints = Fingerprints::default();
    let mut findings: Vec<Known> = in_order(input)
        .into_iter()
        .filter(|finding| !finding.is_error())
        .map(|finding| known(input, finding, prints.next(&input.sources, finding)))
        .collect();
    findings.sort();
    let count = findings.len();
    let file = File { version: VERSION, findings };
    let mut text = serde_json::to_string_pretty(&file).unwrap_or_default();
    text.push('\n');
    std::fs::write(path, text).map_err(|source| CliError::Write { path: path.to_path_buf(), source })?;
    Ok(count)
}

fn known(input: &Input, finding: &Diagnostic, fingerprint: String) -> Known {
    let object = finding.document.as_deref().map(|document| {
        let parts = [Some(&*document.kind), document.namespace.as_deref(), Some(&*document.name)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    });
    let file = finding.span.map_or(String::new(), |span| input.sources.file(span.file).name().to_string());
    Known {
        code: finding.code.to_string(),
        file,
        object: object.unwrap_or_default(),
        message: finding.message.clone(),
        fingerprint,
    }
}

/// Takes away what the file has. One that cannot be read is a finding.
pub(crate) fn subtract(path: &Path, input: &mut Input) -> Result<(), CliError> {
    let text = std::fs::read_to_string(path)
        .map_err(|source| CliError::Read { path: path.to_path_buf(), source })?;
    let name = path.display().to_string();
    let file = match serde_json::from_str::<File>(&text) {
        Ok(file) if file.version == VERSION => file,
        other => {
            let why = match other {
                Ok(file) => format!("version {} is not known", file.version),
                Err(error) => error.to_string(),
            };
            let id = input.sources.add(name, "");
            let message = format!("this is no baseline: {why}");
            input.diagnostics.push(
                Diagnostic::new(Code::Baseline, Span::new(id, 0, 0), message)
                    .help("write it anew with `--write-baseline`"),
            );
            return Ok(());
        }
    };
    let mut left: BTreeMap<String, Known> =
        file.findings.into_iter().map(|known| (known.fingerprint.clone(), known)).collect();
    let mut prints = Fingerprints::default();
    let is_known: Vec<bool> = in_order(input)
        .into_iter()
        .map(|finding| !finding.is_error() && left.remove(&prints.next(&input.sources, finding)).is_some())
        .collect();
    let mut order: Vec<usize> = (0..input.diagnostics.len()).collect();
    order.sort_by_key(|at| input.diagnostics[*at].span);
    let mut keep = vec![true; order.len()];
    for (at, known) in order.into_iter().zip(is_known) {
        keep[at] = !known;
    }
    let before = input.diagnostics.len();
    let mut keeps = keep.into_iter();
    input.diagnostics.retain(|_| keeps.next().unwrap_or(true));
    input.passed_over.known = before - input.diagnostics.len();
    input.diagnostics.extend(stale(&left));
    Ok(())
}

fn stale(left: &BTreeMap<String, Known>) -> Option<Diagnostic> {
    let first = left.values().min()?;
    let count = left.len();
    let message = match count {
        1 => format!("a finding of the baseline is gone: {} in `{}`", first.code, first.file),
        _ => format!(
            "{count} findings of the baseline are gone, the first of them {} in `{}`",
            first.code, first.file
        ),
    };
    Some(Diagnostic::new(Code::StaleBaseline, None, message).help("write it anew with `--write-baseline`"))
}

/// The findings in the order in which they are numbered.
fn in_order(input: &Input) -> Vec<&Diagnostic> {
    let mut all: Vec<&Diagnostic> = input.diagnostics.iter().collect();
    all.sort_by_key(|finding| finding.span);
    all
}
