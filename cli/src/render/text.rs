//! Words, lines and widths.

mod markdown;

pub(crate) use markdown::markdown;

/// Breaks a text into lines of at most `width` columns. `first` stands before the first line, `rest`
/// before the others. A longer word gets a line of its own.
pub(crate) fn wrap(text: &str, first: &str, rest: &str, width: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        let length = columns(word);
        if column == 0 {
            out.push_str(first);
            column = columns(first);
        } else if column + 1 + length > width {
            out.push('\n');
            out.push_str(rest);
            column = columns(rest);
        } else {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// The columns that a text takes on a terminal, colours left out. Every character counts as one.
pub(crate) fn columns(text: &str) -> usize {
    let mut count = 0;
    let mut escape = false;
    for character in text.chars() {
        match (escape, character) {
            (true, 'm') => escape = false,
            (false, '\u{1b}') => escape = true,
            (false, _) => count += 1,
            (true, _) => {}
        }
    }
    count
}

/// A text of at most `width` columns, cut with an ellipsis.
pub(crate) fn clip(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(width.saturating_sub(1)).collect();
    clipped.truncate(clipped.trim_end().len());
    clipped.push('…');
    clipped
}

/// What users wrote, without the power to move a terminal's cursor or to reorder what is read there.
pub(crate) fn harmless(text: &str) -> String {
    text.chars().map(|c| if is_unsafe(c) { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// Whether a character does something instead of being seen: controls, line and paragraph separators,
/// marks of direction, and what has no width.
pub(crate) fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// JSON with every such character escaped, which means the same.
pub(crate) fn harmless_json(text: String) -> String {
    let unsafe_here = |c: char| is_unsafe(c) && c != '\n';
    // Most texts are plain, and large ones are soon looked through byte by byte.
    if text.bytes().all(|byte| matches!(byte, b'\n' | b' '..=b'~')) || !text.contains(unsafe_here) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if unsafe_here(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(character);
        }
    }
    out
}

/// The first sentence of an explanation, on one line.
pub(crate) fn summary(explanation: &str) -> String {
    let body = explanation.lines().skip_while(|line| line.starts_with('#') || line.trim().is_empty());
    let paragraph: Vec<&str> = body.take_while(|line| !line.trim().is_empty()).collect();
    let paragraph = paragraph.join(" ");
    match paragraph.split_once(". ") {
        Some((sentence, _)) => format!("{sentence}."),
        None => paragraph,
    }
}

#[cfg(test)]
mod tests {
    use super::{clip, columns, harmless, harmless_json, wrap};

    #[test]
    fn wraps_between_words() {
        assert_eq!(wrap("aa bb cc", "> ", "  ", 7), "> aa bb\n  cc");
        assert_eq!(wrap("a \u{1b}[1mbbbb\u{1b}[0m c", "", "", 6), "a \u{1b}[1mbbbb\u{1b}[0m\nc");
        assert_eq!(wrap("toolongaword b", "", "", 4), "toolongaword\nb");
    }

    #[test]
    fn measures_and_cuts() {
        assert_eq!(columns("\u{1b}[31mé!\u{1b}[0m"), 2);
        assert_eq!((clip("abc", 3), clip("abc d", 4)), ("abc".to_owned(), "abc…".to_owned()));
        assert_eq!(harmless("a\u{1b}[2J\u{9b}\u{202e}é😀"), "a\u{fffd}[2J\u{fffd}\u{fffd}é😀");
    }

    #[test]
    fn escapes_in_json_mean_the_same() {
        let text = "a\u{7f}\u{9b}\u{202e}\u{feff}\u{e0041}é😀";
        let json = harmless_json(serde_json::to_string(text).unwrap());
        assert_eq!(json, "\"a\\u007f\\u009b\\u202e\\ufeff\\udb40\\udc41é😀\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
