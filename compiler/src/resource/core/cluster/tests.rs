//! What is read of namespaces, nodes, services and endpoints.

use super::super::{Affinity, GlobalService};
use super::*;
use crate::resource::Object;
use crate::resource::testing::{object, objects};

fn service_of(text: &str) -> Service {
    match object(text) {
        Object::Service(service) => service,
        other => panic!("{other:?}"),
    }
}

fn slice_of(text: &str) -> EndpointSlice {
    match object(text) {
        Object::EndpointSlice(slice) => slice,
        other => panic!("{other:?}"),
    }
}

fn texts(addresses: &[Spanned<IpAddr>]) -> Vec<String> {
    addresses.iter().map(|address| address.value.to_string()).collect()
}

fn annotated(annotations: &str) -> (Option<GlobalService>, Vec<String>) {
    let text =
        format!("{{apiVersion: v1, kind: Service, metadata: {{name: a, annotations: {{{annotations}}}}}}}");
    let (mut objects, found) = objects(&text);
    match objects.pop() {
        Some(Object::Service(service)) => (service.global, found),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_has_its_addresses_and_not_its_names() {
    let Object::Node(node) = object(
        "{apiVersion: v1, kind: Node, metadata: {name: n1, labels: {zone: a}}, spec: {podCIDR: 10.0.0.0/24}, status: {addresses: [
          {type: Hostname, address: n1}, {type: InternalDNS, address: n1.local},
          {type: InternalIP, address: 192.168.0.1}, {type: ExternalIP, address: '2001:db8::1'}]}}",
    ) else {
        panic!()
    };
    assert_eq!(texts(&node.addresses), ["192.168.0.1", "2001:db8::1"]);
    assert_eq!(node.meta.namespace, None);
}

#[test]
fn a_namespace_and_a_service_account_are_known_by_name() {
    assert!(matches!(
        object("{apiVersion: v1, kind: Namespace, metadata: {name: a}, spec: {finalizers: [kubernetes]}}"),
        Object::Namespace(_)
    ));
    assert!(matches!(
        object("{apiVersion: v1, kind: ServiceAccount, metadata: {name: a}, secrets: []}"),
        Object::ServiceAccount(_)
    ));
}

#[test]
fn a_service_has_a_selector_and_cluster_addresses() {
    let service = service_of(
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: ClusterIP, selector: {app: a},
          clusterIP: 10.96.0.1, clusterIPs: [10.96.0.1, 'fd00::1'], ports: [{port: 80}]}}",
    );
    assert_eq!(service.selector, Some(vec![("app".into(), "a".into())]));
    assert_eq!(service.cluster_addresses.len(), 2);
    assert_eq!(service.global, None);
    for headless in
        ["clusterIP: None", "clusterIPs: [None]", "clusterIP: ''", "selector: {}, clusterIP: null"]
    {
        let service = service_of(&format!(
            "{{apiVersion: v1, kind: Service, metadata: {{name: a}}, spec: {{{headless}}}}}"
        ));
        assert!(service.cluster_addresses.is_empty() && service.selector.is_none(), "{headless}");
    }
    let service =
        service_of("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: 10.0.0.1}}");
    assert_eq!(service.cluster_addresses.len(), 1);
}

#[test]
fn a_service_for_an_external_name_has_no_backends() {
    let service = service_of(
        "{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {type: ExternalName, externalName: x.io, selector: {a: b}}}",
    );
    assert!(service.selector.is_none() && service.cluster_addresses.is_empty());
}

#[test]
fn endpoints_that_are_ready_or_do_not_say_count() {
    let slice = slice_of(
        "{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, addressType: IPv4,
          metadata: {name: a-1, labels: {kubernetes.io/service-name: a}}, ports: [{port: 1}], endpoints: [
          {addresses: [10.0.0.1], conditions: {ready: true}}, {addresses: [10.0.0.2], conditions: {ready: false, serving: true}},
          {addresses: [10.0.0.3], conditions: {}}, {addresses: [10.0.0.4, 10.0.0.5], conditions: {ready: null}}]}",
    );
    assert_eq!(slice.service.as_deref(), Some("a"));
    assert_eq!(texts(&slice.addresses), ["10.0.0.1", "10.0.0.3", "10.0.0.4", "10.0.0.5"]);
    let slice = slice_of(
        "{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subsets: [{addresses: [{ip: 10.0.0.1, nodeName: n}],
          notReadyAddresses: [{ip: 10.0.0.2}]}, {addresses: [{ip: 10.0.0.3}]}]}",
    );
    assert_eq!(slice.service.as_deref(), Some("a"));
    assert_eq!(texts(&slice.addresses), ["10.0.0.1", "10.0.0.3"]);
}

#[test]
fn addresses_that_are_none_are_found_where_they_stand() {
    let (_, found) = objects(
        "{apiVersion: v1, kind: Node, metadata: {name: a}, status: {addresses: [{type: InternalIP, address: 10.0.0.0/8}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIPs: [10.0.0.256]}}
---
{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: a}, addressType: FQDN, endpoints: [{addresses: [x.io]}]}
---
{apiVersion: v1, kind: Endpoints, metadata: {name: a}, subsets: [{addresses: [{ip: 1}]}]}
",
    );
    assert_eq!(found, ["S0907 10.0.0.0/8", "S0907 10.0.0.256", "warning S0907 FQDN", "S0907 1"]);
}

#[test]
fn annotations_say_how_a_service_is_shared() {
    let shared = |shared, affinity| Some(GlobalService { shared, affinity });
    let cases = [
        ("service.cilium.io/global: 'true'", shared(true, Affinity::None)),
        (
            "service.cilium.io/global: 'TRUE', service.cilium.io/shared: 'False'",
            shared(false, Affinity::None),
        ),
        (
            "io.cilium/global-service: 'true', io.cilium/service-affinity: Remote",
            shared(true, Affinity::Remote),
        ),
        ("service.cilium.io/global: 'false', io.cilium/global-service: 'true'", None),
        (
            "service.cilium.io/global: 'true', service.cilium.io/affinity: local, io.cilium/service-affinity: x",
            shared(true, Affinity::Local),
        ),
        ("service.cilium.io/shared: 'true'", None),
        ("service.cilium.io/global: 'true', service.cilium.io/affinity: ''", shared(true, Affinity::None)),
    ];
    for (annotations, expected) in cases {
        assert_eq!(annotated(annotations), (expected, vec![]), "{annotations}");
    }
}

#[test]
fn a_value_without_meaning_is_found_where_it_stands() {
    let (global, found) = annotated("service.cilium.io/global: 'yes'");
    assert_eq!((global, found), (None, vec!["warning S0910 'yes'".to_owned()]));
    let (global, found) = annotated(
        "io.cilium/global-service: 'True', io.cilium/shared-service: '1', service.cilium.io/affinity: near",
    );
    assert_eq!(global, Some(GlobalService { shared: false, affinity: Affinity::None }));
    assert_eq!(found, ["warning S0910 '1'", "warning S0910 near"]);
}
