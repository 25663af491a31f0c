//! From parts that the grammar found to what they mean.

use std::str::FromStr;
use std::sync::Arc;

use pest::Parser;

use super::grammar::{Grammar, Rule as Part};
use super::{MAX_LENGTH, Problem, TextError};
use crate::dns_name::{Asker, DnsPattern, DnsPatternError};
use crate::label::LabelSource;
use crate::net::{Cidr, CidrError, PortName, PortRange, Protocol};
use crate::origin::Origin;
use crate::policy::Authentication;
use crate::word::unquote;

pub(crate) type Pair<'t> = pest::iterators::Pair<'t, Part>;
pub(crate) type Result<T> = std::result::Result<T, TextError>;

/// The parts of a whole text.
pub(crate) fn read_parts(form: Part, text: &str) -> Result<impl Iterator<Item = Pair<'_>>> {
    if text.len() > MAX_LENGTH {
        return Err(TextError::of_all(Problem::TooLong));
    }
    let tree = Grammar::parse(form, text).map_err(|error| TextError::expected(&error))?;
    Ok(tree.flat_map(Pair::into_inner))
}

/// The first part of a part that has just one to tell.
pub(crate) fn only(pair: Pair<'_>) -> Pair<'_> {
    pair.clone().into_inner().next().unwrap_or(pair)
}

/// The text of a plain or quoted word, or of the word in a part that has just one.
pub(crate) fn read_text(pair: Pair<'_>) -> Result<Arc<str>> {
    let word = only(pair);
    unquote(word.as_str()).map(Arc::from).ok_or_else(|| TextError::at(&word, Problem::Escape))
}

/// A number, or the number of a part that has just one.
pub(crate) fn read_number<T: FromStr>(pair: Pair<'_>) -> Result<T> {
    let digits = only(pair);
    let error = |_| TextError::at(&digits, Problem::Number(digits.as_str().to_owned()));
    digits.as_str().parse().map_err(error)
}

/// An origin of which nothing was read yet.
pub(crate) fn unread_origin() -> Origin {
    let empty: Arc<str> = "".into();
    Origin {
        file: empty.clone(),
        line: 0,
        column: 0,
        kind: empty.clone(),
        namespace: None,
        name: empty.clone(),
        path: empty,
    }
}

/// A namespace, perhaps, and a name.
pub(crate) fn read_name(pair: Pair<'_>) -> Result<(Option<Arc<str>>, Arc<str>)> {
    let mut words = pair.into_inner();
    let first = words.next().map_or(Ok("".into()), read_text)?;
    match words.next() {
        Some(second) => Ok((Some(first), read_text(second)?)),
        None => Ok((None, first)),
    }
}

/// What stands behind the name of a field whose values are words of the grammar.
pub(crate) fn value_word<'t>(pair: &Pair<'t>) -> &'t str {
    pair.as_str().rsplit(|c: char| c.is_ascii_whitespace()).next().unwrap_or("")
}

/// `at LINE:COLUMN`.
pub(crate) fn read_place(pair: Pair<'_>) -> Result<(u32, u32)> {
    let mut numbers = pair.into_inner().map(read_number);
    let mut next = || numbers.next().unwrap_or(Ok(0));
    Ok((next()?, next()?))
}

/// `SOURCE:KEY`.
pub(crate) fn read_key(pair: Pair<'_>) -> Result<(LabelSource, Arc<str>)> {
    let (mut source, mut key) = (LabelSource::Any, "".into());
    for word in pair.into_inner() {
        match word.as_rule() {
            Part::word => source = LabelSource::from_word(&read_text(word)?),
            _ => key = read_text(word)?,
        }
    }
    Ok((source, key))
}

/// `authentication required`.
pub(crate) fn read_authentication(pair: &Pair<'_>) -> Authentication {
    match value_word(pair) {
        "required" => Authentication::Required,
        "always-fail" => Authentication::AlwaysFail,
        _ => Authentication::Disabled,
    }
}

pub(crate) fn read_cidr(pair: Pair<'_>) -> Result<Cidr> {
    pair.as_str().parse().map_err(|error: CidrError| TextError::at(&pair, error))
}

/// `name ".."` or `pattern ".."`.
pub(crate) fn read_pattern(pair: Pair<'_>) -> Result<DnsPattern> {
    let text = read_text(pair.clone())?;
    let pattern = match pair.as_rule() {
        Part::fqdn => DnsPattern::match_name(&text),
        _ => DnsPattern::match_pattern(&text),
    };
    pattern.map_err(|error: DnsPatternError| TextError::at(&pair, error))
}

/// `for ".."`.
pub(crate) fn read_asker(pair: Pair<'_>) -> Result<Asker> {
    read_text(pair).map(Asker::new)
}

pub(crate) fn read_protocol(pair: &Pair<'_>) -> Result<Protocol> {
    let word = pair.as_str();
    let number = || word.strip_prefix("ip-").and_then(|digits| digits.parse().ok()).map(Protocol);
    let named = Protocol::NAMES.iter().find(|(name, _)| *name == word).map(|(_, protocol)| *protocol);
    named.or_else(number).ok_or_else(|| TextError::at(pair, Problem::Protocol(word.to_owned())))
}

/// `80` or `80-90`.
pub(crate) fn read_range(pair: Pair<'_>) -> Result<PortRange> {
    let mut numbers = pair.into_inner().map(read_number);
    let start = numbers.next().unwrap_or(Ok(0))?;
    Ok(PortRange { start, end: numbers.next().unwrap_or(Ok(start))? })
}

/// The name of a container port, or that of the part that begins with one.
pub(crate) fn read_port_name(pair: Pair<'_>) -> Result<PortName> {
    let text = read_text(pair.clone())?;
    PortName::parse(&text).ok_or_else(|| TextError::at(&pair, Problem::PortName(text.to_string())))
}
