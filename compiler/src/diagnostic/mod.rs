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
    pub kind: Arc<str>,
    /// `metadata.namespace`; none for cluster-scoped objects.
    pub namespace: Option<Arc<str>>,
    /// `metadata.name`, or empty.
    pub name: Arc<str>,
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

/// A change of text that leaves the meaning of every policy as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// What it does, as an instruction.
    pub title: String,
    /// The edits, none over another.
    pub edits: Vec<Edit>,
}

/// A text in the place of another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced.
    pub span: Span,
    /// By what.
    pub text: String,
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
    /// How it can be put right without a change of meaning.
    pub fix: Option<Fix>,
}

impl Diagnostic {
    /// A finding with its code's own severity.
    pub fn new(code: Code, span: impl Into<Option<Span>>, message: impl Into<String>) -> Diagnostic {
        Diagnostic {
            code,
            severity: code.severity(),
            message: shortened(message.into()),
            span: span.into(),
            label: None,
            help: None,
            related: Vec::new(),
            document: None,
            fix: None,
        }
    }

    /// Adds the line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(shortened(help.into()));
        self
    }

    /// Adds the words under the underlined text.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Diagnostic {
        self.label = Some(shortened(label.into()));
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn related(mut self, span: Span, label: impl Into<String>) -> Diagnostic {
        self.related.push(Related { span, label: shortened(label.into()) });
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

    /// Says how it can be put right without a change of meaning.
    #[must_use]
    pub fn fix(mut self, fix: impl Into<Option<Fix>>) -> Diagnostic {
        self.fix = fix.into();
        self
    }

    /// Whether it makes its document invalid.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// A quotation has at most this many characters: more than any name or pattern that is valid.
const LONGEST_QUOTATION: usize = 300;

/// A text has at most this many bytes, however many quotations it has.
const LONGEST_TEXT: usize = 4000;

/// A text whose quotations of the input, in backticks, are cut to what a person reads. The input itself
/// stands at the place of the finding.
fn shortened(text: String) -> String {
    if text.len() <= LONGEST_QUOTATION {
        return text;
    }
    let cut = |part: &str, most: usize| match part.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &part[..end]),
        None => part.to_owned(),
    };
    let mut short = String::new();
    for (at, part) in text.split('`').enumerate() {
        if short.len() > LONGEST_TEXT {
            short.push('…');
            break;
        }
        if at > 0 {
            short.push('`');
        }
        let quoted = at % 2 == 1;
        short.push_str(&cut(part, if quoted { LONGEST_QUOTATION } else { LONGEST_TEXT }));
    }
    short
}

/// The word of `known` that `typed` was probably meant to be.
///
/// Case and one or two slips of the finger are forgiven, more in a longer word.
pub fn did_you_mean<'k>(typed: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let length = typed.chars().count();
    let allowed = (length / 3).clamp(1, 3);
    // Comparing takes time and memory by both lengths, and a word of another length is never meant.
    let mut known =
        known.into_iter().filter(|word| word.chars().count().abs_diff(length) <= allowed).peekable();
    known.peek()?;
    let lower = typed.to_lowercase();
    known
        .map(|word| (strsim::damerau_levenshtein(&lower, &word.to_lowercase()), word))
        .filter(|(distance, word)| *distance <= allowed && *distance < word.chars().count())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::{did_you_mean, shortened};

    #[test]
    fn forgives_slips_but_does_not_guess_wildly() {
        let known = ["ingress", "egress", "endpointSelector", "fromEndpoints"];
        assert_eq!(did_you_mean("ingres", known), Some("ingress"));
        assert_eq!(did_you_mean("EGRESS", known), Some("egress"));
        assert_eq!(did_you_mean("fromEndpoint", known), Some("fromEndpoints"));
        assert_eq!(did_you_mean("podSelector", known), None);
        assert_eq!(did_you_mean("x", known), None);
        assert_eq!(did_you_mean(&"x".repeat(10_000_000), known), None);
    }

    #[test]
    fn quotations_are_cut_and_the_words_around_them_stay() {
        let long = |n: usize| "é".repeat(n);
        let message = |n: usize| format!("`{}` is not a name", long(n));
        assert_eq!(shortened(message(300)), message(300));
        assert_eq!(shortened(message(301)), format!("`{}…` is not a name", long(300)));
        assert!(shortened("`x".repeat(1_000_000)).len() < 5000);
        assert!(shortened(long(1_000_000)).len() < 10_000);
    }
}
