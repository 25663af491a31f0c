//! From trees to typed values, with every complaint collected on the way.
//!
//! A [`Decoder`] works on one document. Decoding never stops at the first fault: a value that cannot
//! be read is reported and left out, and the document is invalid as a whole in the end.

use std::fmt::Write as _;
use std::sync::Arc;

use super::Strings;
use super::advice::{self, Meant};
use crate::diagnostic::{Code, Diagnostic, DocumentRef, Severity, did_you_mean};
use crate::options::{Accept, Options};
use crate::source::{Entry, Node, NodeKind, Scalar, Span};

/// A value with the place where it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// A value at a place.
    pub fn new(value: T, span: Span) -> Spanned<T> {
        Spanned { value, span }
    }
}

/// How much of a kind's schema is known here, and what the API server does about the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Schema {
    /// A custom resource, known in full: an unknown field is an error, and `null` is refused.
    Custom,
    /// A built-in kind, known in full: an unknown field is an error, and `null` is absence.
    BuiltIn,
    /// A built-in kind of which only some fields are read: near misses of those are pointed out.
    Partial,
}

/// Reads one document.
pub struct Decoder<'o> {
    /// The options that acceptance depends on.
    pub options: &'o Options,
    document: Arc<DocumentRef>,
    strings: &'o mut Strings,
    path: String,
    /// The key of the value that is read, or the list element.
    place: Option<Span>,
    diagnostics: Vec<Diagnostic>,
    /// Whether one of them is an error.
    failed: bool,
    schema: Schema,
}

impl<'o> Decoder<'o> {
    /// A decoder for one document.
    pub fn new(
        options: &'o Options,
        document: Arc<DocumentRef>,
        schema: Schema,
        strings: &'o mut Strings,
    ) -> Decoder<'o> {
        Decoder {
            options,
            document,
            strings,
            path: String::new(),
            place: None,
            diagnostics: Vec::new(),
            failed: false,
            schema,
        }
    }

    /// The document that is read.
    pub fn document(&self) -> &Arc<DocumentRef> {
        &self.document
    }

    /// The path of the value that is read: `spec.ingress[0]`.
    pub fn path(&mut self) -> Arc<str> {
        self.strings.share(&self.path)
    }

    /// A text as a value, one with those that are equal to it.
    pub fn share(&mut self, text: &str) -> Arc<str> {
        self.strings.share(text)
    }

    /// What the fields that are read belong to: a key, or the whole object.
    fn owner(&self) -> String {
        let field = self.path.rsplit('.').next().unwrap_or_default();
        match field.split('[').next().unwrap_or_default() {
            "" => format!("a {}", self.document.kind),
            name if field.contains('[') => format!("an element of `{name}`"),
            name => format!("`{name}`"),
        }
    }

    /// Where a fault of the value as a whole is shown: at its key, or at the list element that it is.
    pub fn place(&self, node: &Node) -> Span {
        self.place.unwrap_or(node.span)
    }

    /// Everything that was reported.
    pub fn finish(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// Whether an error was reported.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Reports a finding about this document.
    pub fn report(&mut self, mut diagnostic: Diagnostic) {
        // Messages quote what is refused; the placeholder in it explains more than the field's own rules.
        if let Some(help) = advice::unfilled(&diagnostic.message) {
            diagnostic = diagnostic.help(help);
        }
        self.failed |= diagnostic.is_error();
        self.diagnostics.push(diagnostic.document(Some(Arc::clone(&self.document))));
    }

    /// Reports what the API server refuses and the agent takes: an error or a warning, by whose
    /// acceptance counts.
    pub fn report_schema(&mut self, diagnostic: Diagnostic) {
        let severity = match self.options.accept {
            Accept::ApiServer => Severity::Error,
            Accept::Agent => Severity::Warning,
        };
        self.report(diagnostic.severity(severity));
    }

    /// Runs `read` one step deeper in the document: at the value of a key.
    pub fn within<T>(&mut self, entry: &Entry, read: impl FnOnce(&mut Self) -> T) -> T {
        let length = self.path.len();
        let place = self.place.replace(entry.key_span);
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(&entry.key);
        let value = read(self);
        self.path.truncate(length);
        self.place = place;
        value
    }

    /// Opens a mapping; another type is reported.
    pub fn fields<'n>(&mut self, node: &'n Node) -> Option<Fields<'n>> {
        match &node.kind {
            NodeKind::Mapping(entries) => Some(Fields { entries, asked: Vec::new(), retired: Vec::new() }),
            _ => {
                self.wrong_type(node, "a mapping");
                None
            }
        }
    }

    /// Reads each element of a list with `read`; another type is reported. `null` elements are
    /// reported and left out.
    pub fn list<T>(&mut self, node: &Node, mut read: impl FnMut(&mut Self, &Node) -> Option<T>) -> Vec<T> {
        let NodeKind::Sequence(items) = &node.kind else {
            self.wrong_type(node, "a list");
            return Vec::new();
        };
        let mut values = Vec::with_capacity(items.len());
        let length = self.path.len();
        let place = self.place;
        for (index, item) in items.iter().enumerate() {
            let _ = write!(self.path, "[{index}]");
            self.place = Some(item.span);
            if item.is_null() {
                self.null(item);
            } else {
                values.extend(read(self, item));
            }
            self.path.truncate(length);
        }
        self.place = place;
        values
    }

    /// Reports a value of the wrong type.
    pub fn wrong_type(&mut self, node: &Node, wanted: &str) {
        let found = node.type_name();
        let place = if self.path.is_empty() { String::new() } else { format!("`{}`: ", self.path) };
        let mut diagnostic = Diagnostic::new(
            Code::WrongType,
            node.span,
            format!("{place}{wanted} is needed, and this is {found}"),
        )
        .label(format!("this is {found}"));
        if let Some(help) = advice::for_type(&self.path, node, wanted, &self.document.kind) {
            diagnostic = diagnostic.help(help);
        }
        self.report(diagnostic);
    }

    /// Reports `null`, which the API server refuses and the agent takes for absence.
    fn null(&mut self, node: &Node) {
        if self.schema != Schema::Custom {
            return;
        }
        let label = if node.span.start == node.span.end { "nothing follows" } else { "null is no value" };
        self.report_schema(
            Diagnostic::new(Code::NullValue, node.span, format!("`{}` has no value", self.path))
                .label(label)
                .help(advice::no_value(&self.path)),
        );
    }
}

/// Reads a string. Numbers and YAML 1.1 booleans get their own advice.
pub fn string(decoder: &mut Decoder<'_>, node: &Node) -> Option<Spanned<Arc<str>>> {
    match node.scalar() {
        Some(Scalar::String(text)) => Some(Spanned::new(decoder.share(text), node.span)),
        Some(Scalar::Bool(_)) => boolean_for_string(decoder, node),
        Some(Scalar::Int(_) | Scalar::Float(_)) => {
            let written = plain_text(node);
            decoder.report(
                Diagnostic::new(
                    Code::NumberForString,
                    node.span,
                    format!("`{written}` is a number, and a string is needed here"),
                )
                .label("read as a number")
                .help(format!("put it in quotes: `\"{written}\"`")),
            );
            None
        }
        _ => {
            decoder.wrong_type(node, "a string");
            None
        }
    }
}

/// A word that YAML 1.1 takes for a boolean. In a policy that is an error. Other objects are often dumps
/// made by programs that write YAML 1.2, where `n` is a string: there a pod must not vanish for it.
fn boolean_for_string(decoder: &mut Decoder<'_>, node: &Node) -> Option<Spanned<Arc<str>>> {
    let written = plain_text(node);
    let diagnostic = Diagnostic::new(
        Code::BooleanForString,
        node.span,
        format!("`{written}` is a boolean in YAML, and a string is needed here"),
    )
    .label("read as a boolean")
    .help(format!("put it in quotes: `\"{written}\"`"));
    if decoder.schema != Schema::Partial || matches!(written.to_ascii_lowercase().as_str(), "true" | "false")
    {
        decoder.report(diagnostic);
        return None;
    }
    decoder.report(diagnostic.severity(Severity::Warning));
    Some(Spanned::new(written.into(), node.span))
}

/// Reads `true` or `false`.
pub fn boolean(decoder: &mut Decoder<'_>, node: &Node) -> Option<Spanned<bool>> {
    match node.scalar() {
        Some(Scalar::Bool(value)) => Some(Spanned::new(value, node.span)),
        _ => {
            decoder.wrong_type(node, "`true` or `false`");
            None
        }
    }
}

/// Reads an integer.
pub fn integer(decoder: &mut Decoder<'_>, node: &Node) -> Option<Spanned<i64>> {
    match node.scalar() {
        Some(Scalar::Int(value)) => Some(Spanned::new(value, node.span)),
        _ => {
            decoder.wrong_type(node, "a whole number");
            None
        }
    }
}

/// A plain scalar as written.
fn plain_text(node: &Node) -> &str {
    match &node.kind {
        NodeKind::Scalar(text, _) => text,
        _ => "",
    }
}

/// The fields of a mapping. Each is asked for by name, and [`Fields::finish`] reports the others.
pub struct Fields<'n> {
    entries: &'n [Entry],
    asked: Vec<&'static str>,
    /// Fields that have a finding of their own, and are not to be proposed.
    retired: Vec<&'static str>,
}

impl<'n> Fields<'n> {
    /// The entry of `name`, `null` or not.
    pub fn entry(&mut self, name: &'static str) -> Option<&'n Entry> {
        self.asked.push(name);
        self.entries.iter().find(|entry| &*entry.key == name)
    }

    /// The entry of a field that exists no more, or not here.
    pub fn retired(&mut self, name: &'static str) -> Option<&'n Entry> {
        self.retired.push(name);
        self.entries.iter().find(|entry| &*entry.key == name)
    }

    /// Marks fields as known without reading them.
    pub fn skip(&mut self, names: &'static [&'static str]) {
        self.asked.extend(names);
    }

    /// Reads the value of `name` with `read`; absent and `null` give `None`.
    pub fn read<T>(
        &mut self,
        decoder: &mut Decoder<'_>,
        name: &'static str,
        read: impl FnOnce(&mut Decoder<'_>, &'n Node) -> Option<T>,
    ) -> Option<T> {
        let entry = self.entry(name)?;
        decoder.within(entry, |decoder| {
            if entry.value.is_null() {
                decoder.null(&entry.value);
                // An empty value is invisible; the key is what a person can see.
                if let Some(last) = decoder.diagnostics.last_mut()
                    && last.code == Code::NullValue
                    && last.span.is_some_and(|span| span.start == span.end)
                {
                    last.span = Some(entry.key_span);
                }
                return None;
            }
            read(decoder, &entry.value)
        })
    }

    /// Reports a field that must be there and is not.
    pub fn require(&self, decoder: &mut Decoder<'_>, node: &Node, name: &str) {
        if self.has(name) || self.explained(decoder, name) {
            return;
        }
        let path = decoder.path();
        let diagnostic = Diagnostic::new(
            Code::MissingField,
            decoder.place(node),
            format!("`{path}` needs the field `{name}`"),
        )
        .label(format!("`{name}` is missing"))
        .help(advice::example(name).map_or_else(|| format!("add `{name}`"), str::to_owned));
        decoder.report(diagnostic);
    }

    /// Whether a field stands here with a value.
    pub fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| &*entry.key == name && !entry.value.is_null())
    }

    /// Whether another error says already why a field is not there: it is null, or stands under a wrong name.
    /// All fields have to be asked for by then. An agent goes on without what is wrong, so that for it both count.
    pub fn explained(&self, decoder: &Decoder<'_>, name: &str) -> bool {
        if decoder.schema == Schema::Partial || decoder.options.accept != Accept::ApiServer {
            return false;
        }
        let unused = self.unused();
        self.entries.iter().any(|entry| {
            (&*entry.key == name && entry.value.is_null() && decoder.schema == Schema::Custom)
                || self.meant(decoder, entry, &unused).is_some_and(|meant| meant.is(name))
        })
    }

    fn knows(&self, key: &str) -> bool {
        self.asked.contains(&key) || self.retired.contains(&key)
    }

    /// What an unknown field was meant to be.
    fn meant(&self, decoder: &Decoder<'_>, entry: &Entry, unused: &[&'static str]) -> Option<Meant> {
        if self.knows(&entry.key) {
            return None;
        }
        advice::confusion(entry, &self.asked, &decoder.document.kind)
            .or_else(|| did_you_mean(&entry.key, unused.iter().copied()).map(Meant::close))
            .or_else(|| did_you_mean(&entry.key, self.asked.iter().copied()).map(Meant::again))
            .or_else(|| advice::stray_key(entry, &self.asked))
    }

    /// Reports fields that were not asked for.
    ///
    /// In objects whose schema is not known in full only near misses are reported, as warnings.
    pub fn finish(self, decoder: &mut Decoder<'_>) {
        let unused = self.unused();
        for entry in self.entries {
            let key = &*entry.key;
            if self.knows(key) {
                continue;
            }
            let unknown =
                Diagnostic::new(Code::UnknownField, entry.key_span, format!("unknown field `{key}`"));
            if decoder.schema != Schema::Partial {
                let help = match self.meant(decoder, entry, &unused) {
                    Some(meant) => meant.help,
                    None => format!("known fields here: {}", backticked(&self.asked)),
                };
                let label = format!("{} has no such field", decoder.owner());
                decoder.report_schema(unknown.label(label).help(help));
            } else if let Some(close) = did_you_mean(key, unused.iter().copied()) {
                decoder.report(unknown.severity(Severity::Warning).help(format!("did you mean `{close}`?")));
            }
        }
    }

    /// The known fields that are not written here: a key may resemble one of them.
    fn unused(&self) -> Vec<&'static str> {
        let written = |name: &&str| self.entries.iter().any(|entry| &*entry.key == *name);
        self.asked.iter().copied().filter(|name| !written(name)).collect()
    }
}

/// Words in backticks, in order, separated by commas.
pub fn backticked<S: AsRef<str>>(words: &[S]) -> String {
    let mut words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
    words.sort_unstable();
    words.dedup();
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
