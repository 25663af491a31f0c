//! From text to trees.

use std::sync::Arc;

use rayon::prelude::*;

use super::encoding::Damage;
use super::load::{Content, load};
use super::node::Entry;
use super::split::{Chunk, parts, split};
use super::{Document, FileId, Node, NodeKind, Sources, Span};
use crate::diagnostic::{Code, Diagnostic, DocumentRef};

/// What one file may cost to read.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Largest file, in bytes. No file may have 4 GiB or more, whatever this says.
    pub bytes: usize,
    /// Deepest nesting: how many lists and mappings may stand in each other. At most 500 counts.
    pub depth: usize,
    /// Most nodes that aliases may add to one document, be it as long as it will.
    pub alias_nodes: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { bytes: 1 << 30, depth: 100, alias_nodes: 100_000 }
    }
}

/// Below this size, in bytes, the documents of a file are not worth sharing out among cores.
const LARGE: usize = 128 << 10;

pub(super) const BYTE_ORDER_MARK: char = '\u{FEFF}';

/// Reads every document of a file, YAML or JSON.
///
/// A document that cannot be read is left out with an error, and the others still count; an error
/// about a key leaves out that key only. Every document that is not empty takes one index, read or
/// not. Findings come in the order of their places. The same text always gives the same result.
pub fn parse(sources: &Sources, file: FileId, limits: &Limits) -> (Vec<Document>, Vec<Diagnostic>) {
    let mut documents = Vec::new();
    let diagnostics = parse_in_parts(sources, file, limits, |part| documents.extend(part));
    (documents, diagnostics)
}

/// Reads every document of a file as [`parse`] does, and hands them over some at a time, in order: trees take
/// many times the room of their text.
pub fn parse_in_parts(
    sources: &Sources,
    file: FileId,
    limits: &Limits,
    take: impl FnMut(Vec<Document>),
) -> Vec<Diagnostic> {
    let large = sources.file(file).text().len() >= LARGE;
    read(sources, file, limits, large, take)
}

fn read(
    sources: &Sources,
    file: FileId,
    limits: &Limits,
    parallel: bool,
    mut take: impl FnMut(Vec<Document>),
) -> Vec<Diagnostic> {
    let text: &str = sources.file(file).text();
    let damage = sources.file(file).damage();
    if let Some(refused) = refuse(file, text, damage, limits) {
        return vec![refused];
    }
    let from = if text.starts_with(BYTE_ORDER_MARK) { BYTE_ORDER_MARK.len_utf8() } else { 0 };
    let mut diagnostics = about_the_file(file, text, from);
    let chunks = split(text, from);
    let load_one = |chunk: &Chunk| load(file, text, chunk, limits);
    let last_marker = chunks.iter().filter_map(|chunk| chunk.marker).next_back();
    let mut index = 0;
    for part in parts(&chunks) {
        let loaded: Vec<_> = if parallel {
            part.par_iter().map(load_one).collect()
        } else {
            part.iter().map(load_one).collect()
        };
        let mut documents = Vec::new();
        for (chunk, (content, mut found)) in part.iter().zip(loaded) {
            let content = about_damage(file, damage, chunk, content, &mut found);
            let is_empty = matches!(content, Content::Empty);
            if let Some(marker) = chunk.marker.filter(|marker| is_empty && Some(*marker) < last_marker) {
                found.push(empty_document(file, marker));
            }
            if !found.is_empty() {
                let about = (!is_empty).then(|| Arc::new(reference(&content, index)));
                diagnostics.extend(found.into_iter().map(|finding| finding.document(about.clone())));
            }
            if let Content::Tree(root) = content {
                documents.push(Document { index, file, root });
            }
            index += usize::from(!is_empty);
        }
        take(documents);
    }
    diagnostics.sort_by_key(|diagnostic| diagnostic.span);
    diagnostics
}

/// Why a file is not read at all.
pub(super) fn refuse(file: FileId, text: &str, damage: &Damage, limits: &Limits) -> Option<Diagnostic> {
    let limit = limits.bytes.min(u32::MAX as usize);
    if text.len() > limit {
        let message = format!("the file has {} bytes, more than the limit of {limit}", text.len());
        let start = Span::new(file, 0, 0);
        return Some(Diagnostic::new(Code::FileTooLarge, start, message).help("split it into several files"));
    }
    (*damage == Damage::Utf16).then(|| {
        let end = text.chars().next().map_or(0, char::len_utf8) as u32;
        let message = "the file is UTF-16";
        Diagnostic::new(Code::InvalidUtf8, Span::new(file, 0, end), message).help("save it as UTF-8")
    })
}

/// What deserves a word about how the file was saved.
fn about_the_file(file: FileId, text: &str, from: usize) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    if from > 0 {
        let message = "the file begins with a byte order mark";
        found.push(
            Diagnostic::new(Code::ByteOrderMark, Span::new(file, 0, from as u32), message)
                .help("save it as UTF-8 without a byte order mark; the mark is ignored here"),
        );
    }
    if let Some(at) = text.find("\r\n") {
        let span = Span::new(file, at as u32, at as u32 + 2);
        let message = "lines end in carriage return and line feed";
        found.push(
            Diagnostic::new(Code::CarriageReturns, span, message)
                .help("save it with line feeds only; values are read as if it were"),
        );
    }
    found
}

/// A document that holds bytes which are not UTF-8 says nothing else, for its text is not what was meant.
pub(super) fn about_damage(
    file: FileId,
    damage: &Damage,
    chunk: &Chunk,
    content: Content,
    found: &mut Vec<Diagnostic>,
) -> Content {
    let Some(at) = damage.first_in(chunk.start, chunk.end) else { return content };
    let span = Span::new(file, at, at + char::REPLACEMENT_CHARACTER.len_utf8() as u32);
    let message = "a byte here is not UTF-8";
    *found = vec![Diagnostic::new(Code::InvalidUtf8, span, message).help("save the file as UTF-8")];
    match content {
        Content::Tree(Node { kind: NodeKind::Mapping(entries), .. }) => Content::Broken(entries),
        Content::Tree(_) => Content::Broken(Vec::new()),
        content => content,
    }
}

fn empty_document(file: FileId, marker: usize) -> Diagnostic {
    let span = Span::new(file, marker as u32, marker as u32 + 3);
    Diagnostic::new(Code::EmptyDocument, span, "empty document").help("remove one of the two `---`")
}

/// The object that a document is, as far as it could be read.
fn reference(content: &Content, index: usize) -> DocumentRef {
    let entries: &[Entry] = match content {
        Content::Tree(Node { kind: NodeKind::Mapping(entries), .. }) | Content::Broken(entries) => entries,
        _ => &[],
    };
    let find = |key: &str| entries.iter().find(|entry| &*entry.key == key).map(|entry| &entry.value);
    let text = |node: &Node| match &node.kind {
        NodeKind::Scalar(text, _) if !node.is_null() => Some(Arc::from(&**text)),
        _ => None,
    };
    let metadata = |key| find("metadata").and_then(|metadata| metadata.get(key)).and_then(text);
    DocumentRef {
        kind: find("kind").and_then(text).unwrap_or_default(),
        namespace: metadata("namespace"),
        name: metadata("name").unwrap_or_default(),
        index,
    }
}

#[cfg(test)]
mod tests;
