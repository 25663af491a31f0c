//! Words of the text form: plain where that is safe, else quoted.

use std::fmt;

/// A text that is written plainly if all its characters allow that, and quoted if not.
pub(crate) struct Word<'t> {
    text: &'t str,
    /// What may stand in it plainly besides letters, digits, `_`, `.` and `-`.
    also: &'static str,
}

/// A name or a kind.
pub(crate) fn word(text: &str) -> Word<'_> {
    Word { text, also: "" }
}

/// The key of a label, which may have a `/`.
pub(crate) fn label_key(text: &str) -> Word<'_> {
    Word { text, also: "/" }
}

/// A path in a document, which may have indexes.
pub(crate) fn path(text: &str) -> Word<'_> {
    Word { text, also: "[]" }
}

/// What a text form calls a class of peers.
pub(crate) fn class_name(text: &str) -> Word<'_> {
    Word { text, also: "/:~" }
}

impl fmt::Display for Word<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c) || self.also.contains(c);
        if !self.text.is_empty() && self.text.chars().all(plain) {
            f.write_str(self.text)
        } else {
            write!(f, "{:?}", self.text)
        }
    }
}

/// The text behind a plain or quoted word; `None` if an escape stands for no character.
///
/// Expects the escapes that quoting writes: those of Rust.
pub(crate) fn unquote(written: &str) -> Option<String> {
    let Some(quoted) = written.strip_prefix('"') else { return Some(written.to_owned()) };
    let mut rest = quoted.strip_suffix('"')?;
    let mut text = String::with_capacity(rest.len());
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let (character, length) = unescape(&rest[at + 1..])?;
        text.push(character);
        rest = &rest[at + 1 + length..];
    }
    text.push_str(rest);
    Some(text)
}

/// The character of the escape that `rest` starts with, and its length without the backslash.
fn unescape(rest: &str) -> Option<(char, usize)> {
    let simple = |c| Some((c, 1));
    match rest.chars().next()? {
        'n' => simple('\n'),
        'r' => simple('\r'),
        't' => simple('\t'),
        '0' => simple('\0'),
        'u' => {
            let (digits, _) = rest.strip_prefix("u{")?.split_once('}')?;
            let character = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
            Some((character, digits.len() + 3))
        }
        c @ ('"' | '\\' | '\'') => simple(c),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_is_undone() {
        for text in ["", "a b", "\"\\\n\r\t\0'", "é\u{301}\u{202e}\u{7f}", "\\u{41}", "\u{10ffff}"] {
            assert_eq!(unquote(&word(text).to_string()).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_plain_depends_on_the_kind_of_word() {
        assert_eq!(word("a/b").to_string(), "\"a/b\"");
        assert_eq!(label_key("a.io/b").to_string(), "a.io/b");
        assert_eq!(path("spec.ingress[0]").to_string(), "spec.ingress[0]");
    }

    #[test]
    fn an_escape_of_no_character_has_no_text() {
        assert_eq!(unquote(r#""\u{41}""#).as_deref(), Some("A"));
        for bad in [r#""\u{d800}""#, r#""\u{110000}""#, r#""\x""#, r#""\""#, "\""] {
            assert_eq!(unquote(bad), None, "{bad}");
        }
    }
}
