//! DNS names and patterns, in `toFQDNs` and in DNS rules (semantics.md 1.3, 5.2).

use sluice_ir::dns_name::DnsPattern;

use super::PeerItems;
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::decode::{Decoder, Spanned, string};
use crate::source::{Node, Span};

pub(super) fn names(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Names(decoder.list(node, |decoder, item| {
        let mut fields = decoder.fields(item)?;
        let second = fields.entry("matchPattern").map(|entry| entry.key_span);
        let name = fields.read(decoder, "matchName", dns_name);
        let pattern = fields.read(decoder, "matchPattern", dns_pattern);
        let (has_name, has_pattern) = (fields.has("matchName"), fields.has("matchPattern"));
        let explained = fields.explained(decoder, "matchName") || fields.explained(decoder, "matchPattern");
        let first = fields.entry("matchName").map(|entry| entry.key_span);
        fields.finish(decoder);
        if has_name && has_pattern {
            decoder.report(
                Diagnostic::new(
                    Code::NameAndPattern,
                    second.unwrap_or(item.span),
                    "an element of `toFQDNs` has either `matchName` or `matchPattern`, not both",
                )
                .related(first.unwrap_or(item.span), "the other one")
                .help("write an element for each: elements add up"),
            );
            return None;
        }
        if explained {
            return None;
        }
        if !has_name && !has_pattern {
            decoder.report_schema(
                Diagnostic::new(
                    Code::OutsideSchema,
                    item.span,
                    "an element of `toFQDNs` without `matchName` or `matchPattern` matches no name",
                )
                .help("write `matchName: api.example.com` or `matchPattern: \"*.example.com\"`"),
            );
            return Some(Spanned::new(None, item.span));
        }
        if (has_name && name.is_none()) || (has_pattern && pattern.is_none()) {
            return None;
        }
        Some(Spanned::new(name.or(pattern), item.span))
    }))
}

/// A `matchName`.
pub(super) fn dns_name(decoder: &mut Decoder<'_>, node: &Node) -> Option<DnsPattern> {
    let text = string(decoder, node)?;
    match DnsPattern::match_name(&text.value) {
        Ok(name) => {
            outside_dns_schema(decoder, &name, text.span);
            Some(name)
        }
        Err(error) => {
            let help = match bare_name(&text.value) {
                _ if text.value.is_empty() => "write a name such as `api.example.com`".to_owned(),
                Some(bare) if bare.contains('*') => format!("write `matchPattern: \"{bare}\"`"),
                Some(bare) => format!("write the name alone: `{bare}`; a port belongs under `toPorts`"),
                None if text.value.contains('*') => "use `matchPattern` for a pattern with `*`".to_owned(),
                None => "a name is made of letters, digits, `-`, `_` and `.`".to_owned(),
            };
            decoder.report(
                Diagnostic::new(Code::DnsName, text.span, format!("`{}` is not a DNS name", text.value))
                    .label(error.to_string())
                    .help(help),
            );
            None
        }
    }
}

/// A `matchPattern`.
pub(super) fn dns_pattern(decoder: &mut Decoder<'_>, node: &Node) -> Option<DnsPattern> {
    let text = string(decoder, node)?;
    match DnsPattern::match_pattern(&text.value) {
        Ok(pattern) => {
            outside_dns_schema(decoder, &pattern, text.span);
            Some(pattern)
        }
        Err(error) => {
            decoder.report(
                Diagnostic::new(Code::DnsPattern, text.span, format!("`{}` is not a DNS pattern", text.value))
                    .label(error.to_string())
                    .help(match bare_name(&text.value) {
                        Some(bare) => format!("write the pattern alone: `\"{bare}\"`; a port belongs under `toPorts`"),
                        None => "a pattern is made of letters, digits, `-`, `_`, `.` and `*`; regular expressions are not supported".to_owned(),
                    }),
            );
            None
        }
    }
}

/// The name in a URL, or before a port; of a name with `*`, the name itself.
pub(super) fn bare_name(text: &str) -> Option<&str> {
    let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
    let bare = rest.split(['/', ':', '?']).next().unwrap_or(rest);
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.*".contains(c);
    let changed = bare.len() < text.len() || bare.contains('*');
    (changed && !bare.is_empty() && bare.chars().all(fits)).then_some(bare)
}

fn outside_dns_schema(decoder: &mut Decoder<'_>, pattern: &DnsPattern, span: Span) {
    if let Some(violation) = pattern.schema_violation() {
        decoder.report_schema(
            Diagnostic::new(
                Code::OutsideSchema,
                span,
                format!("the API server refuses `{}`", pattern.text()),
            )
            .label(violation.to_string())
            .help(violation.help()),
        );
    }
}
