//! For people: each finding with the text that it is about.

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, SourceCode};
use owo_colors::Style;
use sluice_compiler::diagnostic::{Diagnostic, Related, Severity};
use sluice_compiler::source::Sources;

use super::excerpt::{Excerpt, Mark, near};
use super::text::{clip, harmless, wrap};
use crate::report::Report;
use crate::terminal::Look;

/// Nobody reads more findings than this; a program that does has other formats.
const MOST_FINDINGS: usize = 1000;

/// Findings, a blank line after each, and a summary. Clean input says so to a person only.
pub(super) fn render(report: &Report<'_>, look: Look) -> String {
    let mut out = String::new();
    let shown = gravest(&report.diagnostics);
    for diagnostic in &shown {
        finding(&mut out, report.sources, diagnostic, look);
        out.push('\n');
    }
    if let Some(more @ 1..) = report.diagnostics.len().checked_sub(shown.len()) {
        out.push_str(&format!("{more} more are not shown here: `--format jsonl` gives all\n\n"));
    }
    let counts = report.counts;
    if counts.errors + counts.warnings > 0 || !report.diagnostics.is_empty() || look.person {
        let style = if counts.errors > 0 {
            colour(Severity::Error)
        } else if counts.warnings > 0 {
            colour(Severity::Warning)
        } else {
            Style::new().green()
        };
        out.push_str(&look.paint(&super::summary(report), style.bold()));
        out.push('\n');
    }
    if let (true, Some(first)) = (look.person, report.diagnostics.first()) {
        let line = format!("`sluice explain {}` tells more about a finding", first.code);
        out.push_str(&look.paint(&line, Style::new().dimmed()));
        out.push('\n');
    }
    out
}

/// The findings that are drawn, in their order: where there are too many, errors go before warnings.
fn gravest<'r>(findings: &[&'r Diagnostic]) -> Vec<&'r Diagnostic> {
    let mut order: Vec<usize> = (0..findings.len()).collect();
    if order.len() > MOST_FINDINGS {
        order.sort_by_key(|at| std::cmp::Reverse(findings[*at].severity));
        order.truncate(MOST_FINDINGS);
        order.sort_unstable();
    }
    order.into_iter().map(|at| findings[at]).collect()
}

fn colour(severity: Severity) -> Style {
    match severity {
        Severity::Error => Style::new().red(),
        Severity::Warning => Style::new().yellow(),
        Severity::Info => Style::new().cyan(),
    }
}

/// One finding: heading, the text with the place underlined, other places, help.
fn finding(out: &mut String, sources: &Sources, diagnostic: &Diagnostic, look: Look) {
    heading(out, diagnostic, look);
    let together = |related: &&Related| diagnostic.span.is_some_and(|span| near(sources, span, related.span));
    let (beside, elsewhere): (Vec<&Related>, Vec<&Related>) = diagnostic.related.iter().partition(together);
    if let Some(span) = diagnostic.span {
        let mut marks = vec![Mark { span, label: diagnostic.label.as_deref() }];
        marks.extend(beside.iter().map(|related| Mark { span: related.span, label: Some(&related.label) }));
        excerpt(out, sources, &marks, colour(diagnostic.severity), look);
    }
    for related in elsewhere {
        let note = look.paint("note:", Style::new().blue().bold());
        let text = wrap(&harmless(&related.label), &format!("  {note} "), "        ", look.width);
        out.push_str(&text);
        out.push('\n');
        let mark = Mark { span: related.span, label: None };
        excerpt(out, sources, &[mark], Style::new().blue(), look);
    }
    if let Some(help) = &diagnostic.help {
        let word = look.paint("help:", Style::new().green().bold());
        out.push_str(&wrap(&harmless(help), &format!("  {word} "), "        ", look.width));
        out.push('\n');
    }
}

/// `error[S0501]: unknown entity`.
fn heading(out: &mut String, diagnostic: &Diagnostic, look: Look) {
    let kind = format!("{}[{}]:", diagnostic.severity.name(), diagnostic.code);
    // The excerpt has the whole of what is quoted, as far as it fits there.
    let most = look.width.saturating_sub(6).max(20);
    let shorten = |word: &str| match clip(word, most) {
        clipped if clipped.len() < word.len() && word.starts_with('`') => format!("{clipped}`"),
        _ => word.to_owned(),
    };
    let message: Vec<String> = harmless(&diagnostic.message).split(' ').map(shorten).collect();
    let text = wrap(&format!("{kind} {}", message.join(" ")), "", "  ", look.width);
    let message = text.strip_prefix(&kind).unwrap_or_default();
    out.push_str(&look.paint(&kind, colour(diagnostic.severity).bold()));
    out.push_str(&look.paint(message, Style::new().bold()));
    out.push('\n');
}

/// The text around some places of one file, drawn; only the name of a file without text.
fn excerpt(out: &mut String, sources: &Sources, marks: &[Mark<'_>], style: Style, look: Look) {
    let Some(first) = marks.first() else { return };
    if super::range(sources, first.span).is_none() {
        return;
    }
    let Some(excerpt) = Excerpt::new(sources, marks, look.width) else { return };
    let mut theme = if look.colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    if look.colour {
        theme.styles.link = Style::new().bold();
        theme.styles.linum = Style::new().dimmed();
        theme.styles.highlights = highlights(&excerpt.labels, style);
    }
    let handler = GraphicalReportHandler::new_themed(theme).with_width(look.width).with_context_lines(1);
    let mut drawn = String::new();
    if handler.render_report(&mut drawn, &Drawing(&excerpt)).is_ok() {
        // The first line is miette's heading, in place of which there is one already.
        let body = drawn.split_once('\n').map_or("", |(_, body)| body);
        for line in body.lines() {
            out.push_str(line.trim_end());
            out.push('\n');
        }
    }
}

/// The primary place in the colour of its severity, the others in blue; in the order of their places.
fn highlights(labels: &[LabeledSpan], primary: Style) -> Vec<Style> {
    let mut sorted: Vec<&LabeledSpan> = labels.iter().collect();
    sorted.sort_by_key(|label| label.offset());
    sorted
        .iter()
        .map(|label| if label.primary() { primary.bold() } else { Style::new().blue().bold() })
        .collect()
}

/// What miette is to draw: a text with places, and nothing else.
#[derive(Debug)]
struct Drawing<'e>(&'e Excerpt);

impl std::fmt::Display for Drawing<'_> {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Ok(())
    }
}

impl std::error::Error for Drawing<'_> {}

impl miette::Diagnostic for Drawing<'_> {
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(self.0)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        Some(Box::new(self.0.labels.iter().cloned()))
    }
}
