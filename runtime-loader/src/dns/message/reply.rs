//! What the proxy says itself.

use super::{Fault, HEADER, OPT, Query};

/// How large an answer over UDP may be, told to whoever asks with EDNS.
const PAYLOAD: u16 = 1232;

/// The flag of an answer.
const ANSWER: u8 = 0x80;
/// The operation and "recursion desired", which an answer repeats.
const REPEATED: u8 = 0x79;
/// "Recursion available".
const AVAILABLE: u8 = 0x80;
/// "Checking disabled", which an answer repeats.
const UNCHECKED: u8 = 0x10;

/// What the proxy answers by itself (RFC 1035, section 4.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyCode {
    /// The message cannot be decided.
    FormErr = 1,
    /// The proxy or the server could not do it.
    ServFail = 2,
    /// There is no such name: how a name that is not allowed can be told.
    NxDomain = 3,
    /// The operation is not known.
    NotImp = 4,
    /// The name is not allowed.
    Refused = 5,
}

/// The answer to a question.
///
/// `prohibited` says that policy decided, to whoever asked with EDNS (RFC 8914, code 18): so that a person with `dig` sees
/// the difference from a server that refuses.
pub fn reply(query: &Query, code: ReplyCode, prohibited: bool) -> Vec<u8> {
    let mut bytes = header(query.id, query.flags, code, 1, u16::from(query.edns.is_some()));
    bytes.extend_from_slice(&query.question);
    if let Some(dnssec) = query.edns {
        let option: &[u8] = if prohibited { &[0, 15, 0, 2, 0, 18] } else { &[] };
        bytes.push(0);
        bytes.extend(OPT.to_be_bytes());
        bytes.extend(PAYLOAD.to_be_bytes());
        bytes.extend([0, 0, if dnssec { 0x80 } else { 0 }, 0]);
        bytes.extend((option.len() as u16).to_be_bytes());
        bytes.extend_from_slice(option);
    }
    bytes
}

/// The answer to what is no question, if there is one.
pub fn fault_reply(bytes: &[u8], fault: Fault) -> Option<Vec<u8>> {
    let code = match fault {
        Fault::Short | Fault::Answer => return None,
        Fault::Operation => ReplyCode::NotImp,
        Fault::NoQuestion | Fault::Compressed | Fault::Malformed | Fault::Trailing => ReplyCode::FormErr,
    };
    let head = bytes.get(..HEADER)?;
    Some(header(u16::from_be_bytes([head[0], head[1]]), [head[2], head[3]], code, 0, 0))
}

fn header(id: u16, flags: [u8; 2], code: ReplyCode, questions: u16, additionals: u16) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64);
    bytes.extend(id.to_be_bytes());
    bytes.push(ANSWER | flags[0] & REPEATED);
    bytes.push(AVAILABLE | flags[1] & UNCHECKED | code as u8);
    bytes.extend([questions, 0, 0, additionals].into_iter().flat_map(u16::to_be_bytes));
    bytes
}
