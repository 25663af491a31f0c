//! From structs to manifests.
//!
//! [`world`] and [`policy`] build trees, which JSON writes as they are and [`yaml`] in blocks.

mod block;
mod cilium;
mod network;

use serde_json::{Map, Value, json};

pub(crate) use self::block::yaml;
use crate::shape::*;

/// The manifests of a world.
pub(crate) fn world(world: &World) -> Vec<Value> {
    let mut objects = Vec::new();
    for (name, labels) in NAMESPACES.iter().zip(&world.namespaces) {
        if let Some(labels) = labels {
            objects.push(object("v1", "Namespace", None, name, json!({"labels": map(labels)}), json!({})));
        }
    }
    for (name, address) in NODES {
        let status = json!({"addresses": [{"type": "InternalIP", "address": address}]});
        objects.push(object("v1", "Node", None, name, json!({}), json!({"status": status})));
    }
    for (pod, address) in world.pods.iter().zip(PODS) {
        let ports = pod
            .ports
            .iter()
            .map(|port| json!({"name": port.name, "containerPort": port.number, "protocol": port.protocol}));
        let body = json!({
            "spec": {"nodeName": pod.node, "containers": [{"name": "main", "ports": ports.collect::<Vec<_>>()}]},
            "status": {"phase": "Running", "podIP": address},
        });
        let labels = json!({"labels": map(&pod.labels)});
        objects.push(object("v1", "Pod", Some(pod.namespace), pod.name, labels, body));
    }
    if let Some(address) = world.api_server {
        let family = if address.contains(':') { "IPv6" } else { "IPv4" };
        let labels = json!({"labels": {"kubernetes.io/service-name": "kubernetes"}});
        let body = json!({
            "addressType": family,
            "endpoints": [{"addresses": [address]}],
            "ports": [{"name": "https", "port": 6443}],
        });
        let version = "discovery.k8s.io/v1";
        objects.push(object(version, "EndpointSlice", Some("default"), "kubernetes", labels, body));
    }
    for group in &world.groups {
        let labels = json!({"labels": map(&group.labels)});
        let spec = json!({"spec": {"externalCIDRs": group.cidrs}});
        objects.push(object("cilium.io/v2", "CiliumCIDRGroup", None, group.name, labels, spec));
    }
    objects
}

/// The DNS answers, as `--dns` takes them.
pub(crate) fn answers(world: &World) -> Value {
    world.answers.iter().map(|(name, addresses)| ((*name).to_owned(), json!(addresses))).collect()
}

/// The manifest of a policy; its name comes from its place.
pub(crate) fn policy(at: usize, policy: &Policy) -> Value {
    let name = format!("p{at}");
    match policy {
        Policy::Cilium(policy) => {
            let (kind, version) = match policy.namespace {
                Some(_) => ("CiliumNetworkPolicy", "cilium.io/v2"),
                None => ("CiliumClusterwideNetworkPolicy", "cilium.io/v2"),
            };
            let mut rules = policy.rules.iter().map(cilium::rule);
            let mut body = Map::new();
            if policy.in_spec > 0 {
                body.insert("spec".to_owned(), rules.next().unwrap());
            }
            let rest: Vec<Value> = rules.collect();
            if !rest.is_empty() {
                body.insert("specs".to_owned(), rest.into());
            }
            object(version, kind, policy.namespace, &name, json!({}), body.into())
        }
        Policy::Network(policy) => {
            let mut spec = json!({"podSelector": selector(&policy.subject)});
            if let Some(types) = &policy.types {
                spec["policyTypes"] = json!(types);
            }
            for (direction, (rules, peers)) in DIRECTIONS.iter().zip(policy.rules.iter().zip(["from", "to"]))
            {
                if let Some(rules) = rules {
                    spec[direction] = rules.iter().map(|rule| network::network_rule(rule, peers)).collect();
                }
            }
            let version = "networking.k8s.io/v1";
            object(version, "NetworkPolicy", Some(policy.namespace), &name, json!({}), json!({"spec": spec}))
        }
    }
}

fn object(version: &str, kind: &str, namespace: Option<&str>, name: &str, meta: Value, body: Value) -> Value {
    let mut object = json!({"apiVersion": version, "kind": kind, "metadata": {"name": name}});
    if let Some(namespace) = namespace {
        object["metadata"]["namespace"] = json!(namespace);
    }
    merge(&mut object["metadata"], meta);
    merge(&mut object, body);
    object
}

fn merge(into: &mut Value, from: Value) {
    let Value::Object(from) = from else { return };
    for (key, value) in from {
        into[key] = value;
    }
}

fn map(labels: &Labels) -> Value {
    labels.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect()
}

/// The first requirement of a key that asks for equality stands under `matchLabels`.
fn selector(selector: &Selector) -> Value {
    let mut labels = Map::new();
    let mut expressions = Vec::new();
    for requirement in selector {
        let key = match requirement.source {
            Some(source) => format!("{source}:{}", requirement.key),
            None => requirement.key.to_owned(),
        };
        let expression = |operator, values: &[&str]| match values {
            [] => json!({"key": key, "operator": operator}),
            values => json!({"key": key, "operator": operator, "values": values}),
        };
        match &requirement.operator {
            Operator::Equals(value) if !labels.contains_key(&key) => {
                labels.insert(key, json!(value));
            }
            Operator::Equals(value) => expressions.push(expression("In", &[value])),
            Operator::In(values) => expressions.push(expression("In", values)),
            Operator::NotIn(values) => expressions.push(expression("NotIn", values)),
            Operator::Exists => expressions.push(expression("Exists", &[])),
            Operator::DoesNotExist => expressions.push(expression("DoesNotExist", &[])),
        }
    }
    let mut tree = json!({});
    if !labels.is_empty() {
        tree["matchLabels"] = labels.into();
    }
    if !expressions.is_empty() {
        tree["matchExpressions"] = expressions.into();
    }
    tree
}
