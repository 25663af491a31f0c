//! `sluice compile` as a user calls it.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use common::{Run, golden, root, sluice};
use sluice_ir::decision::Decision;
use sluice_ir::policy::Policy;

const SHOP: [&str; 8] = [
    "--dns",
    "testdata/shop/dns.yaml",
    "--aws",
    "testdata/shop/aws.json",
    "--aws",
    "testdata/shop/aws-interfaces.json",
    "testdata/shop/cluster",
    "testdata/shop/policies",
];

fn shop(words: &[&str]) -> Run {
    let run = sluice(root(), &[&["compile"], words, SHOP.as_slice()].concat());
    assert_eq!(run.code, 0, "{}", run.stderr);
    run
}

#[test]
fn the_shop_as_rules() {
    let run = shop(&["--emit", "ir"]);
    golden("ir/shop.txt", &run.stdout).unwrap();
    let policy: Policy = run.stdout.parse().unwrap();
    assert_eq!(policy.to_string(), run.stdout, "the text form is read back as it was printed");
}

#[test]
fn a_node_of_the_shop_as_a_table() {
    let run = shop(&["--emit", "decision", "--node", "node-a"]);
    golden("decision/shop-node-a.txt", &run.stdout).unwrap();
    let decision: Decision = run.stdout.parse().unwrap();
    assert_eq!(decision.to_string(), run.stdout, "the text form is read back as it was printed");
}

#[test]
fn sizes_and_times() {
    let run = shop(&["--emit", "stats"]);
    let sizes = run.stdout.lines().filter(|line| !line.starts_with("time to "));
    golden("stats/shop.txt", &sizes.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    let times: Vec<&str> = run.stdout.lines().filter_map(|line| line.strip_prefix("time to ")).collect();
    let stages = ["read", "resolve and lower", "optimise", "find peers", "classify", "validate"];
    assert_eq!(times.len(), stages.len(), "{times:?}");
    for (time, stage) in times.iter().zip(stages) {
        assert!(time.starts_with(stage) && time.ends_with(" ms"), "{time}");
    }
}

#[test]
fn several_stages_in_one_call() {
    let run = shop(&["--emit", "ir,decision"]);
    let [ir, decision] = [shop(&["--emit", "ir"]), shop(&["--emit", "decision"])];
    assert_eq!(run.stdout, format!("{}\n{}", ir.stdout, decision.stdout));
}

/// Each case's table is proved by the command itself, and can be read back.
#[test]
fn every_case_has_a_table() {
    let mut cases = 0;
    for entry in std::fs::read_dir(root().join("testdata/cases")).unwrap() {
        let folder = entry.unwrap().path();
        let policies = if folder.join("policies").is_dir() { "policies" } else { "policies.yaml" };
        let run =
            sluice(&folder, &["compile", "--emit", "decision", "--keep-going", "cluster.yaml", policies]);
        assert_eq!(run.code, 0, "{}: {}", folder.display(), run.stderr);
        let decision: Decision = run.stdout.parse().unwrap();
        assert_eq!(decision.to_string(), run.stdout, "{}", folder.display());
        cases += 1;
    }
    assert!(cases > 100, "{cases}");
}
