//! What a port rule asks of the proxy, and whether its ports can carry it (semantics.md 1.4, 2.4, 2.5).

use sluice_ir::net::Protocol;
use sluice_ir::policy::{Direction, DnsRule, L7Rules};

use super::http::http_rule;
use super::listener::listener;
use super::names::{dns_name, dns_pattern};
use super::rule::not_enforced;
use super::tls::{server_names, tls_context};
use super::{Port, PortEntry, PortRule};
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::decode::{Decoder, Fields};
use crate::source::Node;

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
        port_carries_rules(decoder, entry, dns);
    }
}

fn port_carries_rules(decoder: &mut Decoder<'_>, entry: &PortEntry, dns: bool) {
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
    let carries = |protocol: &Protocol| if dns { protocol.has_ports() } else { *protocol == Protocol::TCP };
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
