//! What Sluice has to say about its input.
//!
//! A [`Diagnostic`] is data: a stable [`Code`], a sentence that says what is wrong, a help line that
//! says what to do, and the exact place. How it looks on a terminal or in a pipeline is the command
//! line's business. Messages are lower case, without a full stop, user input in backticks.

mod code;

use std::sync::Arc;

pub use code::Code;

use crate::source::Span;

/// What to do about text that is a template.
pub(crate) const RENDER_TEMPLATE: &str =
    "this looks like a template: render it first, for example with `helm template`";

/// How much a diagnostic matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing; nothing to do.
    Info,
    /// Accepted, but probably not what was meant.
    Warning,
    /// The document is not valid and is left out.
    Error,
}

impl Severity {
    /// `error`, `warning` or `info`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

/// The object that a diagnostic is about, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentRef {
    /// `kind`, or empty.
    pub kind: String,
    /// `metadata.namespace`; none for cluster-scoped objects.
    pub namespace: Option<String>,
    /// `metadata.name`, or empty.
    pub name: String,
    /// Counts the documents of the file from 0; empty ones are left out.
    pub index: usize,
}

/// A second place that helps to understand the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub span: Span,
    /// What is there.
    pub label: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// The stable code, also the key of its long explanation.
    pub code: Code,
    /// How much it matters here: the code's own severity unless the options changed it.
    pub severity: Severity,
    /// What is wrong.
    pub message: String,
    /// The exact place; `None` only for findings about a whole run, such as a file that cannot be read.
    pub span: Option<Span>,
    /// A few words under the underlined text.
    pub label: Option<String>,
    /// What to do.
    pub help: Option<String>,
    /// Other places that matter.
    pub related: Vec<Related>,
    /// The object it is about.
    pub document: Option<Arc<DocumentRef>>,
}

impl Diagnostic {
    /// A finding with its code's own severity.
    pub fn new(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: code.severity(),
            message: message.into(),
            span: span.into(),
            label: None,
            help: None,
            related: Vec::new(),
            document: None,
        }
    }

    /// Adds the line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Adds the words under the underlined text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.related.push(Related { span, label: label.into() });
        self
    }

    /// Changes the severity.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Diagnostic {
        self.severity = severity;
        self
    }

    /// Says which object it is about.
    #[must_use]
    pub fn document(mut self, document: Option<Arc<DocumentRef>>) -> Diagnostic {
        self.document = document;
        self
    }

    /// Whether it makes its document invalid.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// The word of `known` that `typed` was probably meant to be.
///
/// Case and one or two slips of the finger are forgiven, more in a longer word.
pub fn did_you_mean<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = typed.to_lowercase();
    let allowed = (typed.chars().count() / 3).clamp(1, 3);
    known
        .into_iter()
        // Most words are ruled out by their length, which is cheap to know.
        .filter(|word| word.len().abs_diff(typed.len()) <= 2 * allowed)
        .map(|word| (strsim::damerau_levenshtein(&lower, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= allowed && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn forgives_slips_but_does_not_guess_wildly() {
        let known = ["ingress", "egress", "endpointSelector", "fromEndpoints"];
        assert_eq!(did_you_mean("ingres", known), Some("ingress"));
        assert_eq!(did_you_mean("EGRESS", known), Some("egress"));
        assert_eq!(did_you_mean("fromEndpoint", known), Some("fromEndpoints"));
        assert_eq!(did_you_mean("podSelector", known), None);
        assert_eq!(did_you_mean("x", known), None);
    }
}
