//! Names that addresses were learned for.

use std::fmt;
use std::sync::Arc;

use super::DnsName;

/// Who asked for a name: an endpoint, as its [name](crate::decision::EndpointName) prints.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asker(Arc<str>);

impl Asker {
    /// The endpoint of this name: `shop/web`.
    pub fn new(endpoint: impl Into<Arc<str>>) -> Asker {
        Asker(endpoint.into())
    }

    /// The name of the endpoint.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Asker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name that an address was learned for, and for whom that counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LearnedName {
    /// The name that was asked for.
    pub name: DnsName,
    /// For whom it counts; none: for everybody.
    pub by: Option<Asker>,
}

impl From<DnsName> for LearnedName {
    /// A name that counts for everybody.
    fn from(name: DnsName) -> LearnedName {
        LearnedName { name, by: None }
    }
}

impl fmt::Display for LearnedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.by {
            None => self.name.fmt(f),
            Some(by) => write!(f, "{} for {by}", self.name),
        }
    }
}
