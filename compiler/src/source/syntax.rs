//! Words for what the parser refuses.

use granit_parser::ErrorKind;

use super::findings::{Stop, tab_indents, too_deep};
use super::layout::{indentation, marks};
use super::split::next_line;
use super::{FileId, Span};
use crate::diagnostic::{Code, Diagnostic};

/// Where the parser stopped.
pub(super) struct Place<'t> {
    pub(super) file: FileId,
    /// The text of the chunk.
    pub(super) text: &'t str,
    /// Where the chunk begins in the file.
    pub(super) base: u32,
    /// Offset in the chunk.
    pub(super) at: usize,
    /// Where the innermost bracket that is open begins, in the file.
    pub(super) bracket: Option<u32>,
}

impl Place<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// A range of the chunk.
    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, self.base + start as u32, self.base + end as u32)
    }

    /// The character at the place; nothing at the end of a line.
    fn character(&self) -> Span {
        let width = self.rest().chars().next().filter(|c| *c != '\n' && *c != '\r').map_or(0, char::len_utf8);
        self.span(self.at, self.at + width)
    }

    /// Where the line of the place begins.
    pub(super) fn line_start(&self) -> usize {
        self.text.get(..self.at).and_then(|before| before.rfind('\n')).map_or(0, |at| at + 1)
    }

    /// From the place on, as long as characters are neither white space nor punctuation of YAML.
    fn word(&self) -> Span {
        let ends = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}');
        let length = self.rest().find(ends).unwrap_or(self.rest().len());
        self.span(self.at, self.at + length)
    }

    /// The key before a colon at the place, unless it holds spaces.
    fn key(&self) -> Span {
        let before = self.text.get(..self.at).unwrap_or("");
        let start = before.rfind([' ', '\t', '\n', '\r', ',', '[', '{']).map_or(0, |at| at + 1);
        if start < self.at { self.span(start, self.at) } else { self.character() }
    }

    /// The first tab that indents a line, from the line of the place on, at most one line further.
    fn indenting_tab(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let before = self.text.get(..self.at)?;
        let mut start = before.rfind(['\n', '\r']).map_or(0, |at| at + 1);
        for _ in 0..2 {
            let blanks = bytes[start..].iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
            let tab = bytes[start..start + blanks].iter().position(|b| *b == b'\t');
            if let Some(tab) = tab {
                return Some(start + tab);
            }
            start = next_line(bytes, start);
        }
        None
    }
}

/// The finding for an error of the parser.
pub(super) fn diagnose(kind: &ErrorKind, place: &Place<'_>, depth: usize) -> Stop {
    if *kind == ErrorKind::RecursionLimitExceeded {
        return too_deep(place.character(), depth);
    }
    if let Some(tab) = indenting_tab(kind, place) {
        return tab_indents(place.span(tab, tab + 1));
    }
    if let Some(found) = marks(place).or_else(|| indentation(kind, place)) {
        return found;
    }
    let (span, message, help) = words(kind, place);
    let mut diagnostic = Diagnostic::new(Code::YamlSyntax, span, message).help(help);
    // A quote that is open hides the brackets before it.
    let quote = matches!(kind, ErrorKind::UnclosedQuotedScalar | ErrorKind::DocumentIndicatorInQuotedScalar);
    if let Some(bracket) = place.bracket.filter(|bracket| *bracket != span.start && !quote) {
        diagnostic = diagnostic.related(Span::new(place.file, bracket, bracket + 1), "opened here");
    }
    Box::new(diagnostic)
}

fn indenting_tab(kind: &ErrorKind, place: &Place<'_>) -> Option<usize> {
    use ErrorKind as E;
    let about_tabs = matches!(
        kind,
        E::TabNotAllowed
            | E::TabInBlockIndentation
            | E::TabInIndentation
            | E::TabInPlainScalar
            | E::TabAtBlockScalarStart
    );
    // Between brackets a tab is as good as a space, so another error has another cause.
    (about_tabs || place.bracket.is_none()).then(|| place.indenting_tab()).flatten()
}

fn words(kind: &ErrorKind, place: &Place<'_>) -> (Span, String, &'static str) {
    use ErrorKind as E;
    let here = place.character();
    match kind {
        E::UnclosedFlowCollection { open } => {
            (here, format!("`{open}` is never closed"), "add the closing bracket")
        }
        E::MismatchedFlowCollectionEnd { open, close } => {
            (here, format!("`{open}` is closed by `{close}`"), "close every bracket with its own kind")
        }
        E::MisplacedFlowCollectionEnd => {
            (here, "this bracket closes nothing".to_owned(), "remove it, or add the one that it closes")
        }
        E::InvalidColonPlacement | E::FlowMappingValueAdjacentCollection | E::MappingValueNotAllowed
            if place.bracket.is_some() =>
        {
            let help = "add the comma or the closing bracket that is missing before it";
            (place.key(), "a key is not allowed here".to_owned(), help)
        }
        E::ExpectedFlowMappingSeparator if place.rest().starts_with(':') => {
            let help = "add the comma or the closing bracket that is missing before it";
            (place.key(), "expected `,` or `}`".to_owned(), help)
        }
        E::BlockSequenceEntryNotAllowed | E::BlockEntryInFlowCollection if place.bracket.is_some() => {
            let message = "a list item with `- ` is not allowed between brackets";
            (here, message.to_owned(), "add the closing bracket that is missing before it")
        }
        E::UnexpectedCharacter { character } => unexpected(*character, here),
        E::UnknownAnchor => {
            let span = place.word();
            let name = place.rest().get(..(span.end - span.start) as usize).unwrap_or("*");
            let help = "define the anchor further up in the document, or quote the value";
            (span, format!("`{name}` names no anchor"), help)
        }
        E::UnknownQuotedScalarEscape | E::InvalidQuotedScalarHexEscape => {
            let help = "write `\\\\` for a backslash, or use single quotes";
            (escape(place), "unknown escape in double quotes".to_owned(), help)
        }
        E::UndeclaredTagHandle => {
            (place.word(), "the tag's prefix is not declared".to_owned(), "remove the tag")
        }
        kind => {
            let (message, help) = fixed_words(kind);
            (here, message.to_owned(), help)
        }
    }
}

fn unexpected(character: char, span: Span) -> (Span, String, &'static str) {
    if character.is_control() {
        let message = format!("control character U+{:04X}", u32::from(character));
        return (span, message, "remove it, or write it as an escape in double quotes");
    }
    (span, format!("a value cannot begin with `{character}`"), "put quotes around the value")
}

/// The first escape, in the double-quoted scalar that begins here, that YAML does not know.
fn escape(place: &Place<'_>) -> Span {
    let bytes = place.text.as_bytes();
    let mut at = place.at;
    while let Some(slash) = bytes.get(at..).and_then(|rest| rest.iter().position(|b| *b == b'\\')) {
        let slash = at + slash;
        let letter = bytes.get(slash + 1).copied().unwrap_or(0);
        let digits = match letter {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            b'0' | b'a' | b'b' | b't' | b'\t' | b'n' | b'v' | b'f' | b'r' | b'e' | b' ' | b'"' | b'/'
            | b'\\' | b'N' | b'_' | b'L' | b'P' | b'\n' | b'\r' => 0,
            _ => return shown(place, slash, 2),
        };
        let hex = bytes.get(slash + 2..slash + 2 + digits).unwrap_or(b"?");
        if !hex.iter().all(u8::is_ascii_hexdigit) {
            return shown(place, slash, 2);
        }
        at = slash + 2 + digits;
    }
    place.character()
}

/// A span of so many characters.
fn shown(place: &Place<'_>, start: usize, characters: usize) -> Span {
    let rest = place.text.get(start..).unwrap_or("");
    let length = rest.chars().take(characters).map(char::len_utf8).sum::<usize>();
    place.span(start, start + length)
}

/// Errors whose words do not depend on the text.
fn fixed_words(kind: &ErrorKind) -> (&'static str, &'static str) {
    use ErrorKind as E;
    const BEFORE: &str = "add the comma or the closing bracket that is missing before it";
    const ALIGN: &str = "align it with the lines that it belongs to";
    const QUOTE: &str = "put quotes around a value that holds `: ` or ends in `:`";
    const KEY: &str = "write `key: value`, with the key under the keys beside it";
    const ESCAPE: &str = "write a pair such as `\\ud83d\\ude00`, or the character itself";
    match kind {
        E::UnexpectedEofFlowSequence | E::UnexpectedEofFlowMapping | E::UnexpectedEofImplicitFlowMapping => {
            ("a bracket is never closed", "add the closing bracket")
        }
        E::ExpectedFlowMappingSeparator => ("expected `,` or `}`", BEFORE),
        E::ExpectedFlowSequenceSeparator => ("expected `,` or `]`", BEFORE),
        E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => {
            ("the quote is never closed", "add the closing quote")
        }
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => {
            ("text after the closing quote", "put the whole value in quotes")
        }
        E::MappingValueNotAllowed | E::InvalidMappingValueWhitespace | E::InvalidColonPlacement => {
            ("a `:` is not allowed here", QUOTE)
        }
        E::SimpleKeyExpected | E::InvalidSimpleKey | E::ExpectedBlockMappingKey => ("expected a key", KEY),
        E::MappingKeyNotAllowed => ("a key is not allowed here", KEY),
        E::ExpectedBlockSequenceEntry => ("expected `- `", "begin every item of the list with `- `"),
        E::BlockSequenceEntryNotAllowed | E::BlockEntryInFlowCollection | E::InvalidBlockEntryWhitespace => {
            ("a list item is not allowed here", "begin the list on a line of its own")
        }
        E::PlainScalarStartsWithDashFlowIndicator => {
            ("a value cannot begin with `-` and a bracket", "put quotes around the value")
        }
        E::InvalidIndentation
        | E::InvalidQuotedScalarIndent
        | E::InvalidFlowScalarIndent
        | E::InvalidBlockScalarIndent => ("the indentation fits no line above", ALIGN),
        E::ZeroBlockScalarIndent | E::InvalidBlockScalarHeader => {
            ("text after `|` or `>`", "begin the text on the next line, indented")
        }
        E::InvalidLowSurrogateHexEscape
        | E::InvalidLowSurrogate
        | E::MissingLowSurrogate
        | E::UnpairedLowSurrogate
        | E::InvalidUnicodeEscape => ("the escape names no character", ESCAPE),
        E::ExpectedDocumentStart | E::InvalidDocumentEnd => {
            ("text after the end of the document", "put a line `---` between two documents")
        }
        E::BomInsideDocument => ("byte order mark inside a document", "remove the character U+FEFF"),
        E::CommentNotSeparated | E::ExpectedWhitespace => {
            ("a space is missing here", "put a space before `#` and after the value")
        }
        E::CommentInterceptedScalar => {
            ("a comment stands between the lines of a value", "move the comment above the key")
        }
        E::MissingAnchorOrAliasName => {
            ("a value cannot begin with `*` or `&`", "put quotes around the value")
        }
        E::TabNotAllowed | E::TabInPlainScalar | E::TabInIndentation | E::TabInBlockIndentation => {
            ("a tab is not allowed here", "use spaces")
        }
        E::ExpectedNodeContent | E::UnexpectedEof => ("a value is missing here", "write the value"),
        kind if is_about_tags(kind) => ("the tag is not valid", "remove the tag, or quote the value"),
        kind if is_about_directives(kind) => ("the directive is not valid", "remove the line with `%`"),
        _ => ("this is not valid YAML", "compare it with the lines around it"),
    }
}

fn is_about_tags(kind: &ErrorKind) -> bool {
    use ErrorKind as E;
    matches!(
        kind,
        E::ExpectedTagBang
            | E::InvalidGlobalTagCharacter
            | E::InvalidTagTerminator
            | E::MissingTagUri
            | E::UnclosedVerbatimTag
            | E::InvalidTagEscape
            | E::InvalidTagUtf8LeadingByte
            | E::InvalidTagUtf8TrailingByte
            | E::InvalidTagUtf8
    )
}

fn is_about_directives(kind: &ErrorKind) -> bool {
    use ErrorKind as E;
    matches!(
        kind,
        E::DuplicateVersionDirective
            | E::UnsupportedYamlMajorVersion
            | E::DuplicateTagDirective
            | E::MissingDocumentEndBeforeDirective
            | E::ExpectedTagDirectiveBang
            | E::InvalidDirectiveTerminator
            | E::MissingYamlVersionSeparator
            | E::MissingDirectiveName
            | E::InvalidDirectiveName
            | E::DirectiveByteLimitExceeded { .. }
            | E::TooManyReservedDirectiveParams { .. }
            | E::YamlVersionTooLong
            | E::MissingYamlVersion
            | E::InvalidTagDirectiveTerminator
    )
}
