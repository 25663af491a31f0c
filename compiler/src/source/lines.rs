//! Texts of many short values, one a line (JSON Lines).

use rayon::prelude::*;

use super::load::{Content, load};
use super::parse::{about_damage, refuse};
use super::split::Chunk;
use super::{FileId, Limits, Node, NodeKind, ScalarStyle, Sources, Span};
use crate::diagnostic::Diagnostic;

/// One line that is not blank.
#[derive(Clone, Debug)]
pub struct Line {
    /// The line without the blanks around it.
    pub span: Span,
    /// Its value, or the first thing that is wrong with it.
    pub value: Result<Node, Box<Diagnostic>>,
}

/// Reads each line of a file as a value of its own, JSON or YAML. Lines that are blank or hold only a comment
/// are left out; what is wrong with one line does not hide another. `skip` says how many bytes at the beginning of a line
/// are no part of its value.
pub fn parse_lines(
    sources: &Sources,
    file: FileId,
    limits: &Limits,
    skip: impl Fn(&str) -> usize,
) -> Vec<Line> {
    let source = sources.file(file);
    let text: &str = source.text();
    if let Some(refused) = refuse(file, text, source.damage(), limits) {
        return vec![Line { span: Span::new(file, 0, 0), value: Err(refused.into()) }];
    }
    let read = |chunk: &Chunk| {
        let (content, mut found) = load(file, text, chunk, limits);
        let content = about_damage(file, source.damage(), chunk, content, &mut found);
        let value = match (content, found.is_empty()) {
            // A `null` is a value, though of no document.
            (Content::Empty, true) => Ok(null(file, text, chunk)?),
            (Content::Tree(node), true) => Ok(node),
            _ => Err(found.swap_remove(0).into()),
        };
        Some(Line { span: Span::new(file, chunk.start as u32, chunk.end as u32), value })
    };
    chunks(text, skip).par_iter().filter_map(read).collect()
}

/// The `null` that a line without a value is, unless it holds only a comment or a marker.
fn null(file: FileId, text: &str, chunk: &Chunk) -> Option<Node> {
    let written = text.get(chunk.start..chunk.end)?;
    let nothing = written.starts_with(['#', '-', '.', '%']);
    let span = Span::new(file, chunk.start as u32, chunk.end as u32);
    (!nothing).then(|| Node { span, kind: NodeKind::Scalar(written.into(), ScalarStyle::Plain) })
}

/// The lines without the blanks around them; the mark at the start of a file is one.
fn chunks(text: &str, skip: impl Fn(&str) -> usize) -> Vec<Chunk> {
    let blank = |c: char| c.is_ascii_whitespace() || c == super::parse::BYTE_ORDER_MARK;
    let mut chunks = Vec::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim_start_matches(blank);
        let begin = start + line.len() - trimmed.len();
        let from = begin + skip(trimmed);
        let end = begin + trimmed.trim_end_matches(blank).len();
        if end > from {
            chunks.push(Chunk { start: from, end, marker: None });
        }
        start += line.len();
    }
    chunks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_is_a_value_of_its_own() {
        let mut sources = Sources::default();
        let file = sources
            .add("a.jsonl", "\u{FEFF}{\"a\":1}\r\n\n  {\"b\":\"\\u00e9\"} \n# c\n{\"d\":\n{\"e\":5}\nnull");
        let lines = parse_lines(&sources, file, &Limits::default(), |_| 0);
        let shown: Vec<_> = lines
            .iter()
            .map(|line| match &line.value {
                Ok(node) => format!("{} ok {}", sources.text(line.span), sources.text(node.span)),
                Err(d) => format!("{} {}", sources.text(line.span), d.code),
            })
            .collect();
        assert_eq!(
            shown,
            [
                "{\"a\":1} ok {\"a\":1}",
                "{\"b\":\"\\u00e9\"} ok {\"b\":\"\\u00e9\"}",
                "{\"d\": S0003",
                "{\"e\":5} ok {\"e\":5}",
                "null ok null",
            ]
        );
        assert_eq!(
            lines[1].value.as_ref().unwrap().get("b").unwrap().scalar(),
            Some(super::super::Scalar::String("é"))
        );
    }

    #[test]
    fn a_line_that_is_not_utf_8_says_so() {
        let mut sources = Sources::default();
        let file = sources.add_bytes("a.jsonl", b"{\"a\":\"\xff\"}\n{}\n".to_vec());
        let lines = parse_lines(&sources, file, &Limits::default(), |_| 0);
        assert_eq!(lines[0].value.as_ref().unwrap_err().code.as_str(), "S0002");
        assert!(lines[1].value.is_ok());
    }
}
