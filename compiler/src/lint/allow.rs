//! Findings that a person has looked at and allowed, with the reason, where they are.
//!
//! A comment `# sluice: allow(S1103, reason="...")` holds for findings that begin on its own line, or, if it is alone
//! on its line, on the next line that is neither blank nor a comment. An annotation `sluice.dev/allow` with the
//! same text holds for the whole object. An error cannot be allowed: the object is not valid.

mod find;
mod read;

use crate::diagnostic::{Code, Diagnostic};
use crate::resource::Resource;
use crate::source::{FileId, Sources};

use find::{Allowance, Reach};

/// What is left when everything that is allowed has been taken away.
#[derive(Debug, Default)]
pub struct Allowed {
    /// The findings that nobody has allowed, and what is wrong with the allowances themselves.
    pub left: Vec<Diagnostic>,
    /// How many were allowed.
    pub allowed: usize,
}

/// Takes away what comments in the files and annotations of the objects allow.
pub fn allow(
    sources: &Sources,
    files: &[FileId],
    resources: &[Resource],
    findings: Vec<Diagnostic>,
) -> Allowed {
    let (allowances, mut faults) = find::find(sources, files, resources);
    let mut used: Vec<Vec<bool>> = allowances.iter().map(|one| vec![false; one.codes.len()]).collect();
    let mut all = Allowed::default();
    for finding in findings {
        let mut allowed = false;
        for (allowance, used) in allowances.iter().zip(&mut used) {
            let at = allowance.codes.iter().position(|code| code.value == finding.code);
            if let Some(at) = at.filter(|_| !finding.is_error() && reaches(sources, allowance, &finding)) {
                allowed = true;
                used[at] = true;
            }
        }
        if allowed {
            all.allowed += 1;
        } else {
            all.left.push(finding);
        }
    }
    for (allowance, used) in allowances.iter().zip(used) {
        let unused = allowance.codes.iter().zip(used).filter(|(_, used)| !used);
        faults.extend(unused.map(|(code, _)| {
            let message = format!("there is no finding {} here to allow", code.value);
            Diagnostic::new(Code::UnusedAllowance, code.span, message)
                .help("remove it: it would hide the finding if it came back")
                .document(allowance.document.clone())
        }));
    }
    all.left.append(&mut faults);
    all
}

fn reaches(sources: &Sources, allowance: &Allowance, finding: &Diagnostic) -> bool {
    match &allowance.reach {
        Reach::Line { file, line } => finding.span.is_some_and(|span| {
            span.file == *file && sources.file(span.file).line_column(span.start).line == *line
        }),
        Reach::Object { file } => {
            finding.document.is_some()
                && finding.document == allowance.document
                && finding.span.is_some_and(|span| span.file == *file)
        }
    }
}

#[cfg(test)]
mod tests;
