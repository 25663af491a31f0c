//! Which names may be asked for: the DNS rules of one endpoint for one server, ready to be looked up in.
//!
//! A name costs one search among the names and one for each of its labels among the patterns, however many rules
//! there are: patterns lie in a table by the labels behind their last star. Meaning: semantics.md 5.2.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_ir::dns_name::{DnsName, DnsPattern};
use sluice_ir::policy::DnsRule;

use crate::api::policy::RuleRef;

/// The lines that allow something.
pub type Lines = Arc<[RuleRef]>;

/// The names that an endpoint may ask a group of servers for. Each alternative knows the lines that it is from.
#[derive(Clone, Debug, Default)]
pub struct NameRules {
    /// Where every question is allowed, even one for what is no name.
    any: Option<Lines>,
    names: BTreeMap<DnsName, Lines>,
    /// Patterns by what stands behind their last star; by the empty text, if that is no whole label.
    patterns: BTreeMap<Box<str>, Vec<(DnsPattern, Lines)>>,
    /// All lines, sorted, to be named where nothing is allowed.
    all: Vec<RuleRef>,
}

impl NameRules {
    /// Rules of the lines that they are written at. A rule with both members gives two alternatives, one
    /// with neither gives none (semantics.md 5.2).
    pub fn new<'r>(rules: impl IntoIterator<Item = (&'r DnsRule, Lines)>) -> NameRules {
        let mut names = NameRules::default();
        for (rule, lines) in rules {
            names.name_lines(&lines);
            for pattern in rule.name.iter().chain(&rule.pattern) {
                names.insert(pattern, &lines);
            }
        }
        names
    }

    /// Allows every question, because of these lines.
    pub fn allow_everything(&mut self, lines: Lines) {
        self.name_lines(&lines);
        self.any = Some(lines);
    }

    fn name_lines(&mut self, lines: &Lines) {
        for line in lines.iter() {
            if let Err(at) = self.all.binary_search_by(|known| order(known).cmp(&order(line))) {
                self.all.insert(at, line.clone());
            }
        }
    }

    fn insert(&mut self, pattern: &DnsPattern, lines: &Lines) {
        if pattern.text().is_empty() {
            // A member that is not there (semantics.md 2.5).
            return;
        }
        let lines = Arc::clone(lines);
        if pattern.is_any_name() {
            self.any.get_or_insert(lines);
        } else if let Some(name) = pattern.exact_name() {
            self.names.entry(name.clone()).or_insert(lines);
        } else {
            let bucket = self.patterns.entry(fixed_end(pattern.text()).into()).or_default();
            if !bucket.iter().any(|(known, _)| known == pattern) {
                bucket.push((pattern.clone(), lines));
            }
        }
    }

    /// The lines that allow the question for a name; none if nothing does. What is no name ([`DnsName`]) is only
    /// allowed where everything is.
    pub fn allowing(&self, name: Option<&DnsName>) -> Option<&Lines> {
        if self.any.is_some() {
            return self.any.as_ref();
        }
        let name = name?;
        self.names.get(name).or_else(|| ends(name.as_str()).find_map(|end| self.pattern(end, name)))
    }

    fn pattern(&self, end: &str, name: &DnsName) -> Option<&Lines> {
        let bucket = self.patterns.get(end)?;
        bucket.iter().find(|(pattern, _)| pattern.matches(name)).map(|(_, lines)| lines)
    }

    /// Every line, sorted.
    pub fn lines(&self) -> &[RuleRef] {
        &self.all
    }
}

fn order(line: &RuleRef) -> (&str, u32, u32, &str) {
    (&line.file, line.line, line.column, &line.path)
}

/// The whole labels behind the last star of a pattern, in lower case; empty if there are none.
fn fixed_end(text: &str) -> String {
    let text = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
    let Some(star) = text.rfind('*') else { return text };
    text[star..].split_once('.').map_or_else(String::new, |(_, end)| end.to_owned())
}

/// A name and what is left of it when labels are taken from its front, down to nothing.
fn ends(name: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(name), |rest| match rest.split_once('.') {
        Some((_, end)) => Some(end),
        None if rest.is_empty() => None,
        None => Some(""),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sluice_ir::dns_name::DnsRules;

    use super::*;

    fn line(line: u32) -> Lines {
        Arc::new([RuleRef { file: "a.yaml".to_owned(), line, ..RuleRef::default() }])
    }

    fn rule(text: &str) -> DnsRule {
        let pattern = text.contains('*').then(|| DnsPattern::match_pattern(text).unwrap());
        let name = (!text.contains('*')).then(|| DnsPattern::match_name(text).unwrap());
        DnsRule { name, pattern }
    }

    fn rules(texts: &[&str]) -> NameRules {
        let rules: Vec<DnsRule> = texts.iter().map(|text| rule(text)).collect();
        NameRules::new(rules.iter().zip((1..).map(line)))
    }

    fn allowed(rules: &NameRules, name: &str) -> Option<u32> {
        let name = DnsName::parse(name).ok();
        rules.allowing(name.as_ref()).map(|lines| lines[0].line)
    }

    #[test]
    fn the_line_that_allows_a_name_is_known() {
        let rules = rules(&["a.io", "*.x.io", "**.x.io", "sub*.y.io", "*"]);
        assert_eq!(allowed(&rules, "anything.at.all"), Some(5));
        let rules = self::rules(&["A.io", "*.X.io", "**.x.io.", "sub*.y.io", "*z"]);
        for (name, line) in [
            ("a.io", Some(1)),
            ("q.x.io", Some(2)),
            ("p.q.x.io", Some(3)),
            ("sub1.y.io", Some(4)),
            ("fizz", Some(5)),
            ("x.io", None),
            ("a.fizz", None),
            (".", None),
            ("no name", None),
        ] {
            assert_eq!(allowed(&rules, name), line, "{name}");
        }
        assert_eq!(rules.lines().len(), 5);
    }

    #[test]
    fn what_is_no_name_is_allowed_where_everything_is() {
        assert!(rules(&["*"]).allowing(None).is_some());
        assert!(rules(&["**.io", "a.io"]).allowing(None).is_none());
        assert!(NameRules::new([(&DnsRule::default(), line(1))]).allowing(None).is_none());
    }

    #[test]
    fn each_of_ten_thousand_names_and_patterns_is_found() {
        let texts: Vec<String> =
            (0..10_000).map(|at| format!("{}n{at}.x.io", if at % 2 == 0 { "*." } else { "" })).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let rules = rules(&texts);
        for at in 0..10_000_u32 {
            let before = if at % 2 == 0 { "a." } else { "" };
            assert_eq!(allowed(&rules, &format!("{before}n{at}.x.io")), Some(at + 1));
        }
    }

    proptest! {
        /// The index against the plain list of the IR.
        #[test]
        fn the_index_says_what_the_list_says(
            texts in prop::collection::vec("[ab*]{1,2}(\\.[ab*]{1,2}){0,3}\\.?", 0..6),
            names in prop::collection::vec("[ab]{1,2}(\\.[ab]{1,2}){0,4}\\.?|\\.", 1..8),
        ) {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let index = rules(&texts);
            let list: DnsRules = texts
                .iter()
                .flat_map(|text| {
                    let rule = rule(text);
                    rule.name.into_iter().chain(rule.pattern)
                })
                .collect();
            for name in names {
                prop_assert_eq!(allowed(&index, &name).is_some(), list.allows(&name), "{}", name);
            }
        }
    }
}
