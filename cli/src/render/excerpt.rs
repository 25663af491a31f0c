//! The lines of a file around some places, ready to be drawn.
//!
//! The drawing itself is miette's. What it is given is cut to what a terminal can show: a few lines,
//! none longer than the terminal is wide, no control characters, and of a place that spans several
//! lines the first one.

use std::ops::Range;

use miette::{LabeledSpan, MietteError, MietteSpanContents, SourceCode, SourceSpan, SpanContents};
use sluice_compiler::source::{SourceFile, Sources, Span};

use super::text::{harmless, is_unsafe};

/// Lines shown before and after a place.
const CONTEXT: u32 = 1;

/// Two places that are at most this many lines apart are drawn together.
const NEAR: u32 = 5;

/// Bytes of a long line that are looked at before a place; twice as many after it.
const MARGIN: usize = 1000;

/// A place, and the words under it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark<'a> {
    pub(super) span: Span,
    pub(super) label: Option<&'a str>,
}

/// Lines of one file, and the places in them.
#[derive(Debug)]
pub(super) struct Excerpt {
    name: String,
    text: String,
    /// Where each line begins in `text`.
    starts: Vec<usize>,
    /// The number of the first line, from 0.
    first: usize,
    /// The place that the heading names: where it is in `text`, and its true column from 0.
    primary: (usize, usize),
    pub(super) labels: Vec<LabeledSpan>,
}

/// Whether two places can be drawn together.
pub(super) fn near(sources: &Sources, a: Span, b: Span) -> bool {
    a.file == b.file && sources.locate(a).0.line.abs_diff(sources.locate(b).0.line) <= NEAR
}

impl Excerpt {
    /// Cuts out the lines around places that are [`near`] the first, none longer than `width`.
    pub(super) fn new(sources: &Sources, marks: &[Mark<'_>], width: usize) -> Option<Excerpt> {
        let primary = marks.first()?;
        let file = sources.file(primary.span.file);
        let lines = lines(file, marks);
        let from = lines.first()?;
        let first = file.line_column(from.start as u32).line as usize - 1;
        let gutter = (first + lines.len()).to_string().len() + 4;
        let mut excerpt = Excerpt {
            name: harmless(file.name()),
            text: String::new(),
            starts: Vec::new(),
            first,
            primary: (0, 0),
            labels: Vec::new(),
        };
        let mut placed: Vec<Option<LabeledSpan>> = vec![None; marks.len()];
        for line in &lines {
            excerpt.add(file, line, marks, width.saturating_sub(gutter).max(20), &mut placed);
        }
        excerpt.labels = placed.into_iter().flatten().collect();
        Some(excerpt)
    }

    /// Adds a line, and the places that begin in it.
    fn add(
        &mut self,
        file: &SourceFile,
        line: &Range<usize>,
        marks: &[Mark<'_>],
        width: usize,
        placed: &mut [Option<LabeledSpan>],
    ) {
        let source = file.text().get(line.clone()).unwrap_or_default();
        let here = |mark: &Mark<'_>| (line.start..=line.end).contains(&(mark.span.start as usize));
        let inner = |mark: &Mark<'_>| {
            let start = (mark.span.start as usize).min(line.end) - line.start;
            let end = (mark.span.end as usize).clamp(mark.span.start as usize, line.end.max(line.start))
                - line.start;
            start..end.max(start)
        };
        let focus = marks.iter().find(|mark| here(mark)).map(inner).unwrap_or(0..0);
        let cut = Cut::new(source, &focus, width);
        let start = self.text.len();
        self.starts.push(start);
        self.text.push_str(&cut.text);
        self.text.push('\n');
        for (index, mark) in marks.iter().enumerate().filter(|(_, mark)| here(mark)) {
            let range = inner(mark);
            let (from, to) = (start + cut.place(range.start), start + cut.place(range.end));
            let label = mark.label.map(harmless);
            let span = SourceSpan::new(from.into(), to.saturating_sub(from));
            if let (Some(slot), true) = (placed.get_mut(index), index == 0) {
                self.primary = (from, file.line_column(mark.span.start).column as usize - 1);
                *slot = Some(LabeledSpan::new_primary_with_span(label, span));
            } else if let Some(slot) = placed.get_mut(index) {
                *slot = Some(LabeledSpan::new_with_span(label, span));
            }
        }
    }
}

/// The byte ranges of the lines from the first place to the last, with context, without line ends.
fn lines(file: &SourceFile, marks: &[Mark<'_>]) -> Vec<Range<usize>> {
    let text: &str = file.text();
    let starts = marks.iter().map(|mark| (mark.span.start as usize).min(text.len()) as u32);
    let (Some(low), Some(high)) = (starts.clone().min(), starts.max()) else { return Vec::new() };
    let (low, last) = (file.line_column(low).line, file.line_column(high).line);
    let first = low.saturating_sub(CONTEXT).max(1);
    let mut lines = Vec::new();
    for line in (first..=last + CONTEXT).map_while(|number| file.line(number).map(|line| (number, line))) {
        // What follows the last line end is a line only if a place is there.
        if line.1.is_empty() && line.0 > last {
            break;
        }
        let written = text.get(line.1.clone()).unwrap_or_default();
        lines.push(line.1.start..line.1.start + written.trim_end_matches(['\r', '\n']).len());
    }
    lines
}

/// The part of a line around what has to be seen, at most some thousand bytes, and whether something was
/// left out before and behind it. A file may be one line, with any number of findings in it.
fn near_part(line: &str, focus: &Range<usize>) -> (Range<usize>, bool, bool) {
    let from = line.floor_char_boundary(focus.start.saturating_sub(MARGIN));
    let to = line.ceil_char_boundary(focus.start.saturating_add(2 * MARGIN).min(line.len()));
    let from = if from < MARGIN { 0 } else { from };
    (from..to, from > 0, to < line.len())
}

/// A line that fits, and where its bytes went.
struct Cut {
    text: String,
    /// For each byte offset of a character of the line that is shown, its offset in `text`.
    places: Vec<(usize, usize)>,
}

impl Cut {
    /// Cuts a line around what has to be seen.
    fn new(line: &str, focus: &Range<usize>, width: usize) -> Cut {
        let (part, more_before, more_behind) = near_part(line, focus);
        let (whole, line) = (line.len(), line.get(part.clone()).unwrap_or_default());
        let focus = focus.start - part.start..focus.end.min(part.end).saturating_sub(part.start);
        let length = line.chars().count();
        let before = |offset: usize| line.get(..offset).map_or(length, |text| text.chars().count());
        let (low, high) = (before(focus.start), before(focus.end));
        // The beginning shows the indentation; it goes only if the place would be out of sight.
        let from = if !more_before && (length <= width || high + 1 < width) {
            0
        } else {
            low.saturating_sub(width / 3).min(length.saturating_sub(width.saturating_sub(2)))
        };
        let room = width - usize::from(from > 0 || more_before);
        let to = if length - from <= room && !more_behind { length } else { length.min(from + room - 1) };
        let mut cut = Cut { text: String::new(), places: Vec::new() };
        if from > 0 || more_before {
            cut.text.push('…');
        }
        for (offset, character) in line.char_indices().skip(from).take(to - from) {
            cut.places.push((part.start + offset, cut.text.len()));
            let control = is_unsafe(character) && character != '\t';
            cut.text.push(if control { char::REPLACEMENT_CHARACTER } else { character });
        }
        let end = cut.text.len();
        if to < length || more_behind {
            cut.text.push('…');
        }
        cut.places.push((whole.min(cut.places.last().map_or(0, |(offset, _)| offset + 1)), end));
        cut
    }

    /// Where a byte of the line is now; one that was cut off, where the cut is.
    fn place(&self, offset: usize) -> usize {
        let index = self.places.partition_point(|(from, _)| *from < offset);
        self.places.get(index).or(self.places.last()).map_or(0, |(_, to)| *to)
    }
}

impl SourceCode for Excerpt {
    /// With context, everything; without, the heading's place.
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        before: usize,
        _after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let name = self.name.clone();
        if before > 0 {
            let all = SourceSpan::new(0.into(), self.text.len());
            let bytes = self.text.as_bytes();
            return Ok(Box::new(MietteSpanContents::new_named(
                name,
                bytes,
                all,
                self.first,
                0,
                self.starts.len(),
            )));
        }
        let (at, column) = if span.offset() == self.primary.0 { self.primary } else { (span.offset(), 0) };
        let line = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        let bytes = self.text.as_bytes().get(at..at + span.len()).ok_or(MietteError::OutOfBounds)?;
        Ok(Box::new(MietteSpanContents::new_named(name, bytes, *span, self.first + line, column, 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excerpt(text: &str, start: u32, end: u32, width: usize) -> (String, String, usize) {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text);
        let mark = Mark { span: Span::new(file, start, end), label: None };
        let excerpt = Excerpt::new(&sources, &[mark], width).unwrap();
        let label = excerpt.labels[0].inner();
        let under = excerpt.text[label.offset()..label.offset() + label.len()].to_owned();
        (excerpt.text, under, excerpt.first)
    }

    #[test]
    fn takes_a_line_on_either_side() {
        let text = "one\ntwo\nthree\nfour\nfive\n";
        assert_eq!(excerpt(text, 8, 13, 80), ("two\nthree\nfour\n".to_owned(), "three".to_owned(), 1));
        assert_eq!(excerpt(text, 0, 3, 80), ("one\ntwo\n".to_owned(), "one".to_owned(), 0));
        assert_eq!(excerpt(text, 19, 23, 80), ("four\nfive\n".to_owned(), "five".to_owned(), 3));
    }

    #[test]
    fn underlines_the_first_line_of_several() {
        let (text, under, _) = excerpt("a:\r\n  b: 1\r\n  c: 2\r\n", 6, 18, 80);
        assert_eq!((text.as_str(), under.as_str()), ("a:\n  b: 1\n  c: 2\n", "b: 1"));
    }

    #[test]
    fn cuts_long_lines_around_the_place() {
        let line = format!("{}HERE{}", "x".repeat(500), "y".repeat(500));
        let (text, under, _) = excerpt(&line, 500, 504, 60);
        assert_eq!(under, "HERE");
        assert!(text.starts_with('…') && text.ends_with("…\n") && text.chars().count() < 60, "{text}");
        let (text, under, _) = excerpt(&line, 500, 900, 60);
        assert!(under.starts_with("HEREyyy") && text.chars().count() < 60, "{text}");
    }

    #[test]
    fn a_line_may_have_any_length() {
        let line = format!("{}HERE{}", "é".repeat(500_000), "ü".repeat(500_000));
        let (text, under, _) = excerpt(&line, 1_000_000, 1_000_004, 60);
        assert_eq!(under, "HERE");
        assert!(text.starts_with("…é") && text.ends_with("ü…\n") && text.chars().count() < 62, "{text}");
        let (text, under, _) = excerpt(&line, 1_000_000, 1_900_000, 60);
        assert!(under.starts_with("HEREüüü") && text.chars().count() < 62, "{text}");
        let (text, under, _) = excerpt(&line, 0, 2, 60);
        assert!(under == "é" && text.ends_with("é…\n") && text.chars().count() < 62, "{text}");
        let (text, under, _) = excerpt(&line, 2_000_002, 2_000_004, 60);
        assert!(under == "ü" && text.ends_with("ü\n") && text.chars().count() < 62, "{text}");
    }

    #[test]
    fn lines_may_end_in_carriage_returns() {
        assert_eq!(
            excerpt("one\rtwo\rthree\r", 4, 7, 80),
            ("one\ntwo\nthree\n".to_owned(), "two".to_owned(), 0)
        );
    }

    #[test]
    fn shows_places_at_the_very_end() {
        assert_eq!(excerpt("a: [1\n", 6, 6, 80).1, "");
        assert_eq!(excerpt("a: [1", 5, 5, 80).1, "");
        assert_eq!(excerpt("é\u{1b}[2J: 1", 2, 3, 80).0, "é\u{fffd}[2J: 1\n");
    }
}
