//! Events: what the datapath told of a packet, in words.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::dns::DnsTold;
use super::policy::{RuleRef, Verdict};
use super::snapshot::{Direction, DropReason};
use super::time::Moment;

/// Something happened to a packet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "An event of a node of sluice")]
pub struct Told {
    /// When.
    pub time: Moment,
    /// What happened.
    pub kind: Kind,
    /// What was done with the packet; for an audit, what would have been.
    pub verdict: Verdict,
    /// Why it was dropped.
    pub reason: Option<DropReason>,
    /// The packet.
    pub flow: Flow,
    /// Which way it went, seen from the endpoint.
    pub direction: Direction,
    /// The endpoint whose policy decided.
    pub endpoint: String,
    /// The generation that decided.
    pub generation: u32,
    /// The rules that made the verdict; for a default deny, those that isolate the endpoint.
    pub rules: Vec<RuleRef>,
    /// For a default deny, the rule that almost allowed it.
    pub nearest: Option<Nearest>,
    /// For a query or an answer of DNS, what it says.
    #[serde(default)]
    pub dns: Option<DnsTold>,
}

impl Told {
    /// The end of the flow that is not the endpoint.
    pub fn peer(&self) -> &End {
        match self.direction {
            Direction::Ingress => &self.flow.source,
            Direction::Egress => &self.flow.destination,
        }
    }
}

/// What happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum Kind {
    /// A packet was dropped.
    #[default]
    Drop,
    /// A connection began.
    New,
    /// A packet would have been dropped, and was let pass.
    Audit,
    /// A connection began that goes to a proxy.
    Redirect,
    /// An endpoint asked for a name: `redirect` if its server is asked, `deny` if not.
    Query,
    /// It got an answer, or none.
    Answer,
}

impl Kind {
    /// `drop`, `new`, `audit`, `redirect`, `query` or `answer`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Drop => "drop",
            Kind::New => "new",
            Kind::Audit => "audit",
            Kind::Redirect => "redirect",
            Kind::Query => "query",
            Kind::Answer => "answer",
        }
    }
}

/// A packet by its ends and what it carries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    /// Who sent it.
    pub source: End,
    /// To whom.
    pub destination: End,
    /// `tcp`, `udp`, `sctp`, `icmp`, `icmpv6`, or a number.
    pub protocol: String,
    /// The type of an ICMP message.
    pub icmp_type: Option<u8>,
    /// Its code.
    pub icmp_code: Option<u8>,
    /// Flags of TCP, as [`tcp_flags`] writes them.
    pub tcp_flags: Option<String>,
    /// Its length in bytes, from the network layer on.
    pub length: u32,
}

/// An end of a flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct End {
    /// `shop/cart`, or an entity such as `host`, or a DNS name; null if nothing is known but the address.
    pub name: Option<String>,
    /// Its address.
    pub address: IpAddr,
    /// Its port; null for protocols without.
    pub port: Option<u16>,
}

impl Default for End {
    fn default() -> End {
        End { name: None, address: IpAddr::from([0; 4]), port: None }
    }
}

/// A rule that almost allowed a flow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Nearest {
    /// The rule.
    pub rule: RuleRef,
    /// What the flow lacked, in words: `it allows 443/tcp`.
    pub misses: Vec<String>,
}

/// Flags of TCP in words, `SYN,ACK`; the packet's lowest eight.
pub fn tcp_flags(flags: u8) -> String {
    const NAMES: [&str; 8] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"];
    let set = NAMES.iter().enumerate().filter(|(bit, _)| flags & (1 << bit) != 0);
    set.map(|(_, name)| *name).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::{Kind, Told, tcp_flags};

    #[test]
    fn flags_have_names() {
        assert_eq!(tcp_flags(0x12), "SYN,ACK");
        assert_eq!(tcp_flags(0), "");
    }

    #[test]
    fn an_event_is_read_back_from_its_line() {
        let told = Told { kind: Kind::Audit, endpoint: "shop/cart".to_owned(), ..Told::default() };
        let line = serde_json::to_string(&told).unwrap();
        assert!(line.contains(r#""kind":"audit""#) && line.contains(r#""verdict":"deny""#), "{line}");
        assert_eq!(serde_json::from_str::<Told>(&line).unwrap(), told);
    }
}
