//! `toPorts` (semantics.md 1.4, 2.4).

use std::sync::Arc;

use sluice_ir::net::{PortName, Protocol};
use sluice_ir::policy::{Action, Direction};

use super::l7;
use super::{L7Places, Port, PortEntry, PortRule};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::options::Accept;
use crate::resource::decode::{Decoder, Fields, Spanned, backticked, integer, string};
use crate::source::Node;

/// The most ports, and the most ICMP types, that one list may have.
pub(super) const MOST: usize = 40;

/// Protocols of `ANY` (semantics.md 4.4).
const ANY: [Protocol; 3] = [Protocol::TCP, Protocol::UDP, Protocol::SCTP];

/// Protocols beyond those with ports (semantics.md 1.4).
const EXTENDED: [&str; 7] = ["VRRP", "IGMP", "GRE", "IPIP", "IPV6", "ESP", "AH"];

/// Reads an element of `toPorts`.
pub(super) fn port_rule(
    decoder: &mut Decoder<'_>,
    node: &Node,
    direction: Direction,
    action: Action,
) -> Option<PortRule> {
    let mut fields = decoder.fields(node)?;
    let places = fields.entry("ports").map(|entry| entry.key_span);
    let ports = fields
        .read(decoder, "ports", |decoder, node| Some(decoder.list(node, port_entry)))
        .unwrap_or_default();
    if let Some(span) = places
        && ports.len() > MOST
    {
        decoder.report(
            Diagnostic::new(
                Code::TooManyPorts,
                span,
                format!("{} ports stand in one list, and {MOST} is the most", ports.len()),
            )
            .help("use a range with `endPort`, or spread them over several elements of `toPorts`"),
        );
    }
    let mut rule = PortRule {
        span: node.span,
        path: decoder.path(),
        ports,
        l7: Default::default(),
        l7_places: L7Places::default(),
    };
    match action {
        Action::Allow => l7::read(decoder, &mut fields, direction, &mut rule),
        Action::Deny => dropped(decoder, &mut fields),
    }
    fields.finish(decoder);
    Some(rule)
}

/// What a deny entry cannot have is dropped by the schema, and the deny stays (semantics.md 12.2).
fn dropped(decoder: &mut Decoder<'_>, fields: &mut Fields<'_>) {
    for name in ["rules", "listener", "serverNames", "terminatingTLS", "originatingTLS"] {
        if let Some(entry) = fields.entry(name).filter(|entry| !entry.value.is_null()) {
            decoder.report(
                Diagnostic::new(
                    Code::DroppedField,
                    entry.key_span,
                    format!("`{name}` has no effect in a deny: all traffic on these ports is denied"),
                )
                .help("remove it; to allow part of the traffic, write an allow with these rules instead"),
            );
        }
    }
}

fn port_entry(decoder: &mut Decoder<'_>, node: &Node) -> Option<PortEntry> {
    let mut fields = decoder.fields(node)?;
    let text = fields.read(decoder, "port", string);
    let end = fields.read(decoder, "endPort", integer);
    let protocol = fields.read(decoder, "protocol", string);
    let (has_port, has_protocol) = (fields.has("port"), fields.has("protocol"));
    let explained = !has_port && fields.explained(decoder, "port");
    fields.finish(decoder);
    let extended = protocol.as_ref().and_then(extended_protocol);
    if !has_port || text.as_ref().is_some_and(|text| text.value.is_empty()) {
        if extended.is_some() && decoder.options.extended_ip_protocols {
            let place = text.map_or(node.span, |text| text.span);
            return Some(PortEntry {
                span: node.span,
                port: Spanned::new(Port::All, place),
                end: None,
                protocols: extended.into_iter().collect(),
                protocol_span: protocol.map(|protocol| protocol.span),
            });
        }
        if !explained {
            missing_port(decoder, node, text.as_ref(), extended.is_some());
        }
        return None;
    }
    let protocols = match &protocol {
        Some(protocol) => read_protocol(decoder, protocol)?,
        None if has_protocol => return None,
        None => ANY.to_vec(),
    };
    let text = text?;
    let port = read_port(decoder, &text)?;
    if extended.is_some() && port != Port::All {
        decoder.report(
            Diagnostic::new(
                Code::PortForExtendedProtocol,
                text.span,
                format!("`{}` has no ports", protocol.as_ref().map_or("", |p| &p.value)),
            )
            .help("write `port: \"0\"`, which means the whole protocol"),
        );
        return None;
    }
    let end = end.and_then(|end| end_port(decoder, &port, end));
    Some(PortEntry {
        span: node.span,
        port: Spanned::new(port, text.span),
        end,
        protocols,
        protocol_span: protocol.map(|protocol| protocol.span),
    })
}

fn missing_port(decoder: &mut Decoder<'_>, node: &Node, text: Option<&Spanned<Arc<str>>>, extended: bool) {
    let span = text.map_or(node.span, |text| text.span);
    let help = if extended {
        "write `port: \"0\"`, or set `enableExtendedIPProtocols` as the cluster has it"
    } else {
        "write `port: \"443\"`; `port: \"0\"` means every port of the protocol"
    };
    let label = if text.is_some() { "nothing is in it" } else { "`port` is missing" };
    let diagnostic = Diagnostic::new(Code::MissingPort, span, "a port entry needs a `port`");
    decoder.report(diagnostic.label(label).help(help));
}

fn extended_protocol(text: &Spanned<Arc<str>>) -> Option<Protocol> {
    EXTENDED.contains(&text.value.to_ascii_uppercase().as_str()).then(|| Protocol::from_name(&text.value))?
}

fn read_protocol(decoder: &mut Decoder<'_>, text: &Spanned<Arc<str>>) -> Option<Vec<Protocol>> {
    let upper = text.value.to_ascii_uppercase();
    let known = ["TCP", "UDP", "SCTP", "ANY"];
    let protocols = match upper.as_str() {
        "" | "ANY" => Some(ANY.to_vec()),
        "TCP" => Some(vec![Protocol::TCP]),
        "UDP" => Some(vec![Protocol::UDP]),
        "SCTP" => Some(vec![Protocol::SCTP]),
        _ => extended_protocol(text).map(|protocol| vec![protocol]),
    };
    let everything = known.iter().chain(&EXTENDED);
    if protocols.is_none() {
        let help = match (upper.as_str(), did_you_mean(&text.value, everything.copied())) {
            ("ICMP" | "ICMPV6", _) => {
                "write it in place of `toPorts`: `icmps: [{fields: [{type: EchoRequest}]}]`".to_owned()
            }
            ("HTTP" | "HTTPS" | "HTTP2" | "GRPC" | "TLS" | "SSL", _) => {
                "write what carries it: `TCP`".to_owned()
            }
            ("DNS", _) => "write what carries it: `UDP` and `TCP`, or `ANY`".to_owned(),
            ("*" | "ALL", _) => "write `ANY`, or leave `protocol` out".to_owned(),
            (several, _) if several.contains(['/', ',', '|', ' ']) => {
                "write an element of `ports` for each protocol, or `ANY` for all".to_owned()
            }
            (_, Some(name)) => format!("did you mean `{name}`?"),
            _ => format!("protocols are {}", backticked(&known)),
        };
        decoder.report(
            Diagnostic::new(
                Code::InvalidProtocol,
                text.span,
                format!("`{}` is not a protocol here", text.value),
            )
            .help(help),
        );
    } else if &*text.value != upper.as_str() || upper.is_empty() {
        decoder.report_schema(
            Diagnostic::new(
                Code::OutsideSchema,
                text.span,
                format!("the API server refuses the protocol `{}`", text.value),
            )
            .help(format!("write it in capitals: `{}`", if upper.is_empty() { "ANY" } else { &upper })),
        );
    }
    protocols
}

/// Reads a port: a service name, or a number as Go reads one with base prefixes and underscores.
fn read_port(decoder: &mut Decoder<'_>, text: &Spanned<Arc<str>>) -> Option<Port> {
    if let Some(name) = PortName::parse(&text.value) {
        return Some(Port::Name(name));
    }
    match go_integer(&text.value) {
        Some(0) => Some(Port::All),
        Some(number) => Some(Port::Number(number)),
        None => {
            decoder.report(
                Diagnostic::new(
                    Code::InvalidPort,
                    text.span,
                    format!("`{}` is neither a port number nor a port name", text.value),
                )
                .help(port_help(&text.value)),
            );
            None
        }
    }
}

fn port_help(text: &str) -> String {
    let range = text.split_once(['-', ':']).map(|(a, b)| (a.trim(), b.trim()));
    let number = |text: &str| text.parse::<u16>().is_ok();
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    if matches!(text, "*") {
        return "write `port: \"0\"` for every port of the protocol".to_owned();
    }
    if text.contains([',', ';']) {
        return "write an element of `ports` for each port".to_owned();
    }
    if let Some((first, rest)) = text.split_once('/').filter(|(first, _)| number(first)) {
        return format!("write `port: \"{first}\"` and `protocol: {}`", rest.to_ascii_uppercase());
    }
    if let Some((_, last)) = range.filter(|(a, b)| !a.is_empty() && !number(a) && number(b)) {
        return format!("write the number alone: `port: \"{last}\"`");
    }
    if text.parse::<i64>().is_ok_and(|number| number < 0) {
        return "a port is a number from 0 to 65535".to_owned();
    }
    if let Some((first, last)) = range.filter(|(a, b)| number(a) && number(b)) {
        return format!("write a range as `port: \"{first}\"` with `endPort: {last}`");
    }
    if digits && text.starts_with('0') {
        let plain = text.trim_start_matches('0');
        return format!("a leading zero means octal here; write the number without it: `\"{plain}\"`");
    }
    if number(text.trim()) {
        return format!("remove the blanks: `\"{}\"`", text.trim());
    }
    if digits {
        return "a port is a number from 0 to 65535".to_owned();
    }
    "a port name has at most 15 letters, digits and single hyphens, one letter at least, and no hyphen at its ends"
        .to_owned()
}

/// An unsigned 16-bit number with an optional base prefix, and underscores between digits.
fn go_integer(text: &str) -> Option<u16> {
    let lower = text.to_ascii_lowercase();
    let (digits, base) = match lower.as_bytes() {
        [b'0', b'x', ..] => (&lower[2..], 16),
        [b'0', b'b', ..] => (&lower[2..], 2),
        [b'0', b'o', ..] => (&lower[2..], 8),
        [b'0', _, ..] => (&lower[1..], 8),
        _ => (lower.as_str(), 10),
    };
    let prefixed = digits.len() < lower.len();
    let digits = if prefixed { digits.strip_prefix('_').unwrap_or(digits) } else { digits };
    if digits.is_empty()
        || digits.starts_with(['+', '-', '_'])
        || digits.ends_with('_')
        || digits.contains("__")
    {
        return None;
    }
    u16::from_str_radix(&digits.replace('_', ""), base).ok()
}

/// The end of a range, if it counts. What lies outside 16 bits is refused by the API server and
/// wrapped by the agent (semantics.md 12.2).
fn end_port(decoder: &mut Decoder<'_>, port: &Port, end: Spanned<i64>) -> Option<Spanned<u16>> {
    let wrapped = end.value as u16;
    if end.value != i64::from(wrapped) {
        let (code, message) = match decoder.options.accept {
            Accept::ApiServer => (Code::InvalidEndPort, format!("`{}` is not a port number", end.value)),
            Accept::Agent => {
                (Code::PortWraps, format!("the agent cuts `{}` to 16 bits, which is {wrapped}", end.value))
            }
        };
        let diagnostic =
            Diagnostic::new(code, end.span, message).help("`endPort` is a number from 0 to 65535");
        decoder.report(diagnostic);
        if decoder.options.accept == Accept::ApiServer {
            return None;
        }
    }
    match port {
        Port::Number(start) if wrapped < *start && end.value != 0 => {
            decoder.report(
                Diagnostic::new(
                    Code::EndPortBelowPort,
                    end.span,
                    format!("`endPort` is below port {start}, so only port {start} is matched"),
                )
                .help("swap the two, or remove `endPort`"),
            );
            None
        }
        Port::All if end.value != 0 => {
            decoder.report(
                Diagnostic::new(
                    Code::EndPortBelowPort,
                    end.span,
                    "port 0 means every port, so `endPort` has no effect",
                )
                .help("begin the range at 1: `port: \"1\"`"),
            );
            None
        }
        Port::All => None,
        Port::Number(start) => (wrapped > *start).then_some(Spanned::new(wrapped, end.span)),
        Port::Name(_) => Some(Spanned::new(wrapped, end.span)),
    }
}

#[cfg(test)]
mod tests {
    use super::go_integer;

    #[test]
    fn ports_are_read_with_base_prefixes() {
        let cases = [
            ("80", Some(80)),
            ("00", Some(0)),
            ("010", Some(8)),
            ("007", Some(7)),
            ("1_000", Some(1000)),
            ("0b11", Some(3)),
            ("65535", Some(65535)),
            ("65536", None),
            ("089", None),
            ("-1", None),
            ("+1", None),
            (" 80", None),
            ("1__0", None),
            ("_1", None),
            ("", None),
        ];
        for (text, number) in cases {
            assert_eq!(go_integer(text), number, "{text}");
        }
    }
}
