//! From documents to objects: kinds, API versions, lists.

use std::sync::Arc;

use super::decode::{Decoder, Schema};
use super::{Object, Place, Resource, Strings, cilium, core, network_policy};
use crate::check;
use crate::diagnostic::{Code, Diagnostic, DocumentRef, did_you_mean};
use crate::options::Options;
use crate::source::{Document, Node, NodeKind, Scalar, Span};

/// Reads the objects of a document: one, or as many as a `List` has.
///
/// An object that has an error is left out; its diagnostics say why.
pub fn read(
    document: &Document,
    options: &Options,
    strings: &mut Strings,
) -> (Vec<Resource>, Vec<Diagnostic>) {
    let mut reader = Reader { document, options, strings, resources: Vec::new(), diagnostics: Vec::new() };
    reader.node(&document.root);
    (reader.resources, reader.diagnostics)
}

struct Reader<'d> {
    document: &'d Document,
    options: &'d Options,
    strings: &'d mut Strings,
    resources: Vec<Resource>,
    diagnostics: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn node(&mut self, node: &Node) {
        if let Some(items) = list_items(node) {
            for item in items.iter().filter(|item| !item.is_null()) {
                self.node(item);
            }
            return;
        }
        let about = Arc::new(document_ref(node, self.document.index, self.strings));
        let NodeKind::Mapping(entries) = &node.kind else {
            let help = match &node.kind {
                NodeKind::Sequence(_) => {
                    "write each manifest without its `- `, and a line `---` between two of them"
                }
                _ => "a manifest begins with `apiVersion:` and `kind:`",
            };
            self.diagnostics.push(
                Diagnostic::new(
                    Code::NotAnObject,
                    node.span,
                    format!("this document is {}, and an object is needed", node.type_name()),
                )
                .help(help)
                .document(Some(about)),
            );
            return;
        };
        let span = entries.first().map_or(node.span, |entry| entry.key_span);
        let place = Place { file: self.document.file, span, whole: node.span, document: Arc::clone(&about) };
        match kind_of(node, span) {
            Err(diagnostic) => self.diagnostics.push((*diagnostic).document(Some(about))),
            Ok(kind) => {
                let mut decoder = Decoder::new(self.options, about, kind.schema, self.strings);
                let object = (kind.read)(&mut decoder, node, span);
                if let (Some(object), false) = (object, decoder.failed()) {
                    self.resources.push(Resource { place, object: Arc::new(object) });
                }
                self.diagnostics.extend(decoder.finish());
            }
        }
    }
}

/// The elements of `kind: List` and of typed lists such as `PodList`.
fn list_items(node: &Node) -> Option<&[Node]> {
    let kind = text(node, "kind")?;
    match &node.get("items")?.kind {
        NodeKind::Sequence(items) if kind.ends_with("List") => Some(items),
        _ => None,
    }
}

fn text<'n>(node: &'n Node, key: &str) -> Option<&'n str> {
    match node.get(key)?.scalar()? {
        Scalar::String(text) => Some(text),
        _ => None,
    }
}

fn document_ref(node: &Node, index: usize, strings: &mut Strings) -> DocumentRef {
    let meta = node.get("metadata");
    let mut field = |key| meta.and_then(|meta| text(meta, key)).map(|text| strings.share(text));
    DocumentRef {
        namespace: field("namespace"),
        name: field("name").unwrap_or_default(),
        kind: strings.share(text(node, "kind").unwrap_or_default()),
        index,
    }
}

type ReadObject = fn(&mut Decoder<'_>, &Node, Span) -> Option<Object>;

/// A kind that Sluice reads.
struct Kind {
    name: &'static str,
    group: &'static str,
    versions: &'static [&'static str],
    /// How much of it is known here.
    schema: Schema,
    read: ReadObject,
}

const WORKLOAD: ReadObject = |d, n, s| core::workload(d, n, s).map(Object::Workload);

/// Cilium's API group.
const CILIUM: &str = "cilium.io";

const KINDS: &[Kind] = &[
    Kind {
        name: "CiliumNetworkPolicy",
        group: CILIUM,
        versions: &["v2"],
        schema: Schema::Custom,
        read: |d, n, s| cilium_policy(d, n, s, false),
    },
    Kind {
        name: "CiliumClusterwideNetworkPolicy",
        group: CILIUM,
        versions: &["v2"],
        schema: Schema::Custom,
        read: |d, n, s| cilium_policy(d, n, s, true),
    },
    Kind {
        name: "CiliumCIDRGroup",
        group: CILIUM,
        versions: &["v2", "v2alpha1"],
        schema: Schema::Custom,
        read: |d, n, s| cilium::cidr_group(d, n, s).map(Object::CidrGroup),
    },
    Kind {
        name: "NetworkPolicy",
        group: "networking.k8s.io",
        versions: &["v1"],
        schema: Schema::BuiltIn,
        read: |d, n, s| network_policy::network_policy(d, n, s).map(Object::NetworkPolicy),
    },
    Kind {
        name: "Pod",
        group: "",
        versions: &["v1"],
        schema: Schema::Partial,
        read: |d, n, s| core::pod(d, n, s).map(Object::Pod),
    },
    Kind { name: "Deployment", group: "apps", versions: &["v1"], schema: Schema::Partial, read: WORKLOAD },
    Kind { name: "StatefulSet", group: "apps", versions: &["v1"], schema: Schema::Partial, read: WORKLOAD },
    Kind { name: "DaemonSet", group: "apps", versions: &["v1"], schema: Schema::Partial, read: WORKLOAD },
    Kind { name: "ReplicaSet", group: "apps", versions: &["v1"], schema: Schema::Partial, read: WORKLOAD },
    Kind { name: "Job", group: "batch", versions: &["v1"], schema: Schema::Partial, read: WORKLOAD },
    Kind {
        name: "CronJob",
        group: "batch",
        versions: &["v1", "v1beta1"],
        schema: Schema::Partial,
        read: WORKLOAD,
    },
    Kind {
        name: "Namespace",
        group: "",
        versions: &["v1"],
        schema: Schema::Partial,
        read: |d, n, s| core::namespace(d, n, s).map(Object::Namespace),
    },
    Kind {
        name: "Node",
        group: "",
        versions: &["v1"],
        schema: Schema::Partial,
        read: |d, n, s| core::node(d, n, s).map(Object::Node),
    },
    Kind {
        name: "Service",
        group: "",
        versions: &["v1"],
        schema: Schema::Partial,
        read: |d, n, s| core::service(d, n, s).map(Object::Service),
    },
    Kind {
        name: "EndpointSlice",
        group: "discovery.k8s.io",
        versions: &["v1", "v1beta1"],
        schema: Schema::Partial,
        read: |d, n, s| core::endpoint_slice(d, n, s).map(Object::EndpointSlice),
    },
    Kind {
        name: "Endpoints",
        group: "",
        versions: &["v1"],
        schema: Schema::Partial,
        read: |d, n, s| core::endpoints(d, n, s).map(Object::EndpointSlice),
    },
    Kind {
        name: "ServiceAccount",
        group: "",
        versions: &["v1"],
        schema: Schema::Partial,
        read: |d, n, s| core::service_account(d, n, s).map(Object::ServiceAccount),
    },
];

fn cilium_policy(decoder: &mut Decoder<'_>, node: &Node, object: Span, clusterwide: bool) -> Option<Object> {
    let policy = cilium::policy(decoder, node, object, clusterwide)?;
    check::cilium_policy(decoder, &policy);
    Some(Object::CiliumPolicy(policy))
}

/// Policy kinds of others, and of Kubernetes, that Sluice does not resolve. Leaving one out changes verdicts.
const OTHER_POLICIES: &[&str] = &[
    "AdminNetworkPolicy",
    "BaselineAdminNetworkPolicy",
    "ClusterNetworkPolicy",
    "GlobalNetworkPolicy",
    "ClusterNetworkPolicies",
];

/// Kinds in Cilium's own API group that hold no policy.
const CILIUM_OTHERS: &[&str] = &["CiliumEndpoint", "CiliumEndpointSlice", "CiliumIdentity", "CiliumNode"];

fn kind_of(node: &Node, span: Span) -> Result<&'static Kind, Box<Diagnostic>> {
    let (Some(kind_node), Some(version_node)) = (node.get("kind"), node.get("apiVersion")) else {
        let missing = if node.get("kind").is_none() { "kind" } else { "apiVersion" };
        let diagnostic = Diagnostic::new(Code::MissingKind, span, format!("the object has no `{missing}`"));
        let entries = if let NodeKind::Mapping(entries) = &node.kind { entries.as_slice() } else { &[] };
        return Err(Box::new(match entries.iter().find(|e| did_you_mean(&e.key, [missing]).is_some()) {
            Some(close) => Diagnostic { span: Some(close.key_span), ..diagnostic }
                .help(format!("write `{missing}` in place of `{}`", close.key)),
            None => diagnostic.help("a manifest begins with `apiVersion:` and `kind:`"),
        }));
    };
    let (Some(Scalar::String(name)), Some(Scalar::String(version))) =
        (kind_node.scalar(), version_node.scalar())
    else {
        return Err(Box::new(
            Diagnostic::new(Code::MissingKind, span, "`kind` and `apiVersion` are strings")
                .help("a manifest begins with `apiVersion:` and `kind:`"),
        ));
    };
    for (key, text, node) in [("kind", name, kind_node), ("apiVersion", version, version_node)] {
        if text.is_empty() {
            return Err(Box::new(
                Diagnostic::new(Code::MissingKind, node.span, format!("`{key}` is empty"))
                    .help("a manifest begins with `apiVersion:` and `kind:`"),
            ));
        }
    }
    let (group, bare) = version.rsplit_once('/').unwrap_or(("", version));
    match KINDS.iter().find(|kind| kind.name == name) {
        Some(kind) if kind.group == group && kind.versions.contains(&bare) => Ok(kind),
        // No other group has kinds of Cilium's names, so a slip in the group must not lose the policy.
        Some(kind) if kind.group == group || kind.group == CILIUM || known_mistake(group) => {
            Err(Box::new(wrong_version(kind, version, version_node)))
        }
        _ if OTHER_POLICIES.contains(&name) || name == "NetworkPolicy" => {
            Err(Box::new(unsupported_policy(name, version, kind_node)))
        }
        None => Err(Box::new(unknown_kind(name, group, kind_node))),
        Some(_) => Err(Box::new(unused(name, kind_node))),
    }
}

/// Groups under which people write the kinds above by mistake or by age.
fn known_mistake(group: &str) -> bool {
    group.is_empty()
        || group.ends_with(".k8s.io")
        || group.ends_with("cilium.io")
        || ["apps", "batch", "extensions"].contains(&group)
}

fn wrong_version(kind: &Kind, written: &str, node: &Node) -> Diagnostic {
    let slash = if kind.group.is_empty() { "" } else { "/" };
    let right = format!("{}{slash}{}", kind.group, kind.versions[0]);
    Diagnostic::new(Code::WrongApiVersion, node.span, format!("there is no `{}` in `{written}`", kind.name))
        .help(format!("write `apiVersion: {right}`"))
}

fn unsupported_policy(name: &str, version: &str, node: &Node) -> Diagnostic {
    Diagnostic::new(Code::UnsupportedPolicy, node.span, format!("`{name}` of `{version}` is policy that sluice does not read"))
        .help("the verdicts leave it out; sluice reads NetworkPolicy, CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy")
}

fn unknown_kind(name: &str, group: &str, node: &Node) -> Diagnostic {
    let known = KINDS.iter().map(|kind| kind.name);
    let foreign = !known_mistake(group);
    match did_you_mean(name, known).filter(|_| !foreign && !CILIUM_OTHERS.contains(&name)) {
        Some(close) => Diagnostic::new(Code::MisspelledKind, node.span, format!("unknown kind `{name}`"))
            .help(format!("did you mean `{close}`?")),
        None => unused(name, node),
    }
}

fn unused(name: &str, node: &Node) -> Diagnostic {
    Diagnostic::new(
        Code::UnusedKind,
        node.span,
        format!("`{name}` does not bear on network policy and is not read"),
    )
}
