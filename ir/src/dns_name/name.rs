//! Names.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// A DNS name in its canonical form: lower case, without the final dot. The root is the empty text.
///
/// It holds letters, digits, `-`, `_` and dots only. It may have empty labels and be longer than DNS
/// allows, as the agent accepts both in a policy (semantics.md 12.1).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsName(Arc<str>);

impl DnsName {
    /// Reads a name, with or without the final dot, in any case. The empty text is the root.
    ///
    /// # Errors
    /// A character that the agent refuses in a `matchName` (semantics.md 2.5).
    pub fn parse(text: &str) -> Result<DnsName, DnsNameError> {
        if let Some((offset, found)) = text.char_indices().find(|(_, c)| !is_name_character(*c)) {
            return Err(DnsNameError { offset, found });
        }
        let relative = text.strip_suffix('.').unwrap_or(text);
        Ok(DnsName(relative.to_ascii_lowercase().into()))
    }

    /// The canonical text. Unlike the printed form it is empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands between the dots, from the left. The root has one label, an empty one.
    pub fn labels(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('.')
    }
}

impl fmt::Display for DnsName {
    /// Without the final dot, except where it is needed to read the same name again.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dot = if self.is_root() || self.0.ends_with('.') { "." } else { "" };
        write!(f, "{}{dot}", self.0)
    }
}

/// A character that no name has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{}` cannot stand in a DNS name", found.escape_debug())]
pub struct DnsNameError {
    /// Where it stands, in bytes from the start of the text.
    pub offset: usize,
    /// The character.
    pub found: char,
}

impl DnsNameError {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self.found {
            '*' => "write a name with `*` as `matchPattern`",
            _ => {
                "use letters, digits, `-`, `_` and dots; an international name is written in its `xn--` form"
            }
        }
    }
}

fn is_name_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}
