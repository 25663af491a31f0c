//! Fields that people write where they do not exist, and what they mean by them.

use super::plain;
use crate::source::Entry;

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
        "it belongs into an entry of `ingress` or `egress`: indent it below the `- ` of the entry"),

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
        "write labels: `k8s:io.kubernetes.pod.namespace: shop` for the name of the namespace, `k8s:io.cilium.k8s.namespace.labels.team: shop` for a label that it has"),
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
    row("headerMatches", &["hosts"], &[], "write one expression: `host: \"(www|api)[.]example[.]com\"`"),
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
pub(in crate::resource) struct Meant {
    fields: Vec<&'static str>,
    /// What to do.
    pub(in crate::resource) help: String,
}

impl Meant {
    /// A field whose name is nearly the one written.
    pub(in crate::resource) fn close(field: &'static str) -> Meant {
        Meant { fields: vec![field], help: format!("did you mean `{field}`?") }
    }

    /// A field that stands here already under its right name.
    pub(in crate::resource) fn again(field: &'static str) -> Meant {
        Meant {
            fields: Vec::new(),
            help: format!("`{field}` stands here too: put the two together, or remove this one"),
        }
    }

    /// Whether it stands for this field.
    pub(in crate::resource) fn is(&self, field: &str) -> bool {
        self.fields.contains(&field)
    }
}

/// What a field was meant to be that stands beside `known` ones of a policy of `kind`.
pub(in crate::resource) fn confusion(entry: &Entry, known: &[&str], kind: &str) -> Option<Meant> {
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
pub(in crate::resource) fn stray_key(entry: &Entry, known: &[&str]) -> Option<Meant> {
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
