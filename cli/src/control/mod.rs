//! Which findings are shown: what is allowed where it stands, what `sluice.yaml` says, what was there before.

pub(crate) mod baseline;
pub(crate) mod fingerprint;
pub(crate) mod fix;

use std::path::{Component, Path, PathBuf};

use sluice_compiler::diagnostic::{Diagnostic, Severity};
use sluice_compiler::lint::{Allowed, allow};
use sluice_compiler::source::Sources;

use crate::input::Input;
use crate::project::{Level, Project};

/// How many findings are not shown, and why.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PassedOver {
    /// By a comment or an annotation.
    pub(crate) allowed: usize,
    /// By the baseline.
    pub(crate) known: usize,
}

/// Takes away what is allowed, and sets the levels.
pub(crate) fn control(input: &mut Input, project: &Project) {
    let findings = std::mem::take(&mut input.diagnostics);
    let controlled = controlled(input, findings, project);
    input.passed_over.allowed = controlled.allowed;
    input.diagnostics = controlled.left;
}

/// Some findings about an input without what is allowed, at the levels that are set.
pub(crate) fn controlled(input: &Input, findings: Vec<Diagnostic>, project: &Project) -> Allowed {
    let Allowed { left, allowed } = allow(&input.sources, &input.manifests, &input.resources, findings);
    let left = left.into_iter().filter_map(|finding| levelled(&input.sources, project, finding));
    Allowed { left: left.collect(), allowed }
}

fn levelled(sources: &Sources, project: &Project, mut finding: Diagnostic) -> Option<Diagnostic> {
    if finding.code.severity() == Severity::Error {
        return Some(finding);
    }
    let path =
        finding.span.and_then(|span| seen_from(project.root.as_deref(), sources.file(span.file).name()));
    match project.lints.level(finding.code, path.as_deref()) {
        None => {}
        Some(Level::Off) => return None,
        // What a lint holds for less than its level here stays that: it is not sure of it.
        Some(Level::At(severity)) if finding.severity < finding.code.severity() => {
            finding.severity = severity.min(finding.severity);
        }
        Some(Level::At(severity)) => finding.severity = severity,
    }
    Some(finding)
}

/// A file as seen from a folder; none if it does not lie in it.
fn seen_from(root: Option<&Path>, name: &str) -> Option<String> {
    let path = std::path::absolute(name).ok()?;
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => {
                plain.pop();
            }
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain.strip_prefix(root?).ok().map(|path| path.to_string_lossy().replace('\\', "/"))
}
