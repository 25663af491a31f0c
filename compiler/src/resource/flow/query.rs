//! One flow, as three words on a command line: who, to whom, and what.

use pest::Parser;
use pest::error::InputLocation;
use pest_derive::Parser;
use sluice_ir::net::Protocol;

use super::{EndRef, Fault, Flow, port, protocol};

#[derive(Parser)]
#[grammar = "resource/flow/query.pest"]
struct Grammar;

/// A word of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueryPart {
    /// The first: who sends.
    From,
    /// The second: who is to receive.
    To,
    /// The third: port and protocol.
    Traffic,
}

/// A question that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct QueryError {
    /// The word that is wrong.
    pub part: QueryPart,
    /// Where in the word the fault begins, in bytes.
    pub offset: usize,
    /// How many bytes are wrong; 0 at the end of the word.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Flow {
    /// Reads a question: `shop/web shop/db 443/TCP`.
    ///
    /// The third word is `PORT/PROTOCOL`, `PORT` (of TCP), `TYPE/ICMP` or `TYPE/ICMPv6` with the type by
    /// number or name, or a protocol that has neither, such as `GRE`. The two parts may change places, and a
    /// `:` may stand between them.
    ///
    /// # Errors
    /// The word that cannot be read, and where in it.
    pub fn from_query(from: &str, to: &str, traffic: &str) -> Result<Flow, QueryError> {
        let end = |part, text: &str| EndRef::parse(text).map_err(|fault| at(part, 0, text.len(), fault));
        let (from, to) = (end(QueryPart::From, from)?, end(QueryPart::To, to)?);
        let (protocol, port) = self::traffic(traffic)?;
        Ok(Flow { id: None, from, to, protocol, port })
    }
}

/// A part of the third word, with its place.
type Part<'t> = (usize, &'t str);

fn traffic(text: &str) -> Result<(Protocol, u16), QueryError> {
    let parts = parts(text)?;
    match parts.as_slice() {
        [(offset, one)] => alone(one).map_err(|fault| at(QueryPart::Traffic, *offset, one.len(), fault)),
        [first, second, ..] => pair(*first, *second),
        [] => Err(at(QueryPart::Traffic, 0, 0, Fault::new("nothing is asked about", FORMS))),
    }
}

const FORMS: &str = "write `443/TCP`, `8/ICMP`, or a protocol without ports such as `GRE`";

fn parts(text: &str) -> Result<Vec<Part<'_>>, QueryError> {
    let tree = Grammar::parse(Rule::traffic, text).map_err(|error| {
        let offset = match error.location {
            InputLocation::Pos(offset) | InputLocation::Span((offset, _)) => offset,
        };
        let found = text.get(offset..).and_then(|rest| rest.chars().next());
        let message = match found {
            Some(c) => format!("`{}` is not expected here", c.escape_debug()),
            None => "the question ends too soon".to_owned(),
        };
        at(QueryPart::Traffic, offset, found.map_or(0, char::len_utf8), Fault::new(message, FORMS))
    })?;
    let parts = tree.flatten().filter(|pair| pair.as_rule() == Rule::part);
    Ok(parts.map(|pair| (pair.as_span().start(), pair.as_str())).collect())
}

/// A port alone is of TCP; a protocol alone must have neither ports nor types.
fn alone(text: &str) -> Result<(Protocol, u16), Fault> {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return Ok((Protocol::TCP, port(Protocol::TCP, text)?));
    }
    let protocol = protocol(text)?;
    if protocol.has_ports() {
        return Err(Fault::new(format!("{protocol} needs a port"), format!("write `443/{text}`")));
    }
    if protocol.is_icmp() {
        return Err(Fault::new(format!("{protocol} needs a type"), format!("write `EchoRequest/{text}`")));
    }
    Ok((protocol, 0))
}

/// The protocol is the second part, unless only the first one names a protocol.
fn pair(first: Part<'_>, second: Part<'_>) -> Result<(Protocol, u16), QueryError> {
    let named = |part: Part<'_>| Protocol::from_name(part.1).is_some();
    let (value, word) = if named(first) && !named(second) { (second, first) } else { (first, second) };
    let fault = |part: Part<'_>, fault| at(QueryPart::Traffic, part.0, part.1.len(), fault);
    let protocol = protocol(word.1).map_err(|found| fault(word, found))?;
    Ok((protocol, port(protocol, value.1).map_err(|found| fault(value, found))?))
}

fn at(part: QueryPart, offset: usize, length: usize, fault: Fault) -> QueryError {
    QueryError { part, offset, length, message: fault.message, help: fault.help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_has_many_spellings() {
        let cases = [
            ("443/TCP", "tcp", 443),
            ("443", "tcp", 443),
            ("tcp/443", "tcp", 443),
            ("udp:53", "udp", 53),
            ("53/udp", "udp", 53),
            ("0/sctp", "sctp", 0),
            ("8/ICMP", "icmp", 8),
            ("ICMP/8", "icmp", 8),
            ("icmp:echo", "icmp", 8),
            ("EchoReply/ICMPv6", "icmpv6", 129),
            ("icmpv6/echo-request", "icmpv6", 128),
            ("GRE", "gre", 0),
            ("esp", "esp", 0),
            ("0/47", "gre", 0),
            ("443/6", "tcp", 443),
        ];
        for (text, protocol, port) in cases {
            let (read, number) = traffic(text).unwrap();
            assert_eq!((read.to_string().as_str(), number), (protocol, port), "{text}");
        }
    }

    #[test]
    fn faults_are_found_where_they_stand() {
        let cases = [
            ("", "", 0),
            ("443/", "", 4),
            ("/TCP", "/", 0),
            ("443 TCP", " ", 3),
            ("443/TCP/x", "/", 7),
            ("443/TCPP", "TCPP", 4),
            ("443/any", "any", 4),
            ("http", "http", 0),
            ("http/tcp", "http", 0),
            ("70000/tcp", "70000", 0),
            ("tcp/70000", "70000", 4),
            ("tcp", "tcp", 0),
            ("icmp", "icmp", 0),
            ("300/icmp", "300", 0),
            ("RouterSolicitation/icmp", "RouterSolicitation", 0),
            ("1/GRE", "1", 0),
            ("tcp/udp", "tcp", 0),
        ];
        for (text, wrong, offset) in cases {
            let error = traffic(text).unwrap_err();
            assert_eq!(
                (&text[error.offset..error.offset + error.length], error.offset),
                (wrong, offset),
                "{text}"
            );
            assert_eq!(error.part, QueryPart::Traffic);
        }
    }

    #[test]
    fn advice_fits_the_fault() {
        let help = |text| traffic(text).unwrap_err().help;
        assert_eq!(help("443/TCPP"), "did you mean `TCP`?");
        assert_eq!(help("80/http"), "write what carries it: `TCP` or `UDP`");
        assert_eq!(help("udp"), "write `443/udp`");
        assert_eq!(help("icmpv6"), "write `EchoRequest/icmpv6`");
    }

    #[test]
    fn ends_are_read_like_those_of_a_file() {
        let flow = Flow::from_query("shop/web", "fd00::7", "443/TCP").unwrap();
        assert_eq!((flow.from.to_string().as_str(), flow.to.to_string().as_str()), ("shop/web", "fd00::7"));
        let error = Flow::from_query("shop/web", "db", "443/TCP").unwrap_err();
        assert_eq!((error.part, error.offset, error.length), (QueryPart::To, 0, 2));
        assert_eq!(Flow::from_query("wrold", "a/b", "1").unwrap_err().part, QueryPart::From);
    }
}
