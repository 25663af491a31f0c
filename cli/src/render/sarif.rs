//! SARIF 2.1.0, which code scanning reads.

use std::collections::BTreeMap;

use serde::Serialize;
use sluice_compiler::diagnostic::{Code, Diagnostic, Edit, Fix, Severity};
use sluice_compiler::source::{FileId, LineColumn, Sources, Span};

use super::text::harmless_json;
use crate::control::fingerprint::Fingerprints;
use crate::report::Report;

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<ResultObject>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    name: String,
    short_description: Message,
    full_description: Message,
    help: Message,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
struct Message {
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    markdown: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResultObject {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<FixObject>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FixObject {
    description: Message,
    artifact_changes: Vec<ArtifactChange>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange {
    artifact_location: Artifact,
    replacements: Vec<Replacement>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement {
    deleted_region: Region,
    #[serde(skip_serializing_if = "Option::is_none")]
    inserted_content: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: Artifact,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

#[derive(Serialize)]
struct Artifact {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: u32,
    start_column: u32,
    end_line: u32,
    end_column: u32,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation {
    fully_qualified_name: String,
    kind: &'static str,
}

/// One run with the rules that occur in it.
pub(super) fn render(report: &Report<'_>) -> String {
    let mut codes: Vec<Code> = report.diagnostics.iter().map(|finding| finding.code).collect();
    codes.sort();
    codes.dedup();
    let mut prints = Fingerprints::default();
    let results = report.diagnostics.iter().map(|finding| {
        let rule_index = codes.binary_search(&finding.code).unwrap_or_default();
        result(report.sources, finding, rule_index, &mut prints)
    });
    let results = results.collect();
    let driver = Driver {
        name: "sluice",
        version: env!("CARGO_PKG_VERSION"),
        rules: codes.iter().map(|code| rule(*code)).collect(),
    };
    let log = Log {
        schema: "https://json.schemastore.org/sarif-2.1.0.json",
        version: "2.1.0",
        runs: [Run { tool: Tool { driver }, column_kind: "unicodeCodePoints", results }],
    };
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    harmless_json(text)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn message(text: impl Into<String>) -> Message {
    Message { text: text.into(), markdown: None }
}

fn rule(code: Code) -> Rule {
    let capital = |word: &str| {
        let mut letters = word.chars();
        letters
            .next()
            .map(|first| first.to_uppercase().chain(letters).collect::<String>())
            .unwrap_or_default()
    };
    let summary = super::text::summary(code.explanation());
    Rule {
        id: code.as_str(),
        name: code.name().split('-').map(capital).collect(),
        short_description: message(code.name().replace('-', " ")),
        full_description: message(summary),
        help: Message { text: code.explanation().to_owned(), markdown: Some(code.explanation().to_owned()) },
        default_configuration: Configuration { level: level(code.severity()) },
    }
}

fn result(
    sources: &Sources,
    finding: &Diagnostic,
    rule_index: usize,
    prints: &mut Fingerprints,
) -> ResultObject {
    let help = finding.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    let related = finding.related.iter().enumerate().map(|(index, related)| Location {
        id: Some(index + 1),
        physical_location: physical(sources, related.span),
        logical_locations: Vec::new(),
        message: Some(message(&related.label)),
    });
    let location = finding.span.map(|span| Location {
        id: None,
        physical_location: physical(sources, span),
        logical_locations: logical(finding),
        message: finding.label.as_deref().map(message),
    });
    ResultObject {
        rule_id: finding.code.as_str(),
        rule_index,
        level: level(finding.severity),
        message: message(format!("{}{help}", finding.message)),
        locations: location.into_iter().collect(),
        related_locations: related.collect(),
        partial_fingerprints: BTreeMap::from([("sluice/v1", prints.next(sources, finding))]),
        fixes: finding.fix.iter().map(|fix| fix_object(sources, fix)).collect(),
    }
}

/// A fix by file, as it would be made by `--fix`. An empty region is where text is put in.
fn fix_object(sources: &Sources, fix: &Fix) -> FixObject {
    let mut by_file: BTreeMap<FileId, Vec<Replacement>> = BTreeMap::new();
    for Edit { span, text } in &fix.edits {
        let inserted_content = (!text.is_empty()).then(|| message(text));
        let replacement = Replacement { deleted_region: region(sources.locate(*span)), inserted_content };
        by_file.entry(span.file).or_default().push(replacement);
    }
    let change = |(file, replacements): (FileId, Vec<Replacement>)| ArtifactChange {
        artifact_location: Artifact { uri: uri(sources.file(file).name()) },
        replacements,
    };
    let artifact_changes = by_file.into_iter().map(change).collect();
    FixObject { description: message(&fix.title), artifact_changes }
}

fn logical(finding: &Diagnostic) -> Vec<LogicalLocation> {
    let named = finding.document.as_deref().filter(|document| !document.name.is_empty());
    let name = named.map(|document| {
        let parts = [Some(&*document.kind), document.namespace.as_deref(), Some(&document.name)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("/")
    });
    name.map(|name| LogicalLocation { fully_qualified_name: name, kind: "resource" }).into_iter().collect()
}

fn physical(sources: &Sources, span: Span) -> PhysicalLocation {
    let region = super::range(sources, span).map(region);
    PhysicalLocation { artifact_location: Artifact { uri: uri(sources.file(span.file).name()) }, region }
}

fn region((start, end): (LineColumn, LineColumn)) -> Region {
    Region { start_line: start.line, start_column: start.column, end_line: end.line, end_column: end.column }
}

/// A reference to a file: relative as it was given, or with its scheme if absolute.
fn uri(name: &str) -> String {
    let mut out = String::from(if name.starts_with('/') { "file://" } else { "" });
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' | b'@' | b'+' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn files_become_references() {
        assert_eq!(uri("a b/ü.yaml"), "a%20b/%C3%BC.yaml");
        assert_eq!(uri("/a/b.yaml"), "file:///a/b.yaml");
        assert_eq!(uri("c:d"), "c%3Ad");
    }
}
