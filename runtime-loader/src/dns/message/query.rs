//! Questions.

use hickory_proto::op::{Header, MessageType, OpCode};
use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};
use sluice_ir::dns_name::DnsName;

use super::{AXFR, HEADER, IXFR, OPT, dns_name, record, text};

/// A question that can be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// The id that the answer must have.
    pub id: u16,
    /// The name as policy knows it; none if policy knows no such name.
    pub name: Option<DnsName>,
    /// The name for people, with its final dot, in the case that it was written in.
    pub text: String,
    /// The type asked for.
    pub kind: u16,
    /// The first question as it is written: name, type, class.
    pub question: Box<[u8]>,
    /// Flags that an answer repeats: the third byte of the header (recursion desired), and the fourth (checking disabled).
    pub flags: [u8; 2],
    /// Whether there is an EDNS record (RFC 6891), and whether it asks for DNSSEC.
    pub edns: Option<bool>,
    /// How many questions there are.
    pub questions: u16,
}

/// Why a message is no question that can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// There is not even a header.
    #[error("shorter than a header")]
    Short,
    /// It is an answer.
    #[error("an answer, and not a question")]
    Answer,
    /// It asks for something else to be done.
    #[error("an operation that is no query")]
    Operation,
    /// It has no question.
    #[error("without a question")]
    NoQuestion,
    /// The name of the question points elsewhere.
    #[error("a compressed name in the question")]
    Compressed,
    /// It ends too early, or has a name that is none.
    #[error("malformed")]
    Malformed,
    /// There is something behind its end.
    #[error("longer than its records")]
    Trailing,
}

impl From<DecodeError> for Fault {
    fn from(_: DecodeError) -> Fault {
        Fault::Malformed
    }
}

impl Query {
    /// Reads a message.
    ///
    /// # Errors
    ///
    /// See [`Fault`].
    pub fn read(bytes: &[u8]) -> Result<Query, Fault> {
        let mut decoder = BinDecoder::new(bytes);
        let header = Header::read(&mut decoder).map_err(|_| Fault::Short)?;
        if header.message_type == MessageType::Response {
            return Err(Fault::Answer);
        }
        if header.op_code != OpCode::Query {
            return Err(Fault::Operation);
        }
        let counts = header.counts;
        if counts.queries == 0 {
            return Err(Fault::NoQuestion);
        }
        let (name, kind) = question(&mut decoder)?;
        let question = decoder.slice_from(HEADER)?;
        let written: usize = name.iter().map(|label| label.len() + 1).sum();
        if question.len() != written + 5 {
            return Err(Fault::Compressed);
        }
        for _ in 1..counts.queries {
            self::question(&mut decoder)?;
        }
        let mut edns = None;
        let others = [counts.answers, counts.authorities, counts.additionals];
        for _ in 0..others.into_iter().map(u32::from).sum() {
            let record = record(&mut decoder)?;
            if record.kind == OPT {
                // The first bit of the flags, which stand where other records have their time to live.
                edns = Some(record.ttl & 0x8000 != 0);
            }
        }
        if !decoder.is_empty() {
            return Err(Fault::Trailing);
        }
        Ok(Query {
            id: header.id,
            name: dns_name(&name),
            text: text(&name),
            kind,
            question: question.into(),
            flags: [bytes[2], bytes[3]],
            edns,
            questions: counts.queries,
        })
    }

    /// Whether the answer is a zone, which takes several messages.
    pub fn is_transfer(&self) -> bool {
        matches!(self.kind, AXFR | IXFR)
    }
}

fn question(decoder: &mut BinDecoder<'_>) -> Result<(Name, u16), DecodeError> {
    let name = Name::read(decoder)?;
    let kind = decoder.read_u16()?.unverified();
    decoder.read_u16()?.unverified();
    Ok((name, kind))
}
