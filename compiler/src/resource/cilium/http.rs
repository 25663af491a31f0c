//! HTTP rules (semantics.md 1.4).

use std::sync::Arc;

use sluice_ir::policy::{HeaderMatch, HttpRule, Mismatch};

use super::rule::not_enforced;
use super::tls::secret;
use crate::diagnostic::{Code, Diagnostic, Severity, did_you_mean};
use crate::resource::decode::{Decoder, string};
use crate::source::Node;

pub(super) fn http_rule(decoder: &mut Decoder<'_>, node: &Node) -> Option<HttpRule> {
    let mut fields = decoder.fields(node)?;
    let path = fields.read(decoder, "path", |d, n| regular_expression(d, n, Severity::Error));
    let method = fields.read(decoder, "method", |d, n| regular_expression(d, n, Severity::Error));
    // The agent hands the host on unread, so a fault in it shows only in the proxy (semantics.md 2.5).
    let host = fields.read(decoder, "host", |d, n| regular_expression(d, n, Severity::Warning));
    let headers = fields.read(decoder, "headers", |decoder, node| {
        Some(decoder.list(node, |decoder, item| string(decoder, item).map(|text| text.value)))
    });
    let header_matches =
        fields.read(decoder, "headerMatches", |decoder, node| Some(decoder.list(node, header_match)));
    fields.finish(decoder);
    let non_empty = |text: Option<Arc<str>>| text.filter(|text| !text.is_empty());
    Some(HttpRule {
        path: non_empty(path),
        method: non_empty(method),
        host: non_empty(host),
        headers: headers.unwrap_or_default(),
        header_matches: header_matches.unwrap_or_default(),
    })
}

fn regular_expression(decoder: &mut Decoder<'_>, node: &Node, severity: Severity) -> Option<Arc<str>> {
    let text = string(decoder, node)?;
    // `\Q..\E` and `\C` are RE2's own; the parser here does not know them, and no one should guess.
    let beyond = ["\\Q", "\\E", "\\C"].iter().any(|token| text.value.contains(token));
    match regex_syntax::Parser::new().parse(&text.value) {
        Err(error) if !beyond => {
            let reason = match &error {
                regex_syntax::Error::Parse(error) => error.kind().to_string(),
                regex_syntax::Error::Translate(error) => error.kind().to_string(),
                _ => "it cannot be read".to_owned(),
            };
            // The parser's own sentence is wider than a terminal.
            let reason = if reason.starts_with("look-around") {
                "look-around is not supported".to_owned()
            } else {
                reason
            };
            let help = match &*text.value {
                "*" => "write `.*` for anything",
                _ => {
                    "paths, methods and hosts are RE2 expressions that must match in full; put a `\\` before a special character to take it literally"
                }
            };
            decoder.report(
                Diagnostic::new(
                    Code::InvalidRegex,
                    text.span,
                    format!("`{}` is not a regular expression", text.value),
                )
                .severity(severity)
                .label(reason)
                .help(help),
            );
            (severity < Severity::Error).then_some(text.value)
        }
        _ => Some(text.value),
    }
}

fn header_match(decoder: &mut Decoder<'_>, node: &Node) -> Option<HeaderMatch> {
    let mut fields = decoder.fields(node)?;
    let name = fields.read(decoder, "name", string);
    let mismatch = fields.read(decoder, "mismatch", string);
    let secret_key = fields.entry("secret").map(|entry| entry.key_span);
    let secret = fields.read(decoder, "secret", |d, n| secret(d, n, Code::HeaderMatch));
    if let (Some(span), Some(_)) = (secret_key, &secret) {
        not_enforced(
            decoder,
            span,
            "secret",
            "the header's value is not fetched, and the match is not judged",
        );
    }
    let value = fields.read(decoder, "value", string);
    let nameless = !fields.has("name") || name.as_ref().is_some_and(|name| name.value.is_empty());
    fields.finish(decoder);
    if nameless {
        let span = name.as_ref().map_or(node.span, |name| name.span);
        decoder.report(
            Diagnostic::new(Code::HeaderMatch, span, "a header match needs the `name` of its header")
                .help("write `name: X-Token`"),
        );
        return None;
    }
    let mismatch = match mismatch.filter(|word| !word.value.is_empty()) {
        None => None,
        Some(word) => {
            match Mismatch::NAMES.iter().find(|(name, _)| *name == &*word.value) {
                Some((_, mismatch)) => Some(*mismatch),
                None => {
                    let known = Mismatch::NAMES.map(|(name, _)| name);
                    let help = match did_you_mean(&word.value, known) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "actions are `LOG`, `ADD`, `DELETE` and `REPLACE`; without one the request is refused".to_owned(),
                };
                    decoder.report(
                        Diagnostic::new(
                            Code::HeaderMatch,
                            word.span,
                            format!("unknown action `{}` on a mismatch", word.value),
                        )
                        .help(help),
                    );
                    return None;
                }
            }
        }
    };
    Some(HeaderMatch { mismatch, name: name?.value, secret, value: value.map(|value| value.value) })
}
