//! `sluice can` as a user calls it, on the sample shop.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::collections::BTreeMap;
use std::fs;

use common::{SHOP, golden, root, sluice};

fn on_the_shop(words: &[&str]) -> common::Run {
    sluice(root(), &[words, SHOP.as_slice()].concat())
}

#[test]
fn answers_for_people() {
    let questions = [
        ("allowed", ["shop/frontend", "shop/cart", "8080/TCP"], 0),
        ("default-deny", ["shop/frontend", "data/postgres", "5432/TCP"], 1),
        ("denied", ["shop/frontend", "169.254.169.254", "80/TCP"], 1),
        ("by-name", ["payments/payment-api", "fqdn:api.cardnetwork.example", "443/TCP"], 0),
        ("name-without-answer", ["payments/payment-api", "fqdn:api.bank.example", "443/TCP"], 1),
        ("authentication", ["shop/checkout", "payments/payment-api", "8080/TCP"], 0),
        ("dns-redirect", ["shop/frontend", "kube-system/coredns", "53/UDP"], 0),
        ("ping", ["monitoring/prober", "shop/cart", "icmp:EchoRequest"], 0),
        ("host", ["host", "shop/cart", "8080/TCP"], 0),
        ("both-outside", ["203.0.113.1", "203.0.113.2", "1/TCP"], 0),
    ];
    let mut wrong = Vec::new();
    for (name, question, code) in questions {
        let run = on_the_shop(&[&["can"], question.as_slice()].concat());
        if run.code != code {
            wrong.push(format!("{name}: exit code {}, and {code} was expected: {}", run.code, run.stderr));
        }
        wrong.extend(golden(&format!("can/{name}.txt"), &run.stdout).err());
        if let Some(long) =
            run.stdout.lines().find(|line| line.chars().count() > 80 && !line.contains(".yaml:"))
        {
            wrong.push(format!("{name}: wider than 80 columns: {long}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn answers_as_json() {
    let run = on_the_shop(&["can", "--format", "json", "shop/frontend", "data/postgres", "5432/TCP"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    golden("can/default-deny.json", &run.stdout).unwrap();
}

#[test]
fn the_shop_is_as_its_owners_meant_it() {
    let run = on_the_shop(&["can", "--flows", "testdata/shop/flows.jsonl"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let read = |text: &str| -> BTreeMap<String, serde_json::Value> {
        let line = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap();
        text.lines().map(line).map(|value| (value["id"].as_str().unwrap().to_owned(), value)).collect()
    };
    let found = read(&run.stdout);
    let expected = read(&fs::read_to_string(root().join("testdata/shop/expected.jsonl")).unwrap());
    assert_eq!(found.len(), expected.len());
    for (id, wanted) in &expected {
        for side in ["egress", "ingress", "verdict"] {
            assert_eq!(found[id][side], wanted[side], "{id} {side}: {}", wanted["why"]);
        }
    }
}

#[test]
fn the_reference_answers_as_the_tables_do() {
    let flows = "testdata/shop/flows.jsonl";
    let by_tables = on_the_shop(&["can", "--flows", flows]);
    let by_rules = on_the_shop(&["can", "--reference", "--flows", flows]);
    assert_eq!((by_tables.code, by_rules.code), (0, 0), "{}", by_tables.stderr);
    assert_eq!(by_tables.stdout, by_rules.stdout);
}

#[test]
fn what_cannot_be_asked_is_said_and_ends_with_two() {
    let mut wrong = Vec::new();
    for (name, words) in [
        ("unknown-pod", vec!["can", "shop/frontent", "shop/cart", "8080/TCP"]),
        ("service", vec!["can", "shop/frontend", "shop/erp", "8080/TCP"]),
        ("bad-port", vec!["can", "shop/frontend", "shop/cart", "http"]),
        ("too-few-words", vec!["can"]),
    ] {
        let run = if words.len() > 1 { on_the_shop(&words) } else { sluice(root(), &["can", "a/b", "c/d"]) };
        if run.code != 2 || !run.stdout.is_empty() {
            wrong.push(format!("{name}: exit code {}, output {:?}", run.code, run.stdout));
        }
        wrong.extend(golden(&format!("can/{name}.txt"), &run.stderr).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_invalid_document_stops_unless_told_to_go_on() {
    let mistakes = "testdata/shop-mistakes/policies.yaml";
    let stopped = on_the_shop(&["can", "shop/frontend", "shop/cart", "8080/TCP", mistakes]);
    assert_eq!((stopped.code, stopped.stdout.as_str()), (2, ""));
    assert!(stopped.stderr.contains("S0201"), "{}", stopped.stderr);
    let went_on = on_the_shop(&["can", "--keep-going", "shop/frontend", "shop/cart", "8080/TCP", mistakes]);
    assert_eq!(went_on.code, 0);
    assert!(went_on.stdout.starts_with("allowed"), "{}", went_on.stdout);
    assert!(went_on.stderr.contains("S0201"), "{}", went_on.stderr);
}
