//! Answers.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use hickory_proto::op::{Header, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};

use super::{A, AAAA, CNAME, HEADER, INTERNET, Query, record, text};

/// What is looked at in an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The response code, as far as the header has it.
    pub code: u16,
    /// Whether it was cut, so that the client asks again over TCP.
    pub truncated: bool,
    /// The addresses of a successful answer, each once, in the order written.
    pub addresses: Vec<IpAddr>,
    /// The shortest time to live of addresses and aliases (semantics.md 5.4); none if there are no addresses.
    pub ttl: Option<Duration>,
    /// Where aliases lead to, for people.
    pub aliases: Vec<String>,
}

/// Why a message does not answer a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Mismatch {
    /// It is for another question, or none: whoever waits goes on waiting.
    #[error("not the answer to the question")]
    Foreign,
    /// It is for this question and cannot be read.
    #[error("a malformed answer")]
    Malformed,
}

impl From<DecodeError> for Mismatch {
    fn from(_: DecodeError) -> Mismatch {
        Mismatch::Malformed
    }
}

impl Answer {
    /// Reads the answer to a question that was asked with an id.
    ///
    /// The server has to repeat the question; letters may change their case. Only an error may come without a
    /// question, as from a server that could not read it. In a transfer (RFC 5936, section 2.2) all messages but the first may.
    ///
    /// # Errors
    ///
    /// See [`Mismatch`].
    pub fn read(bytes: &[u8], query: &Query, id: u16) -> Result<Answer, Mismatch> {
        let mut decoder = BinDecoder::new(bytes);
        let header = Header::read(&mut decoder).map_err(|_| Mismatch::Foreign)?;
        let is_answer = header.message_type == MessageType::Response && header.op_code == OpCode::Query;
        if !is_answer || header.id != id {
            return Err(Mismatch::Foreign);
        }
        let code = u16::from(header.response_code);
        let success = header.response_code == ResponseCode::NoError;
        let mut answer = Answer {
            code,
            truncated: header.truncation,
            addresses: Vec::new(),
            ttl: None,
            aliases: Vec::new(),
        };
        match header.counts.queries {
            0 if !success || query.is_transfer() => return Ok(answer),
            1 if repeats(bytes, &query.question) => {}
            _ => return Err(Mismatch::Foreign),
        }
        decoder.read_slice(query.question.len())?.unverified();
        // The addresses of a whole zone are not the addresses of its name.
        if success && !query.is_transfer() {
            answer.learn(&mut decoder, bytes, header.counts.answers)?;
        }
        Ok(answer)
    }

    fn learn(&mut self, decoder: &mut BinDecoder<'_>, bytes: &[u8], records: u16) -> Result<(), DecodeError> {
        let mut ttl = u32::MAX;
        for _ in 0..records {
            let record = record(decoder)?;
            if record.class != INTERNET {
                continue;
            }
            let address = match record.kind {
                A => <[u8; 4]>::try_from(record.data).ok().map(|it| IpAddr::V4(Ipv4Addr::from(it))),
                AAAA => <[u8; 16]>::try_from(record.data).ok().map(|it| IpAddr::V6(Ipv6Addr::from(it))),
                CNAME => {
                    self.aliases.extend(alias(bytes, record.at));
                    None
                }
                _ => continue,
            };
            // A time with the first bit set counts as none (RFC 2181, section 8).
            ttl = ttl.min(if record.ttl > i32::MAX.cast_unsigned() { 0 } else { record.ttl });
            self.addresses.extend(address);
        }
        let mut seen = std::collections::BTreeSet::new();
        self.addresses.retain(|address| seen.insert(*address));
        self.ttl = (!self.addresses.is_empty()).then(|| Duration::from_secs(ttl.into()));
        Ok(())
    }
}

/// The name that an alias leads to.
fn alias(bytes: &[u8], at: usize) -> Option<String> {
    let decoder = BinDecoder::new(bytes);
    let mut inside = decoder.clone(u16::try_from(at).ok()?);
    Name::read(&mut inside).ok().map(|name| text(&name))
}

/// Whether the message repeats a question: the name in any case, type and class exactly.
fn repeats(bytes: &[u8], question: &[u8]) -> bool {
    let Some(repeated) = bytes.get(HEADER..HEADER + question.len()) else { return false };
    let name = question.len() - 4;
    // Lengths of labels are below all letters.
    repeated[..name].eq_ignore_ascii_case(&question[..name]) && repeated[name..] == question[name..]
}
