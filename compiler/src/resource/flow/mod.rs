//! Flows: the questions that people ask of policy, one on a command line or many in a file.

mod line;
mod query;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use sluice_ir::dns_name::DnsName;
use sluice_ir::net::Protocol;

pub use line::{FlowLine, parse_lines};
pub use query::{QueryError, QueryPart};

use super::cilium::Entity;
use crate::diagnostic::did_you_mean;

/// A packet that begins a connection, as far as policy looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What its asker calls it.
    pub id: Option<Arc<str>>,
    /// Who sends.
    pub from: EndRef,
    /// Who is to receive.
    pub to: EndRef,
    /// The protocol.
    pub protocol: Protocol,
    /// The destination port; the type for ICMP; 0 for a protocol that has neither.
    pub port: u16,
}

/// An end of a flow, by whatever name it was given.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum EndRef {
    /// `shop/web`: a pod or a workload.
    Named {
        /// The namespace.
        namespace: Arc<str>,
        /// The name in it.
        name: Arc<str>,
    },
    /// An address of either family.
    Address(IpAddr),
    /// `fqdn:api.example.com`: the addresses that DNS gave for a name.
    Name(DnsName),
    /// A word for a peer that is no pod; never `all`, `cluster` or `none`, which are sets of peers.
    Entity(Entity),
}

/// What is wrong with a part of a flow, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fault {
    message: String,
    help: String,
}

impl Fault {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { message: message.into(), help: help.into() }
    }
}

/// Help where nothing better is known.
const END_FORMS: &str =
    "an end is `namespace/name`, an address, `fqdn:` and a name, or an entity such as `world`";

impl EndRef {
    fn parse(text: &str) -> Result<EndRef, Fault> {
        if let Some(name) = text.strip_prefix("fqdn:") {
            return match DnsName::parse(name) {
                Ok(name) if !name.is_root() => Ok(EndRef::Name(name)),
                _ => Err(Fault::new(
                    format!("`{name}` is not a DNS name"),
                    "write a whole name: `fqdn:api.example.com`",
                )),
            };
        }
        if let Ok(address) = text.parse() {
            return Ok(EndRef::Address(address));
        }
        match text.split_once('/') {
            Some((address, _)) if address.parse::<IpAddr>().is_ok() => Err(Fault::new(
                format!("`{text}` is a prefix, and a flow has one address at each end"),
                "leave out the prefix length",
            )),
            Some((namespace, name)) if !namespace.is_empty() && !name.is_empty() && !name.contains('/') => {
                Ok(EndRef::Named { namespace: namespace.into(), name: name.into() })
            }
            Some(_) => Err(Fault::new(format!("`{text}` names no end of a flow"), END_FORMS)),
            None => EndRef::entity(text),
        }
    }

    fn entity(word: &str) -> Result<EndRef, Fault> {
        match Entity::from_word(word) {
            Some(Entity::All | Entity::Cluster | Entity::None) => Err(Fault::new(
                format!("`{word}` is a set of peers, and a flow has one at each end"),
                END_FORMS,
            )),
            Some(entity) => Ok(EndRef::Entity(entity)),
            None => {
                let help = match did_you_mean(word, Entity::NAMES.iter().map(|(name, _)| *name)) {
                    Some(close) => format!("did you mean `{close}`?"),
                    None => END_FORMS.to_owned(),
                };
                Err(Fault::new(format!("`{word}` names no end of a flow"), help))
            }
        }
    }
}

impl fmt::Display for EndRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            EndRef::Named { namespace, name } => write!(f, "{namespace}/{name}"),
            EndRef::Address(address) => write!(f, "{address}"),
            EndRef::Name(name) => write!(f, "fqdn:{name}"),
            EndRef::Entity(entity) => {
                let word = Entity::NAMES.iter().find(|(_, known)| known == entity);
                f.write_str(word.map_or("", |(word, _)| word))
            }
        }
    }
}

/// Reads a protocol by name, in any case, or by number.
fn protocol(text: &str) -> Result<Protocol, Fault> {
    let known = Protocol::from_name(text).or_else(|| text.parse().ok().map(Protocol));
    known.ok_or_else(|| {
        let names = Protocol::NAMES.iter().map(|(name, _)| *name);
        let help = match did_you_mean(text, names) {
            _ if text.eq_ignore_ascii_case("any") => {
                "a flow has one protocol: `TCP`, `UDP`, `SCTP`, `ICMP` or another"
            }
            _ if ["http", "https", "dns", "grpc"].iter().any(|l7| text.eq_ignore_ascii_case(l7)) => {
                "write what carries it: `TCP` or `UDP`"
            }
            Some(close) => {
                return Fault::new(
                    unknown_protocol(text),
                    format!("did you mean `{}`?", close.to_uppercase()),
                );
            }
            None => "write `TCP`, `UDP`, `SCTP`, `ICMP`, `ICMPv6`, `GRE`, `ESP`, or the protocol's number",
        };
        Fault::new(unknown_protocol(text), help)
    })
}

fn unknown_protocol(text: &str) -> String {
    format!("unknown protocol `{text}`")
}

/// Reads what stands in the place of the port: a port, or a type of ICMP by number or name.
fn port(protocol: Protocol, text: &str) -> Result<u16, Fault> {
    let number = text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten();
    if protocol.is_icmp() {
        let named = || super::icmp::type_number(protocol, text).map(u16::from);
        let known = number.filter(|number| *number <= 255).or_else(named);
        let help = "a type is a number from 0 to 255, or a name such as `EchoRequest`";
        return known.ok_or_else(|| Fault::new(format!("`{text}` is not a type of {protocol}"), help));
    }
    match number {
        Some(0) => Ok(0),
        Some(_) if !protocol.has_ports() => {
            Err(Fault::new(format!("{protocol} has no ports"), "leave out the port"))
        }
        Some(number) => Ok(number),
        None => Err(Fault::new(format!("`{text}` is not a port"), "a port is a number from 0 to 65535")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_read_as_they_are_printed() {
        for text in [
            "shop/web",
            "10.0.0.7",
            "fd00::7",
            "::ffff:10.0.0.7",
            "fqdn:api.example.com",
            "world",
            "remote-node",
        ] {
            assert_eq!(EndRef::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(EndRef::parse("fqdn:API.example.com.").unwrap().to_string(), "fqdn:api.example.com");
    }

    #[test]
    fn what_is_no_end_gets_advice() {
        let help = |text| EndRef::parse(text).unwrap_err().help;
        assert_eq!(help("10.0.0.0/8"), "leave out the prefix length");
        assert_eq!(help("wrold"), "did you mean `world`?");
        assert_eq!(help("fqdn:*.io"), "write a whole name: `fqdn:api.example.com`");
        for text in ["", "web", "/web", "shop/", "a/b/c", "all", "none", "10.0.0.256"] {
            assert_eq!(help(text), END_FORMS, "{text}");
        }
    }
}
