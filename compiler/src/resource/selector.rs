//! Label selectors, as CiliumNetworkPolicy and Kubernetes write them (semantics.md 2.6).

use std::sync::Arc;

use sluice_ir::label::LabelSource;
use sluice_ir::selector::{Operator, Requirement, Selector};

use super::decode::{Decoder, string};
use crate::diagnostic::{Code, Diagnostic, did_you_mean};
use crate::source::{Entry, Node, NodeKind, Span};

/// Which keys a selector may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyStyle {
    /// An optional source before a colon: `k8s:app`.
    Cilium,
    /// Plain Kubernetes keys; they mean labels of source `k8s`.
    Kubernetes,
}

/// A selector with its place, and the keys as people wrote them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SelectorSpec {
    /// Where it stands.
    pub span: Span,
    /// What it requires: first what `matchLabels` says, then `matchExpressions`.
    pub requirements: Vec<Requirement>,
    /// How many of the requirements come from `matchLabels`.
    pub from_labels: usize,
    /// Where each requirement is written.
    pub places: Vec<RequirementPlace>,
}

/// Where a requirement is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequirementPlace {
    /// The key, or in an expression the value of `key`.
    pub key: Span,
    /// The value, or in an expression the list of values; without any the operator.
    pub value: Span,
}

impl SelectorSpec {
    /// Whether a requirement names the key, under one of these sources.
    pub fn names(&self, key: &str, sources: &[LabelSource]) -> bool {
        self.requirements.iter().any(|r| &*r.key == key && sources.contains(&r.source))
    }

    /// Whether a requirement's key begins with a prefix.
    pub fn names_prefix(&self, prefix: &str) -> bool {
        self.requirements.iter().any(|r| r.key.starts_with(prefix))
    }

    /// Whether a requirement is on a label of this source.
    pub fn names_source(&self, source: &LabelSource) -> bool {
        self.requirements.iter().any(|r| r.source == *source)
    }

    /// The requirements with the places where they are written.
    pub fn placed(&self) -> impl Iterator<Item = (&Requirement, RequirementPlace)> {
        self.requirements.iter().zip(self.places.iter().copied())
    }

    /// A selector that requires nothing, as one that is left out is read.
    pub(super) fn absent(span: Span) -> SelectorSpec {
        SelectorSpec { span, requirements: Vec::new(), from_labels: 0, places: Vec::new() }
    }

    /// The selector itself.
    pub fn selector(&self) -> Selector {
        self.requirements.iter().cloned().collect()
    }
}

/// Reads a label selector.
pub fn selector(decoder: &mut Decoder<'_>, node: &Node, style: KeyStyle) -> Option<SelectorSpec> {
    let mut fields = decoder.fields(node)?;
    let mut spec = SelectorSpec::absent(node.span);
    fields.read(decoder, "matchLabels", |decoder, node| {
        match_labels(decoder, node, style, &mut spec);
        spec.from_labels = spec.requirements.len();
        Some(())
    });
    fields.read(decoder, "matchExpressions", |decoder, node| {
        let mut unreadable = false;
        let read =
            decoder.list(node, |decoder, item| match_expression(decoder, item, style, &mut unreadable));
        for (requirement, place) in read {
            spec.requirements.push(requirement);
            spec.places.push(place);
        }
        if unreadable && style == KeyStyle::Kubernetes {
            // The agent takes a NetworkPolicy selector that it cannot read for an empty one (semantics.md 12.2).
            spec.requirements.clear();
            spec.places.clear();
            spec.from_labels = 0;
        }
        Some(())
    });
    fields.finish(decoder);
    Some(spec)
}

fn match_labels(decoder: &mut Decoder<'_>, node: &Node, style: KeyStyle, spec: &mut SelectorSpec) {
    let NodeKind::Mapping(entries) = &node.kind else {
        decoder.wrong_type(node, "a mapping");
        return;
    };
    for entry in entries {
        let Entry { key, key_span, value } = entry;
        let parsed = label_key(decoder, key, *key_span, style);
        let value = decoder.within(entry, |decoder| {
            if value.is_null() {
                decoder.wrong_type(value, "a string");
                return None;
            }
            string(decoder, value)
        });
        if let Some(value) = &value {
            label_value(decoder, &value.value, value.span);
        }
        if let (Some((source, key)), Some(value)) = (parsed, value) {
            spec.requirements.push(Requirement::equals(source, key, value.value));
            spec.places.push(RequirementPlace { key: *key_span, value: value.span });
        }
    }
}

fn match_expression(
    decoder: &mut Decoder<'_>,
    node: &Node,
    style: KeyStyle,
    unreadable: &mut bool,
) -> Option<(Requirement, RequirementPlace)> {
    let mut fields = decoder.fields(node)?;
    let key = fields.read(decoder, "key", string);
    let operator = fields.read(decoder, "operator", string);
    let values_entry = fields.entry("values").filter(|entry| !entry.value.is_null());
    let values: Vec<Arc<str>> = values_entry.map_or_else(Vec::new, |entry| {
        decoder.within(entry, |decoder| {
            decoder.list(&entry.value, |decoder, item| {
                let value = string(decoder, item)?;
                label_value(decoder, &value.value, value.span);
                Some(value.value)
            })
        })
    });
    fields.require(decoder, node, "key");
    fields.require(decoder, node, "operator");
    fields.finish(decoder);
    let key = key?;
    let key_span = key.span;
    let (source, key) = label_key(decoder, &key.value, key.span, style)?;
    let operator = operator?;
    let place = RequirementPlace {
        key: key_span,
        value: values_entry.map_or(operator.span, |entry| entry.value.span),
    };
    let operator = match &*operator.value {
        "In" | "NotIn" if values.is_empty() => {
            let span = values_entry.map_or(operator.span, |entry| entry.value.span);
            decoder.report(
                Diagnostic::new(
                    Code::SelectorValuesMissing,
                    span,
                    format!("operator `{}` needs at least one value", operator.value),
                )
                .help("list the values, or use `Exists` or `DoesNotExist` to ask for the key alone"),
            );
            return None;
        }
        "In" => Operator::In(values.into()),
        "NotIn" => Operator::NotIn(values.into()),
        "Exists" | "DoesNotExist" if !values.is_empty() => {
            let span = values_entry.map_or(operator.span, |entry| entry.key_span);
            decoder.report(
                Diagnostic::new(
                    Code::SelectorValuesForbidden,
                    span,
                    format!("operator `{}` takes no values", operator.value),
                )
                .help("remove `values`, or use `In` or `NotIn` to compare with them"),
            );
            return None;
        }
        "Exists" => Operator::Exists,
        "DoesNotExist" => Operator::DoesNotExist,
        other => {
            unknown_operator(decoder, other, operator.span, style);
            *unreadable = true;
            return None;
        }
    };
    Some((Requirement::new(source, key, operator), place))
}

fn unknown_operator(decoder: &mut Decoder<'_>, operator: &str, span: Span, style: KeyStyle) {
    let known = ["In", "NotIn", "Exists", "DoesNotExist"];
    let help = match did_you_mean(operator, known) {
        Some(known) => format!("did you mean `{known}`?"),
        None => "operators are `In`, `NotIn`, `Exists` and `DoesNotExist`".to_owned(),
    };
    let diagnostic =
        Diagnostic::new(Code::SelectorOperator, span, format!("unknown selector operator `{operator}`"))
            .help(help);
    match style {
        KeyStyle::Cilium => decoder.report(diagnostic),
        // The agent takes the whole selector for an empty one: fail-open.
        KeyStyle::Kubernetes => decoder.report_schema(diagnostic),
    }
}

/// Reads a label key; a fault is reported.
pub fn label_key(
    decoder: &mut Decoder<'_>,
    text: &str,
    span: Span,
    style: KeyStyle,
) -> Option<(LabelSource, Arc<str>)> {
    let (source, key) = match text.split_once(':') {
        Some((source, key)) if style == KeyStyle::Cilium => (LabelSource::from_word(source), key),
        None if style == KeyStyle::Cilium => (LabelSource::Any, text),
        _ => (LabelSource::K8s, text),
    };
    let word = source.word();
    let fault = if key.contains(':') && style == KeyStyle::Cilium {
        Some("only one `:` may stand in a key, between the source and the key proper")
    } else if !word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') || text.starts_with(':') {
        Some("the source before the `:` is a word such as `k8s`, `reserved` or `any`")
    } else {
        qualified_name_fault(key)
    };
    match fault {
        None => Some((source, decoder.share(key))),
        Some(fault) => {
            let diagnostic =
                Diagnostic::new(Code::LabelKey, span, format!("`{text}` is not a label key")).help(fault);
            if style == KeyStyle::Kubernetes {
                decoder.report_schema(diagnostic);
                return Some((source, decoder.share(key)));
            }
            decoder.report(diagnostic);
            None
        }
    }
}

/// Reports a value that no label has.
pub fn label_value(decoder: &mut Decoder<'_>, text: &str, span: Span) {
    let fault = if text.len() > 63 {
        "a label value has at most 63 characters"
    } else if !text.is_empty() && !is_name_part(text) {
        "a label value is made of letters, digits, `-`, `_` and `.`, and begins and ends with a letter or digit"
    } else {
        return;
    };
    decoder.report(
        Diagnostic::new(Code::LabelValue, span, format!("`{text}` is not a label value")).help(fault),
    );
}

/// What is wrong with a Kubernetes qualified name: `app` or `example.com/app`.
pub fn qualified_name_fault(text: &str) -> Option<&'static str> {
    let (prefix, name) = match text.rsplit_once('/') {
        Some((prefix, name)) => (Some(prefix), name),
        None => (None, text),
    };
    if let Some(prefix) = prefix
        && !is_dns_subdomain(prefix)
    {
        return Some("the part before the `/` is a DNS name in lower case, such as `example.com`");
    }
    if name.is_empty() || name.len() > 63 {
        return Some("the name part of a key has 1 to 63 characters");
    }
    (!is_name_part(name)).then_some(
        "the name part of a key is made of letters, digits, `-`, `_` and `.`, and begins and ends with a letter or digit",
    )
}

pub(super) fn is_name_part(text: &str) -> bool {
    let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    edge(text.bytes().next())
        && edge(text.bytes().last())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// Whether a text is a DNS-1123 subdomain, as object names are.
pub fn is_dns_subdomain(text: &str) -> bool {
    let label = |label: &str| {
        let edge = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        edge(label.bytes().next())
            && edge(label.bytes().last())
            && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
    };
    !text.is_empty() && text.len() <= 253 && text.split('.').all(label)
}
