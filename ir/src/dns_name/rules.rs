//! The DNS rules of a port.

use std::collections::BTreeSet;

use super::{DnsName, DnsPattern};

/// The names that a pod may ask one group of servers for: the `dns` rules of one port and peer selector.
///
/// The rules are alternatives. A rule with both members gives two, a rule with neither gives none, so that
/// `dns: [{}]` allows no name (semantics.md 3.4, 5.2). That a port without DNS rules allows every name is not
/// this type's to say: such a port is not proxied at all.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DnsRules(BTreeSet<DnsPattern>);

impl DnsRules {
    /// No alternatives: no name is allowed.
    pub fn new() -> DnsRules {
        DnsRules::default()
    }

    /// Adds an alternative. An empty text counts as a member that is not there.
    pub fn insert(&mut self, pattern: DnsPattern) {
        if !pattern.text().is_empty() {
            self.0.insert(pattern);
        }
    }

    /// The alternatives, in their own order.
    pub fn alternatives(&self) -> impl Iterator<Item = &DnsPattern> {
        self.0.iter()
    }

    /// Whether every question is allowed, even one for what is no [`DnsName`]: one alternative of stars
    /// alone switches the test off.
    pub fn allows_everything(&self) -> bool {
        self.0.iter().any(DnsPattern::is_any_name)
    }

    /// Whether the question for `name`, as text from the wire, is allowed. Its type does not count
    /// (semantics.md 5.3).
    pub fn allows(&self, name: &str) -> bool {
        self.allows_everything() || DnsName::parse(name).is_ok_and(|name| self.matches(&name))
    }

    fn matches(&self, name: &DnsName) -> bool {
        self.0.iter().any(|pattern| pattern.matches(name))
    }
}

impl Extend<DnsPattern> for DnsRules {
    fn extend<I: IntoIterator<Item = DnsPattern>>(&mut self, patterns: I) {
        patterns.into_iter().for_each(|pattern| self.insert(pattern));
    }
}

impl FromIterator<DnsPattern> for DnsRules {
    fn from_iter<I: IntoIterator<Item = DnsPattern>>(patterns: I) -> DnsRules {
        let mut rules = DnsRules::new();
        rules.extend(patterns);
        rules
    }
}
