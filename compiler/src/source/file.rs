//! Files, spans, and lines and columns.

use std::sync::Arc;

use super::encoding::{Damage, decode};

/// Names one file of a [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(u32);

/// A half-open range of bytes in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file that the range lies in.
    pub file: FileId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset one past the last byte.
    pub end: u32,
}

impl Span {
    /// A range of bytes in `file`.
    pub fn new(file: FileId, start: u32, end: u32) -> Span {
        Span { file, start, end: end.max(start) }
    }

    /// The smallest span that covers both; `other` must lie in the same file.
    pub fn to(self, other: Span) -> Span {
        Span { file: self.file, start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// The empty span at the start of this one.
    pub fn start(self) -> Span {
        Span { end: self.start, ..self }
    }
}

/// A place as people count it: both numbers begin at 1, columns count Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LineColumn {
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

/// One input: its name as the user wrote it, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    name: Arc<str>,
    text: Arc<str>,
    /// Byte offset of the start of each line.
    lines: Vec<u32>,
    /// Where the text is not what the file's bytes said.
    damage: Damage,
}

impl SourceFile {
    /// The name to show: the path as given, or `-`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    pub(super) fn damage(&self) -> &Damage {
        &self.damage
    }

    /// Line and column of a byte offset; offsets past the end give the end.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let line = self.lines.partition_point(|&start| start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let end = (offset as usize).min(self.text.len());
        let before = self.text.get(start as usize..end).unwrap_or("");
        LineColumn { line: line as u32, column: before.chars().count() as u32 + 1 }
    }
}

/// All inputs of one run, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

impl Sources {
    /// Adds a file and names it.
    pub fn add(&mut self, name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> FileId {
        self.push(name.into(), text.into(), Damage::None)
    }

    /// Adds a file by its bytes and names it.
    ///
    /// Bytes that are not UTF-8 are not refused: each such sequence becomes one U+FFFD, so that it can
    /// be shown, and [`parse`](super::parse) leaves out the documents that hold one, with an error
    /// (`S0002`) at the first place. The other documents of the file count.
    pub fn add_bytes(&mut self, name: impl Into<Arc<str>>, bytes: Vec<u8>) -> FileId {
        let decoded = decode(bytes);
        self.push(name.into(), decoded.text.into(), decoded.damage)
    }

    fn push(&mut self, name: Arc<str>, text: Arc<str>, damage: Damage) -> FileId {
        let mut lines = vec![0];
        lines.extend(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i as u32 + 1));
        self.files.push(SourceFile { name, text, lines, damage });
        FileId(self.files.len() as u32 - 1)
    }

    /// The file that `id` names.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// Every file with its id, in order.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(i as u32), f))
    }

    /// The text that a span covers.
    pub fn text(&self, span: Span) -> &str {
        self.file(span.file).text.get(span.start as usize..span.end as usize).unwrap_or("")
    }

    /// Where a span begins and ends.
    pub fn locate(&self, span: Span) -> (LineColumn, LineColumn) {
        let file = self.file(span.file);
        (file.line_column(span.start), file.line_column(span.end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_by_character() {
        let mut sources = Sources::default();
        let id = sources.add("a.yaml", "é: 1\r\nb: ü2\n");
        let file = sources.file(id);
        assert_eq!(file.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(file.line_column(2), LineColumn { line: 1, column: 2 });
        assert_eq!(file.line_column(7), LineColumn { line: 2, column: 1 });
        assert_eq!(file.line_column(12), LineColumn { line: 2, column: 5 });
        assert_eq!(file.line_column(999), LineColumn { line: 3, column: 1 });
        assert_eq!(sources.text(Span::new(id, 10, 12)), "ü");
    }
}
