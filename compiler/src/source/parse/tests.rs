//! What a text is read as, and what is said about it. Places are named by the text they cover.

mod aliases;
mod documents;
mod errors;
mod limits;
mod spans;

use super::*;
use crate::source::ScalarStyle;

/// A text that was read.
struct Read {
    sources: Sources,
    documents: Vec<Document>,
    diagnostics: Vec<Diagnostic>,
}

fn read_text(text: &str) -> Read {
    read_with(text, &Limits::default())
}

fn read_with(text: &str, limits: &Limits) -> Read {
    let mut sources = Sources::default();
    let file = sources.add("test.yaml", text);
    let (documents, diagnostics) = parse(&sources, file, limits);
    Read { sources, documents, diagnostics }
}

fn read_bytes(bytes: &[u8]) -> Read {
    let mut sources = Sources::default();
    let file = sources.add_bytes("test.yaml", bytes.to_vec());
    let (documents, diagnostics) = parse(&sources, file, &Limits::default());
    Read { sources, documents, diagnostics }
}

impl Read {
    /// Every document on one line, with its index.
    fn shown(&self) -> Vec<String> {
        self.documents.iter().map(|d| format!("{} {}", d.index, show(&d.root))).collect()
    }

    /// Every finding: code, `line:column`, and the text it underlines.
    fn found(&self) -> Vec<String> {
        let show = |d: &Diagnostic| {
            let span = d.span.unwrap();
            let (start, _) = self.sources.locate(span);
            let text = self.sources.text(span);
            format!("{} {}:{} {text:?}", d.code.as_str(), start.line, start.column)
        };
        self.diagnostics.iter().map(show).collect()
    }

    /// The text under one node of the first document.
    fn text(&self, path: &[&str]) -> &str {
        self.sources.text(self.node(path).span)
    }

    fn node(&self, path: &[&str]) -> &Node {
        path.iter().fold(&self.documents[0].root, |node, step| match &node.kind {
            NodeKind::Sequence(items) => &items[step.parse::<usize>().unwrap()],
            _ => node.get(step).unwrap(),
        })
    }
}

/// A tree in brackets: quoted what is text for certain, bare what is plain.
fn show(node: &Node) -> String {
    match &node.kind {
        NodeKind::Scalar(text, ScalarStyle::Plain) => text.to_string(),
        NodeKind::Scalar(text, ScalarStyle::Quoted) => format!("{text:?}"),
        NodeKind::Sequence(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        NodeKind::Mapping(entries) => {
            let entries: Vec<_> = entries.iter().map(|e| format!("{}: {}", e.key, show(&e.value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// A text of one document that is read without a word.
fn reads(text: &str, as_tree: &str) {
    let read = read_text(text);
    assert_eq!(read.found(), Vec::<String>::new(), "{text:?}");
    assert_eq!(read.shown(), [format!("0 {as_tree}")], "{text:?}");
}
