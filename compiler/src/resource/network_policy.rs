//! Kubernetes NetworkPolicy (semantics.md 1.10).

use std::sync::Arc;

use sluice_ir::net::{Cidr, PortName, Protocol};
use sluice_ir::policy::Direction;

use super::decode::{Decoder, Fields, Spanned, backticked, integer, string};
use super::meta::{Meta, Scope, meta};
use super::selector::{KeyStyle, SelectorSpec, selector};
use crate::diagnostic::{Code, Diagnostic, Severity, did_you_mean};
use crate::options::Accept;
use crate::source::{Node, Scalar, Span};

/// A NetworkPolicy.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkPolicy {
    /// Its metadata.
    pub meta: Meta,
    /// The key `spec`.
    pub span: Span,
    /// `spec.podSelector`; an absent one selects every pod of the namespace.
    pub pod_selector: SelectorSpec,
    /// Whether `policyTypes` lists Ingress, and Egress; `None` if it is absent or empty.
    pub types: Option<[bool; 2]>,
    /// The value of `policyTypes`, if written.
    pub types_span: Option<Span>,
    /// The rules of each direction.
    pub rules: Vec<NetworkRule>,
}

/// An element of `ingress` or `egress`.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkRule {
    /// Which way.
    pub direction: Direction,
    /// The element.
    pub span: Span,
    /// `spec.ingress[0]`.
    pub path: Arc<str>,
    /// `from` or `to`; empty or absent is every peer.
    pub peers: Vec<NetworkPeer>,
    /// The value of `from` or `to`, if written.
    pub peers_span: Option<Span>,
    /// `ports`; empty or absent is every port.
    pub ports: Vec<NetworkPort>,
}

/// An element of `from` or `to`.
#[derive(Clone, Debug, PartialEq)]
pub enum NetworkPeer {
    /// Pods by their labels and their namespace's; without a namespace selector, of the policy's own.
    Pods {
        /// `podSelector`.
        pods: Option<SelectorSpec>,
        /// `namespaceSelector`.
        namespaces: Option<SelectorSpec>,
    },
    /// `ipBlock`.
    Block {
        /// `cidr`.
        cidr: Spanned<Cidr>,
        /// `except`.
        except: Vec<Spanned<Cidr>>,
    },
}

/// An element of `ports`.
#[derive(Clone, Debug, PartialEq)]
pub struct NetworkPort {
    /// The value of `port`, or else the element.
    pub span: Span,
    /// TCP if absent.
    pub protocol: Protocol,
    /// The port; none means every port of the protocol.
    pub port: Option<NumberOrName>,
    /// `endPort`.
    pub end: Option<u16>,
}

/// A port by number or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NumberOrName {
    /// A number.
    Number(u16),
    /// The name of a container port.
    Name(PortName),
}

/// Reads a NetworkPolicy.
pub fn network_policy(decoder: &mut Decoder<'_>, node: &Node, object: Span) -> Option<NetworkPolicy> {
    let mut fields = decoder.fields(node)?;
    fields.skip(&["apiVersion", "kind", "status"]);
    let meta = meta(decoder, &mut fields, object, Scope::Namespaced);
    let span = fields.entry("spec").map_or(object, |entry| entry.key_span);
    let spec = fields.read(decoder, "spec", |decoder, node| {
        let mut fields = decoder.fields(node)?;
        let pod_selector = fields.read(decoder, "podSelector", |d, n| selector(d, n, KeyStyle::Kubernetes));
        let explained = fields.explained(decoder, "podSelector");
        if !fields.has("podSelector") && !explained && decoder.options.accept == Accept::ApiServer {
            // Newer API servers default it to the empty selector; older ones refuse. Both agents take it.
            decoder.report(
                Diagnostic::new(
                    Code::MissingField,
                    span,
                    "`spec` has no `podSelector`, which selects every pod of the namespace",
                )
                .severity(Severity::Warning)
                .help("write `podSelector: {}` if every pod is meant"),
            );
        }
        let types_span = fields.entry("policyTypes").map(|entry| entry.value.span);
        let types = fields.read(decoder, "policyTypes", policy_types);
        let mut rules = Vec::new();
        for (name, direction) in [("ingress", Direction::Ingress), ("egress", Direction::Egress)] {
            let read = fields.read(decoder, name, |decoder, node| {
                Some(decoder.list(node, |decoder, item| rule(decoder, item, direction)))
            });
            rules.extend(read.unwrap_or_default());
        }
        fields.finish(decoder);
        let pod_selector = pod_selector.unwrap_or_else(|| SelectorSpec::absent(span));
        Some((pod_selector, (types, types_span), rules))
    });
    if !fields.has("spec") && !fields.explained(decoder, "spec") {
        decoder.report_schema(
            Diagnostic::new(Code::NoSpec, object, "the policy has no `spec`")
                .help("add `spec: {podSelector: {}}` and rules"),
        );
    }
    fields.finish(decoder);
    let (pod_selector, (types, types_span), rules) = spec?;
    Some(NetworkPolicy { meta: meta?, span, pod_selector, types, types_span, rules })
}

fn policy_types(decoder: &mut Decoder<'_>, node: &Node) -> Option<[bool; 2]> {
    let known = ["Ingress", "Egress"];
    let mut types = [false; 2];
    let words = decoder.list(node, |decoder, item| {
        let word = string(decoder, item)?;
        match known.iter().position(|name| **name == *word.value) {
            Some(at) => types[at] = true,
            None => {
                let help = match did_you_mean(&word.value, known) {
                    Some(name) => format!("did you mean `{name}`?"),
                    None => "policy types are `Ingress` and `Egress`".to_owned(),
                };
                decoder.report_schema(
                    Diagnostic::new(
                        Code::OutsideSchema,
                        word.span,
                        format!("unknown policy type `{}`", word.value),
                    )
                    .help(help),
                );
            }
        }
        Some(())
    });
    (!words.is_empty()).then_some(types)
}

fn rule(decoder: &mut Decoder<'_>, node: &Node, direction: Direction) -> Option<NetworkRule> {
    let mut fields = decoder.fields(node)?;
    let key = if direction == Direction::Ingress { "from" } else { "to" };
    let peers_span = fields.entry(key).filter(|entry| !entry.value.is_null()).map(|entry| entry.value.span);
    let peers = fields.read(decoder, key, |decoder, node| Some(decoder.list(node, peer))).unwrap_or_default();
    let ports =
        fields.read(decoder, "ports", |decoder, node| Some(decoder.list(node, port))).unwrap_or_default();
    fields.finish(decoder);
    Some(NetworkRule { direction, span: node.span, path: decoder.path(), peers, peers_span, ports })
}

fn peer(decoder: &mut Decoder<'_>, node: &Node) -> Option<NetworkPeer> {
    let mut fields = decoder.fields(node)?;
    let pods = fields.read(decoder, "podSelector", |d, n| selector(d, n, KeyStyle::Kubernetes));
    let namespaces = fields.read(decoder, "namespaceSelector", |d, n| selector(d, n, KeyStyle::Kubernetes));
    let mut keys: Vec<Span> = ["podSelector", "namespaceSelector", "ipBlock"]
        .into_iter()
        .filter_map(|name| fields.entry(name).map(|entry| entry.key_span))
        .collect();
    keys.sort();
    let block = fields.read(decoder, "ipBlock", ip_block);
    let (has_block, has_labels) =
        (fields.has("ipBlock"), fields.has("podSelector") || fields.has("namespaceSelector"));
    let explained =
        ["podSelector", "namespaceSelector", "ipBlock"].iter().any(|name| fields.explained(decoder, name));
    fields.finish(decoder);
    if has_block && has_labels {
        decoder.report(
            Diagnostic::new(
                Code::PeerMembers,
                keys.get(1).copied().unwrap_or(node.span),
                "`ipBlock` stands beside selectors in one peer",
            )
            .related(keys.first().copied().unwrap_or(node.span), "the other one")
            .help("write two peers: they are alternatives"),
        );
        return None;
    }
    if !has_block && !has_labels && !explained {
        decoder.report_schema(
            Diagnostic::new(
                Code::PeerMembers,
                node.span,
                "a peer is empty; an agent takes it for every pod of the policy's namespace",
            )
            .help("write `podSelector: {}` if that is meant"),
        );
    }
    if has_block { block } else { Some(NetworkPeer::Pods { pods, namespaces }) }
}

fn ip_block(decoder: &mut Decoder<'_>, node: &Node) -> Option<NetworkPeer> {
    let mut fields = decoder.fields(node)?;
    let cidr = fields.read(decoder, "cidr", super::cilium::prefix);
    let except = fields
        .read(decoder, "except", |decoder, node| Some(decoder.list(node, super::cilium::prefix)))
        .unwrap_or_default();
    fields.require(decoder, node, "cidr");
    fields.finish(decoder);
    let cidr = cidr?;
    super::cilium::except_inside(decoder, &cidr, &except);
    for whole in except.iter().filter(|inner| inner.value == cidr.value) {
        decoder.report_schema(
            Diagnostic::new(
                Code::ExceptOutside,
                whole.span,
                format!("the exception `{}` is the whole prefix, so the block matches nothing", whole.value),
            )
            .related(cidr.span, "the prefix")
            .help("an exception is smaller than its prefix; to match nothing remove the peer"),
        );
    }
    Some(NetworkPeer::Block { cidr, except })
}

fn port(decoder: &mut Decoder<'_>, node: &Node) -> Option<NetworkPort> {
    let mut fields = decoder.fields(node)?;
    let protocol = read_protocol(decoder, &mut fields)?;
    let port_span = fields.entry("port").map_or(node.span, |entry| entry.value.span);
    let port = fields.read(decoder, "port", number_or_name);
    let end = fields.read(decoder, "endPort", integer);
    let (has_port, has_end) = (fields.has("port"), fields.has("endPort"));
    fields.finish(decoder);
    if has_port && port.is_none() {
        return None;
    }
    let end = if has_end { end_port(decoder, end?, port.as_ref(), port_span) } else { None };
    Some(NetworkPort { span: port_span, protocol, port, end })
}

/// Reads `protocol` of a port; TCP if absent.
pub(super) fn read_protocol(decoder: &mut Decoder<'_>, fields: &mut Fields<'_>) -> Option<Protocol> {
    let Some(text) = fields.read(decoder, "protocol", string) else {
        return (!fields.has("protocol")).then_some(Protocol::TCP);
    };
    let known = [("TCP", Protocol::TCP), ("UDP", Protocol::UDP), ("SCTP", Protocol::SCTP)];
    if let Some((_, protocol)) = known.iter().find(|(name, _)| **name == *text.value) {
        return Some(*protocol);
    }
    let names = known.map(|(name, _)| name);
    let help = match (text.value.to_ascii_uppercase().as_str(), did_you_mean(&text.value, names)) {
        ("ICMP" | "ICMPV6", _) => {
            "a NetworkPolicy cannot name ICMP; a CiliumNetworkPolicy can, under `icmps`".to_owned()
        }
        ("HTTP" | "HTTPS" | "HTTP2" | "GRPC" | "TLS" | "SSL", _) => "write what carries it: `TCP`".to_owned(),
        ("DNS", _) => "write what carries it: one element with `UDP`, and one with `TCP`".to_owned(),
        (_, Some(name)) => format!("did you mean `{name}`?"),
        (_, None) => {
            format!("protocols are {}; for all of them write one element for each", backticked(&names))
        }
    };
    decoder.report(
        Diagnostic::new(Code::InvalidProtocol, text.span, format!("`{}` is not a protocol here", text.value))
            .help(help),
    );
    None
}

fn number_or_name(decoder: &mut Decoder<'_>, node: &Node) -> Option<NumberOrName> {
    match node.scalar() {
        Some(Scalar::Int(number)) => match u16::try_from(number) {
            Ok(number) if number > 0 => Some(NumberOrName::Number(number)),
            _ => {
                // The agent cuts it to what fits (semantics.md 12.2).
                let cut = number.clamp(0, i64::from(u16::MAX)) as u16;
                let (code, message) = match decoder.options.accept {
                    Accept::ApiServer => (Code::InvalidPort, format!("`{number}` is not a port number")),
                    Accept::Agent => (Code::PortWraps, format!("the agent takes port {cut} for `{number}`")),
                };
                decoder.report(
                    Diagnostic::new(code, node.span, message).help("a port is a number from 1 to 65535"),
                );
                Some(NumberOrName::Number(cut))
            }
        },
        Some(Scalar::String(text)) => match PortName::parse(text) {
            Some(name) => Some(NumberOrName::Name(name)),
            None => {
                let number = text.parse::<u16>().ok();
                let range = text
                    .split_once('-')
                    .filter(|(a, b)| a.parse::<u16>().is_ok() && b.parse::<u16>().is_ok());
                let help = match (number, range) {
                    (Some(number), _) => format!("write the number without quotes: `{number}`"),
                    (None, Some((first, last))) => format!("write a range as `port: {first}` with `endPort: {last}`"),
                    (None, None) => "a port name has at most 15 letters, digits and single hyphens, and one letter at least".to_owned(),
                };
                decoder.report_schema(
                    Diagnostic::new(
                        Code::InvalidPort,
                        node.span,
                        format!("`{text}` is not the name of a port"),
                    )
                    .help(help),
                );
                number.map(NumberOrName::Number)
            }
        },
        _ => {
            decoder.wrong_type(node, "a number or a name");
            None
        }
    }
}

fn end_port(
    decoder: &mut Decoder<'_>,
    end: Spanned<i64>,
    port: Option<&NumberOrName>,
    port_span: Span,
) -> Option<u16> {
    let fault = |message: String, help: &str| {
        let diagnostic = Diagnostic::new(Code::InvalidEndPort, end.span, message).help(help);
        if port.is_some() { diagnostic.related(port_span, "the port") } else { diagnostic }
    };
    let last = u16::try_from(end.value).ok().filter(|last| *last > 0);
    match (port, last) {
        (_, None) => {
            decoder.report_schema(fault(
                format!("`{}` is not a port number", end.value),
                "`endPort` is a number from 1 to 65535",
            ));
            None
        }
        (None, _) => {
            decoder.report_schema(fault(
                "`endPort` needs a `port`, where the range begins".to_owned(),
                "add the first port of the range: `port: 8000`",
            ));
            None
        }
        (Some(NumberOrName::Name(name)), last) => {
            decoder.report_schema(fault(
                format!("`endPort` cannot follow the named port `{name}`"),
                "write the range with numbers",
            ));
            last
        }
        (Some(NumberOrName::Number(first)), Some(last)) if last < *first => {
            decoder.report_schema(fault(
                format!("`endPort` {last} is below port {first}"),
                &format!("swap the two: `port: {last}`, `endPort: {first}`"),
            ));
            None
        }
        (Some(NumberOrName::Number(_)), last) => last,
    }
}
