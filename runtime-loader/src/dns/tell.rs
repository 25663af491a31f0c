//! Questions and answers as events.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::ResponseCode;

use super::cache::Endpoint;
use super::message::{Query, type_name};
use super::proxy::Ends;
use super::rules::Lines;
use crate::api::dns::{DnsTold, FiniteSeconds};
use crate::api::policy::Verdict;
use crate::api::snapshot::Direction;
use crate::api::time::Moment;
use crate::api::told::{End, Flow, Kind, Told};

/// Of so many lines an event tells at most.
const MOST_LINES: usize = 16;

/// What was answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Said {
    pub(super) code: Option<u16>,
    pub(super) addresses: Vec<IpAddr>,
    pub(super) ttl: Option<Duration>,
    pub(super) aliases: Vec<String>,
    pub(super) took: Option<Duration>,
    pub(super) problem: Option<&'static str>,
}

/// The event of a question.
pub(super) fn told(
    ends: &Ends,
    endpoint: &Endpoint,
    generation: u32,
    lines: &Lines,
    query: &Query,
    verdict: Verdict,
    said: Said,
) -> Told {
    let end = |address: SocketAddr, name: Option<String>| End {
        name,
        address: address.ip(),
        port: Some(address.port()),
    };
    Told {
        time: Moment::now(),
        kind: Kind::Query,
        verdict,
        flow: Flow {
            source: end(ends.from, Some(endpoint.to_string())),
            destination: end(ends.to, None),
            protocol: ends.transport.name().to_owned(),
            ..Flow::default()
        },
        direction: Direction::Egress,
        endpoint: endpoint.to_string(),
        generation,
        rules: lines.iter().take(MOST_LINES).cloned().collect(),
        dns: Some(DnsTold {
            query: query.text.clone(),
            qtype: type_name(query.kind),
            rcode: said.code.map(code_name),
            ips: said.addresses,
            ttl: said.ttl.map(|ttl| ttl.as_secs()),
            cnames: said.aliases,
            seconds: said.took.map(FiniteSeconds::of),
            problem: said.problem.map(str::to_owned),
        }),
        ..Told::default()
    }
}

/// As `dig` writes it.
fn code_name(code: u16) -> String {
    match ResponseCode::from(0, u8::try_from(code).unwrap_or(u8::MAX)) {
        ResponseCode::NoError => "NOERROR".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        _ => format!("RCODE{code}"),
    }
}
