//! JUnit XML: a suite for each file, a case for each document.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};
use sluice_compiler::diagnostic::{Diagnostic, DocumentRef, Severity};
use sluice_compiler::source::FileId;

use super::text::harmless;
use crate::options::FailOn;
use crate::report::Report;

/// The findings of one case: the document, or none for the file as a whole.
type Cases<'a> = BTreeMap<Option<(usize, String)>, Vec<&'a Diagnostic>>;

/// The report. Findings that do not make the command fail are in a passing case's output.
pub(super) fn render(report: &Report<'_>) -> String {
    let mut files: BTreeMap<FileId, Cases<'_>> = BTreeMap::new();
    for file in report.files {
        files.entry(*file).or_default();
    }
    for place in &report.objects {
        files.entry(place.file).or_default().entry(Some(key(&place.document))).or_default();
    }
    let mut loose = Vec::new();
    for finding in &report.diagnostics {
        let Some(span) = finding.span else {
            loose.push(*finding);
            continue;
        };
        let case = finding.document.as_deref().map(key);
        files.entry(span.file).or_default().entry(case).or_default().push(finding);
    }
    let mut junit = Junit::new("sluice");
    for (file, mut cases) in files {
        if cases.is_empty() {
            cases.insert(None, Vec::new());
        }
        junit.add_test_suite(suite(report, report.sources.file(file).name(), cases));
    }
    if !loose.is_empty() {
        junit.add_test_suite(suite(report, "sluice", Cases::from([(None, loose)])));
    }
    // Writing to memory does not fail. The schema that Jenkins holds reports to knows no `skipped` of all suites together.
    junit.to_string().unwrap_or_default().replacen(" skipped=\"0\"", "", 1)
}

/// Orders documents as in their file, and names them.
fn key(document: &DocumentRef) -> (usize, String) {
    let kind = if document.kind.is_empty() { "document" } else { &document.kind };
    let namespace = document.namespace.as_deref().map(|name| format!("{name}/")).unwrap_or_default();
    let name = if document.name.is_empty() { document.index.to_string() } else { document.name.to_string() };
    (document.index, format!("{kind} {namespace}{name}"))
}

fn suite(report: &Report<'_>, name: &str, cases: Cases<'_>) -> TestSuite {
    let name = harmless(name);
    let mut suite = TestSuite::new(name.as_str());
    for (document, findings) in cases {
        let title = document.map_or_else(|| "file".to_owned(), |(_, title)| harmless(&title));
        let fails = |finding: &&&Diagnostic| match report.fail_on {
            FailOn::Warning => finding.severity >= Severity::Warning,
            FailOn::Error => finding.is_error(),
            FailOn::Never => false,
        };
        let text = findings.iter().map(|finding| lines(report, finding)).collect::<String>();
        let mut case = match findings.iter().find(fails) {
            None => TestCase::new(title, TestCaseStatus::success()),
            Some(first) => {
                let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
                status
                    .set_type(first.code.as_str())
                    .set_message(harmless(&first.message))
                    .set_description(&text);
                TestCase::new(title, status)
            }
        };
        if matches!(case.status, TestCaseStatus::Success { .. }) && !text.is_empty() {
            case.set_system_out(text);
        }
        case.set_classname(name.as_str());
        suite.add_test_case(case);
    }
    suite
}

fn lines(report: &Report<'_>, finding: &Diagnostic) -> String {
    let place =
        super::place(report.sources, finding.span).map(|place| format!("{place}: ")).unwrap_or_default();
    let help = finding.help.as_ref().map(|help| format!("  help: {}\n", harmless(help))).unwrap_or_default();
    let message = harmless(&finding.message);
    format!("{place}{}[{}]: {message}\n{help}", finding.severity.name(), finding.code)
}
