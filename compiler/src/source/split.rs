//! Where one document ends and the next begins.
//!
//! A `---` or `...` at the start of a line, followed by white space or the end, cannot stand inside
//! any scalar (YAML 1.2.2, 9.1.2). So documents can be told apart before they are parsed: each can
//! then be parsed by itself, on any core, and what is wrong in one cannot spill into the next.

/// The text of at most one document, with the comments and directives before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Chunk {
    /// Offset of the first byte.
    pub(super) start: usize,
    /// Offset one past the last byte.
    pub(super) end: usize,
    /// Offset of the `---` that opens the document, if one does.
    pub(super) marker: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Before a document, where a line with `%` is a directive.
    Prefix,
    /// After a directive: the next `---` belongs to it.
    Directives,
    /// In a document.
    Body,
}

/// Cuts `text[from..]` into chunks that together cover it.
pub(super) fn split(text: &str, from: usize) -> Vec<Chunk> {
    let bytes = text.as_bytes();
    let mut chunks = Vec::new();
    let mut chunk = Chunk { start: from, end: from, marker: None };
    let mut place = Place::Prefix;
    let mut line = from;
    while line < bytes.len() {
        let next = next_line(bytes, line);
        if is_marker(&bytes[line..], b"---") {
            if place != Place::Directives {
                push(&mut chunks, chunk, line);
                chunk = Chunk { start: line, end: line, marker: None };
            }
            chunk.marker = Some(line);
            place = Place::Body;
        } else if is_marker(&bytes[line..], b"...") {
            push(&mut chunks, chunk, next);
            chunk = Chunk { start: next, end: next, marker: None };
            place = Place::Prefix;
        } else if place == Place::Body && bytes[line] == b'{' && is_closed(&bytes[chunk.start..line]) {
            push(&mut chunks, chunk, line);
            chunk = Chunk { start: line, end: line, marker: None };
        } else if place != Place::Body {
            place = match bytes[line] {
                b'%' => Place::Directives,
                b'#' | b'\n' | b'\r' => place,
                _ if bytes[line..next].iter().all(u8::is_ascii_whitespace) => place,
                _ => Place::Body,
            };
        }
        line = next;
    }
    push(&mut chunks, chunk, bytes.len());
    chunks
}

fn push(chunks: &mut Vec<Chunk>, chunk: Chunk, end: usize) {
    if end > chunk.start {
        chunks.push(Chunk { end, ..chunk });
    }
}

/// The documents of about so much text, in bytes, are in memory at one time ...
const PART: usize = 1 << 20;

/// ... but so many at least, as each keeps only one core busy.
const FEWEST: usize = 16;

/// Groups chunks into runs that are read one after the other.
pub(super) fn parts(chunks: &[Chunk]) -> impl Iterator<Item = &[Chunk]> {
    let mut rest = chunks;
    std::iter::from_fn(move || {
        let start = rest.first()?.start;
        let full = |at: &usize| rest[*at].start - start >= PART;
        let end = (FEWEST..rest.len()).find(full).unwrap_or(rest.len());
        let part;
        (part, rest) = rest.split_at(end);
        Some(part)
    })
}

/// The start of the line after the one that holds `at`. A lone carriage return also ends a line.
pub(super) fn next_line(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    rest.iter().position(|b| matches!(b, b'\n' | b'\r')).map_or(bytes.len(), |length| at + length + 1)
}

/// Whether a JSON object has ended with the last line of a chunk, so that a brace after it opens the next one:
/// Kubernetes reads JSON texts that follow each other without a marker. Only the ends of lines are looked at,
/// which is enough outside of quotes: between brackets a comma would stand here.
fn is_closed(chunk: &[u8]) -> bool {
    let trimmed = chunk.trim_ascii_end();
    let last = trimmed.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    trimmed.first() == Some(&b'{') && trimmed.ends_with(b"}") && matches!(trimmed[last], b'{' | b'}')
}

fn is_marker(line: &[u8], marker: &[u8; 3]) -> bool {
    line.starts_with(marker) && matches!(line.get(3), None | Some(b' ' | b'\t' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests {
    use super::{Chunk, FEWEST, PART, parts, split};

    fn cut(text: &str) -> Vec<&str> {
        split(text, 0).iter().map(|chunk| &text[chunk.start..chunk.end]).collect()
    }

    #[test]
    fn a_marker_at_the_start_of_a_line_begins_a_document() {
        assert_eq!(cut(""), Vec::<&str>::new());
        assert_eq!(cut("a: 1\n---\nb: 2\n"), ["a: 1\n", "---\nb: 2\n"]);
        assert_eq!(cut("--- a\n---\tb\n---\r\nc\n---"), ["--- a\n", "---\tb\n", "---\r\nc\n", "---"]);
        assert_eq!(cut("a: 1\r---\rb: 2\r"), ["a: 1\r", "---\rb: 2\r"]);
        assert_eq!(cut("a: |\n  ---\n----\n---x\n"), ["a: |\n  ---\n----\n---x\n"]);
    }

    #[test]
    fn parts_are_bounded_and_lose_no_chunk() {
        let chunks = |length: usize, count: usize| -> Vec<Chunk> {
            let chunk = |at| Chunk { start: at * length, end: (at + 1) * length, marker: None };
            (0..count).map(chunk).collect()
        };
        let lengths = |chunks: &[Chunk]| parts(chunks).map(<[Chunk]>::len).collect::<Vec<_>>();
        assert_eq!(lengths(&[]), Vec::<usize>::new());
        assert_eq!(lengths(&chunks(PART / 64, 130)), [64, 64, 2]);
        assert_eq!(lengths(&chunks(PART, FEWEST + 3)), [FEWEST, 3]);
    }

    #[test]
    fn an_end_marker_closes_its_document() {
        assert_eq!(cut("a: 1\n...\nb: 2\n... # x\n"), ["a: 1\n...\n", "b: 2\n... # x\n"]);
        assert_eq!(cut("a: 1\n...\n# x\n---\nb: 2\n"), ["a: 1\n...\n", "# x\n", "---\nb: 2\n"]);
    }

    #[test]
    fn json_texts_may_follow_each_other() {
        assert_eq!(cut("{\n \"a\": {}\n}\n{\n}\n"), ["{\n \"a\": {}\n}\n", "{\n}\n"]);
        assert_eq!(cut("{\"a\": 1}\r\n\r\n{}\n{}"), ["{\"a\": 1}\r\n\r\n", "{}\n", "{}"]);
        assert_eq!(cut("{a: [{\n},\n{\n}]}\n").len(), 1);
        assert_eq!(cut("a: 1\n{b: 2}\n{c: 3}\n").len(), 1);
    }

    #[test]
    fn a_directive_stays_with_its_document() {
        assert_eq!(
            cut("# x\n%YAML 1.1\n\n---\na: 1\n---\nb\n"),
            ["# x\n%YAML 1.1\n\n---\na: 1\n", "---\nb\n"]
        );
        assert_eq!(cut("a: 1\n...\n%YAML 1.1\n---\nb\n"), ["a: 1\n...\n", "%YAML 1.1\n---\nb\n"]);
        assert_eq!(cut("a: 1\n%b\n---\nb\n"), ["a: 1\n%b\n", "---\nb\n"]);
        assert_eq!(split("%YAML 1.1\n---\na\n", 0)[0].marker, Some(10));
    }
}
