//! What people mean when they write something else.
//!
//! The one place for mistakes that are known: fields of one kind of policy in the other, fields one step too
//! far in or out, and values in the shape of another field. What is only misspelt is left to `did_you_mean`.

use super::selector::is_name_part;
use crate::source::{Entry, Node, NodeKind, Scalar};

/// A field that people write at a place where there is none, and what they mean.
struct Confusion {
    /// A field by which the place is known.
    beside: &'static str,
    /// What people write.
    written: &'static [&'static str],
    /// The fields that it stands for; they are not reported as missing.
    meant: &'static [&'static str],
    help: &'static str,
}

const fn row(
    beside: &'static str,
    written: &'static [&'static str],
    meant: &'static [&'static str],
    help: &'static str,
) -> Confusion {
    Confusion { beside, written, meant, help }
}

/// Known in every kind of policy.
#[rustfmt::skip]
const EVERYWHERE: &[Confusion] = &[
    row("spec", &["endpointSelector", "nodeSelector", "podSelector", "policyTypes", "ingress", "egress", "ingressDeny", "egressDeny", "enableDefaultDeny", "description", "externalCIDRs"],
        &["spec"], "it belongs under `spec`: indent it"),
    row("spec", &["name", "namespace", "labels", "annotations"], &[], "it belongs under `metadata`"),
    row("matchLabels", &["key", "operator", "values"], &[], "write it as an element of `matchExpressions`: `- {key: app, operator: In, values: [web]}`"),
    row("operator", &["value"], &[], "write a list: `values: [web]`"),
    row("operator", &["label", "name"], &["key"], "write `key`"),
    row("operator", &["op"], &["operator"], "write `operator`"),
    row("externalCIDRs", &["cidr", "cidrs", "CIDRs", "externalCIDR"], &["externalCIDRs"], "did you mean `externalCIDRs`?"),
];

/// Known in the policies of Cilium.
#[rustfmt::skip]
const CILIUM: &[Confusion] = &[
    row("endpointSelector", &["podSelector", "selector", "matchLabels"], &["endpointSelector"],
        "a CiliumNetworkPolicy calls it `endpointSelector`: `endpointSelector: {matchLabels: {app: web}}`"),
    row("endpointSelector", &["namespaceSelector"], &[],
        "a CiliumNetworkPolicy is for pods of its own namespace; in a CiliumClusterwideNetworkPolicy write the label `k8s:io.kubernetes.pod.namespace` under `endpointSelector`"),
    row("endpointSelector", &["policyTypes"], &[],
        "remove it: a direction with entries is isolated; to isolate one without, write `ingress: [{}]` or `egress: [{}]`"),
    row("endpointSelector", &["toPorts", "icmps", "fromEndpoints", "fromEntities", "fromCIDR", "fromCIDRSet", "toEndpoints", "toEntities", "toCIDR", "toCIDRSet", "toFQDNs", "toServices"], &[],
        "it belongs into an entry of `ingress` or `egress`: begin the entry with `- ` and indent it"),

    row("fromEndpoints", &["from", "podSelector", "namespaceSelector", "fromPods", "matchLabels"], &[],
        "write `fromEndpoints: [{matchLabels: {app: web}}]`; another namespace is named by the label `k8s:io.kubernetes.pod.namespace`, and prefixes stand under `fromCIDRSet`"),
    row("toEndpoints", &["to", "podSelector", "namespaceSelector", "toPods", "matchLabels"], &[],
        "write `toEndpoints: [{matchLabels: {app: web}}]`; another namespace is named by the label `k8s:io.kubernetes.pod.namespace`, and prefixes stand under `toCIDRSet`"),
    row("fromEndpoints", &["fromNamespaces", "fromNamespace", "namespace", "namespaces"], &[],
        "write `fromEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: shop}}]`"),
    row("toEndpoints", &["toNamespaces", "toNamespace", "namespace", "namespaces"], &[],
        "write `toEndpoints: [{matchLabels: {k8s:io.kubernetes.pod.namespace: shop}}]`"),
    row("fromEndpoints", &["ipBlock", "ipBlocks", "fromIPs", "fromIP", "cidr"], &[],
        "write `fromCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]`"),
    row("toEndpoints", &["ipBlock", "ipBlocks", "toIPs", "toIP", "cidr"], &[],
        "write `toCIDRSet: [{cidr: 10.0.0.0/8, except: [10.1.0.0/16]}]`"),
    row("toEndpoints", &["fqdn", "fqdns", "toDNS", "toDomains", "matchName", "matchPattern"], &[],
        "write `toFQDNs: [{matchName: api.example.com}]`"),
    row("fromEndpoints", &["fromServices", "fromService"], &[],
        "traffic comes from pods, not from services: select them with `fromEndpoints`"),
    row("toEndpoints", &["services", "service", "k8sService"], &[],
        "write `toServices: [{k8sService: {serviceName: web, namespace: shop}}]`"),
    row("fromEndpoints", &["fromSecurityGroups"], &[], "write `fromGroups: [{aws: {securityGroupsIds: [sg-0123456789abcdef0]}}]`"),
    row("toEndpoints", &["toSecurityGroups"], &[], "write `toGroups: [{aws: {securityGroupsIds: [sg-0123456789abcdef0]}}]`"),
    row("toPorts", &["ports", "port", "protocol", "fromPorts"], &[], "write `toPorts: [{ports: [{port: \"443\", protocol: TCP}]}]`"),
    row("toPorts", &["rules", "http", "dns"], &[], "it belongs into an element of `toPorts`, beside `ports`: `rules: {http: [{method: GET}]}`"),
    row("toPorts", &["action", "deny"], &[], "what is to be denied stands in an entry of `ingressDeny` or `egressDeny`"),

    row("matchLabels", &["namespaceSelector", "namespace"], &[],
        "name the namespace by a label: `matchLabels: {k8s:io.kubernetes.pod.namespace: shop}`"),
    row("matchLabels", &["podSelector", "endpointSelector"], &[], "write what stands under it here, without this key"),
    row("matchLabels", &["ipBlock", "cidr"], &[], "prefixes stand under `fromCIDRSet` or `toCIDRSet`, in an entry of their own"),
    row("matchLabels", &["toPorts", "ports", "icmps"], &[],
        "`toPorts` and `icmps` stand beside the list of peers: indent it less, without a `- `"),

    row("cidrGroupRef", &["ipBlock"], &["cidr"], "write `cidr` and `except` here, without `ipBlock`"),
    row("cidrGroupRef", &["cidrs", "ip", "prefix"], &["cidr"], "write one element for each prefix: `- cidr: 10.0.0.0/8`"),
    row("cidrGroupRef", &["cidrGroup", "group", "name"], &["cidrGroupRef"], "did you mean `cidrGroupRef`?"),

    row("serverNames", &["port", "protocol", "endPort"], &["ports"], "it belongs into the list `ports`: `ports: [{port: \"443\", protocol: TCP}]`"),
    row("serverNames", &["http", "dns", "kafka", "l7"], &[], "it belongs under `rules`, beside `ports`"),
    row("serverNames", &["icmps", "icmp", "fields"], &[], "`icmps` has no ports: write it in place of `toPorts`, in an entry of its own"),
    row("endPort", &["proto"], &["protocol"], "did you mean `protocol`?"),
    row("endPort", &["number", "name", "containerPort", "targetPort"], &["port"], "did you mean `port`?"),
    row("endPort", &["rules", "http", "dns"], &[], "it belongs beside `ports`: `rules: {http: [{method: GET}]}`"),
    row("dns", &["method", "path", "host", "headers"], &["http"], "it belongs into an element of `http`: `http: [{method: GET, path: /api/.*}]`"),
    row("dns", &["matchName", "matchPattern"], &["dns"], "it belongs into an element of `dns`: `dns: [{matchPattern: \"*\"}]`"),
    row("headerMatches", &["url", "uri", "paths"], &[], "did you mean `path`?"),
    row("headerMatches", &["methods"], &[], "write one expression: `method: GET|HEAD`"),
    row("headerMatches", &["hosts"], &[], "write one expression: `host: (www|api)[.]example[.]com`"),
    row("matchPattern", &["name", "fqdn", "host"], &["matchName", "matchPattern"], "did you mean `matchName`?"),
    row("matchPattern", &["pattern", "regex"], &["matchName", "matchPattern"], "did you mean `matchPattern`?"),

    row("k8sService", &["serviceName", "name", "namespace", "service"], &["k8sService"], "write `k8sService: {serviceName: web, namespace: shop}`"),
    row("k8sService", &["selector", "matchLabels"], &["k8sService"], "write `k8sServiceSelector: {selector: {matchLabels: {app: web}}}`"),
    row("serviceName", &["name", "service"], &["serviceName"], "did you mean `serviceName`?"),
    row("selector", &["matchLabels", "matchExpressions"], &["selector"], "write it under `selector`: `selector: {matchLabels: {app: web}}`"),
    row("fields", &["type", "family"], &[], "it belongs into the list `fields`: `fields: [{type: EchoRequest, family: IPv4}]`"),
    row("family", &["protocol", "version"], &[], "write `family: IPv4` or `family: IPv6`"),
    row("family", &["code"], &[], "remove it: a rule names the type alone, and every code of it is meant"),
    row("aws", &["securityGroupsIds", "securityGroupsNames", "labels", "region"], &["aws"], "it belongs under `aws`"),
    row("securityGroupsIds", &["securityGroupIds", "securityGroups"], &[], "did you mean `securityGroupsIds`?"),
];

/// Known in a NetworkPolicy of Kubernetes.
#[rustfmt::skip]
const KUBERNETES: &[Confusion] = &[
    row("podSelector", &["endpointSelector", "selector", "matchLabels"], &["podSelector"], "a NetworkPolicy calls it `podSelector`: `podSelector: {matchLabels: {app: web}}`"),
    row("policyTypes", &["ingressDeny", "egressDeny"], &[], "a NetworkPolicy cannot deny: use `kind: CiliumNetworkPolicy` with `apiVersion: cilium.io/v2`"),
    row("policyTypes", &["namespaceSelector"], &[], "a NetworkPolicy is for pods of its own namespace: remove it"),
    row("policyTypes", &["from", "to", "ports"], &[], "it belongs into an entry of `ingress` or `egress`: begin the entry with `- ` and indent it"),
    row("from", &["fromEndpoints", "podSelector", "namespaceSelector", "matchLabels"], &[], "write `from: [{podSelector: {matchLabels: {app: web}}}]`"),
    row("to", &["toEndpoints", "podSelector", "namespaceSelector", "matchLabels"], &[], "write `to: [{podSelector: {matchLabels: {app: web}}}]`"),
    row("from", &["fromCIDR", "fromCIDRSet", "ipBlock", "cidr"], &[], "write `from: [{ipBlock: {cidr: 10.0.0.0/8}}]`"),
    row("to", &["toCIDR", "toCIDRSet", "ipBlock", "cidr"], &[], "write `to: [{ipBlock: {cidr: 10.0.0.0/8}}]`"),
    row("from", &["to"], &[], "an entry of `ingress` has `from`; `to` belongs under `egress`"),
    row("to", &["from"], &[], "an entry of `egress` has `to`; `from` belongs under `ingress`"),
    row("ports", &["toPorts", "port", "protocol"], &[], "write `ports: [{port: 443, protocol: TCP}]`"),
    row("ports", &["toFQDNs", "toEntities", "fromEntities", "toServices", "icmps", "toGroups", "fromGroups"], &[],
        "a NetworkPolicy has no such peers: use `kind: CiliumNetworkPolicy` with `apiVersion: cilium.io/v2`"),
    row("ipBlock", &["matchLabels", "matchExpressions"], &["podSelector"], "write it under `podSelector`, or under `namespaceSelector`"),
    row("ipBlock", &["namespace", "namespaces"], &["podSelector"], "write `namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}`"),
    row("ipBlock", &["cidr", "except"], &["podSelector"], "write it under `ipBlock`: `ipBlock: {cidr: 10.0.0.0/8}`"),
    row("ipBlock", &["ports"], &["podSelector"], "`ports` stands beside the list of peers: indent it less, without a `- `"),
    row("endPort", &["proto"], &["protocol"], "did you mean `protocol`?"),
    row("endPort", &["number", "name", "containerPort", "targetPort"], &["port"], "did you mean `port`?"),
    row("matchLabels", &["namespaceSelector"], &[], "it stands beside `podSelector`, in the same element: indent it less"),
    row("matchLabels", &["podSelector"], &[], "it stands beside `namespaceSelector`, in the same element: indent it less"),
];

/// What an unknown field was probably meant to be.
pub(super) struct Meant {
    fields: Vec<&'static str>,
    /// What to do.
    pub(super) help: String,
}

impl Meant {
    /// A field whose name is nearly the one written.
    pub(super) fn close(field: &'static str) -> Meant {
        Meant { fields: vec![field], help: format!("did you mean `{field}`?") }
    }

    /// A field that stands here already under its right name.
    pub(super) fn again(field: &'static str) -> Meant {
        Meant {
            fields: Vec::new(),
            help: format!("`{field}` stands here too: put the two together, or remove this one"),
        }
    }

    /// Whether it stands for this field.
    pub(super) fn is(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }
}

/// What a field was meant to be that stands beside `known` ones of a policy of `kind`.
pub(super) fn confusion(entry: &Entry, known: &[&str], kind: &str) -> Option<Meant> {
    let own = if kind == "NetworkPolicy" { KUBERNETES } else { CILIUM };
    let fits = |row: &&Confusion| {
        known.contains(&row.beside) && row.written.iter().any(|name| name.eq_ignore_ascii_case(&entry.key))
    };
    own.iter()
        .chain(EVERYWHERE)
        .find(fits)
        .map(|row| Meant { fields: row.meant.to_vec(), help: row.help.to_owned() })
        .or_else(|| other_direction(&entry.key, known))
}

/// `toCIDR` in an entry that has `fromCIDR`, and the other way round.
fn other_direction(key: &str, known: &[&str]) -> Option<Meant> {
    let (swapped, section, other) = match (key.strip_prefix("to"), key.strip_prefix("from")) {
        (Some(rest), _) => (format!("from{rest}"), "ingress", "egress"),
        (_, Some(rest)) => (format!("to{rest}"), "egress", "ingress"),
        _ => return None,
    };
    let help = if known.contains(&swapped.as_str()) {
        format!("an entry of `{section}` has `{swapped}`; `{key}` belongs under `{other}`")
    } else if section == "ingress" && known.contains(&"fromEndpoints") && key == "toFQDNs" {
        "names are for traffic that goes out: put the entry under `egress`".to_owned()
    } else if section == "ingress" && known.contains(&"fromEndpoints") && key == "toServices" {
        "services are for traffic that goes out: put the entry under `egress`".to_owned()
    } else {
        return None;
    };
    Some(Meant { fields: Vec::new(), help })
}

/// What a key that resembles no field was meant to be: a label, or a list element without its space.
pub(super) fn stray_key(entry: &Entry, known: &[&str]) -> Option<Meant> {
    if let Some(name) = entry.key.strip_prefix('-').filter(|name| !name.is_empty()) {
        return Some(Meant { fields: Vec::new(), help: format!("put a space after the `-`: `- {name}`") });
    }
    let value = plain(&entry.value)?;
    let key = &entry.key;
    if known.contains(&"matchLabels") {
        let help = format!("labels stand under `matchLabels`: `matchLabels: {{{key}: {value}}}`");
        return Some(Meant { fields: Vec::new(), help });
    }
    if known.contains(&"operator") {
        let help = format!("write `- {{key: {key}, operator: In, values: [{value}]}}`");
        return Some(Meant { fields: vec!["key", "operator"], help });
    }
    None
}

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
        "from" | "to" | "toFQDNs" | "toServices" | "fromGroups" | "toGroups" | "fromNodes" | "toNodes" => {
            "list the peers, or remove the whole entry: without the key every peer is meant".to_owned()
        }
        "toPorts" | "ports" => "list the ports: without the key every port is meant".to_owned(),
        "matchLabels" | "matchExpressions" => {
            "list the labels: without them the selector selects everything".to_owned()
        }
        "endpointSelector" | "podSelector" => {
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
        NodeKind::Sequence(_) => "remove the `- `: there is only one here".to_owned(),
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
