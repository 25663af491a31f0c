//! `sluice compile` as a user calls it.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use common::{Run, SHOP, golden, root, sluice};
use sluice_ir::decision::Decision;
use sluice_ir::policy::Policy;

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
    let stages = ["read", "resolve and lower", "optimise, find peers", "classify", "validate"];
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

/// Each case's table is proved by the command itself, can be read back, and is there for a reviewer to see.
#[test]
fn every_case_has_a_table() {
    let (mut cases, mut wrong) = (0, Vec::new());
    for entry in std::fs::read_dir(root().join("testdata/cases")).unwrap() {
        let folder = entry.unwrap().path();
        let policies = if folder.join("policies").is_dir() { "policies" } else { "policies.yaml" };
        let run =
            sluice(&folder, &["compile", "--emit", "decision", "--keep-going", "cluster.yaml", policies]);
        assert_eq!(run.code, 0, "{}: {}", folder.display(), run.stderr);
        let decision: Decision = run.stdout.parse().unwrap();
        assert_eq!(decision.to_string(), run.stdout, "{}", folder.display());
        let name = folder.file_name().unwrap().to_str().unwrap();
        wrong.extend(golden(&format!("decision/cases/{name}.txt"), &run.stdout).err());
        cases += 1;
    }
    let goldens = std::fs::read_dir(root().join("golden/decision/cases")).unwrap().count();
    assert!(cases > 100 && cases == goldens, "{cases} cases, {goldens} goldens");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Six thousand peers with a port each: the table would be their product.
#[test]
fn a_table_that_would_be_too_large_is_refused_with_the_lines_to_blame() {
    let folder = tempfile::tempdir().unwrap();
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: web, namespace: shop, labels: {app: web}}\nspec: {containers: [{name: c, image: i}]}\n---\n";
    let policy = "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {name: wide, namespace: shop}\nspec:\n  endpointSelector: {}\n  egress:\n";
    let entry = |at: usize| {
        let (high, low, port) = (at / 250, at % 250, 2 * at + 1);
        let extra = if at == 4000 { ", {port: '40000', protocol: TCP}" } else { "" };
        format!(
            "  - toCIDR: [198.18.{high}.{low}/32]\n    toPorts: [{{ports: [{{port: '{port}', protocol: TCP}}{extra}]}}]\n"
        )
    };
    let text: String = [pod.to_owned(), policy.to_owned()].into_iter().chain((0..6000).map(entry)).collect();
    std::fs::write(folder.path().join("wide.yaml"), text).unwrap();
    for words in [
        vec!["compile", "--emit", "stats", "wide.yaml"],
        vec!["can", "shop/web", "198.18.0.1", "80/TCP", "wide.yaml"],
    ] {
        let run = sluice(folder.path(), &words);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{}", run.stderr);
        assert!(run.stderr.contains("error[S0806]: the table would have 36"), "{}", run.stderr);
        assert!(run.stderr.contains("wide.yaml:8013:15 (2 ranges)"), "{}", run.stderr);
    }
    let by_rules =
        sluice(folder.path(), &["can", "--reference", "shop/web", "198.18.0.1", "3/TCP", "wide.yaml"]);
    assert_eq!(by_rules.code, 0, "{}", by_rules.stderr);
}

/// Whoever asks for a node that is not there would take the view of nobody for an answer.
#[test]
fn a_node_that_is_not_there_is_named() {
    let run = shop(&["--emit", "stats", "--node", "nod-a"]);
    assert!(run.stderr.contains("warning[S0905]: there is no node `nod-a`"), "{}", run.stderr);
    assert!(run.stderr.contains("did you mean `node-a`?"), "{}", run.stderr);
}
