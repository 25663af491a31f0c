//! Builds one document's tree, step by step.
//!
//! Nothing here recurses: the open collections are a stack of their own, and no tree gets deeper
//! than the limit, so that reading, copying and dropping one is safe on any thread.

use std::ops::Range;

use super::findings::{self, Stop};
use super::mapping;
use super::node::{Entry, Node, NodeKind, ScalarStyle};
use super::step::{Kind, Record, Step};
use super::{FileId, Limits, Scalar, Span};
use crate::diagnostic::Diagnostic;

/// Depth that is never exceeded, whatever the options say, since trees are dropped recursively.
const DEEPEST: usize = 500;

/// Findings that leave the rest of a document readable are no longer noted after so many.
const MOST_FINDINGS: usize = 100;

/// Whatever its size, aliases may add so many nodes to a document ...
const COPIES: usize = 500;

/// ... and so many more for each byte of it. Merging the same mapping everywhere takes less than three.
const COPIES_PER_BYTE: usize = 4;

/// So many bytes of copied text count as much as a node.
const BYTES_PER_NODE: usize = 16;

/// A tree in the making.
pub(super) struct Builder {
    file: FileId,
    depth: usize,
    alias_nodes: usize,
    /// Nodes that aliases have added so far, long texts counted as several.
    copied: usize,
    record: Record,
    frames: Vec<Frame>,
    /// Finished items of open sequences, outermost first.
    items: Vec<Node>,
    /// Finished entries of open mappings, outermost first.
    entries: Vec<Entry>,
    root: Option<Node>,
    /// While an alias is expanded: where it stands, and how many collections are open around it.
    alias: Option<(Span, usize)>,
    diagnostics: Vec<Diagnostic>,
}

/// An open collection.
struct Frame {
    kind: Kind,
    start: u32,
    /// Where its children begin in `items` or `entries`.
    first: usize,
    /// The key whose value comes next.
    key: Option<Key>,
    /// Entries that came from a merge key, counted from the mapping's first.
    merged: Vec<Range<usize>>,
}

enum Key {
    Text(Box<str>, Span),
    Merge,
    /// Not a string: the value is read, and dropped.
    Refused,
}

impl Builder {
    /// An empty tree for a text of so many bytes: what aliases may add is limited by it, as a file can
    /// hold any number of documents.
    pub(super) fn new(file: FileId, length: usize, limits: &Limits) -> Builder {
        let by_length = COPIES.saturating_add(length.saturating_mul(COPIES_PER_BYTE));
        Builder {
            file,
            depth: limits.depth.min(DEEPEST),
            alias_nodes: limits.alias_nodes.min(by_length),
            copied: 0,
            record: Record::default(),
            frames: Vec::new(),
            items: Vec::new(),
            entries: Vec::new(),
            root: None,
            alias: None,
            diagnostics: Vec::new(),
        }
    }

    /// How many collections may stand in each other.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// Whether the next node is the value of a mapping's key.
    pub(super) fn expects_value(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.key.is_some())
    }

    /// Takes a step that stands in the text; `anchor` is the id that its node defines, or 0.
    pub(super) fn take(&mut self, step: Step, anchor: usize) -> Result<(), Stop> {
        self.record.note(&step, anchor, self.frames.len());
        match step {
            Step::Alias(id, at) => self.expand(id, self.span(at)),
            step => self.apply(step),
        }
    }

    /// The finished tree, and what was found while building it.
    pub(super) fn finish(self) -> (Option<Node>, Vec<Diagnostic>) {
        (self.root, self.diagnostics)
    }

    /// What was found, and the entries of the root mapping as far as they were read.
    pub(super) fn abandon(mut self) -> (Vec<Entry>, Vec<Diagnostic>) {
        if let Some(Node { kind: NodeKind::Mapping(entries), .. }) = self.root {
            return (entries, self.diagnostics);
        }
        let is_mapping = self.frames.first().is_some_and(|frame| frame.kind == Kind::Mapping);
        let nested = self.frames.iter().skip(1).find(|frame| frame.kind == Kind::Mapping);
        let end = nested.map_or(self.entries.len(), |frame| frame.first);
        self.entries.truncate(if is_mapping { end } else { 0 });
        (self.entries, self.diagnostics)
    }

    fn span(&self, range: Range<u32>) -> Span {
        Span::new(self.file, range.start, range.end)
    }

    fn apply(&mut self, step: Step) -> Result<(), Stop> {
        match step {
            Step::Scalar(text, style, range) => {
                let span = self.span(range);
                self.place(Node { span, kind: NodeKind::Scalar(text, style) });
            }
            Step::Open(kind, start) => self.open(kind, start)?,
            Step::Close(end) => self.close(end),
            // Aliases are expanded before they get here.
            Step::Alias(..) => {}
        }
        Ok(())
    }

    /// Takes the steps of an anchor's node again.
    fn expand(&mut self, anchor: usize, at: Span) -> Result<(), Stop> {
        self.alias = Some((at, self.frames.len()));
        let mut ranges = vec![self.anchored(anchor, at)?];
        while let Some(range) = ranges.last_mut() {
            let Some(step) = range.next().and_then(|index| self.record.step(index)) else {
                ranges.pop();
                continue;
            };
            if let Step::Alias(id, _) = *step {
                let nested = self.anchored(id, at)?;
                ranges.push(nested);
                continue;
            }
            self.copied += match step {
                Step::Close(_) => 0,
                Step::Scalar(text, ..) => 1 + text.len() / BYTES_PER_NODE,
                _ => 1,
            };
            if self.copied > self.alias_nodes {
                return Err(findings::too_many_copies(at, self.alias_nodes));
            }
            let step = step.clone();
            self.apply(step)?;
        }
        self.alias = None;
        Ok(())
    }

    fn anchored(&self, anchor: usize, at: Span) -> Result<Range<usize>, Stop> {
        self.record.range(anchor).ok_or_else(|| findings::alias_in_itself(at))
    }

    fn open(&mut self, kind: Kind, start: u32) -> Result<(), Stop> {
        if self.frames.len() >= self.depth {
            let span = self.alias.map_or(self.span(start..start + 1), |(at, _)| at);
            return Err(findings::too_deep(span, self.depth));
        }
        let first = match kind {
            Kind::Sequence => self.items.len(),
            Kind::Mapping => self.entries.len(),
        };
        self.frames.push(Frame { kind, start, first, key: None, merged: Vec::new() });
        Ok(())
    }

    fn close(&mut self, end: u32) {
        let Some(frame) = self.frames.pop() else { return };
        let span = self.span(frame.start..end);
        let kind = match frame.kind {
            Kind::Sequence => NodeKind::Sequence(self.items.drain(frame.first..).collect()),
            Kind::Mapping => {
                let mut entries: Vec<Entry> = self.entries.drain(frame.first..).collect();
                let duplicates = mapping::distinct(&mut entries, &frame.merged);
                // A copy says nothing that its original did not say.
                if self.alias.is_none() {
                    let room = MOST_FINDINGS.saturating_sub(self.diagnostics.len());
                    self.diagnostics.extend(duplicates.into_iter().take(room).map(findings::duplicate_key));
                }
                NodeKind::Mapping(entries)
            }
        };
        self.place(Node { span, kind });
    }

    /// Puts a finished node where it belongs: in the innermost collection, or at the root.
    fn place(&mut self, node: Node) {
        let Some(frame) = self.frames.last_mut() else {
            self.root = Some(node);
            return;
        };
        if frame.kind == Kind::Sequence {
            self.items.push(node);
            return;
        }
        match frame.key.take() {
            None => {
                let key = self.key(node);
                if let Some(frame) = self.frames.last_mut() {
                    frame.key = Some(key);
                }
            }
            Some(Key::Text(key, key_span)) => self.entries.push(Entry { key, key_span, value: node }),
            Some(Key::Merge) => self.merge(node),
            Some(Key::Refused) => {}
        }
    }

    fn key(&mut self, node: Node) -> Key {
        let (span, what) = (node.span, node.type_name());
        match node.kind {
            NodeKind::Scalar(text, ScalarStyle::Plain) if &*text == "<<" => Key::Merge,
            NodeKind::Scalar(text, style)
                if style == ScalarStyle::Quoted || Scalar::resolve(&text) != Scalar::Null =>
            {
                Key::Text(text, span)
            }
            _ => {
                self.find(span, |span| findings::non_string_key(span, what));
                Key::Refused
            }
        }
    }

    /// Adds the entries of a mapping, or of a list of mappings, to the innermost mapping.
    fn merge(&mut self, value: Node) {
        let first = self.frames.last().map_or(0, |frame| frame.first);
        let from = self.entries.len() - first;
        let sources = match value.kind {
            NodeKind::Sequence(items) => items,
            kind => vec![Node { span: value.span, kind }],
        };
        // Of several sources the first counts most, so it comes last.
        for source in sources.into_iter().rev() {
            match source.kind {
                NodeKind::Mapping(entries) => self.entries.extend(entries),
                _ => self.find(source.span, findings::bad_merge),
            }
        }
        let range = from..self.entries.len() - first;
        if let Some(frame) = self.frames.last_mut().filter(|_| !range.is_empty()) {
            frame.merged.push(range);
        }
    }

    /// Notes a finding about a node; about a copy only if it is the alias's place that is wrong.
    fn find(&mut self, span: Span, diagnostic: impl FnOnce(Span) -> Diagnostic) {
        let place = match self.alias {
            None => span,
            Some((at, around)) if around == self.frames.len() => at,
            Some(_) => return,
        };
        if self.diagnostics.len() < MOST_FINDINGS {
            self.diagnostics.push(diagnostic(place));
        }
    }
}
