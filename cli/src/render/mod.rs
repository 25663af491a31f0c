//! How findings look, one format a file. A renderer gives text; who prints it is decided elsewhere.

pub(crate) mod answer;
mod budget;
pub(crate) mod bundle;
pub(crate) mod difference;
mod excerpt;
mod github;
pub(crate) mod graph;
mod human;
pub(crate) mod json;
mod junit;
mod line;
mod markdown;
pub(crate) mod node;
pub(crate) mod replay;
mod sarif;
pub(crate) mod stats;
pub(crate) mod text;

use clap::ValueEnum;
use sluice_compiler::diagnostic::Severity;
use sluice_compiler::source::{LineColumn, Sources, Span};

use crate::control::PassedOver;
use crate::report::Report;
use crate::terminal::Look;

/// A format for findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: with the source text
    #[default]
    Human,
    /// One JSON object
    Json,
    /// One JSON object per line and finding
    Jsonl,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for test reports
    Junit,
    /// Workflow commands of GitHub Actions
    Github,
    /// A Markdown table, for comments on a pull request
    Markdown,
}

impl Format {
    /// The word on the command line.
    #[cfg(test)]
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// The text of a report.
pub(crate) fn render(report: &Report<'_>, format: Format, look: Look) -> String {
    match format {
        Format::Human => {
            // The findings are the last that stands on the screen.
            let budget = report.budget.map(|budget| budget::human(budget, look) + "\n").unwrap_or_default();
            budget + &human::render(report, look)
        }
        Format::Json => json::render(report),
        Format::Jsonl => json::render_lines(report),
        Format::Sarif => sarif::render(report),
        Format::Junit => junit::render(report),
        Format::Github => github::render(report),
        Format::Markdown => {
            markdown::render(report) + &report.budget.map(budget::markdown).unwrap_or_default()
        }
    }
}

/// Where a span begins and ends; nothing in a file without text, such as one that could not be read.
fn range(sources: &Sources, span: Span) -> Option<(LineColumn, LineColumn)> {
    (!sources.file(span.file).text().is_empty()).then(|| sources.locate(span))
}

/// `a.yaml:3:5`, or less where less is known.
fn place(sources: &Sources, span: Option<Span>) -> Option<String> {
    let span = span?;
    let name = text::harmless(sources.file(span.file).name());
    Some(match range(sources, span) {
        Some((start, _)) => format!("{name}:{}:{}", start.line, start.column),
        None => name,
    })
}

/// `3 errors`.
fn count(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// `3 errors, 1 warning in 12 files`. Infos count only where they are shown.
fn summary(report: &Report<'_>) -> String {
    let shows_infos = report.diagnostics.iter().any(|finding| finding.severity == Severity::Info);
    let counts = report.counts;
    let parts: Vec<String> = [
        (counts.errors, "error", true),
        (counts.warnings, "warning", true),
        (counts.infos, "info", shows_infos),
    ]
    .into_iter()
    .filter(|(number, _, shown)| *number > 0 && *shown)
    .map(|(number, noun, _)| count(number, noun))
    .collect();
    let found = if parts.is_empty() { "no problems".to_owned() } else { parts.join(", ") };
    let found = match report.files.len() {
        0 => found,
        files => format!("{found} in {}", count(files, "file")),
    };
    let PassedOver { allowed, known } = report.passed_over;
    let passed: Vec<String> = [(allowed, "allowed"), (known, "in the baseline")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, why)| format!("{number} {why}"))
        .collect();
    if passed.is_empty() { found } else { format!("{found}; {}", passed.join(", ")) }
}
