//! What policy costs: the report, what is too much, and that a cost is what leaving out saves.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::fs;
use std::path::Path;

use common::{Run, golden, root, sluice};
use serde_json::Value;

const SHOP: &str = "testdata/shop/cluster testdata/shop/policies --dns testdata/shop/dns.yaml \
                    --aws testdata/shop/aws.json --aws testdata/shop/aws-interfaces.json";

fn run(folder: &Path, arguments: &str) -> Run {
    sluice(folder, &arguments.split_whitespace().collect::<Vec<_>>())
}

fn json(folder: &Path, arguments: &str) -> Value {
    let run = run(folder, &format!("{arguments} --format json"));
    serde_json::from_str(&run.stdout).unwrap()
}

#[test]
fn the_shop_has_a_budget_for_people_and_for_comments() {
    let human = run(root(), &format!("check --budget --min-severity error {SHOP}"));
    golden("budget/shop.txt", &human.stdout).unwrap();
    let markdown = run(root(), &format!("check --budget --min-severity error {SHOP} --format markdown"));
    golden("budget/shop.md", &markdown.stdout).unwrap();
    assert_eq!((human.code, markdown.code), (0, 0));
}

/// Four policies that have little in common, and two that are alike.
const POLICIES: [(&str, &str); 6] = [
    ("ports", "ingress: [{toPorts: [{ports: [{port: '81'}, {port: '83'}, {port: '85'}, {port: '87'}]}]}]"),
    (
        "networks",
        "egress: [{toCIDRSet: [{cidr: 198.51.100.0/24, except: [198.51.100.7/32]}, {cidr: 203.0.113.9/32}]}]",
    ),
    ("names", "egress: [{toFQDNs: [{matchPattern: '*.example.com'}, {matchName: api.example.net}]}]"),
    ("labels", "ingress: [{fromEndpoints: [{matchLabels: {app: a}}, {matchLabels: {app: b}}]}]"),
    ("once", "ingress: [{fromEntities: [host], toPorts: [{ports: [{port: '9000'}]}]}]"),
    ("twice", "ingress: [{fromEntities: [host], toPorts: [{ports: [{port: '9000'}]}]}]"),
];

fn cluster() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut pods = String::new();
    for (at, app) in ["web", "a", "b", "c"].into_iter().enumerate() {
        pods += &format!(
            "---\napiVersion: v1\nkind: Pod\nmetadata: {{name: {app}, namespace: shop, labels: {{app: {app}}}}}\n\
             spec: {{nodeName: node-{}}}\nstatus: {{podIP: 10.0.0.{at}}}\n",
            at % 2
        );
    }
    fs::write(folder.path().join("pods.yaml"), pods).unwrap();
    for (name, spec) in POLICIES {
        let text = format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: {name}, namespace: shop}}\n\
             spec: {{endpointSelector: {{matchLabels: {{app: web}}}}, {spec}}}\n"
        );
        fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
    }
    folder
}

#[test]
fn a_cost_is_what_leaving_out_saves() {
    let folder = cluster();
    let budget = &json(folder.path(), "check --budget .")["budget"];
    assert_eq!((&budget["largest"], &budget["objects"]), (&"node-0".into(), &6.into()));
    let costs = budget["costs"].as_array().unwrap();
    let named = |name: &str| {
        costs.iter().find(|cost| cost["object"].as_str().unwrap().ends_with(&format!("/{name}")))
    };
    for (name, _) in POLICIES {
        let file = folder.path().join(format!("{name}.yaml"));
        let text = fs::read(&file).unwrap();
        fs::remove_file(&file).unwrap();
        let without = json(folder.path(), "check --budget --node node-0 .")["budget"]["nodes"][0].clone();
        fs::write(&file, text).unwrap();
        let told = named(name).map_or(&budget["nodes"][0], |cost| &cost["without"]);
        for size in ["endpoints", "classes", "ports", "rows", "cells", "prefixes"] {
            assert_eq!(told[size], without[size], "{size} without {name}");
        }
    }
    assert!(
        named("once").is_none() && named("twice").is_none(),
        "who repeats another costs nothing: {costs:#?}"
    );
}

#[test]
fn names_are_counted_as_they_may_become() {
    let folder = cluster();
    fs::write(folder.path().join("agent.conf"), "tofqdns-endpoint-max-ip-per-hostname: 30\n").unwrap();
    let budget = &json(folder.path(), "check --budget . --config agent.conf")["budget"];
    let growth = &budget["growth"];
    let (now, then) = (&budget["nodes"][0], &growth["table"]);
    assert_eq!((growth["addressesEach"].as_u64(), growth["names"].as_array().unwrap().len()), (Some(30), 2));
    let grown = |size: &str| then[size].as_u64().unwrap() - now[size].as_u64().unwrap();
    assert!(grown("prefixes") >= 60, "{budget:#}");
    assert!(grown("classes") >= 1, "{budget:#}");
    assert!(now["bytesWithNames"].as_u64() > now["bytes"].as_u64(), "{budget:#}");
}

#[test]
fn too_much_is_an_error_at_the_line_that_says_so() {
    let folder = cluster();
    let limit = |text: &str| fs::write(folder.path().join("sluice.yaml"), text).unwrap();
    limit(
        "budget: {classes: 100, ports: 100, rows: 1000, cells: 100000, prefixes: 1000, bytes: 1GiB, bytesWithNames: 1GiB}\n",
    );
    assert_eq!(run(folder.path(), "check pods.yaml ports.yaml names.yaml").code, 0);
    limit("lints: {}\nbudget:\n  ports: 2\n");
    let found = run(folder.path(), "check pods.yaml ports.yaml names.yaml");
    assert_eq!(found.code, 2);
    assert!(found.stdout.contains("sluice.yaml:3:10"), "{}", found.stdout);
    assert!(found.stdout.contains("without this object there would be"), "{}", found.stdout);
    // Nobody asked for the tables.
    assert!(!found.stdout.contains("budget of node"), "{}", found.stdout);
}
