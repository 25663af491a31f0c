//! One JSON object, or one a line. These types are the interface that other tools read.

use schemars::JsonSchema;
use serde::Serialize;
use sluice_compiler::diagnostic::{Diagnostic, DocumentRef, Severity};
use sluice_compiler::source::{Sources, Span};

use super::budget::json::BudgetJson;
use super::text::harmless_json;
use crate::report::{Counts, Report};

/// What `--format json` prints.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Findings of sluice")]
pub(crate) struct Findings<'a> {
    /// The version of this shape. Fields may be added within a version.
    version: u32,
    /// In the order of the files and of their lines.
    diagnostics: Vec<Finding<'a>>,
    /// How many there are, those that `--min-severity` hides included.
    summary: Summary,
    /// What policy costs the nodes; with `--budget`.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<BudgetJson<'a>>,
}

/// One finding; what `--format jsonl` prints on each line.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "One finding of sluice")]
pub(crate) struct Finding<'a> {
    /// The stable code, such as `S0201`; `sluice explain CODE` tells more.
    code: &'static str,
    /// The code in words, such as `unknown-field`.
    name: &'static str,
    /// How much it matters.
    severity: Level,
    /// What is wrong.
    message: &'a str,
    /// A few words on the place itself.
    label: Option<&'a str>,
    /// What to do.
    help: Option<&'a str>,
    /// Where it stands.
    #[serde(flatten)]
    place: Location<'a>,
    /// The object that it is about, as far as it could be read.
    document: Option<Document<'a>>,
    /// Other places that help to understand it.
    related: Vec<RelatedPlace<'a>>,
}

/// How much a finding matters.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Level {
    /// The document is not valid and is left out.
    Error,
    /// Accepted, but probably not what was meant.
    Warning,
    /// Worth knowing.
    Info,
}

/// A range of characters in a file. Lines and columns count from 1, columns by Unicode scalar values;
/// all four numbers are null for a file without text.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Location<'a> {
    /// The file as named on the command line, or `-` for standard input.
    file: Option<&'a str>,
    /// The first line.
    line: Option<u32>,
    /// The first character.
    column: Option<u32>,
    /// The last line.
    end_line: Option<u32>,
    /// One past the last character.
    end_column: Option<u32>,
}

/// An object in a file.
#[derive(Debug, Serialize, JsonSchema)]
struct Document<'a> {
    /// `kind`, or empty.
    kind: &'a str,
    /// `metadata.namespace`.
    namespace: Option<&'a str>,
    /// `metadata.name`, or empty.
    name: &'a str,
    /// Counts the documents of the file from 0, empty ones left out.
    index: usize,
}

/// Another place, and what is there.
#[derive(Debug, Serialize, JsonSchema)]
struct RelatedPlace<'a> {
    /// What is there.
    label: &'a str,
    /// Where.
    #[serde(flatten)]
    place: Location<'a>,
}

/// How many findings there are.
#[derive(Debug, Serialize, JsonSchema)]
struct Summary {
    /// Findings that make a document invalid.
    errors: usize,
    /// Findings on what was probably not meant.
    warnings: usize,
    /// Findings worth knowing.
    infos: usize,
    /// Files that were read for manifests.
    files: usize,
}

/// One object.
pub(super) fn render(report: &Report<'_>) -> String {
    let Counts { errors, warnings, infos } = report.counts;
    let findings = Findings {
        version: 1,
        diagnostics: report.diagnostics.iter().map(|finding| Finding::new(report.sources, finding)).collect(),
        summary: Summary { errors, warnings, infos, files: report.files.len() },
        budget: report.budget.map(BudgetJson::new),
    };
    let mut text = serde_json::to_string_pretty(&findings).unwrap_or_default();
    text.push('\n');
    harmless_json(text)
}

/// One object a line.
pub(super) fn render_lines(report: &Report<'_>) -> String {
    let mut text = String::new();
    for diagnostic in &report.diagnostics {
        let finding = Finding::new(report.sources, diagnostic);
        text.push_str(&serde_json::to_string(&finding).unwrap_or_default());
        text.push('\n');
    }
    harmless_json(text)
}

impl<'a> Finding<'a> {
    /// A finding about some files.
    pub(super) fn new(sources: &'a Sources, diagnostic: &'a Diagnostic) -> Finding<'a> {
        let related = diagnostic.related.iter().map(|related| RelatedPlace {
            label: &related.label,
            place: Location::new(sources, related.span),
        });
        Finding {
            code: diagnostic.code.as_str(),
            name: diagnostic.code.name(),
            severity: match diagnostic.severity {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
                Severity::Info => Level::Info,
            },
            message: &diagnostic.message,
            label: diagnostic.label.as_deref(),
            help: diagnostic.help.as_deref(),
            place: diagnostic.span.map(|span| Location::new(sources, span)).unwrap_or_default(),
            document: diagnostic.document.as_deref().map(Document::new),
            related: related.collect(),
        }
    }
}

impl<'a> Location<'a> {
    fn new(sources: &'a Sources, span: Span) -> Location<'a> {
        let range = super::range(sources, span);
        Location {
            file: Some(sources.file(span.file).name()),
            line: range.map(|(start, _)| start.line),
            column: range.map(|(start, _)| start.column),
            end_line: range.map(|(_, end)| end.line),
            end_column: range.map(|(_, end)| end.column),
        }
    }
}

impl<'a> Document<'a> {
    fn new(document: &'a DocumentRef) -> Document<'a> {
        Document {
            kind: &document.kind,
            namespace: document.namespace.as_deref(),
            name: &document.name,
            index: document.index,
        }
    }
}
