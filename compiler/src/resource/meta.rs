//! `metadata`.

use std::sync::Arc;

use super::advice::fitting_name;
use super::decode::{Decoder, Fields, Spanned, string};
use super::selector::{is_dns_subdomain, label_value, qualified_name_fault};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Node, NodeKind, Scalar, Span};

/// What Sluice uses of an object's metadata.
#[derive(Clone, Debug, PartialEq)]
pub struct Meta {
    /// The object's name; `(generated)` where the API server is to make one up.
    pub name: Spanned<Arc<str>>,
    /// Whether the API server makes the name up, so that no two of them are the same object.
    pub generated: bool,
    /// Its namespace: `default` where a namespaced object names none, none for cluster-scoped ones.
    pub namespace: Option<Arc<str>>,
    /// Its labels, in the order written.
    pub labels: Vec<(Arc<str>, Arc<str>)>,
    /// Its annotations with their places.
    pub annotations: StringMap,
    /// Kind and name of its owners.
    pub owners: Vec<(Arc<str>, Arc<str>)>,
    /// What tells a pod from another one of its name, as the API server has it. Of other kinds it is not read: what they
    /// say counts, whenever they were made.
    pub uid: Option<Arc<str>>,
}

impl Meta {
    /// The value of an annotation.
    pub fn annotation(&self, key: &str) -> Option<&Spanned<Arc<str>>> {
        self.annotations.iter().find(|(k, _)| &**k == key).map(|(_, value)| value)
    }
}

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In a namespace.
    Namespaced,
    /// In none.
    Cluster,
}

/// Every other field of `metadata` that Kubernetes has.
const OTHER_FIELDS: &[&str] = &[
    "creationTimestamp",
    "deletionGracePeriodSeconds",
    "deletionTimestamp",
    "finalizers",
    "generateName",
    "generation",
    "managedFields",
    "resourceVersion",
    "selfLink",
    "uid",
];

/// Reads `metadata` of an object; `object` is its first key, where a missing one is reported.
pub fn meta(decoder: &mut Decoder<'_>, fields: &mut Fields<'_>, object: Span, scope: Scope) -> Option<Meta> {
    let entry = fields.entry("metadata").filter(|entry| !entry.value.is_null());
    let Some(entry) = entry else {
        missing_name(decoder, object, "the object has no `metadata`");
        return None;
    };
    decoder.within(entry, |decoder| {
        let mut fields = decoder.fields(&entry.value)?;
        let name = fields.read(decoder, "name", string);
        let namespace_key = fields.entry("namespace").map(|entry| entry.key_span);
        let namespace = fields.read(decoder, "namespace", string);
        let labels = fields.read(decoder, "labels", labels).unwrap_or_default();
        let annotations = fields.read(decoder, "annotations", string_map).unwrap_or_default();
        let owners = fields.read(decoder, "ownerReferences", owners).unwrap_or_default();
        let generated = fields.has("generateName");
        let uid = if &*decoder.document().kind == "Pod" { uid(decoder, &mut fields) } else { None };
        fields.skip(OTHER_FIELDS);
        let (has_name, explained) = (fields.has("name"), fields.explained(decoder, "name"));
        fields.finish(decoder);
        let name = match name {
            Some(name) if name.value.is_empty() => {
                missing_name(decoder, name.span, "`metadata.name` is empty");
                return None;
            }
            Some(name) => name,
            None if has_name || explained => return None,
            None if generated => Spanned::new(decoder.share("(generated)"), entry.key_span),
            None => {
                missing_name(decoder, entry.key_span, "the object has no `metadata.name`");
                return None;
            }
        };
        check_name(decoder, &name, "name");
        if let Some(namespace) = &namespace {
            check_name(decoder, namespace, "namespace");
        }
        let namespace = scoped(decoder, scope, namespace, namespace_key);
        Some(Meta { generated: generated && !has_name, name, namespace, labels, annotations, owners, uid })
    })
}

/// Nobody writes it by hand, so that nothing is said of one that is no text.
fn uid(decoder: &mut Decoder<'_>, fields: &mut Fields<'_>) -> Option<Arc<str>> {
    match fields.entry("uid")?.value.scalar() {
        Some(Scalar::String(text)) if !text.is_empty() => Some(decoder.share(text)),
        _ => None,
    }
}

fn missing_name(decoder: &mut Decoder<'_>, span: Span, message: &str) {
    decoder.report(
        Diagnostic::new(Code::MissingName, span, message)
            .help("give it a name: `metadata: {name: my-policy}`"),
    );
}

fn scoped(
    decoder: &mut Decoder<'_>,
    scope: Scope,
    written: Option<Spanned<Arc<str>>>,
    key: Option<Span>,
) -> Option<Arc<str>> {
    match (scope, written) {
        (Scope::Namespaced, Some(namespace)) if !namespace.value.is_empty() => Some(namespace.value),
        (Scope::Namespaced, _) => Some(decoder.share("default")),
        (Scope::Cluster, Some(namespace)) if !namespace.value.is_empty() => {
            let kind = decoder.document().kind.clone();
            decoder.report(
                Diagnostic::new(
                    Code::NamespaceOnClusterScoped,
                    key.unwrap_or(namespace.span),
                    format!("a {kind} belongs to no namespace, so `{}` has no effect", namespace.value),
                )
                .help("remove `namespace`; to confine a policy to a namespace use the namespaced kind"),
            );
            None
        }
        (Scope::Cluster, _) => None,
    }
}

/// Names are DNS-1123 subdomains; those of namespaces are single labels of at most 63 characters.
fn check_name(decoder: &mut Decoder<'_>, name: &Spanned<Arc<str>>, what: &str) {
    let text = &name.value;
    let namespace = what == "namespace";
    let fits = is_dns_subdomain(text) && !(namespace && (text.contains('.') || text.len() > 63));
    if text.is_empty() || fits {
        return;
    }
    let rule = if namespace {
        "a namespace has at most 63 lower-case letters, digits and `-`, and begins and ends with a letter or digit"
    } else {
        "names are made of lower-case letters, digits, `-` and `.`, and begin and end with a letter or digit"
    };
    let help = match fitting_name(text, !namespace) {
        Some(fitting) => format!("{rule}, such as `{fitting}`"),
        None => rule.to_owned(),
    };
    decoder.report_schema(
        Diagnostic::new(Code::InvalidName, name.span, format!("`{text}` cannot be a {what} in Kubernetes"))
            .help(help),
    );
}

/// The labels of an object or of the pods of a template, in the order written. What the API server refuses
/// as a label is reported.
pub fn labels(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<(Arc<str>, Arc<str>)>> {
    let read = string_map(decoder, node)?;
    if let NodeKind::Mapping(entries) = &node.kind {
        for entry in entries {
            if let Some(fault) = qualified_name_fault(&entry.key) {
                let message = format!("`{}` is not a label key", entry.key);
                decoder.report(Diagnostic::new(Code::LabelKey, entry.key_span, message).help(fault));
            }
        }
    }
    let plain = |(key, value): (Arc<str>, Spanned<Arc<str>>)| {
        label_value(decoder, &value.value, value.span);
        (key, value.value)
    };
    Some(read.into_iter().map(plain).collect())
}

/// A map from strings to strings, in the order written.
pub type StringMap = Vec<(Arc<str>, Spanned<Arc<str>>)>;

/// Reads a map from strings to strings; `null` values are empty strings.
pub fn string_map(decoder: &mut Decoder<'_>, node: &Node) -> Option<StringMap> {
    let NodeKind::Mapping(entries) = &node.kind else {
        decoder.wrong_type(node, "a mapping");
        return None;
    };
    let read = |entry: &crate::source::Entry| {
        if entry.value.is_null() {
            return Some((decoder.share(&entry.key), Spanned::new(decoder.share(""), entry.value.span)));
        }
        let value = decoder.within(entry, |decoder| string(decoder, &entry.value))?;
        Some((decoder.share(&entry.key), value))
    };
    Some(entries.iter().filter_map(read).collect())
}

fn owners(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<(Arc<str>, Arc<str>)>> {
    let owner = |decoder: &mut Decoder<'_>, item: &Node| {
        let mut text = |key| match item.get(key).map(|node: &Node| &node.kind) {
            Some(NodeKind::Scalar(text, _)) => Some(decoder.share(text)),
            _ => None,
        };
        Some((text("kind")?, text("name")?))
    };
    Some(decoder.list(node, owner))
}
