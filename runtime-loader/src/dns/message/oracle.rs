//! What must hold for any bytes, for tests and for fuzzing.

use super::{Answer, Fault, HEADER, Mismatch, Query, ReplyCode, fault_reply, reply};

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Broken(String);

/// Checks a question, and an answer to it: two bytes with the length of the question, the question, the answer.
///
/// # Errors
///
/// What the proxy would say is not what a client can read, or an answer is taken that does not match.
pub fn check(case: &[u8]) -> Result<(), Broken> {
    let Some((length, rest)) = case.split_first_chunk() else { return Ok(()) };
    let (question, answer) = rest.split_at(usize::from(u16::from_be_bytes(*length)).min(rest.len()));
    match Query::read(question) {
        Ok(query) => {
            check_query(question, &query)?;
            check_answer(answer, &query)
        }
        Err(fault) => check_fault(question, fault),
    }
}

fn holds(condition: bool, what: &str) -> Result<(), Broken> {
    if condition { Ok(()) } else { Err(Broken(what.to_owned())) }
}

fn check_query(message: &[u8], query: &Query) -> Result<(), Broken> {
    holds(message[HEADER..].starts_with(&query.question), "the question is not that of the message")?;
    if let Some(name) = &query.name {
        let same = name.as_str().eq_ignore_ascii_case(query.text.trim_end_matches('.'));
        holds(same, "policy and people see different names")?;
    }
    for code in [ReplyCode::ServFail, ReplyCode::NxDomain, ReplyCode::Refused] {
        let read = Answer::read(&reply(query, code, true), query, query.id);
        let is_answer = read.is_ok_and(|answer| answer.code == code as u16 && answer.ttl.is_none());
        holds(is_answer, "a reply does not answer its question")?;
    }
    Ok(())
}

fn check_answer(message: &[u8], query: &Query) -> Result<(), Broken> {
    let Some(id) = message.first_chunk().map(|bytes| u16::from_be_bytes(*bytes)) else { return Ok(()) };
    if let Ok(answer) = Answer::read(message, query, id) {
        holds(answer.addresses.len() <= message.len() / 4, "more addresses than there is room for")?;
        holds(
            answer.addresses.is_empty() == answer.ttl.is_none(),
            "addresses without a time, or the reverse",
        )?;
        holds(answer.addresses.is_empty() || answer.code == 0, "a failure that teaches something")?;
    }
    let other = Answer::read(message, query, id ^ 1);
    holds(other == Err(Mismatch::Foreign), "an answer with another id is taken")
}

fn check_fault(message: &[u8], fault: Fault) -> Result<(), Broken> {
    let silent = matches!(fault, Fault::Short | Fault::Answer);
    match fault_reply(message, fault) {
        None => holds(silent, "no reply where one is due"),
        Some(said) => {
            holds(!silent, "a reply to what must get none")?;
            holds(said.len() == HEADER && said[..2] == message[..2], "a reply with another id")?;
            holds(Query::read(&said) == Err(Fault::Answer), "a reply that is a question")
        }
    }
}
