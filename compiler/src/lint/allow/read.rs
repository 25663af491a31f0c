//! The words of an allowance.

use std::ops::Range;

use pest::Parser;
use pest::iterators::Pair;
use pest_derive::Parser;

use crate::diagnostic::{Code, Severity, did_you_mean};

#[derive(Parser)]
#[grammar = "lint/allow.pest"]
struct Grammar;

/// One `allow(...)`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// The codes, with their places in the text.
    pub(super) codes: Vec<(Code, Range<usize>)>,
}

/// Why a text is no allowance.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) message: String,
    pub(super) help: String,
}

const SHAPE: &str = "write `allow(S1103, reason=\"why this is right\")`";

/// Reads one or several of them.
pub(super) fn read(text: &str) -> Result<Vec<Part>, Fault> {
    let unreadable = || Fault { message: "this is no allowance".to_owned(), help: SHAPE.to_owned() };
    let parsed = Grammar::parse(Rule::allowances, text.trim()).map_err(|_| unreadable())?;
    let all = parsed.flat_map(Pair::into_inner).filter(|pair| pair.as_rule() == Rule::allowance);
    all.map(part).collect()
}

fn part(pair: Pair<'_, Rule>) -> Result<Part, Fault> {
    let mut codes = Vec::new();
    let mut reason = "";
    for inner in pair.into_inner() {
        match inner.as_rule() {
            Rule::code => {
                let span = inner.as_span();
                codes.push((code(inner.as_str())?, span.start()..span.end()));
            }
            Rule::reason => {
                reason = inner.into_inner().next().map_or("", |text| text.as_str()).trim();
            }
            _ => {}
        }
    }
    if reason.is_empty() {
        let message = "an allowance needs a reason".to_owned();
        return Err(Fault { message, help: SHAPE.to_owned() });
    }
    Ok(Part { codes })
}

fn code(typed: &str) -> Result<Code, Fault> {
    let Some(code) = Code::parse(typed) else {
        let known = Code::ALL.iter().flat_map(|code| [code.as_str(), code.name()]);
        let help = match did_you_mean(typed, known) {
            Some(close) => format!("did you mean `{close}`?"),
            None => "`sluice explain --list` has them all".to_owned(),
        };
        return Err(Fault { message: format!("there is no finding `{typed}`"), help });
    };
    if code.severity() == Severity::Error {
        let message = format!("{code} is an error, and an error cannot be allowed");
        return Err(Fault { message, help: "correct the object: it is left out as it is".to_owned() });
    }
    Ok(code)
}
