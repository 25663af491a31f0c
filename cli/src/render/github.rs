//! Workflow commands of GitHub Actions, which become annotations on a pull request.

use sluice_compiler::diagnostic::{Diagnostic, Severity};

use super::text::harmless;
use crate::report::Report;

/// One command a line. The runner shows at most ten of each severity for a step.
pub(super) fn render(report: &Report<'_>) -> String {
    report.diagnostics.iter().map(|finding| command(report, finding)).collect()
}

fn command(report: &Report<'_>, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "notice",
    };
    let mut properties = Vec::new();
    if let Some(span) = diagnostic.span {
        properties.push(format!("file={}", property(report.sources.file(span.file).name())));
        if let Some((start, end)) = super::range(report.sources, span) {
            properties.push(format!("line={},endLine={}", start.line, end.line));
            // Columns are understood within one line only.
            if start.line == end.line {
                properties.push(format!("col={},endColumn={}", start.column, end.column));
            }
        }
    }
    let code = diagnostic.code;
    properties.push(format!("title={}", property(&format!("{code} {}", code.name()))));
    let help = diagnostic.help.as_ref().map(|help| format!("\nhelp: {help}")).unwrap_or_default();
    format!("::{level} {}::{}\n", properties.join(","), data(&format!("{}{help}", diagnostic.message)))
}

/// Escapes the text of a command.
pub(super) fn data(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(harmless).collect();
    lines.join("\n").replace('%', "%25").replace('\n', "%0A")
}

/// Escapes the value of a property.
pub(super) fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn what_would_end_a_command_is_escaped() {
        assert_eq!(data("100% a\nb::c"), "100%25 a%0Ab::c");
        assert_eq!(data("a\r::error::b"), "a\u{fffd}::error::b");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
