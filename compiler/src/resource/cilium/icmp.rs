//! `icmps` (semantics.md 1.5).

use sluice_ir::net::{PortRange, Protocol};

use super::IcmpRule;
use super::ports::MOST;
use crate::diagnostic::{Code, Diagnostic, Severity, did_you_mean};
use crate::resource::decode::{Decoder, string};
use crate::resource::icmp::{ICMP_NAMES, ICMPV6_NAMES};
use crate::source::{Node, Scalar};

/// Reads an element of `icmps`.
pub(super) fn icmp_rule(decoder: &mut Decoder<'_>, node: &Node) -> Option<IcmpRule> {
    let mut fields = decoder.fields(node)?;
    let place = fields.entry("fields").map(|entry| entry.key_span);
    let types = fields
        .read(decoder, "fields", |decoder, node| Some(decoder.list(node, icmp_field)))
        .unwrap_or_default();
    fields.finish(decoder);
    if let Some(span) = place
        && types.len() > MOST
    {
        decoder.report(
            Diagnostic::new(
                Code::TooManyIcmpTypes,
                span,
                format!("{} types stand in one list, and {MOST} is the most", types.len()),
            )
            .help("spread them over several elements of `icmps`"),
        );
    }
    Some(IcmpRule { path: decoder.path(), span: node.span, types })
}

fn icmp_field(decoder: &mut Decoder<'_>, node: &Node) -> Option<(Protocol, PortRange)> {
    let mut fields = decoder.fields(node)?;
    let family = fields.read(decoder, "family", string);
    let kind = fields.read(decoder, "type", |_, node| Some(node));
    let explained = fields.explained(decoder, "type");
    fields.finish(decoder);
    let protocol = match family.as_ref().map(|family| &*family.value) {
        None | Some("" | "IPv4") => Protocol::ICMP,
        Some("IPv6") => Protocol::ICMPV6,
        Some(other) => {
            let span = family.as_ref().map_or(node.span, |family| family.span);
            decoder.report(
                Diagnostic::new(Code::IcmpFamily, span, format!("unknown address family `{other}`"))
                    .help("write `IPv4` or `IPv6`"),
            );
            return None;
        }
    };
    let Some(kind) = kind else {
        if !explained {
            decoder.report(
                Diagnostic::new(Code::MissingIcmpType, node.span, "an ICMP entry needs a `type`")
                    .label("`type` is missing")
                    .help("write its number or name: `type: EchoRequest`"),
            );
        }
        return None;
    };
    Some((protocol, icmp_type(decoder, protocol, kind)?))
}

fn icmp_type(decoder: &mut Decoder<'_>, protocol: Protocol, node: &Node) -> Option<PortRange> {
    let number = match node.scalar() {
        Some(Scalar::Int(number)) => number,
        Some(Scalar::String(text)) => match text.parse() {
            Ok(number) => number,
            Err(_) => named_icmp_type(decoder, protocol, text, node)?,
        },
        _ => {
            decoder.wrong_type(node, "a number or a name");
            return None;
        }
    };
    match number {
        // Zero in the place of the port means all of them, and the agent's table cannot say otherwise.
        ..=0 => {
            decoder.report(
                Diagnostic::new(
                    Code::IcmpTypeZero,
                    node.span,
                    format!("type {number} matches every type of {protocol}"),
                )
                .help("replies need no rule: they belong to the request; list the types that are meant"),
            );
            Some(PortRange::ALL)
        }
        1..=255 => Some(PortRange::single(number as u16)),
        _ => {
            decoder.report(
                Diagnostic::new(
                    Code::InvalidIcmpType,
                    node.span,
                    format!("no ICMP message has type {number}, so this matches nothing"),
                )
                .severity(Severity::Warning)
                .help("a type is a number from 0 to 255"),
            );
            Some(PortRange::single(u16::try_from(number).unwrap_or(u16::MAX)))
        }
    }
}

fn named_icmp_type(decoder: &mut Decoder<'_>, protocol: Protocol, text: &str, node: &Node) -> Option<i64> {
    let (names, others) =
        if protocol == Protocol::ICMP { (ICMP_NAMES, ICMPV6_NAMES) } else { (ICMPV6_NAMES, ICMP_NAMES) };
    let find = |table: &[(&str, u8)]| {
        table.iter().find(|(name, _)| *name == text).map(|(_, number)| i64::from(*number))
    };
    if let Some(number) = find(names) {
        return Some(number);
    }
    let family = if protocol == Protocol::ICMP { "IPv4" } else { "IPv6" };
    let help = match did_you_mean(text, names.iter().map(|(name, _)| *name)) {
        _ if find(others).is_some() => {
            format!(
                "it is a type of the other family: add `family: {}`",
                if family == "IPv4" { "IPv6" } else { "IPv4" }
            )
        }
        Some(name) => format!("did you mean `{name}`?"),
        None if text.eq_ignore_ascii_case("ping") => "write `EchoRequest`".to_owned(),
        None => "write the type as a number, or by a name such as `EchoRequest`".to_owned(),
    };
    decoder.report(
        Diagnostic::new(
            Code::InvalidIcmpType,
            node.span,
            format!("no {family} ICMP type is called `{text}`"),
        )
        .help(help),
    );
    None
}
