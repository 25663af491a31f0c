//! One entry of a recording.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use sluice_ir::dns_name::DnsName;

use super::time::Time;
use super::{Recorded, Said};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::resource::address::address;
use crate::source::{Node, NodeKind, Scalar, Span};

/// The keys of an entry that people write.
const KEYS: [&str; 7] = ["query", "ips", "ttl", "time", "endpoint", "rcode", "cnames"];

const HELP: &str = "an entry looks like `{time: 2026-05-01T09:30:00Z, endpoint: shop/web, query: api.example.com, ips: \
    [203.0.113.7], ttl: 60}`";

/// What is wrong with an entry.
type Fault = Box<Diagnostic>;

/// An entry with what its time is; none if it is about something else.
pub(super) type Read = Result<Option<(Recorded, Option<Kind>)>, Vec<Diagnostic>>;

/// How a time is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Of a calendar.
    Dated,
    /// In seconds since the recording began.
    Counted,
}

/// Whether a mapping is an entry, and not a map from names to addresses.
pub(super) fn is_entry(node: &Node) -> bool {
    let has = |keys: &[&str]| keys.iter().all(|key| node.get(key).is_some());
    let scalar = |key: &str| node.get(key).is_some_and(|value| value.scalar().is_some());
    has(&["fqdn"])
        || has(&["kind", "time"])
        || has(&["e", "n", "a"])
        || has(&["e", "u", "a"])
        || has(&["version", "number", "records"])
        || (scalar("lost")
            && node.get("lost").is_some_and(|lost| matches!(lost.scalar(), Some(Scalar::Int(_)))))
        || (scalar("query") && KEYS.iter().any(|key| *key != "query" && has(&[key])))
}

/// Reads an entry, whoever wrote it.
pub(super) fn read(node: &Node) -> Read {
    let one = |fault: Fault| vec![*fault];
    if node.get("fqdn").is_some() {
        return cached(node).map(Some);
    }
    if node.get("kind").is_some() {
        return event(node);
    }
    if node.get("e").is_some() && node.get("n").is_some() {
        return kept(node).map(Some);
    }
    if node.get("query").is_none() {
        // The head of what is kept, a pod that was there, or how many events were lost.
        return Ok(None);
    }
    if let NodeKind::Mapping(entries) = &node.kind
        && let Some(entry) = entries.iter().find(|entry| !KEYS.contains(&&*entry.key))
    {
        let message = format!("an entry has no key `{}`", entry.key);
        let close = did_you_mean(&entry.key, KEYS).map(|close| format!("did you mean `{close}`?"));
        let help = close.unwrap_or_else(|| HELP.to_owned());
        return Err(vec![Diagnostic::new(Code::DnsAnswers, entry.key_span, message).help(help)]);
    }
    let time = time(node, "time").map_err(one)?;
    let recorded = written(node, node)?;
    Ok(Some((Recorded { time: time.map(|(time, _)| time), ..recorded }, time.map(|(_, kind)| kind))))
}

/// An entry of the cache of an agent, ours or Cilium's.
fn cached(node: &Node) -> Result<(Recorded, Option<Kind>), Vec<Diagnostic>> {
    let one = |fault: Fault| vec![*fault];
    let (name, span) = name(node, "fqdn").map_err(one)?;
    let Some(ips) = node.get("ips") else { return Err(one(fault(node.span, "the entry has no `ips`"))) };
    let addresses = addresses(ips)?;
    let time = time(node, "lookup-time").map_err(one)?;
    let ttl = seconds(node, "ttl").map_err(one)?;
    let endpoint = text(node, "endpoint").map_err(one)?;
    let said = Said::Addresses(addresses, ttl);
    let at = time.map(|(time, _)| time);
    Ok((Recorded { name, span, time: at, endpoint, said, aliases: Vec::new() }, time.map(|(_, kind)| kind)))
}

/// A line of the monitor: of questions only those that were refused, as the others are followed by an answer.
fn event(node: &Node) -> Read {
    let one = |fault: Fault| vec![*fault];
    let kind = text(node, "kind").map_err(one)?;
    let refused = match kind.as_deref() {
        Some("query") => text(node, "verdict").map_err(one)?.as_deref() == Some("deny"),
        Some("answer") => false,
        _ => return Ok(None),
    };
    if kind.as_deref() == Some("query") && !refused {
        return Ok(None);
    }
    let Some(dns) = node.get("dns") else {
        return Err(one(fault(node.span, "an event of this kind has `dns`")));
    };
    // Nobody learns anything by a name that is none.
    let Some(Ok(name)) = dns.get("query").map(|_| name(dns, "query")) else { return Ok(None) };
    let time = time(node, "time").map_err(one)?;
    let (at, kind) = (time.map(|(time, _)| time), time.map(|(_, kind)| kind));
    let endpoint = text(node, "endpoint").map_err(one)?;
    if refused {
        let (name, span) = name;
        let said = Said::Refused;
        return Ok(Some((Recorded { name, span, time: at, endpoint, said, aliases: Vec::new() }, kind)));
    }
    let recorded = written(dns, node)?;
    Ok(Some((Recorded { time: at, endpoint, ..recorded }, kind)))
}

/// A line of what the agent keeps.
fn kept(node: &Node) -> Result<(Recorded, Option<Kind>), Vec<Diagnostic>> {
    let one = |fault: Fault| vec![*fault];
    let (name, span) = name(node, "n").map_err(one)?;
    let addresses = addresses(node.get("a").unwrap_or(node))?;
    let endpoint = text(node, "e").map_err(one)?;
    let (time, said) = match node.get("t").filter(|times| !times.is_null()) {
        None => (None, Said::Gone(addresses)),
        Some(times) => {
            let micros = |node: &Node| match node.scalar() {
                Some(Scalar::Int(micros)) => u64::try_from(micros).ok().map(Time::of_micros),
                _ => None,
            };
            let read = match &times.kind {
                NodeKind::Sequence(items) => items.iter().map(micros).collect::<Option<Vec<Time>>>(),
                _ => None,
            };
            let Some([from, until]) = read.as_deref() else {
                return Err(one(fault(times.span, "`t` is two numbers of microseconds")));
            };
            (Some(*from), Said::Addresses(addresses, Some(until.since(*from))))
        }
    };
    Ok((Recorded { name, span, time, endpoint, said, aliases: Vec::new() }, time.map(|_| Kind::Dated)))
}

/// What people write, and what `dns` of an event has.
fn written(node: &Node, whole: &Node) -> Result<Recorded, Vec<Diagnostic>> {
    let one = |fault: Fault| vec![*fault];
    let (name, span) = name(node, "query").map_err(one)?;
    let ips = match node.get("ips").filter(|ips| !ips.is_null()) {
        Some(ips) => addresses(ips)?,
        None => Vec::new(),
    };
    let ttl = seconds(node, "ttl").map_err(one)?;
    let endpoint = text(whole, "endpoint").map_err(one)?;
    let code = text(node, "rcode").map_err(one)?;
    let problem = text(node, "problem").map_err(one)?;
    let refused = code.as_deref() == Some("REFUSED") && problem.is_none() && whole.get("kind").is_none();
    let said = match code.as_deref().unwrap_or("NOERROR") {
        _ if refused => Said::Refused,
        "NOERROR" if !ips.is_empty() => Said::Addresses(ips, ttl),
        "NOERROR" => Said::Nothing(problem.as_deref().unwrap_or("no addresses").into()),
        code => Said::Nothing(problem.as_deref().unwrap_or(code).into()),
    };
    let aliases = match node.get("cnames").map(|names| &names.kind) {
        Some(NodeKind::Sequence(names)) => names.iter().filter_map(alias).collect(),
        _ => Vec::new(),
    };
    Ok(Recorded { name, span, time: None, endpoint, said, aliases })
}

/// A name of a chain; what is no name is of no use.
fn alias(node: &Node) -> Option<DnsName> {
    match node.scalar() {
        Some(Scalar::String(text)) => DnsName::parse(text).ok(),
        _ => None,
    }
}

fn name(node: &Node, key: &str) -> Result<(DnsName, Span), Fault> {
    let value = node.get(key).unwrap_or(node);
    let Some(Scalar::String(text)) = value.scalar() else {
        return Err(fault(value.span, &format!("`{key}` is a name")));
    };
    let name = DnsName::parse(text).map_err(|_| fault(value.span, &format!("`{text}` is not a DNS name")))?;
    Ok((name, value.span))
}

/// Every address that is one; what is wrong with the others.
fn addresses(node: &Node) -> Result<Vec<IpAddr>, Vec<Diagnostic>> {
    let NodeKind::Sequence(items) = &node.kind else {
        let message = format!("a list of addresses is needed, and this is {}", node.type_name());
        return Err(vec![*fault(node.span, &message)]);
    };
    let (mut read, mut found) = (Vec::with_capacity(items.len()), Vec::new());
    for item in items {
        match address(item) {
            Ok(address) => read.push(address.value),
            Err(diagnostic) => found.push(*diagnostic),
        }
    }
    if found.is_empty() { Ok(read) } else { Err(found) }
}

/// A text, if it is there.
fn text(node: &Node, key: &str) -> Result<Option<Arc<str>>, Fault> {
    let Some(value) = node.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    match value.scalar() {
        Some(Scalar::String(text)) => Ok(Some(text.into())),
        _ => Err(fault(value.span, &format!("`{key}` is a text, and this is {}", value.type_name()))),
    }
}

fn number(node: &Node) -> Option<Duration> {
    match node.scalar() {
        Some(Scalar::Int(seconds)) => u64::try_from(seconds).ok().map(Duration::from_secs),
        Some(Scalar::Float(seconds)) => Duration::try_from_secs_f64(seconds).ok(),
        _ => None,
    }
}

fn seconds(node: &Node, key: &str) -> Result<Option<Duration>, Fault> {
    let Some(value) = node.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    let wrong = || fault(value.span, &format!("`{key}` is a number of seconds"));
    number(value).map(Some).ok_or_else(wrong)
}

fn time(node: &Node, key: &str) -> Result<Option<(Time, Kind)>, Fault> {
    let Some(value) = node.get(key).filter(|value| !value.is_null()) else { return Ok(None) };
    if let Some(since) = number(value) {
        return Ok(Some((Time::default().after(since), Kind::Counted)));
    }
    let time = match value.scalar() {
        Some(Scalar::String(text)) => Time::of_calendar(text),
        _ => None,
    };
    let message =
        format!("`{key}` is a time such as `2026-05-01T09:30:00Z`, or seconds since the recording began");
    time.map(|time| Some((time, Kind::Dated))).ok_or_else(|| fault(value.span, &message))
}

fn fault(span: Span, message: &str) -> Fault {
    Diagnostic::new(Code::DnsAnswers, span, message).help(HELP).into()
}
