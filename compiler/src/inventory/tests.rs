//! Who shares an identity, and what a prefix gives to an address.

use super::Inventory;
use crate::lower::{self, Surroundings};
use crate::options::Options;
use crate::resource::Resource;
use crate::resource::aws::AwsInventory;
use crate::source::{Limits, Sources};

fn read(text: &str) -> (Sources, Vec<Resource>) {
    let mut sources = Sources::default();
    let file = sources.add("cluster.yaml", text);
    let loaded = crate::load(&sources, &[file], &Options::default(), &Limits::default());
    assert_eq!(loaded.diagnostics, []);
    (sources, loaded.resources)
}

fn inventory(text: &str) -> Inventory {
    Inventory::build(&read(text).1, Default::default(), &Options::default()).0
}

fn pod(namespace: &str, name: &str, labels: &str) -> String {
    let meta = format!("{{name: {name}, namespace: {namespace}, labels: {{{labels}}}}}");
    format!("apiVersion: v1\nkind: Pod\nmetadata: {meta}\nspec: {{}}\n---\n")
}

#[test]
fn pods_that_policy_cannot_tell_apart_share_an_identity() {
    let text = pod("shop", "c", "app: web, pod-template-hash: b")
        + &pod("shop", "b", "app: db")
        + &pod("shop", "a", "pod-template-hash: a, app: web")
        + &pod("bank", "d", "app: web");
    let inventory = inventory(&text);
    let of = |at: usize| inventory.endpoints[at].identity_id.index();
    assert_eq!([of(0), of(1), of(2), of(3)], [0, 1, 2, 1]);
    assert_eq!(inventory.identities.len(), 3);
    for endpoint in &inventory.endpoints {
        let identity = &inventory.identities[endpoint.identity_id.index()];
        assert!(std::sync::Arc::ptr_eq(identity, &endpoint.identity));
        assert_eq!(identity.labels.get(super::keys::NAMESPACE).unwrap().value, endpoint.namespace);
    }
}

#[test]
fn the_labels_of_every_prefix_around_an_address_count() {
    let group = |name: &str, label: &str, prefixes: &str| {
        let meta = format!("{{name: {name}, labels: {{{label}}}}}");
        let spec = format!("{{externalCIDRs: [{prefixes}]}}");
        format!("apiVersion: cilium.io/v2\nkind: CiliumCIDRGroup\nmetadata: {meta}\nspec: {spec}\n---\n")
    };
    let text = group("b", "zone: near", "10.1.0.0/16, fd00::/16")
        + &group("a", "zone: far", "10.0.0.0/8")
        + &group("c", "tier: c", "10.1.0.0/16");
    let inventory = inventory(&text);
    let labels = |address: &str| inventory.identity_of(address.parse().unwrap(), None).labels.to_string();
    let member = |name: &str| format!("cidrgroup:io.cilium.policy.cidrgroupname/{name}");
    let (a, b, c) = (member("a"), member("b"), member("c"));
    assert_eq!(
        labels("10.1.2.3"),
        format!("{a}, {b}, {c}, cidrgroup:tier=c, reserved:world-ipv4, cidrgroup:zone=near")
    );
    assert_eq!(labels("10.2.0.1"), format!("{a}, reserved:world-ipv4, cidrgroup:zone=far"));
    assert_eq!(labels("fd00::1"), format!("{b}, reserved:world-ipv6, cidrgroup:zone=near"));
    assert_eq!(labels("192.0.2.1"), "reserved:world-ipv4");
}

#[test]
fn policies_one_by_one_are_as_all_at_once() {
    let policy = |name: &str, peer: &str| {
        let spec = format!(
            "{{endpointSelector: {{matchLabels: {{app: web}}}}, ingress: [{{fromEndpoints: [{{matchLabels: {{app: {peer}}}}}]}}]}}"
        );
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\nspec: {spec}\n---\n"
        )
    };
    let text = policy("one", "db") + &pod("shop", "a", "app: web") + &policy("two", "web");
    let (sources, resources) = read(&text);
    let options = Options::default();
    let inventory = Inventory::build(&resources, Default::default(), &options).0;
    let aws = AwsInventory::default();
    let around = Surroundings { sources: &sources, inventory: &inventory, aws: &aws, options: &options };
    let alone = resources.iter().map(|resource| lower::lower_one(resource, around)).collect();
    let (merged, whole) = (lower::merge(alone, &options), lower::lower(&resources, around));
    assert_eq!(merged.policy, whole.policy);
    assert_eq!((whole.policy.rules.len(), whole.written.len(), merged.written.len()), (2, 2, 2));
}
