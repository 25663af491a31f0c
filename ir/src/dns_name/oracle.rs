//! A second, slow reading of semantics.md 5.2, to test the first one against.
//!
//! A pattern becomes the regular expression of the table there, and that is run over the name, all states at
//! once. Nothing is shared with the other reading but the types.

use thiserror::Error;

use super::{DnsMember, DnsName, DnsPattern, DnsPatternError, MAX_TEXT_LENGTH};

/// Two readings that differ.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Disagreement {
    /// About what a valid text is, or about the character at fault.
    #[error("{}: {text:?}: refused at {actual:?}, the oracle says {expected:?}", member.field())]
    Validity {
        /// The member.
        member: DnsMember,
        /// Its text.
        text: String,
        /// The offset of the error.
        actual: Option<usize>,
        /// The offset that the oracle finds.
        expected: Option<usize>,
    },
    /// About whether a pattern stands for a name.
    #[error("{}: {text:?} and {name:?}: the oracle says {expected}", member.field())]
    Match {
        /// The member.
        member: DnsMember,
        /// Its text.
        text: String,
        /// The name as given.
        name: String,
        /// Whether the oracle finds a match.
        expected: bool,
    },
    /// A name that, printed, reads as another one or as none.
    #[error("{name:?} prints as `{printed}`, which is not the same name")]
    Print {
        /// The name as given.
        name: String,
        /// The name as printed.
        printed: String,
    },
}

/// Checks one case: the first line is a text, tried as either member; each further line is a name.
///
/// # Errors
/// The first disagreement found.
pub fn check(case: &str) -> Result<(), Disagreement> {
    let mut lines = case.split('\n');
    let text = lines.next().unwrap_or_default();
    let names: Vec<&str> = lines.collect();
    for name in &names {
        check_name(name)?;
    }
    check_pattern(DnsMember::Name, text, DnsPattern::match_name(text), &names)?;
    check_pattern(DnsMember::Pattern, text, DnsPattern::match_pattern(text), &names)
}

fn check_name(name: &str) -> Result<(), Disagreement> {
    let parsed = DnsName::parse(name);
    check_validity(DnsMember::Name, name, parsed.as_ref().err().map(|error| error.offset))?;
    let Ok(parsed) = parsed else { return Ok(()) };
    let printed = parsed.to_string();
    if DnsName::parse(&printed) == Ok(parsed) {
        return Ok(());
    }
    Err(Disagreement::Print { name: name.to_owned(), printed })
}

fn check_pattern(
    member: DnsMember,
    text: &str,
    pattern: Result<DnsPattern, DnsPatternError>,
    names: &[&str],
) -> Result<(), Disagreement> {
    check_validity(member, text, pattern.as_ref().err().map(DnsPatternError::offset))?;
    let Ok(pattern) = pattern else { return Ok(()) };
    for name in names {
        let Ok(parsed) = DnsName::parse(name) else { continue };
        let expected = matches(member, text, name);
        if pattern.matches(&parsed) != expected {
            let (text, name) = (text.to_owned(), (*name).to_owned());
            return Err(Disagreement::Match { member, text, name, expected });
        }
    }
    Ok(())
}

fn check_validity(member: DnsMember, text: &str, actual: Option<usize>) -> Result<(), Disagreement> {
    let expected = if member == DnsMember::Pattern && text.len() > MAX_TEXT_LENGTH {
        Some(MAX_TEXT_LENGTH)
    } else {
        text.bytes().position(|byte| {
            !(in_class(byte) || byte == b'.' || byte == b'*' && member == DnsMember::Pattern)
        })
    };
    if actual == expected {
        return Ok(());
    }
    Err(Disagreement::Validity { member, text: text.to_owned(), actual, expected })
}

/// Whether a valid `text` in `member` stands for the valid `name`, by the table of semantics.md 5.2.
pub fn matches(member: DnsMember, text: &str, name: &str) -> bool {
    let name = fqdn(name);
    let name = name.as_bytes();
    if member == DnsMember::Pattern && is_whole_wildcard(text) {
        return name == b"." || run(&[Token::Labels, Token::Byte(b'.')], name);
    }
    // A name has no star, so that both members can go the same way from here.
    run(&tokens(fqdn(text).as_bytes()), name)
}

/// A part of a regular expression.
enum Token {
    /// One byte.
    Byte(u8),
    /// `[-a-zA-Z0-9_]*`
    Class,
    /// `[-a-zA-Z0-9_]+([.][-a-zA-Z0-9_]+){0,}`
    Labels,
}

fn fqdn(text: &str) -> String {
    let dot = if text.ends_with('.') { "" } else { "." };
    text.to_ascii_lowercase() + dot
}

fn is_whole_wildcard(text: &str) -> bool {
    let stars = text.strip_suffix('.').unwrap_or(text);
    !stars.is_empty() && stars.bytes().all(|byte| byte == b'*')
}

fn tokens(pattern: &[u8]) -> Vec<Token> {
    let mut tokens = Vec::new();
    let stars = pattern.iter().take_while(|byte| **byte == b'*').count();
    let mut rest = pattern;
    if stars >= 2 && pattern.get(stars) == Some(&b'.') {
        tokens.push(Token::Labels);
        rest = pattern.get(stars..).unwrap_or_default();
    }
    let mut previous = None;
    for &byte in rest {
        match byte {
            b'*' if previous == Some(b'*') => {}
            b'*' => tokens.push(Token::Class),
            _ => tokens.push(Token::Byte(byte)),
        }
        previous = Some(byte);
    }
    tokens
}

/// Anchored at both ends.
fn run(tokens: &[Token], name: &[u8]) -> bool {
    let mut states = vec![false; name.len() + 1];
    states[0] = true;
    for token in tokens {
        states = step(token, name, &states);
    }
    states[name.len()]
}

/// From the offsets where the token may begin, those where it may end.
fn step(token: &Token, name: &[u8], begin: &[bool]) -> Vec<bool> {
    let mut end = vec![false; begin.len()];
    let mut after_dot = false;
    if matches!(token, Token::Class) {
        end.copy_from_slice(begin);
    }
    for (at, &byte) in name.iter().enumerate() {
        match token {
            Token::Byte(expected) => end[at + 1] = begin[at] && byte == *expected,
            Token::Class => end[at + 1] |= end[at] && in_class(byte),
            Token::Labels => {
                end[at + 1] = (begin[at] || end[at] || after_dot) && in_class(byte);
                after_dot = end[at] && byte == b'.';
            }
        }
    }
    end
}

fn in_class(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}
