//! A Markdown table, for a comment on a pull request.

use sluice_compiler::diagnostic::Diagnostic;

use super::text::is_unsafe;
use crate::report::Report;

/// A summary, and a table unless there is nothing to put into it.
pub(super) fn render(report: &Report<'_>) -> String {
    let mut out = format!("**{}**\n", super::summary(report));
    if report.diagnostics.is_empty() {
        return out;
    }
    out.push_str("\n| severity | code | where | what |\n|---|---|---|---|\n");
    for finding in &report.diagnostics {
        out.push_str(&row(report, finding));
    }
    out
}

fn row(report: &Report<'_>, finding: &Diagnostic) -> String {
    let place = super::place(report.sources, finding.span).unwrap_or_default();
    let place = if place.is_empty() { place } else { format!("`{}`", cell(&place)) };
    let help = finding.help.as_deref().map(|help| format!("<br>*{}*", cell(help))).unwrap_or_default();
    let (severity, code, name) = (finding.severity.name(), finding.code, finding.code.name());
    format!("| {severity} | {code} {name} | {place} | {}{help} |\n", cell(&finding.message))
}

/// A text that stays within its cell and is no markup outside of backticks.
pub(super) fn cell(text: &str) -> String {
    let mut out = String::new();
    let mut code = false;
    for character in text.chars() {
        match character {
            '|' => out.push_str("\\|"),
            '\n' | '\r' => out.push(' '),
            _ if is_unsafe(character) => out.push(char::REPLACEMENT_CHARACTER),
            '`' => {
                code = !code;
                out.push('`');
            }
            '*' | '_' | '<' | '[' if !code => {
                out.push('\\');
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_cell_stays_a_cell() {
        assert_eq!(cell("a|b `*|*` *c*\n<d>"), "a\\|b `*\\|*` \\*c\\* \\<d>");
    }
}
