//! What people mean when they write something else.
//!
//! The one place for mistakes that are known: fields of one kind of policy in the other, fields one step too
//! far in or out, and values in the shape of another field. What is only misspelt is left to `did_you_mean`.

mod confusion;

pub(super) use confusion::{Meant, confusion, stray_key};

use super::selector::is_name_part;
use crate::source::{Node, NodeKind, Scalar};

/// A scalar as it is written where a string is needed.
fn plain(node: &Node) -> Option<String> {
    match (&node.kind, node.scalar()?) {
        (_, Scalar::Null) => None,
        (_, Scalar::String(text)) if is_name_part(text) => Some(text.to_owned()),
        (NodeKind::Scalar(text, _), _) => Some(format!("\"{text}\"")),
        _ => None,
    }
}

/// An example of a field, for one that is missing.
pub(super) fn example(field: &str) -> Option<&'static str> {
    Some(match field {
        "key" => "add the label that is meant: `key: app`",
        "operator" => "add `operator: Exists`, or `operator: In` with `values`",
        "cidr" => "add the prefix: `cidr: 10.0.0.0/8`",
        "externalCIDRs" => "add the prefixes: `externalCIDRs: [203.0.113.0/24]`; the list may be empty",
        "mode" => "add `mode: required`",
        "selector" => "add `selector: {matchLabels: {app: web}}`",
        _ => return None,
    })
}

/// Lists whose elements are strings.
const STRING_LISTS: [&str; 12] = [
    "fromCIDR",
    "toCIDR",
    "fromEntities",
    "toEntities",
    "except",
    "externalCIDRs",
    "values",
    "policyTypes",
    "serverNames",
    "securityGroupsIds",
    "securityGroupsNames",
    "headers",
];

/// What an empty mapping, or a word such as `deny`, was meant to be where a list of entries is needed. An empty
/// entry is nothing in a policy of Cilium, and everything in one of Kubernetes.
fn empty_entry(name: &str, kind: &str) -> Option<String> {
    Some(match name {
        "ingress" | "egress" if kind == "NetworkPolicy" => {
            format!("write a list: `{name}: []` has no entry, and `{name}: [{{}}]` allows everything")
        }
        "ingress" | "egress" => {
            format!("write a list: `{name}: [{{}}]` isolates the pods and allows nothing")
        }
        "fromEndpoints" | "toEndpoints" => {
            format!("write a list: `{name}: [{{}}]` is every pod of the namespace")
        }
        _ => return None,
    })
}

/// What to do about a field without a value. What an absent field means matters more than that it may be absent.
pub(super) fn no_value(path: &str) -> String {
    let field = path.rsplit('.').next().unwrap_or(path);
    if field.contains('[') {
        return "write the element, or remove its `- `".to_owned();
    }
    match field {
        "fromEndpoints" | "toEndpoints" | "fromCIDR" | "toCIDR" | "fromCIDRSet" | "toCIDRSet"
        | "fromEntities" | "toEntities" => {
            format!("list the peers, or write `{field}: []` for none: without the key every peer is meant")
        }
        "toFQDNs" | "toServices" | "fromGroups" | "toGroups" | "fromNodes" | "toNodes" => {
            "list the peers, or remove the whole entry: without the key every peer is meant".to_owned()
        }
        "toPorts" => "list the ports: without the key every port is meant".to_owned(),
        "matchLabels" | "matchExpressions" => {
            "list the labels: without them the selector selects everything".to_owned()
        }
        "endpointSelector" => {
            format!(
                "write `{field}: {{}}` for every pod, or `{field}: {{matchLabels: {{app: web}}}}` for some"
            )
        }
        "name" if path == "metadata.name" => "write the name: `name: my-policy`".to_owned(),
        _ => "give it a value, or remove the key: an agent takes it for absent, the API server refuses it"
            .to_owned(),
    }
}

/// What to do about a value at `path` that is not of the type that is `wanted`.
pub(super) fn for_type(path: &str, node: &Node, wanted: &str, kind: &str) -> Option<String> {
    let field = path.rsplit('.').next().unwrap_or(path);
    let name = field.split('[').next().unwrap_or(field);
    match wanted {
        "a list" => Some(for_list(name, node, kind)),
        "a mapping" => Some(for_mapping(name, field.contains('['), node, kind)),
        "a string" => for_string(name, node),
        "`true` or `false`" => Some(match node.scalar() {
            Some(Scalar::String(text @ ("true" | "false"))) => format!("remove the quotes: `{text}`"),
            _ => format!("write `{name}: true` or `{name}: false`"),
        }),
        "a whole number" => Some(match node.scalar() {
            Some(Scalar::String(text)) if text.parse::<i64>().is_ok() => {
                format!("remove the quotes: `{text}`")
            }
            _ => "write a whole number, without quotes".to_owned(),
        }),
        _ => None,
    }
}

fn for_list(name: &str, node: &Node, kind: &str) -> String {
    let strings = STRING_LISTS.contains(&name);
    match (&node.kind, node.scalar()) {
        (NodeKind::Mapping(entries), _) if entries.is_empty() && empty_entry(name, kind).is_some() => {
            empty_entry(name, kind).unwrap_or_default()
        }
        (NodeKind::Mapping(entries), _) if !strings && !entries.is_empty() => {
            let first = entries.first().map_or("", |entry| &*entry.key);
            format!("put `- ` before the first field of each element: `- {first}:`")
        }
        (NodeKind::Scalar(text, _), Some(_)) if strings && !text.is_empty() => {
            let parts: Vec<&str> = text.split([',', ' ']).filter(|part| !part.is_empty()).collect();
            format!("write a list: `{name}: [{}]`", parts.join(", "))
        }
        (NodeKind::Scalar(text, _), Some(_)) => match shape(name, text, kind) {
            Some(element) => format!("write a list: `{name}: [{{{element}}}]`"),
            None => empty_entry(name, kind).unwrap_or_else(element_lines),
        },
        _ => element_lines(),
    }
}

fn element_lines() -> String {
    "write each element on a line of its own, with a `-` before it".to_owned()
}

fn for_mapping(name: &str, element: bool, node: &Node, kind: &str) -> String {
    match &node.kind {
        NodeKind::Sequence(_) if element => "remove one `- `: this is a list in a list".to_owned(),
        NodeKind::Sequence(_) if name == "spec" => {
            "remove the `- `, or write several rules under `specs`".to_owned()
        }
        NodeKind::Sequence(items) if items.iter().any(|item| matches!(item.kind, NodeKind::Mapping(_))) => {
            "remove the `- `: there is only one here".to_owned()
        }
        NodeKind::Sequence(_) => "write fields in place of the list, each as `name: value`".to_owned(),
        NodeKind::Scalar(text, _) => match shape(name, text, kind) {
            Some(fields) if element && fields.contains(", ") => format!("write `- {{{fields}}}`"),
            Some(fields) if element => format!("write `- {fields}`"),
            Some(fields) => format!("write `{name}: {{{fields}}}`"),
            None => "write its fields below it, each as `name: value` with a space after the `:`".to_owned(),
        },
        NodeKind::Mapping(_) => String::new(),
    }
}

fn for_string(name: &str, node: &Node) -> Option<String> {
    match &node.kind {
        NodeKind::Sequence(items) if items.len() == 1 => items
            .first()
            .and_then(plain_or_quoted)
            .map(|value| format!("write it without brackets: `{value}`")),
        NodeKind::Sequence(_) => Some("one value is needed: write one element for each".to_owned()),
        NodeKind::Mapping(entries) => match entries.as_slice() {
            [only] => {
                let value = plain_or_quoted(&only.value)?;
                Some(format!("write the value alone, without `{}:`: `{value}`", only.key))
            }
            _ => None,
        },
        NodeKind::Scalar(..) if node.is_null() => {
            Some(format!("write a value after the `:`; the empty one is `{name}: \"\"`"))
        }
        NodeKind::Scalar(..) => None,
    }
}

fn plain_or_quoted(node: &Node) -> Option<String> {
    match node.scalar()? {
        Scalar::String(text) => Some(text.to_owned()),
        _ => plain(node),
    }
}

/// What a scalar says, as the fields that it should have been written with.
fn shape(field: &str, text: &str, kind: &str) -> Option<String> {
    let label = || {
        let (key, value) = text.split_once(['=', ':']).unwrap_or(("app", text));
        let (key, value) = (key.trim(), value.trim_start_matches('=').trim());
        let simple = is_name_part(key.rsplit('/').next().unwrap_or(key)) && is_name_part(value);
        simple.then(|| format!("{key}: {value}"))
    };
    Some(match field {
        "matchLabels" => label()?,
        "endpointSelector" | "nodeSelector" | "podSelector" | "namespaceSelector" | "fromEndpoints"
        | "toEndpoints" | "fromNodes" | "toNodes" | "cidrGroupSelector" | "selector" => {
            format!("matchLabels: {{{}}}", label()?)
        }
        "from" | "to" => format!("podSelector: {{matchLabels: {{{}}}}}", label()?),
        "toFQDNs" | "dns" if text.contains('*') => format!("matchPattern: \"{text}\""),
        "toFQDNs" | "dns" => format!("matchName: {text}"),
        "fromCIDRSet" | "toCIDRSet" | "ipBlock" => format!("cidr: {text}"),
        "ports" if kind == "NetworkPolicy" => format!("port: {text}"),
        "ports" => format!("port: \"{text}\", protocol: TCP"),
        "toPorts" => format!("ports: [{{port: \"{text}\", protocol: TCP}}]"),
        "fields" => format!("type: {text}"),
        "icmps" => format!("fields: [{{type: {text}}}]"),
        "http" => format!("path: \"{text}\""),
        "authentication" => format!("mode: {text}"),
        "log" => format!("value: {text}"),
        "enableDefaultDeny" => format!("ingress: {text}, egress: {text}"),
        "toServices" => format!("k8sService: {{serviceName: {text}, namespace: default}}"),
        "k8sService" => format!("serviceName: {text}"),
        "secret" => format!("name: {text}"),
        _ => return None,
    })
}

/// A name that fits Kubernetes' rules and resembles the text.
pub(super) fn fitting_name(text: &str, dots: bool) -> Option<String> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || (dots && c == '.');
    let lower = text.to_ascii_lowercase();
    let replaced: String = lower.chars().map(|c| if fits(c) { c } else { '-' }).collect();
    let trimmed = replaced.trim_matches(['-', '.']);
    (text.is_ascii() && !trimmed.is_empty() && trimmed.len() <= 63 && !trimmed.contains(".."))
        .then(|| trimmed.to_owned())
}

/// What to do about a value that is refused and has a placeholder in it.
pub(super) fn unfilled(text: &str) -> Option<&'static str> {
    let between =
        |open: &str, close: &str| text.split_once(open).is_some_and(|(_, rest)| rest.contains(close));
    if between("{{", "}}") {
        Some(crate::diagnostic::RENDER_TEMPLATE)
    } else if between("${", "}") {
        Some("this looks like a placeholder: fill it in first, for example with `envsubst`")
    } else {
        None
    }
}
