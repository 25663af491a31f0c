//! From the text of a pattern to its matcher.

use pest::Parser;
use pest::error::InputLocation;
use pest::iterators::Pair;
use pest_derive::Parser;

use super::matcher::{LabelMatcher, Matcher};
use super::{DnsName, DnsPatternError};

#[derive(Parser)]
#[grammar = "dns_name/pattern.pest"]
struct Grammar;

/// Compiles a `matchPattern`.
pub(super) fn compile(text: &str) -> Result<Matcher, DnsPatternError> {
    let lower = text.to_ascii_lowercase();
    let tree = Grammar::parse(Rule::pattern, &lower).map_err(|error| at_error(text, &error.location))?;
    let mut subdomains = false;
    let mut labels = Vec::new();
    for pair in tree.flatten() {
        match pair.as_rule() {
            Rule::any_name => return Ok(Matcher::AnyName),
            Rule::subdomains => subdomains = true,
            Rule::label => labels.push(compile_label(pair)),
            _ => {}
        }
    }
    if lower.ends_with('.') {
        // What the grammar read after the final dot.
        labels.pop();
    }
    finish(subdomains, labels)
}

/// A pattern that only one name can match becomes that name: cheaper to test, and an index can hold it.
fn finish(subdomains: bool, labels: Vec<LabelMatcher>) -> Result<Matcher, DnsPatternError> {
    let literal: Option<Vec<&str>> = labels.iter().map(LabelMatcher::literal).collect();
    match literal {
        // The final dot keeps an empty last label.
        Some(literal) if !subdomains => Ok(Matcher::Exact(DnsName::parse(&(literal.join(".") + "."))?)),
        _ => Ok(Matcher::Labels { subdomains, labels: labels.into() }),
    }
}

fn compile_label(label: Pair<'_, Rule>) -> LabelMatcher {
    let mut pieces = vec![""];
    for part in label.into_inner() {
        match (part.as_rule(), pieces.last_mut()) {
            (Rule::literal, Some(piece)) => *piece = part.as_str(),
            _ => pieces.push(""),
        }
    }
    LabelMatcher::new(pieces)
}

/// The grammar stops at the first character that no pattern has, and nowhere else.
fn at_error(text: &str, location: &InputLocation) -> DnsPatternError {
    let offset = match *location {
        InputLocation::Pos(offset) | InputLocation::Span((offset, _)) => offset,
    };
    let found =
        text.get(offset..).and_then(|rest| rest.chars().next()).unwrap_or(char::REPLACEMENT_CHARACTER);
    DnsPatternError::Character { offset, found }
}
