//! Where a rule comes from.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The place in the user's files that a rule was written at. It is carried to the end, so that a
/// dropped packet can be explained by a line of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Origin {
    /// The file as the user named it.
    pub file: Arc<str>,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// The kind of the object: `CiliumNetworkPolicy`.
    pub kind: Arc<str>,
    /// Its namespace; none for cluster-scoped objects.
    pub namespace: Option<Arc<str>>,
    /// Its name.
    pub name: Arc<str>,
    /// The path inside the object: `spec.ingress[0].toPorts[1]`.
    pub path: Arc<str>,
}

impl Origin {
    /// Whether it has what every origin has: a file, a line and a column from 1, a kind and a name.
    pub(crate) fn is_whole(&self) -> bool {
        let named = !self.file.is_empty() && !self.kind.is_empty() && !self.name.is_empty();
        named && self.line > 0 && self.column > 0
    }

    /// The object as people say it: `shop/cart` or `baseline`.
    pub fn object(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.to_string(),
        }
    }
}

impl Hash for Origin {
    /// Of what tells nearly all origins apart; the rest is long and mostly the same.
    fn hash<H: Hasher>(&self, state: &mut H) {
        (self.line, self.column, &self.name).hash(state);
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}
