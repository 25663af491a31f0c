//! The tree that a document is read into.

use super::{FileId, Scalar, Span};

/// One YAML document, or one JSON text.
#[derive(Clone, Debug)]
pub struct Document {
    /// Counts the documents of the file from 0; empty documents are left out of the count.
    pub index: usize,
    /// The file it stands in.
    pub file: FileId,
    /// The content.
    pub root: Node,
}

/// A value with the place where it is written.
///
/// An alias is replaced by a copy of its anchor's node, which keeps the anchor's span.
/// The same holds for the entries that a merge key (`<<`) brings into a mapping.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where the value stands. A collection's span runs from its first to its last byte.
    pub span: Span,
    /// What it is.
    pub kind: NodeKind,
}

/// What a [`Node`] holds.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeKind {
    /// A scalar: its text after unescaping, and how it was written.
    Scalar(Box<str>, ScalarStyle),
    /// A sequence.
    Sequence(Vec<Node>),
    /// A mapping, in the order written. Keys are distinct: a duplicate is diagnosed and the first stays.
    Mapping(Vec<Entry>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key's text. Kubernetes has no other keys than strings.
    pub key: Box<str>,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

/// How a scalar was written. Only a plain one can be something else than a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes.
    Plain,
    /// Quoted, or a block scalar, or tagged `!!str`.
    Quoted,
}

impl Node {
    /// What a scalar means; `None` for a collection.
    pub fn scalar(&self) -> Option<Scalar<'_>> {
        match &self.kind {
            NodeKind::Scalar(text, ScalarStyle::Quoted) => Some(Scalar::String(text)),
            NodeKind::Scalar(text, ScalarStyle::Plain) => Some(Scalar::resolve(text)),
            _ => None,
        }
    }

    /// Whether this is `null`, `~` or nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(self.scalar(), Some(Scalar::Null))
    }

    /// The value of `key`, if this is a mapping that has it.
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            NodeKind::Mapping(entries) => entries.iter().find(|e| &*e.key == key).map(|e| &e.value),
            _ => None,
        }
    }

    /// What this is, for messages: `a string`, `a list`, ...
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            NodeKind::Sequence(_) => "a list",
            NodeKind::Mapping(_) => "a mapping",
            NodeKind::Scalar(..) => match self.scalar() {
                Some(Scalar::Null) | None => "null",
                Some(Scalar::Bool(_)) => "a boolean",
                Some(Scalar::Int(_)) => "a number",
                Some(Scalar::Float(_)) => "a number",
                Some(Scalar::String(_)) => "a string",
            },
        }
    }
}
