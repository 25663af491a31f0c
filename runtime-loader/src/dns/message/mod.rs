//! Messages, as far as the proxy looks into them (RFC 1035, section 4.1).
//!
//! What is forwarded keeps its bytes, but for the id: EDNS, mixed case, types that nobody knows and signatures
//! survive because nothing is written anew. Names and records are read by hickory-proto.
//!
//! What becomes of a message that is no plain question:
//!
//! | message | answer | why |
//! |---|---|---|
//! | shorter than a header | none | there is no id to answer to |
//! | an answer | none | to answer answers makes loops |
//! | another operation than QUERY | NOTIMP | names are decided for questions; NOTIFY and UPDATE have another meaning |
//! | no question | FORMERR | there is no name to decide |
//! | a name of the question that is compressed, records that end too early, bytes behind the end | FORMERR | what the server reads must be what was decided |
//! | several questions | as the first (semantics.md 5.3); if that is allowed, FORMERR | a server answers such a message so (RFC 9619), and a name that was not decided must not leave |

mod answer;
#[cfg(any(test, feature = "test-support"))]
pub mod oracle;
mod query;
mod reply;

pub use answer::{Answer, Mismatch};
pub use query::{Fault, Query};
pub use reply::{ReplyCode, fault_reply, reply};

use std::fmt::Write;

use hickory_proto::rr::Name;
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder, DecodeError};
use sluice_ir::dns_name::DnsName;

/// Bytes of a header.
pub const HEADER: usize = 12;

/// The type of addresses of IPv4.
pub const A: u16 = 1;
/// The type of aliases.
pub const CNAME: u16 = 5;
/// The type of addresses of IPv6.
pub const AAAA: u16 = 28;
/// The type of what EDNS adds to a message (RFC 6891).
pub const OPT: u16 = 41;
/// The type of a question for what has changed in a zone (RFC 1995).
pub const IXFR: u16 = 251;
/// The type of a question for a whole zone (RFC 5936).
pub const AXFR: u16 = 252;
/// The class of the Internet.
pub const INTERNET: u16 = 1;

/// A record, of which only the frame is read.
struct Record<'m> {
    kind: u16,
    class: u16,
    ttl: u32,
    data: &'m [u8],
    /// Where the data begins, for names in it that point back into the message.
    at: usize,
}

fn record<'m>(decoder: &mut BinDecoder<'m>) -> Result<Record<'m>, DecodeError> {
    Name::read(decoder)?;
    let kind = decoder.read_u16()?.unverified();
    let class = decoder.read_u16()?.unverified();
    let ttl = decoder.read_u32()?.unverified();
    let length = decoder.read_u16()?.unverified();
    let at = decoder.index();
    let data = decoder.read_slice(usize::from(length))?.unverified();
    Ok(Record { kind, class, ttl, data, at })
}

/// The name as policy knows it; none if it has other characters than letters, digits, `-` and `_`.
fn dns_name(name: &Name) -> Option<DnsName> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if !name.iter().all(|label| label.iter().all(plain)) {
        return None;
    }
    DnsName::parse(&text(name)).ok()
}

/// The name for people: what is not printed as it is, is printed as `\DDD` (RFC 1035, section 5.1).
fn text(name: &Name) -> String {
    let mut text = String::new();
    for label in name.iter() {
        for byte in label {
            match byte {
                b'.' | b'\\' => text.extend(['\\', char::from(*byte)]),
                0x21..=0x7e => text.push(char::from(*byte)),
                // Writing to a text cannot fail.
                _ => drop(write!(text, "\\{byte:03}")),
            }
        }
        text.push('.');
    }
    if text.is_empty() { ".".to_owned() } else { text }
}

/// The name of a type for people: `A`, or `TYPE65000` (RFC 3597).
pub fn type_name(kind: u16) -> String {
    use hickory_proto::rr::RecordType;
    match RecordType::from(kind) {
        RecordType::Unknown(_) => format!("TYPE{kind}"),
        known => known.to_string(),
    }
}

#[cfg(test)]
mod tests;
