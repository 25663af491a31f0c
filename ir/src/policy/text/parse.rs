//! From text to policies.
//!
//! The grammar decides what stands where; the functions here take the parts that it found, in any
//! order, and read what is more than spelling.

use std::str::FromStr;
use std::sync::Arc;

use pest::Parser;

use super::error::{Problem, TextError};
use super::grammar::{Grammar, Rule as Part};
use super::parse_rule::read_rule;
use crate::origin::Origin;
use crate::policy::{Enforcement, Policy, PolicyBuilder, Settings};
use crate::word::unquote;

/// The longest text that is read, in bytes. Reading takes some fifty times as much memory.
pub const MAX_LENGTH: usize = 64 << 20;

pub(super) type Pair<'t> = pest::iterators::Pair<'t, Part>;
pub(super) type Result<T> = std::result::Result<T, TextError>;

/// Reads a policy from its [text form](super). The policy is not verified yet.
///
/// # Errors
/// The first place where the text is no policy.
pub fn parse(text: &str) -> Result<Policy> {
    if text.len() > MAX_LENGTH {
        return Err(TextError::too_long());
    }
    let tree = Grammar::parse(Part::policy, text).map_err(|error| TextError::expected(&error))?;
    let mut builder = PolicyBuilder::default();
    for pair in tree.flat_map(Pair::into_inner) {
        match pair.as_rule() {
            Part::settings => builder = PolicyBuilder::new(read_settings(pair)),
            Part::object => read_object(&mut builder, pair)?,
            _ => {}
        }
    }
    Ok(builder.finish())
}

/// The first part of a part that has just one to tell.
pub(super) fn only(pair: Pair<'_>) -> Pair<'_> {
    pair.clone().into_inner().next().unwrap_or(pair)
}

/// The text of a plain or quoted word, or of the word in a part that has just one.
pub(super) fn read_text(pair: Pair<'_>) -> Result<Arc<str>> {
    let word = only(pair);
    unquote(word.as_str()).map(Arc::from).ok_or_else(|| TextError::at(&word, Problem::Escape))
}

/// A number, or the number of a part that has just one.
pub(super) fn read_number<T: FromStr>(pair: Pair<'_>) -> Result<T> {
    let digits = only(pair);
    let error = |_| TextError::at(&digits, Problem::Number(digits.as_str().to_owned()));
    digits.as_str().parse().map_err(error)
}

/// A namespace, perhaps, and a name.
pub(super) fn read_name(pair: Pair<'_>) -> Result<(Option<Arc<str>>, Arc<str>)> {
    let mut words = pair.into_inner();
    let first = words.next().map_or(Ok("".into()), read_text)?;
    match words.next() {
        Some(second) => Ok((Some(first), read_text(second)?)),
        None => Ok((None, first)),
    }
}

/// What stands behind the name of a field whose values are words of the grammar.
pub(super) fn value_word<'t>(pair: &Pair<'t>) -> &'t str {
    pair.as_str().rsplit(|c: char| c.is_ascii_whitespace()).next().unwrap_or("")
}

fn read_settings(pair: Pair<'_>) -> Settings {
    let mut settings = Settings::default();
    for field in pair.into_inner() {
        let value = value_word(&field);
        match field.as_rule() {
            Part::enforcement => {
                settings.enforcement = match value {
                    "always" => Enforcement::Always,
                    "never" => Enforcement::Never,
                    _ => Enforcement::Default,
                }
            }
            Part::allow_localhost => settings.allow_localhost = value == "on",
            Part::host_firewall => settings.host_firewall = value == "on",
            _ => {}
        }
    }
    settings
}

fn read_object(builder: &mut PolicyBuilder, pair: Pair<'_>) -> Result<()> {
    let empty: Arc<str> = "".into();
    let mut origin = Origin {
        file: empty.clone(),
        line: 0,
        column: 0,
        kind: empty.clone(),
        namespace: None,
        name: empty.clone(),
        path: empty,
    };
    for part in pair.into_inner() {
        match part.as_rule() {
            Part::kind => origin.kind = read_text(part)?,
            Part::name => (origin.namespace, origin.name) = read_name(part)?,
            Part::file => origin.file = read_text(part)?,
            Part::rule => {
                let rule = read_rule(builder, &origin, part)?;
                builder.rule(rule);
            }
            _ => {}
        }
    }
    Ok(())
}
