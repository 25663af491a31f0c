//! Files, spans, and lines and columns.

use std::collections::BTreeMap;
use std::ops::Range;
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

/// Bytes between two counts of characters.
const STRIDE: usize = 4096;

/// One input: its name as the user wrote it, and its text.
#[derive(Clone, Debug)]
pub struct SourceFile {
    name: Arc<str>,
    text: Arc<str>,
    /// Byte offset of the start of each line.
    lines: Vec<u32>,
    /// How many characters stand before each [`STRIDE`] bytes, so that a column is found soon in a line
    /// of any length.
    characters: Vec<u32>,
    /// Where the text is not what the file's bytes said.
    damage: Damage,
    /// Whether nobody named the file itself.
    found: bool,
}

impl SourceFile {
    fn new(name: Arc<str>, text: Arc<str>, damage: Damage) -> SourceFile {
        let lines = line_starts(text.as_bytes());
        let blocks = text.as_bytes().chunks(STRIDE).map(characters);
        let characters = std::iter::once(0)
            .chain(blocks.scan(0, |before, here| {
                *before += here;
                Some(*before)
            }))
            .collect();
        SourceFile { name, text, lines, characters, damage, found: false }
    }

    /// The name to show: the path as given, or `-`.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &Arc<str> {
        &self.text
    }

    /// Whether nobody named the file itself: it was found in a folder, and need not be a manifest.
    pub fn is_found(&self) -> bool {
        self.found
    }

    /// Whether the text is, byte for byte, what the file holds: not where bytes that are no UTF-8 were replaced.
    pub fn is_exact(&self) -> bool {
        self.damage == Damage::None
    }

    pub(super) fn damage(&self) -> &Damage {
        &self.damage
    }

    /// Line and column of a byte offset; offsets past the end give the end.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let line = self.lines.partition_point(|&start| start <= offset).max(1);
        let start = self.lines.get(line - 1).copied().unwrap_or(0);
        let column = self.characters_between(start as usize, offset as usize);
        LineColumn { line: line as u32, column: column + 1 }
    }

    /// The bytes of a line by its number from 1, with the characters that end it; nothing past the last.
    pub fn line(&self, number: u32) -> Option<Range<usize>> {
        let at = (number as usize).checked_sub(1)?;
        let end = self.lines.get(at + 1).map_or(self.text.len(), |end| *end as usize);
        Some(*self.lines.get(at)? as usize..end)
    }

    fn characters_between(&self, start: usize, end: usize) -> u32 {
        match self.text.as_bytes().get(start..end) {
            // Most lines are short.
            Some(part) if part.len() < STRIDE => characters(part),
            _ => self.characters_before(end) - self.characters_before(start),
        }
    }

    /// Characters before an offset; one that is within a character counts it not.
    fn characters_before(&self, offset: usize) -> u32 {
        let offset = offset.min(self.text.len());
        let block = offset / STRIDE;
        let rest = self.text.as_bytes().get(block * STRIDE..offset).unwrap_or_default();
        self.characters.get(block).copied().unwrap_or(0) + characters(rest)
    }
}

/// All inputs of one run, in the order in which they were added.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Each once, however many inputs have it, as both sides of a comparison do.
    files: Vec<Arc<SourceFile>>,
    /// Files that were there before and have not been added again.
    expected: BTreeMap<Arc<str>, FileId>,
}

impl Sources {
    /// No files yet, but those of others will have their numbers when they are added, so that spans of before can be
    /// compared with those to come. One that is not added again is empty.
    pub fn following(before: &Sources) -> Sources {
        let mut sources = Sources::default();
        for file in &before.files {
            let id = sources.push(Arc::clone(&file.name), Arc::from(""), Damage::None);
            sources.expected.entry(Arc::clone(&file.name)).or_insert(id);
        }
        sources
    }

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
        let id = self.expected.remove(&name);
        let file = Arc::new(SourceFile::new(name, text, damage));
        match id {
            Some(id) => {
                self.files[id.0 as usize] = file;
                id
            }
            None => {
                self.files.push(file);
                FileId(self.files.len() as u32 - 1)
            }
        }
    }

    /// Says that a file was found in a folder ([`SourceFile::is_found`]).
    pub fn mark_found(&mut self, id: FileId) {
        if let Some(file) = self.files.get_mut(id.0 as usize) {
            Arc::make_mut(file).found = true;
        }
    }

    /// Puts another text in the place of a file's; name and number stay.
    pub fn replace(&mut self, id: FileId, text: impl Into<Arc<str>>) {
        let Some(file) = self.files.get(id.0 as usize) else { return };
        let (name, found) = (Arc::clone(&file.name), file.found);
        let file = SourceFile { found, ..SourceFile::new(name, text.into(), Damage::None) };
        self.files[id.0 as usize] = Arc::new(file);
    }

    /// The file that `id` names.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0 as usize]
    }

    /// Every file with its id, in order.
    pub fn iter(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files.iter().enumerate().map(|(i, f)| (FileId(i as u32), &**f))
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

/// Where lines begin. As in YAML, a lone carriage return ends one too.
fn line_starts(bytes: &[u8]) -> Vec<u32> {
    let mut lines = vec![0];
    for (at, byte) in bytes.iter().enumerate() {
        let ends = *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n'));
        if ends {
            lines.push(at as u32 + 1);
        }
    }
    lines
}

/// How many characters begin in a piece of UTF-8.
fn characters(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|byte| !matches!(byte, 0x80..0xC0)).count() as u32
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

    #[test]
    fn files_that_are_still_there_keep_their_numbers() {
        let mut before = Sources::default();
        let [a, b] = ["a.yaml", "b.yaml"].map(|name| before.add(name, "x: 1"));
        let mut now = Sources::following(&before);
        let [c, again] = ["c.yaml", "b.yaml"].map(|name| now.add(name, "y: 2"));
        assert_eq!((again, now.file(b).text().as_ref()), (b, "y: 2"));
        assert_eq!((now.file(c).name().as_ref(), now.file(a).text().as_ref()), ("c.yaml", ""));
        assert_ne!(now.add("b.yaml", "of the same name"), b);
    }

    #[test]
    fn a_lone_carriage_return_ends_a_line() {
        let mut sources = Sources::default();
        let id = sources.add("a.yaml", "a: 1\rb: 2\r\nc");
        let file = sources.file(id);
        assert_eq!(file.line_column(8), LineColumn { line: 2, column: 4 });
        assert_eq!(file.line_column(11), LineColumn { line: 3, column: 1 });
        let lines = [file.line(0), file.line(1), file.line(2), file.line(3), file.line(4)];
        assert_eq!(lines, [None, Some(0..5), Some(5..11), Some(11..12), None]);
    }

    #[test]
    fn columns_of_a_long_line_are_counted_by_character() {
        let mut sources = Sources::default();
        let text = format!("x\n{}", "é😀a".repeat(5000));
        let id = sources.add("a.yaml", text.as_str());
        for (count, (offset, _)) in text[2..].char_indices().enumerate() {
            let place = sources.file(id).line_column(offset as u32 + 2);
            assert_eq!(place, LineColumn { line: 2, column: count as u32 + 1 });
        }
    }
}
