//! Policies, rules and their entries.

use sluice_ir::policy::{Action, Authentication, Direction};

use super::cidr;
use super::icmp;
use super::peers;
use super::ports;
use super::{CidrGroup, CiliumPolicy, EntrySpec, RuleSpec, Section};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::resource::decode::{Decoder, Fields, Spanned, boolean, string};
use crate::resource::meta::{Scope, meta};
use crate::resource::selector::{KeyStyle, SelectorSpec, selector};
use crate::source::{Node, Span};

/// Reads a CiliumNetworkPolicy or CiliumClusterwideNetworkPolicy.
pub fn policy(
    decoder: &mut Decoder<'_>,
    node: &Node,
    object: Span,
    clusterwide: bool,
) -> Option<CiliumPolicy> {
    let mut fields = decoder.fields(node)?;
    fields.skip(&["apiVersion", "kind", "status"]);
    let scope = if clusterwide { Scope::Cluster } else { Scope::Namespaced };
    let meta = meta(decoder, &mut fields, object, scope);
    let mut specs = Vec::new();
    if let Some(entry) = fields.entry("spec").filter(|entry| !entry.value.is_null()) {
        specs.extend(decoder.within(entry, |decoder| rule(decoder, &entry.value, entry.key_span)));
    }
    let several = fields.read(decoder, "specs", |decoder, node| {
        let rules = decoder.list(node, |decoder, item| rule(decoder, item, item.span));
        if rules.is_empty()
            && matches!(&node.kind, crate::source::NodeKind::Sequence(items) if items.is_empty())
        {
            decoder.report(
                Diagnostic::new(
                    Code::EmptySpecs,
                    node.span,
                    "`specs` is an empty list, so the policy has no rules",
                )
                .help("write the rules, or delete the policy: it restricts nothing"),
            );
        }
        Some(rules)
    });
    let explained = fields.explained(decoder, "spec") || fields.explained(decoder, "specs");
    if !fields.has("spec") && !fields.has("specs") && !explained {
        decoder.report(
            Diagnostic::new(Code::NoSpec, object, "the policy has neither `spec` nor `specs`")
                .help("put one rule under `spec`, or a list of rules under `specs`"),
        );
    }
    fields.finish(decoder);
    specs.extend(several.unwrap_or_default());
    Some(CiliumPolicy { clusterwide, meta: meta?, specs })
}

fn rule(decoder: &mut Decoder<'_>, node: &Node, span: Span) -> Option<RuleSpec> {
    let mut fields = decoder.fields(node)?;
    let path = decoder.path();
    let subject = |decoder: &mut Decoder<'_>, fields: &mut Fields<'_>, name: &'static str| {
        let key_span = fields.entry(name)?.key_span;
        let spec: SelectorSpec = fields.read(decoder, name, |d, n| selector(d, n, KeyStyle::Cilium))?;
        Some(Spanned::new(spec, key_span))
    };
    let endpoint_selector = subject(decoder, &mut fields, "endpointSelector");
    let node_selector = subject(decoder, &mut fields, "nodeSelector");
    let mut sections = Vec::new();
    for (name, direction, action) in [
        ("ingress", Direction::Ingress, Action::Allow),
        ("ingressDeny", Direction::Ingress, Action::Deny),
        ("egress", Direction::Egress, Action::Allow),
        ("egressDeny", Direction::Egress, Action::Deny),
    ] {
        let Some(key_span) = fields.entry(name).map(|entry| entry.key_span) else { continue };
        let entries = fields.read(decoder, name, |decoder, node| {
            Some(decoder.list(node, |decoder, item| entry(decoder, item, direction, action)))
        });
        sections.extend(entries.map(|entries| Section { direction, action, key_span, entries }));
    }
    let default_deny = fields.read(decoder, "enableDefaultDeny", |decoder, node| {
        let mut fields = decoder.fields(node)?;
        let values = ["ingress", "egress"].map(|name| keyed(decoder, &mut fields, name, boolean));
        let values = values.map(|value| value.map(|at_key| Spanned::new(at_key.value.value, at_key.span)));
        fields.finish(decoder);
        Some(values)
    });
    fields.read(decoder, "log", log);
    fields.read(decoder, "description", string);
    fields.read(decoder, "labels", rule_labels);
    let rejected = |name: &str, read: &Option<_>| {
        read.is_none() && (fields.has(name) || fields.explained(decoder, name))
    };
    let rejected_selector =
        rejected("endpointSelector", &endpoint_selector) || rejected("nodeSelector", &node_selector);
    fields.finish(decoder);
    if rejected_selector {
        return None;
    }
    Some(RuleSpec {
        span,
        path,
        endpoint_selector,
        node_selector,
        sections,
        default_deny: default_deny.unwrap_or_default(),
    })
}

/// `log.value`: at most 32 printable characters (semantics.md 1.2).
fn log(decoder: &mut Decoder<'_>, node: &Node) -> Option<()> {
    let mut fields = decoder.fields(node)?;
    if let Some(value) = fields.read(decoder, "value", string)
        && (value.value.chars().count() > 32 || value.value.chars().any(char::is_control))
    {
        let label = match value.value.chars().any(char::is_control) {
            true => "a control character is in it".to_owned(),
            false => format!("{} characters", value.value.chars().count()),
        };
        decoder.report_schema(
            Diagnostic::new(Code::LogValue, value.span, "a log value has at most 32 printable characters")
                .label(label)
                .help("shorten it, or remove what cannot be printed: it stands beside every flow in the log"),
        );
    }
    fields.finish(decoder);
    Some(())
}

/// `labels` of a rule: free tags that nothing is matched against.
fn rule_labels(decoder: &mut Decoder<'_>, node: &Node) -> Option<()> {
    decoder.list(node, |decoder, item| {
        let mut fields = decoder.fields(item)?;
        fields.read(decoder, "key", string);
        fields.read(decoder, "value", string);
        fields.read(decoder, "source", string);
        fields.require(decoder, item, "key");
        fields.finish(decoder);
        Some(())
    });
    Some(())
}

fn entry(decoder: &mut Decoder<'_>, node: &Node, direction: Direction, action: Action) -> Option<EntrySpec> {
    let mut fields = decoder.fields(node)?;
    let peers = peers::peer_lists(decoder, &mut fields, direction, action);
    let to_ports = keyed(decoder, &mut fields, "toPorts", |decoder, node| {
        Some(decoder.list(node, |decoder, item| ports::port_rule(decoder, item, direction, action)))
    });
    let icmps =
        keyed(decoder, &mut fields, "icmps", |decoder, node| Some(decoder.list(node, icmp::icmp_rule)));
    let authentication = match action {
        Action::Allow => authentication(decoder, &mut fields),
        Action::Deny => None,
    };
    fields.finish(decoder);
    Some(EntrySpec { span: node.span, path: decoder.path(), peers, to_ports, icmps, authentication })
}

/// Reads a field and keeps the place of its key.
fn keyed<T>(
    decoder: &mut Decoder<'_>,
    fields: &mut Fields<'_>,
    name: &'static str,
    read: impl FnOnce(&mut Decoder<'_>, &Node) -> Option<T>,
) -> Option<Spanned<T>> {
    let span = fields.entry(name)?.key_span;
    fields.read(decoder, name, read).map(|value| Spanned::new(value, span))
}

/// `authentication.mode` (semantics.md 1.6).
fn authentication(decoder: &mut Decoder<'_>, fields: &mut Fields<'_>) -> Option<Spanned<Authentication>> {
    let key_span = fields.entry("authentication")?.key_span;
    let mode = fields.read(decoder, "authentication", |decoder, node| {
        let mut fields = decoder.fields(node)?;
        let mode = fields.read(decoder, "mode", string);
        fields.require(decoder, node, "mode");
        fields.finish(decoder);
        mode
    })?;
    let value = match &*mode.value {
        "disabled" => Authentication::Disabled,
        "required" => Authentication::Required,
        "test-always-fail" => Authentication::AlwaysFail,
        other => {
            decoder.report(
                Diagnostic::new(
                    Code::AuthenticationMode,
                    mode.span,
                    format!("unknown authentication mode `{other}`"),
                )
                .help(match (other, did_you_mean(other, ["disabled", "required"])) {
                    ("mutual" | "mtls" | "mTLS", _) => "write `mode: required`".to_owned(),
                    (_, Some(close)) => format!("did you mean `{close}`?"),
                    _ => "modes are `disabled`, `required` and `test-always-fail`".to_owned(),
                }),
            );
            return None;
        }
    };
    not_enforced(
        decoder,
        key_span,
        "authentication",
        "traffic that asks for it is shown as such, and no handshake is made",
    );
    Some(Spanned::new(value, mode.span))
}

/// Says by name that a field is understood and not enforced.
pub(super) fn not_enforced(decoder: &mut Decoder<'_>, span: Span, field: &str, meaning: &str) {
    decoder.report(
        Diagnostic::new(
            Code::NotEnforced,
            span,
            format!("sluice understands `{field}` but does not enforce it yet"),
        )
        .help(format!("{meaning}; a node of sluice drops it")),
    );
}

/// Reads a CiliumCIDRGroup (semantics.md 1.9).
pub fn cidr_group(decoder: &mut Decoder<'_>, node: &Node, object: Span) -> Option<CidrGroup> {
    let mut fields = decoder.fields(node)?;
    fields.skip(&["apiVersion", "kind"]);
    let meta = meta(decoder, &mut fields, object, Scope::Cluster);
    let cidrs = fields.read(decoder, "spec", |decoder, node| {
        let mut fields = decoder.fields(node)?;
        let cidrs = fields.read(decoder, "externalCIDRs", |decoder, node| {
            Some(decoder.list(node, |decoder, item| cidr::prefix(decoder, item)))
        });
        fields.require(decoder, node, "externalCIDRs");
        fields.finish(decoder);
        cidrs
    });
    let (has_spec, explained) = (fields.has("spec"), fields.explained(decoder, "spec"));
    fields.finish(decoder);
    if !has_spec && !explained {
        decoder.report(
            Diagnostic::new(Code::NoSpec, object, "the group has no `spec`")
                .help("list its prefixes under `spec.externalCIDRs`; the list may be empty"),
        );
        return None;
    }
    Some(CidrGroup { meta: meta?, cidrs: cidrs.unwrap_or_default() })
}
