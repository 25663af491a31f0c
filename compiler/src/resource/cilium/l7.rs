//! What a port rule asks of the proxy (semantics.md 1.4, 2.5).

use std::sync::Arc;

use sluice_ir::net::Protocol;
use sluice_ir::policy::{
    Direction, DnsRule, HeaderMatch, HttpRule, L7Rules, Listener, Mismatch, SecretRef, TlsContext,
};

use super::peers::{bare_name, dns_name, dns_pattern};
use super::rule::not_enforced;
use super::{Port, PortRule};
use crate::diagnostic::{Code, Diagnostic, Severity, did_you_mean};
use crate::resource::decode::{Decoder, Fields, Spanned, integer, string};
use crate::source::{Node, NodeKind, Span};

/// Reads `rules`, `listener`, `serverNames` and the TLS contexts of a port rule, and checks them
/// against its ports.
pub(super) fn read(
    decoder: &mut Decoder<'_>,
    fields: &mut Fields<'_>,
    direction: Direction,
    rule: &mut PortRule,
) {
    let mut tls = |decoder: &mut Decoder<'_>, name: &'static str| {
        let span = fields.entry(name)?.key_span;
        let context = fields.read(decoder, name, tls_context)?;
        not_enforced(decoder, span, name, "the connection is shown as redirected, and TLS is left as it is");
        rule.l7_places.tls.get_or_insert(span);
        Some(context)
    };
    rule.l7.terminating_tls = tls(decoder, "terminatingTLS");
    rule.l7.originating_tls = tls(decoder, "originatingTLS");
    rule.l7_places.server_names = fields.entry("serverNames").map(|entry| entry.key_span);
    rule.l7.server_names = fields.read(decoder, "serverNames", server_names).unwrap_or_default();
    rule.l7_places.listener = fields.entry("listener").map(|entry| entry.key_span);
    rule.l7.listener = fields.read(decoder, "listener", listener);
    fields.read(decoder, "rules", |decoder, node| {
        rules(decoder, node, rule);
        Some(())
    });
    rules_fit_ports(decoder, direction, rule);
    others_fit(decoder, direction, rule);
}

fn rules(decoder: &mut Decoder<'_>, node: &Node, rule: &mut PortRule) {
    let Some(mut fields) = decoder.fields(node) else { return };
    rule.l7_places.http = fields.entry("http").filter(|e| !e.value.is_null()).map(|entry| entry.key_span);
    rule.l7_places.dns = fields.entry("dns").filter(|e| !e.value.is_null()).map(|entry| entry.key_span);
    let http = fields.read(decoder, "http", |decoder, node| Some(decoder.list(node, http_rule)));
    let dns = fields.read(decoder, "dns", |decoder, node| Some(decoder.list(node, dns_rule)));
    for name in ["kafka", "l7proto", "l7"] {
        removed(decoder, &mut fields, name);
    }
    let written = ["http", "dns"].iter().any(|name| fields.has(name) || fields.explained(decoder, name));
    let removed = ["kafka", "l7proto", "l7"].iter().any(|name| fields.has(name));
    fields.finish(decoder);
    if let (Some(http), Some(dns)) = (rule.l7_places.http, rule.l7_places.dns) {
        let (first, second) = if http.start < dns.start { (http, dns) } else { (dns, http) };
        decoder.report(
            Diagnostic::new(Code::L7Kinds, second, "`rules` has both `http` and `dns`")
                .related(first, "the other kind")
                .help("write two elements of `toPorts`, each with its own ports and rules"),
        );
    }
    if !written && !removed {
        decoder.report_schema(
            Diagnostic::new(
                Code::OutsideSchema,
                node.span,
                "`rules` has neither `http` nor `dns`, so it restricts nothing",
            )
            .help("write the rules, or remove `rules`: the API server refuses an empty one"),
        );
    }
    rule.l7.rules = match (http, dns) {
        (Some(http), _) if !http.is_empty() => L7Rules::Http(http),
        (_, Some(dns)) if !dns.is_empty() => L7Rules::Dns(dns),
        _ => L7Rules::None,
    };
}

/// Kafka and generic rules are gone; the agent drops them, which leaves a plain allow (semantics.md 12.2).
fn removed(decoder: &mut Decoder<'_>, fields: &mut Fields<'_>, name: &'static str) {
    if let Some(entry) = fields.retired(name).filter(|entry| !entry.value.is_null()) {
        decoder.report_schema(
            Diagnostic::new(
                Code::RemovedL7,
                entry.key_span,
                format!("`{name}` rules were removed from Cilium; an agent drops them and allows all traffic on the port"),
            )
            .help("restrict the peers and ports instead, or put a proxy of your own in front"),
        );
    }
}

fn http_rule(decoder: &mut Decoder<'_>, node: &Node) -> Option<HttpRule> {
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

fn secret(decoder: &mut Decoder<'_>, node: &Node, code: Code) -> Option<SecretRef> {
    let mut fields = decoder.fields(node)?;
    let namespace = fields.read(decoder, "namespace", string);
    let name = fields.read(decoder, "name", string);
    let missing = !fields.has("name") || name.as_ref().is_some_and(|name| name.value.is_empty());
    fields.finish(decoder);
    if missing {
        decoder.report(
            Diagnostic::new(code, decoder.place(node), "a secret reference needs the `name` of the secret")
                .help("write `secret: {namespace: cilium-secrets, name: my-secret}`"),
        );
        return None;
    }
    let namespace = namespace.map(|namespace| namespace.value);
    Some(SecretRef { namespace, name: name?.value })
}

fn tls_context(decoder: &mut Decoder<'_>, node: &Node) -> Option<TlsContext> {
    let mut fields = decoder.fields(node)?;
    let reference = fields.read(decoder, "secret", |d, n| secret(d, n, Code::TlsSecret));
    let mut key = |decoder: &mut Decoder<'_>, name| fields.read(decoder, name, string).map(|t| t.value);
    let trusted_ca = key(decoder, "trustedCA");
    let certificate = key(decoder, "certificate");
    let private_key = key(decoder, "privateKey");
    if !fields.has("secret") {
        decoder.report(
            Diagnostic::new(
                Code::TlsSecret,
                decoder.place(node),
                "a TLS context needs the `secret` that holds its keys",
            )
            .help("write `secret: {namespace: cilium-secrets, name: my-secret}`"),
        );
    }
    fields.finish(decoder);
    Some(TlsContext { secret: reference?, trusted_ca, certificate, private_key })
}

fn server_names(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<Arc<str>>> {
    if matches!(&node.kind, NodeKind::Sequence(items) if items.is_empty()) {
        decoder.report_schema(
            Diagnostic::new(
                Code::OutsideSchema,
                node.span,
                "the API server refuses an empty list of server names",
            )
            .help("list the names, or remove the key: an agent takes an empty list for no restriction"),
        );
        return Some(Vec::new());
    }
    let mut seen: Vec<Spanned<Arc<str>>> = Vec::new();
    let read = decoder.list(node, |decoder, item| {
        let name = string(decoder, item)?;
        let characters = name.value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.*".contains(&b));
        if name.value.is_empty() {
            decoder.report(
                Diagnostic::new(Code::ServerName, name.span, "a server name is empty")
                    .help("write the name that TLS clients ask for, or remove the element"),
            );
            return None;
        }
        if name.value.len() > 255 || !characters {
            decoder.report_schema(
                Diagnostic::new(
                    Code::ServerName,
                    name.span,
                    format!("`{}` is not a server name", name.value),
                )
                .help(match bare_name(&name.value).filter(|bare| bare.len() < name.value.len()) {
                    Some(bare) => format!("write the name alone: `{bare}`"),
                    None => "a server name has at most 255 letters, digits, `-`, `_` and `.`, and `*` as a wildcard"
                        .to_owned(),
                }),
            );
        }
        if let Some(first) = seen.iter().find(|first| first.value == name.value) {
            decoder.report_schema(
                Diagnostic::new(
                    Code::OutsideSchema,
                    name.span,
                    format!("the server name `{}` stands here twice", name.value),
                )
                .related(first.span, "the first")
                .help("remove one of them"),
            );
        }
        seen.push(name.clone());
        Some(name.value)
    });
    let place = decoder.place(node);
    not_enforced(
        decoder,
        place,
        "serverNames",
        "the connection is shown as redirected, and the name is not compared",
    );
    Some(read)
}

fn listener(decoder: &mut Decoder<'_>, node: &Node) -> Option<Listener> {
    let place = decoder.place(node);
    let mut fields = decoder.fields(node)?;
    let config = fields.read(decoder, "envoyConfig", |decoder, node| {
        let mut fields = decoder.fields(node)?;
        let kind = fields.read(decoder, "kind", string);
        let name = fields.read(decoder, "name", string);
        let unnamed = !fields.has("name");
        fields.finish(decoder);
        if unnamed {
            let place = decoder.place(node);
            no_listener(
                decoder,
                place,
                "`envoyConfig` needs the `name` of the object that holds the listener",
            );
        }
        let kind = kind.unwrap_or_else(|| Spanned::new("".into(), node.span));
        listener_scope(decoder, &kind);
        Some((kind.value, name?.value))
    });
    let name = fields.read(decoder, "name", string);
    let priority = fields.read(decoder, "priority", integer);
    if !fields.has("envoyConfig") {
        no_listener(decoder, place, "a listener needs `envoyConfig`");
    }
    if !fields.has("name") {
        no_listener(decoder, place, "a listener needs its `name`");
    } else if let Some(empty) = name.as_ref().filter(|name| name.value.is_empty()) {
        no_listener(decoder, empty.span, "the name of a listener is empty");
    }
    fields.finish(decoder);
    if let Some(priority) = priority.as_ref().filter(|priority| !(1..=100).contains(&priority.value)) {
        decoder.report_schema(
            Diagnostic::new(
                Code::OutsideSchema,
                priority.span,
                format!("a listener has no priority {}", priority.value),
            )
            .help("a priority is a number from 1 to 100"),
        );
    }
    not_enforced(decoder, place, "listener", "the connection is shown as redirected, and no proxy is set up");
    let (config_kind, config_name) = config?;
    let priority =
        priority.and_then(|priority| u8::try_from(priority.value).ok()).filter(|priority| *priority > 0);
    Some(Listener { config_kind, config_name, name: name?.value, priority })
}

/// A cluster-wide policy cannot name a namespaced configuration (semantics.md 2.5).
fn listener_scope(decoder: &mut Decoder<'_>, kind: &Spanned<Arc<str>>) {
    let clusterwide = decoder.document().kind == "CiliumClusterwideNetworkPolicy";
    match &*kind.value {
        "CiliumClusterwideEnvoyConfig" => {}
        "" | "CiliumEnvoyConfig" if clusterwide => decoder.report(
            Diagnostic::new(
                Code::ListenerScope,
                kind.span,
                "a cluster-wide policy cannot use a listener of a namespace",
            )
            .help("use `kind: CiliumClusterwideEnvoyConfig`"),
        ),
        "" | "CiliumEnvoyConfig" => {}
        other => decoder.report_schema(
            Diagnostic::new(Code::ListenerReference, kind.span, format!("`{other}` holds no listeners"))
                .help("use `CiliumEnvoyConfig` or `CiliumClusterwideEnvoyConfig`"),
        ),
    }
}

fn no_listener(decoder: &mut Decoder<'_>, span: Span, message: &str) {
    decoder.report_schema(
        Diagnostic::new(Code::ListenerReference, span, message)
            .help("write `listener: {envoyConfig: {kind: CiliumEnvoyConfig, name: proxy}, name: front}`"),
    );
}

fn dns_rule(decoder: &mut Decoder<'_>, node: &Node) -> Option<DnsRule> {
    let mut fields = decoder.fields(node)?;
    let name = fields.read(decoder, "matchName", dns_name);
    let pattern = fields.read(decoder, "matchPattern", dns_pattern);
    let both = fields.has("matchName") && fields.has("matchPattern");
    let explained = fields.explained(decoder, "matchName") || fields.explained(decoder, "matchPattern");
    let neither = !fields.has("matchName") && !fields.has("matchPattern") && !explained;
    fields.finish(decoder);
    if both || neither {
        let message = if both {
            "a DNS rule has both `matchName` and `matchPattern`"
        } else {
            "a DNS rule without `matchName` or `matchPattern` matches no name"
        };
        let help = if both {
            "write a rule for each: the API server takes exactly one of the two"
        } else {
            "write `matchName: api.example.com`, or `matchPattern: \"*\"` for every name"
        };
        decoder.report_schema(Diagnostic::new(Code::OutsideSchema, node.span, message).help(help));
    }
    Some(DnsRule { name, pattern })
}

/// Rules need ports that can carry them (semantics.md 2.4, in the order in which the agent looks).
fn rules_fit_ports(decoder: &mut Decoder<'_>, direction: Direction, rule: &PortRule) {
    let (place, dns) = match (rule.l7_places.http, rule.l7_places.dns) {
        (Some(span), _) => (span, false),
        (None, Some(span)) => (span, true),
        (None, None) => return,
    };
    if !decoder.options.l7_proxy && rule.l7.rules != L7Rules::None {
        decoder.report(
            Diagnostic::new(
                Code::L7Disabled,
                place,
                "layer 7 rules need the proxy, and `enableL7Proxy` is false",
            )
            .help("set it to true in the file given with `--config` if the cluster has the proxy, or remove `rules`"),
        );
    }
    if rule.l7.rules == L7Rules::None {
        return;
    }
    if dns && direction == Direction::Ingress {
        decoder.report(
            Diagnostic::new(
                Code::DnsOnIngress,
                place,
                "DNS rules stand on ingress, and only egress has them",
            )
            .help("put the rule under `egress` of the pods that ask, towards the DNS servers"),
        );
        return;
    }
    if dns && rule.ports.is_empty() {
        decoder.report(
            Diagnostic::new(Code::DnsPort, place, "DNS rules need a port")
                .help("add `ports: [{port: \"53\", protocol: ANY}]`"),
        );
    }
    for entry in &rule.ports {
        let name = if dns { "DNS" } else { "HTTP" };
        if entry.port.value == Port::All {
            decoder.report(
                Diagnostic::new(
                    Code::L7PortZero,
                    entry.port.span,
                    format!("{name} rules need a port, and 0 means every port"),
                )
                .help(format!(
                    "name the port that the server listens on: `port: \"{}\"`",
                    if dns { 53 } else { 80 }
                )),
            );
        }
        if let (true, Some(end)) = (dns, &entry.end) {
            decoder.report(
                Diagnostic::new(Code::DnsPort, end.span, "DNS rules stand on a range of ports")
                    .help("write an element of `ports` for each port"),
            );
        }
        let carries =
            |protocol: &Protocol| if dns { protocol.has_ports() } else { *protocol == Protocol::TCP };
        // SCTP alone cannot carry DNS; `ANY` includes it and is taken (semantics.md 12.2).
        let sctp_alone = dns && entry.protocols == [Protocol::SCTP];
        if sctp_alone || !entry.protocols.iter().all(carries) {
            let span = entry.protocol_span.unwrap_or(entry.span);
            let help = if dns { "use `UDP`, `TCP` or `ANY`" } else { "write `protocol: TCP`" };
            let label = match (entry.protocol_span, entry.protocols.len()) {
                (None, _) => "without `protocol`, every protocol is meant",
                (Some(_), 1) => "not this one",
                (Some(_), _) => "every protocol",
            };
            decoder.report(
                Diagnostic::new(
                    Code::L7Protocol,
                    span,
                    if dns { "DNS rules need UDP or TCP" } else { "HTTP rules need TCP" },
                )
                .label(label)
                .help(help),
            );
        }
    }
}

/// Listener and server names against the rest of the port rule.
fn others_fit(decoder: &mut Decoder<'_>, direction: Direction, rule: &PortRule) {
    let has_rules = rule.l7_places.http.or(rule.l7_places.dns);
    if let (Some(span), Some(_)) = (rule.l7_places.listener, &rule.l7.listener) {
        if direction == Direction::Ingress {
            decoder.report(
                Diagnostic::new(
                    Code::ListenerOnIngress,
                    span,
                    "a listener stands on ingress, and only egress can have one",
                )
                .help("put it under `egress` of the clients"),
            );
        }
        if let Some(rules) = has_rules {
            decoder.report(
                Diagnostic::new(Code::ListenerWithL7, span, "a listener stands beside layer 7 rules")
                    .related(rules, "the rules")
                    .help("a listener of your own applies its own rules: remove one of the two"),
            );
        }
    }
    if let (Some(span), Some(rules)) = (rule.l7_places.server_names, has_rules)
        && !rule.l7.server_names.is_empty()
        && rule.l7.terminating_tls.is_none()
    {
        decoder.report(
            Diagnostic::new(
                Code::ServerNamesWithL7,
                span,
                "server names stand beside layer 7 rules, but TLS is not terminated",
            )
            .related(rules, "the rules see only encrypted bytes")
            .help("add `terminatingTLS`, or remove one of the two"),
        );
    }
}
