//! What must hold of every file, whatever its bytes; for tests and fuzzing.

use std::collections::BTreeSet;

use super::{Document, Entry, FileId, Limits, Node, NodeKind, ScalarStyle, Sources, Span, parse};
use crate::diagnostic::Diagnostic;
use crate::options::Options;

/// Reads a file and checks what [`parse`] says about it:
///
/// * every span lies in the text, between characters;
/// * diagnostics come in the order of their places, and documents too, none overlapping;
/// * a child lies in its parent and behind its elder siblings, unless aliases moved it; keys are distinct;
/// * a scalar is what its span covers, which means the same when read alone.
///
/// Then turns the trees into objects, for whom only the first holds.
///
/// # Errors
/// What does not hold.
pub fn check(bytes: &[u8]) -> Result<(), String> {
    let mut sources = Sources::default();
    let file = sources.add_bytes("case.yaml", bytes.to_vec());
    let case = Case { sources: &sources, file };
    let (documents, diagnostics) = parse(&sources, file, &Limits::default());
    if !diagnostics.is_sorted_by_key(|diagnostic| diagnostic.span) {
        return Err(format!("diagnostics out of order: {diagnostics:?}"));
    }
    case.diagnostics(&diagnostics)?;
    let mut end = 0;
    for (i, document) in documents.iter().enumerate() {
        if document.index < i || document.root.span.start < end {
            return Err(format!("documents out of order: {documents:?}"));
        }
        end = document.root.span.end;
        case.document(document)?;
    }
    let loaded = crate::load(&sources, &[file], &Options::default(), &Limits::default());
    case.diagnostics(&loaded.diagnostics)
}

struct Case<'s> {
    sources: &'s Sources,
    file: FileId,
}

impl Case<'_> {
    fn span(&self, span: Span, whose: &str) -> Result<(), String> {
        let text = self.sources.file(self.file).text();
        let range = span.start as usize..span.end as usize;
        match span.file == self.file && text.get(range).is_some() {
            true => Ok(()),
            false => Err(format!("{whose} is at {span:?}, which is no part of the text")),
        }
    }

    fn diagnostics(&self, diagnostics: &[Diagnostic]) -> Result<(), String> {
        let mut spans = diagnostics.iter().filter_map(|diagnostic| diagnostic.span);
        spans.try_for_each(|span| self.span(span, "a diagnostic"))
    }

    fn document(&self, document: &Document) -> Result<(), String> {
        self.span(document.root.span, "a document")?;
        // What an alias stands for keeps the place of its anchor.
        let aliases = self.sources.text(document.root.span).contains('*');
        let mut open = vec![&document.root];
        while let Some(node) = open.pop() {
            let children: Vec<&Node> = match &node.kind {
                NodeKind::Scalar(text, style) => {
                    self.scalar(node.span, text, *style)?;
                    continue;
                }
                NodeKind::Sequence(nodes) => nodes.iter().collect(),
                NodeKind::Mapping(entries) => {
                    self.keys(entries)?;
                    entries.iter().map(|entry| &entry.value).collect()
                }
            };
            for child in &children {
                self.span(child.span, "a node")?;
            }
            if !aliases {
                in_order(node)?;
            }
            open.extend(children);
        }
        Ok(())
    }

    fn keys(&self, entries: &[Entry]) -> Result<(), String> {
        entries.iter().try_for_each(|entry| self.span(entry.key_span, "a key"))?;
        let distinct: BTreeSet<&str> = entries.iter().map(|entry| &*entry.key).collect();
        match distinct.len() == entries.len() {
            true => Ok(()),
            false => Err(format!("a key stands twice: {entries:?}")),
        }
    }

    /// A block scalar, too, is written with the characters that it means, apart from white space.
    fn scalar(&self, span: Span, text: &str, style: ScalarStyle) -> Result<(), String> {
        let written = self.sources.text(span);
        let same =
            written.split_whitespace().flat_map(str::chars).eq(text.split_whitespace().flat_map(str::chars));
        let quoted = style == ScalarStyle::Quoted && written.starts_with(['"', '\'']);
        match same || (quoted && reads_as(written, text)) {
            true => Ok(()),
            false => Err(format!("{text:?} is said to be written {written:?}")),
        }
    }
}

/// Whether a quoted scalar means `text` when it is a document of its own.
fn reads_as(written: &str, text: &str) -> bool {
    let mut sources = Sources::default();
    let file = sources.add("scalar.yaml", written);
    let (documents, _) = parse(&sources, file, &Limits::default());
    let expected = NodeKind::Scalar(text.into(), ScalarStyle::Quoted);
    matches!(documents.as_slice(), [document] if document.root.kind == expected)
}

/// Whether what is in a node lies in it, one behind the other.
fn in_order(node: &Node) -> Result<(), String> {
    let spans: Vec<Span> = match &node.kind {
        NodeKind::Scalar(..) => Vec::new(),
        NodeKind::Sequence(nodes) => nodes.iter().map(|node| node.span).collect(),
        NodeKind::Mapping(entries) => {
            entries.iter().flat_map(|entry| [entry.key_span, entry.value.span]).collect()
        }
    };
    let mut from = node.span.start;
    for span in spans {
        if span.start < from || span.end > node.span.end {
            return Err(format!("{span:?} is out of its place in {node:?}"));
        }
        from = span.end;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::check;
    use crate::fuzz_cases::cases;

    #[test]
    fn cases_from_fuzzing_stay_solved() {
        let cases = cases("yaml_input");
        assert!(!cases.is_empty(), "there are seeds");
        for (path, case) in cases {
            assert_eq!(check(&case), Ok(()), "{}", path.display());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn random_yaml_keeps_its_places(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "a", "b", ": ", ":", "- ", "-", "\n", "\n", "  ", " ", "\t", "[", "]", "{", "}", ",", "\"", "'", "\\",
                "&x ", "*x", "<<", "!!str ", "!t ", "|\n", ">-\n", "# c", "---\n", "...\n", "? ", "é", "\u{feff}",
                "\r\n", "\u{85}", "%YAML 1.2\n", "~", "1",
            ]), 0..24)
        ) {
            prop_assert_eq!(check(pieces.concat().as_bytes()), Ok(()));
        }
    }
}
