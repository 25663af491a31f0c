//! Namespaces, nodes, services and their endpoints.

use std::net::IpAddr;

use sluice_ir::net::{PortName, Protocol};

use super::{EndpointSlice, Namespace, Node, Service, ServiceAccount, ServicePort};
use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::resource::address::read_address;
use crate::resource::decode::{Decoder, Fields, Spanned, string};
use crate::resource::meta::{Scope, labels, meta};
use crate::resource::network_policy::NumberOrName;
use crate::source::{Node as Tree, NodeKind, Scalar, Span};

/// The label by which an EndpointSlice names its service.
const SERVICE_NAME: &str = "kubernetes.io/service-name";

/// Reads a Namespace.
pub fn namespace(decoder: &mut Decoder<'_>, node: &Tree, object: Span) -> Option<Namespace> {
    let mut fields = decoder.fields(node)?;
    let meta = meta(decoder, &mut fields, object, Scope::Cluster);
    Some(Namespace { meta: meta? })
}

/// Reads a ServiceAccount.
pub fn service_account(decoder: &mut Decoder<'_>, node: &Tree, object: Span) -> Option<ServiceAccount> {
    let mut fields = decoder.fields(node)?;
    let meta = meta(decoder, &mut fields, object, Scope::Namespaced);
    Some(ServiceAccount { meta: meta? })
}

/// Reads a Node.
pub fn node(decoder: &mut Decoder<'_>, node: &Tree, object: Span) -> Option<Node> {
    let mut fields = decoder.fields(node)?;
    let meta = meta(decoder, &mut fields, object, Scope::Cluster);
    let addresses = fields.read(decoder, "status", |decoder, node| {
        decoder
            .fields(node)?
            .read(decoder, "addresses", |decoder, node| Some(decoder.list(node, node_address)))
    });
    Some(Node { meta: meta?, addresses: addresses.unwrap_or_default() })
}

/// Names and cloud DNS names of a node stand in the same list as its addresses.
fn node_address(decoder: &mut Decoder<'_>, node: &Tree) -> Option<Spanned<IpAddr>> {
    let mut fields = decoder.fields(node)?;
    let kind = fields.entry("type").and_then(|entry| entry.value.scalar());
    let is_address = matches!(kind, Some(Scalar::String("InternalIP" | "ExternalIP")));
    is_address.then(|| fields.read(decoder, "address", read_address))?
}

/// Reads a Service. Of one of type ExternalName nothing but the name counts: it has no backends.
pub fn service(decoder: &mut Decoder<'_>, node: &Tree, object: Span) -> Option<Service> {
    let mut fields = decoder.fields(node)?;
    fields.skip(&["apiVersion", "kind", "status"]);
    let meta = meta(decoder, &mut fields, object, Scope::Namespaced);
    let spec = fields.read(decoder, "spec", |decoder, node| {
        let mut fields = decoder.fields(node)?;
        let kind = fields.entry("type").and_then(|entry| entry.value.scalar());
        if kind == Some(Scalar::String("ExternalName")) {
            return None;
        }
        let selector = fields.read(decoder, "selector", labels).filter(|labels| !labels.is_empty());
        let ports = fields.entry("ports").map(|entry| service_ports(&entry.value)).unwrap_or_default();
        Some((selector, cluster_addresses(decoder, &mut fields), ports))
    });
    fields.finish(decoder);
    let meta = meta?;
    let global = super::global::global(decoder, &meta);
    let (selector, cluster_addresses, ports) = spec.unwrap_or_default();
    Some(Service { meta, selector, cluster_addresses, ports, global })
}

/// The ports of a service, as far as they can be read. They decide nothing, so nothing is said of the others.
fn service_ports(node: &Tree) -> Vec<ServicePort> {
    let NodeKind::Sequence(items) = &node.kind else { return Vec::new() };
    items.iter().filter_map(service_port).collect()
}

fn service_port(node: &Tree) -> Option<ServicePort> {
    let number = |node: &Tree| match node.scalar() {
        Some(Scalar::Int(number)) => u16::try_from(number).ok().filter(|port| *port > 0),
        _ => None,
    };
    let port = number(node.get("port")?)?;
    let target = match node.get("targetPort").filter(|target| !target.is_null()) {
        None => NumberOrName::Number(port),
        Some(target) => match target.scalar()? {
            Scalar::String(name) => NumberOrName::Name(PortName::parse(name)?),
            _ => NumberOrName::Number(number(target)?),
        },
    };
    let protocol = match node.get("protocol").and_then(Tree::scalar) {
        Some(Scalar::String(name)) => Protocol::from_name(name)?,
        _ => Protocol::TCP,
    };
    Some(ServicePort { port, target, protocol })
}

fn cluster_addresses(decoder: &mut Decoder<'_>, fields: &mut Fields<'_>) -> Vec<IpAddr> {
    let one = |decoder: &mut Decoder<'_>, node: &Tree| match node.scalar() {
        Some(Scalar::String("" | "None")) => None,
        _ => read_address(decoder, node).map(|address| address.value),
    };
    let several = fields.read(decoder, "clusterIPs", |decoder, node| Some(decoder.list(node, one)));
    match several {
        Some(several) if !several.is_empty() => several,
        _ => fields.read(decoder, "clusterIP", one).into_iter().collect(),
    }
}

/// Reads an EndpointSlice. Endpoints that are not ready take no traffic and are left out.
pub fn endpoint_slice(decoder: &mut Decoder<'_>, node: &Tree, object: Span) -> Option<EndpointSlice> {
    let mut fields = decoder.fields(node)?;
    let meta = meta(decoder, &mut fields, object, Scope::Namespaced);
    let kind = fields.read(decoder, "addressType", string);
    let mut addresses = Vec::new();
    match kind {
        Some(kind) if &*kind.value == "FQDN" => decoder.report(
            Diagnostic::new(
                Code::InvalidAddress,
                kind.span,
                "endpoints of type `FQDN` are names, not addresses",
            )
            .severity(Severity::Warning)
            .help("no policy matches them; they are left out"),
        ),
        _ => {
            fields.read(decoder, "endpoints", |decoder, node| {
                decoder.list(node, |decoder, item| endpoint(decoder, item, &mut addresses));
                Some(())
            });
        }
    }
    let meta = meta?;
    let service = meta.labels.iter().find(|(key, _)| &**key == SERVICE_NAME).map(|(_, name)| name.clone());
    Some(EndpointSlice { meta, service, addresses })
}

fn endpoint(decoder: &mut Decoder<'_>, node: &Tree, addresses: &mut Vec<Spanned<IpAddr>>) -> Option<()> {
    let mut fields = decoder.fields(node)?;
    let conditions = fields.entry("conditions").map(|entry| &entry.value);
    let ready = conditions.and_then(|conditions| conditions.get("ready")).and_then(Tree::scalar);
    if ready == Some(Scalar::Bool(false)) {
        return None;
    }
    let read = fields.read(decoder, "addresses", |decoder, node| Some(decoder.list(node, read_address)));
    addresses.extend(read.unwrap_or_default());
    Some(())
}

/// Reads Endpoints, the older form of an EndpointSlice, which has the name of its service.
pub fn endpoints(decoder: &mut Decoder<'_>, node: &Tree, object: Span) -> Option<EndpointSlice> {
    let mut fields = decoder.fields(node)?;
    let meta = meta(decoder, &mut fields, object, Scope::Namespaced);
    let mut addresses = Vec::new();
    fields.read(decoder, "subsets", |decoder, node| {
        decoder.list(node, |decoder, item| {
            let ready = decoder.fields(item)?.read(decoder, "addresses", |decoder, node| {
                Some(
                    decoder
                        .list(node, |decoder, item| decoder.fields(item)?.read(decoder, "ip", read_address)),
                )
            });
            addresses.extend(ready.unwrap_or_default());
            Some(())
        });
        Some(())
    });
    let meta = meta?;
    Some(EndpointSlice { service: Some(meta.name.value.clone()), meta, addresses })
}

#[cfg(test)]
mod tests;
