//! Peers that are known by reference: cloud groups and services (semantics.md 1.3).

use std::sync::Arc;

use super::{CloudGroup, PeerItems, ServiceBy, ServiceRef};
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::decode::{Decoder, string};
use crate::resource::meta::string_map;
use crate::resource::selector::{KeyStyle, selector};
use crate::source::{Node, Span};

pub(super) fn groups(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Groups(decoder.list(node, |decoder, item| {
        let mut fields = decoder.fields(item)?;
        let place = fields.entry("aws").map_or(item.span, |entry| entry.key_span);
        let group = fields.read(decoder, "aws", |decoder, node| {
            let mut fields = decoder.fields(node)?;
            let labels = fields.read(decoder, "labels", string_map).unwrap_or_default();
            let group_ids = fields.read(decoder, "securityGroupsIds", strings).unwrap_or_default();
            let group_names = fields.read(decoder, "securityGroupsNames", strings).unwrap_or_default();
            fields.read(decoder, "region", string);
            fields.finish(decoder);
            let labels = labels.into_iter().map(|(key, value)| (key, value.value)).collect();
            Some(CloudGroup { span: place, labels, group_ids, group_names })
        });
        let has_provider = fields.has("aws") || fields.explained(decoder, "aws");
        fields.finish(decoder);
        if !has_provider {
            decoder.report(
                Diagnostic::new(Code::GroupProvider, item.span, "a cloud group names no provider")
                    .label("`aws` is missing")
                    .help("say which groups are meant: `aws: {securityGroupsIds: [sg-0123456789abcdef0]}`"),
            );
        }
        group
    }))
}

fn strings(decoder: &mut Decoder<'_>, node: &Node) -> Option<Vec<Arc<str>>> {
    Some(decoder.list(node, |decoder, item| string(decoder, item).map(|text| text.value)))
}

pub(super) fn services(decoder: &mut Decoder<'_>, node: &Node) -> PeerItems {
    PeerItems::Services(decoder.list(node, |decoder, item| {
        let mut fields = decoder.fields(item)?;
        let name_key = fields.entry("k8sService").map_or(item.span, |entry| entry.key_span);
        let by_name = fields.read(decoder, "k8sService", |decoder, node| {
            let mut fields = decoder.fields(node)?;
            let name = fields.read(decoder, "serviceName", string);
            let namespace = fields.read(decoder, "namespace", string);
            let explained = fields.explained(decoder, "serviceName");
            fields.finish(decoder);
            (!explained).then_some((name, namespace))
        });
        let selector_key = fields.entry("k8sServiceSelector").map(|entry| entry.key_span);
        let by_labels = fields.read(decoder, "k8sServiceSelector", |decoder, node| {
            let mut fields = decoder.fields(node)?;
            let spec = fields.read(decoder, "selector", |d, n| selector(d, n, KeyStyle::Cilium));
            let namespace = fields.read(decoder, "namespace", string);
            fields.require(decoder, node, "selector");
            fields.finish(decoder);
            Some((spec?, namespace))
        });
        let written = ["k8sService", "k8sServiceSelector"]
            .iter()
            .any(|name| fields.has(name) || fields.explained(decoder, name));
        fields.finish(decoder);
        let (by, namespace, span) = match (by_labels, by_name) {
            (Some((spec, namespace)), _) => {
                (ServiceBy::Selector(spec), namespace, selector_key.unwrap_or(item.span))
            }
            (None, Some((Some(name), namespace))) => (ServiceBy::Name(name.value), namespace, name.span),
            (None, Some((None, _))) => {
                no_service(decoder, name_key, "`k8sService` has no `serviceName`");
                return None;
            }
            (None, None) => {
                if !written {
                    no_service(decoder, item.span, "this element names no service");
                }
                return None;
            }
        };
        let namespace = namespace.map(|namespace| namespace.value).filter(|namespace| !namespace.is_empty());
        Some(ServiceRef { span, by, namespace })
    }))
}

fn no_service(decoder: &mut Decoder<'_>, span: Span, message: &str) {
    decoder.report(
        Diagnostic::new(Code::ServiceReference, span, message)
            .help("write `k8sService: {serviceName: web, namespace: shop}` or `k8sServiceSelector`"),
    );
}
