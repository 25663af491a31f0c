//! What comes near to a name that no rule covers.

use sluice_ir::dns_name::{DnsName, DnsPattern};

use crate::diagnostic::did_you_mean;
use crate::resource::dns_answers::{Recorded, Recording};

/// What comes near.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hint {
    /// A name that is covered, with a domain of the search list behind it: the resolver goes on with the next.
    Search {
        /// The name without the domain.
        name: DnsName,
        /// The domain.
        domain: DnsName,
    },
    /// This pattern matches the names below it, and not it.
    Apex(DnsPattern),
    /// This pattern would match it if its star were more than one label.
    Deeper(DnsPattern),
    /// Its answer leads over a name that is covered. What counts is the name that was asked for.
    LeadsTo(DnsName),
    /// The answer for a name that is covered leads over it.
    AliasOf(DnsName),
    /// A name of a rule is nearly the same.
    Close(DnsName),
}

impl Hint {
    /// What comes near to a name, of which these are the entries. `patterns` are those that it should have been among, and
    /// `covered` says whether one of them matches a name.
    pub(super) fn about(
        name: &DnsName,
        entries: &[&Recorded],
        recording: &Recording,
        patterns: &[&DnsPattern],
        covered: &dyn Fn(&DnsName) -> bool,
    ) -> Option<Hint> {
        // It is not the name that is wrong.
        if covered(name) {
            return None;
        }
        let leads = entries.iter().flat_map(|entry| &entry.aliases).find(|alias| covered(alias));
        let alias_of = || {
            let leads_here = |entry: &&Recorded| entry.aliases.contains(name) && covered(&entry.name);
            recording.entries.iter().find(leads_here).map(|entry| Hint::AliasOf(entry.name.clone()))
        };
        apex(name, patterns)
            .or_else(|| leads.map(|alias| Hint::LeadsTo(alias.clone())))
            .or_else(alias_of)
            .or_else(|| search(name, covered))
            .or_else(|| deeper(name, patterns))
            .or_else(|| close(name, patterns))
    }
}

fn apex(name: &DnsName, patterns: &[&DnsPattern]) -> Option<Hint> {
    let below = |pattern: &&&DnsPattern| {
        let text = pattern.text();
        let rest = text.strip_prefix("**.").or_else(|| text.strip_prefix("*."));
        rest.and_then(|rest| DnsName::parse(rest).ok()).is_some_and(|apex| apex == *name)
    };
    patterns.iter().find(below).map(|pattern| Hint::Apex((*pattern).clone()))
}

/// The longest part of the name that is covered, with at least one label behind it.
fn search(name: &DnsName, covered: &dyn Fn(&DnsName) -> bool) -> Option<Hint> {
    let labels: Vec<&str> = name.labels().collect();
    (2..labels.len()).rev().find_map(|count| {
        let name = DnsName::parse(&labels[..count].join(".")).ok()?;
        let domain = DnsName::parse(&labels[count..].join(".")).ok()?;
        covered(&name).then_some(Hint::Search { name, domain })
    })
}

fn deeper(name: &DnsName, patterns: &[&DnsPattern]) -> Option<Hint> {
    let would = |pattern: &&&DnsPattern| {
        let text = pattern.text();
        let deeper =
            text.strip_prefix("*.").filter(|rest| !rest.contains('*')).map(|rest| format!("**.{rest}"));
        let deeper = deeper.and_then(|text| DnsPattern::match_pattern(&text).ok());
        deeper.is_some_and(|deeper| deeper.matches(name))
    };
    patterns.iter().find(would).map(|pattern| Hint::Deeper((*pattern).clone()))
}

fn close(name: &DnsName, patterns: &[&DnsPattern]) -> Option<Hint> {
    let names = patterns.iter().filter_map(|pattern| pattern.exact_name()).map(DnsName::as_str);
    let close = did_you_mean(name.as_str(), names)?;
    DnsName::parse(close).ok().map(Hint::Close)
}
