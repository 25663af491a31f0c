//! Patterns as policies hold them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use thiserror::Error;

use super::compile::compile;
use super::matcher::Matcher;
use super::{DnsName, DnsNameError};

/// The longest text that the API server accepts in either member, and the agent in a pattern, in bytes
/// (semantics.md 1.3, 2.5).
pub const MAX_TEXT_LENGTH: usize = 255;

/// Which member of a selector or rule the text was written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DnsMember {
    /// `matchName`: the text is a name.
    Name,
    /// `matchPattern`: a `*` in the text is a wildcard.
    Pattern,
}

impl DnsMember {
    /// The member's name in a policy.
    pub fn field(self) -> &'static str {
        match self {
            DnsMember::Name => "matchName",
            DnsMember::Pattern => "matchPattern",
        }
    }
}

/// The names that a `matchName` or `matchPattern` stands for.
///
/// The text is kept as written, since it is the identity of an FQDN selector: addresses learned for it carry
/// the label `fqdn:<text>` (semantics.md 5.1). Hence two patterns are equal when member and text are, and
/// `X.io` and `x.io` are two patterns that match the same names.
#[derive(Clone, Debug)]
pub struct DnsPattern {
    member: DnsMember,
    text: Arc<str>,
    matcher: Arc<Matcher>,
}

impl DnsPattern {
    /// Reads a `matchName`. The empty text, which is also what a selector without members amounts to, stands
    /// for the root (semantics.md 2.5).
    ///
    /// # Errors
    /// A character that the agent refuses (semantics.md 2.5); any length is accepted (12.1).
    pub fn match_name(text: &str) -> Result<DnsPattern, DnsPatternError> {
        let matcher = Matcher::Exact(DnsName::parse(text)?);
        Ok(DnsPattern { member: DnsMember::Name, text: text.into(), matcher: matcher.into() })
    }

    /// Reads a `matchPattern`. The empty text stands for the root, as in [`DnsPattern::match_name`].
    ///
    /// # Errors
    /// A text or a character that the agent refuses (semantics.md 2.5).
    pub fn match_pattern(text: &str) -> Result<DnsPattern, DnsPatternError> {
        if text.len() > MAX_TEXT_LENGTH {
            return Err(DnsPatternError::TooLong { length: text.len() });
        }
        let matcher = compile(text)?;
        Ok(DnsPattern { member: DnsMember::Pattern, text: text.into(), matcher: matcher.into() })
    }

    /// Which member it was written in.
    pub fn member(&self) -> DnsMember {
        self.member
    }

    /// The text as written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether the pattern stands for `name`. Takes time linear in the length of the name and of the
    /// pattern, whatever they are.
    pub fn matches(&self, name: &DnsName) -> bool {
        self.matcher.matches(name)
    }

    /// The one name that it stands for, if there is one only: for looking patterns up by name.
    pub fn exact_name(&self) -> Option<&DnsName> {
        match &*self.matcher {
            Matcher::Exact(name) => Some(name),
            Matcher::AnyName | Matcher::Labels { .. } => None,
        }
    }

    /// Whether it is stars alone, so that any name matches.
    pub fn is_any_name(&self) -> bool {
        matches!(*self.matcher, Matcher::AnyName)
    }

    /// What the API server's schema has against the text, though the agent accepts it (semantics.md 1.3,
    /// 12.1).
    pub fn schema_violation(&self) -> Option<SchemaViolation> {
        if self.text.is_empty() {
            return Some(SchemaViolation::Empty);
        }
        if self.text.len() > MAX_TEXT_LENGTH {
            return Some(SchemaViolation::TooLong { length: self.text.len() });
        }
        if self.text.starts_with('.') {
            return Some(SchemaViolation::EmptyLabel { offset: 0 });
        }
        self.text.find("..").map(|dot| SchemaViolation::EmptyLabel { offset: dot + 1 })
    }

    fn key(&self) -> (DnsMember, &str) {
        (self.member, &self.text)
    }
}

impl fmt::Display for DnsPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl PartialEq for DnsPattern {
    fn eq(&self, other: &DnsPattern) -> bool {
        self.key() == other.key()
    }
}

impl Eq for DnsPattern {}

impl PartialOrd for DnsPattern {
    fn partial_cmp(&self, other: &DnsPattern) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for DnsPattern {
    fn cmp(&self, other: &DnsPattern) -> Ordering {
        self.key().cmp(&other.key())
    }
}

impl Hash for DnsPattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

/// Why the agent refuses a text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DnsPatternError {
    /// A character that no name has, in a `matchName`.
    #[error(transparent)]
    Name(#[from] DnsNameError),
    /// A character that no pattern has, in a `matchPattern`.
    #[error("`{}` cannot stand in a DNS pattern", found.escape_debug())]
    Character {
        /// Where it stands, in bytes from the start of the text.
        offset: usize,
        /// The character.
        found: char,
    },
    /// A `matchPattern` longer than [`MAX_TEXT_LENGTH`].
    #[error("a DNS pattern of {length} bytes is too long")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
}

impl DnsPatternError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            DnsPatternError::Name(error) => error.help(),
            DnsPatternError::Character { .. } => {
                "use letters, digits, `-`, `_`, dots and `*`; a pattern is not a regular expression"
            }
            DnsPatternError::TooLong { .. } => "a DNS name has at most 255 bytes; shorten the pattern",
        }
    }

    /// The first byte at fault.
    pub fn offset(&self) -> usize {
        match self {
            DnsPatternError::Name(DnsNameError { offset, .. })
            | DnsPatternError::Character { offset, .. } => *offset,
            DnsPatternError::TooLong { .. } => MAX_TEXT_LENGTH,
        }
    }
}

/// What only the API server refuses: the agent takes it, and it matches no name that a server gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SchemaViolation {
    /// No text.
    #[error("the name is empty")]
    Empty,
    /// More than [`MAX_TEXT_LENGTH`] bytes.
    #[error("a DNS name of {length} bytes is too long")]
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// A dot without a label before it.
    #[error("a label of the name is empty")]
    EmptyLabel {
        /// Where the dot stands, in bytes from the start of the text.
        offset: usize,
    },
}

impl SchemaViolation {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            SchemaViolation::Empty => "write a name, or `matchPattern: \"*\"` for every name",
            SchemaViolation::TooLong { .. } => "a DNS name has at most 255 bytes",
            SchemaViolation::EmptyLabel { .. } => "remove the dot, or write a label before it",
        }
    }

    /// The first byte at fault.
    pub fn offset(&self) -> usize {
        match self {
            SchemaViolation::Empty => 0,
            SchemaViolation::TooLong { .. } => MAX_TEXT_LENGTH,
            SchemaViolation::EmptyLabel { offset } => *offset,
        }
    }
}
