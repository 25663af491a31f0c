//! DNS names, and the patterns that policies write for them.
//!
//! A policy speaks of names in two places: `toFQDNs` (which addresses a pod may reach) and the DNS rules of
//! a port (which names a pod may ask for). Both hold a `matchName` or a `matchPattern`; both become a
//! [`DnsPattern`]. What a DNS answer says about becomes a [`DnsName`]. [`DnsRules`] joins the DNS rules of
//! one port. An address is known by a [`LearnedName`]. Source: semantics.md 5.2, with 2.5, 12.1 and 12.3.
//!
//! # Names
//!
//! Case does not count and the final dot is optional, in names and in patterns. The root, `.`, is the name
//! of no label. A name is cut at every dot, so `a..io` has an empty label in the middle. No server gives
//! such a name, but the agent accepts it in a policy, and so does [`DnsName::parse`].
//!
//! # Patterns
//!
//! | written | what it matches |
//! | --- | --- |
//! | a `matchName`, or a pattern without a star | that name |
//! | stars alone, with or without a final dot: `*`, `**`, `*.` | every name without an empty label, and the root |
//! | two or more stars and a dot in front: `**.x.io`, `***.x.io` | what has one label or more, none empty, before the rest |
//! | stars anywhere else: `*.x.io`, `*x.io`, `a.**.io` | as many characters as you like, none too, but never a dot |
//!
//! From which follows what surprises people:
//!
//! | pattern | matches | does not match |
//! | --- | --- | --- |
//! | `*.x.io` | `a.x.io` | `x.io`, `a.b.x.io` |
//! | `**.x.io` | `a.x.io`, `a.b.x.io` | `x.io` |
//! | `*x.io`, `**x.io` | `x.io`, `ax.io` | `a.x.io` |
//! | `a.**.io` | `a.b.io` | `a.b.c.io` |
//! | `.`, and the empty text | the root | every other name |
//!
//! # How matching stays linear
//!
//! A star stays within its label, so a pattern is matched label by label, from the end, and no label is
//! tried twice. Within a label the text before the first star and after the last must stand at the ends;
//! each text in between is taken at its leftmost place. A later place would leave less for the rest, so
//! there is never a reason to come back. See [`DnsPattern::matches`].

mod compile;
mod learned;
mod matcher;
mod name;
#[cfg(any(test, feature = "test-support"))]
pub mod oracle;
mod pattern;
mod rules;
#[cfg(test)]
mod tests;

pub use learned::{Asker, LearnedName};
pub use name::{DnsName, DnsNameError};
pub use pattern::{DnsMember, DnsPattern, DnsPatternError, MAX_TEXT_LENGTH, SchemaViolation};
pub use rules::DnsRules;
