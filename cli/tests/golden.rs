//! `sluice golden` as a user calls it, on a repository of clusters.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;
#[allow(dead_code, reason = "each test file uses a part of it")]
#[path = "diff/shop.rs"]
mod shop;

use std::fs;
use std::path::Path;

use common::{Run, golden, sluice};
use shop::Shop;

const PROJECT: &str = "\
golden:
  folder: meaning
  clusters:
    shop:
      paths: [cluster, new]
      stages: [access, ir]
      dns: dns.yaml
      aws: [aws.json, aws-interfaces.json]
    node-a:
      paths: [cluster, new]
      node: node-a
      stages: [decision]
";

fn repository() -> Shop {
    let shop = Shop::copy();
    fs::write(shop.path("sluice.yaml"), PROJECT).unwrap();
    shop
}

fn ask(folder: &Path, words: &[&str]) -> Run {
    sluice(folder, &[&["golden"], words].concat())
}

#[test]
fn texts_are_written_and_held() {
    let shop = repository();
    let run = ask(shop.folder(), &["check"]);
    assert!(run.code == 1 && run.stdout.contains("+shop/cart"), "{}", run.stderr);
    let run = ask(shop.folder(), &["update"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "3 written, 0 as before, 0 removed\n"), "{}", run.stderr);
    let access = fs::read_to_string(shop.path("meaning/shop/access.txt")).unwrap();
    golden("golden/access.txt", &access).unwrap();
    assert!(shop.path("meaning/node-a/decision.txt").is_file() && shop.path("meaning/shop/ir.txt").is_file());
    // From wherever it is called, the texts are the same.
    let run = ask(&shop.path("cluster"), &["check"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
}

#[test]
fn a_small_change_is_a_small_change_of_the_texts() {
    let shop = repository();
    ask(shop.folder(), &["update"]);
    // A comment that moves every line changes nothing that is said of the cluster.
    let text = fs::read_to_string(shop.path("new/shop.yaml")).unwrap();
    fs::write(shop.path("new/shop.yaml"), format!("# a comment\n{text}")).unwrap();
    assert_eq!(ask(shop.folder(), &["check", "shop"]).code, 0);
    shop.edit("new/shop.yaml", "values: [frontend, checkout]", "values: [frontend]");
    let run = ask(shop.folder(), &["check", "shop"]);
    assert_eq!(run.code, 1, "{}", run.stderr);
    golden("golden/check.txt", &run.stdout).unwrap();
    let run = ask(shop.folder(), &["update", "shop"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "2 written, 0 as before, 0 removed\n"));
    assert_eq!(ask(shop.folder(), &["check", "shop"]).code, 0);
}

#[test]
fn texts_of_nothing_are_found_and_removed() {
    let shop = repository();
    ask(shop.folder(), &["update"]);
    shop.edit("sluice.yaml", "[access, ir]", "[access]");
    let run = ask(shop.folder(), &["check", "shop"]);
    assert!(run.code == 1 && run.stdout.contains("meaning/shop/ir.txt belongs to nothing"), "{}", run.stdout);
    assert!(ask(shop.folder(), &["update"]).stdout.contains("1 removed"));
    assert!(!shop.path("meaning/shop/ir.txt").exists());
}

#[test]
fn what_is_wrong_is_said() {
    let shop = repository();
    let run = ask(shop.folder(), &["check", "nowhere"]);
    assert!(run.code == 2 && run.stderr.contains("there is no cluster `nowhere`"), "{}", run.stderr);
    shop.edit("new/shop.yaml", "fromEndpoints", "fromEndpoint");
    let run = ask(shop.folder(), &["update"]);
    assert!(run.code == 2 && run.stderr.contains("error[S0201]"), "{}", run.stderr);
    assert!(!shop.path("meaning/shop").exists(), "nothing is written of what is not valid");
    fs::write(shop.path("sluice.yaml"), "golden: {clusters: {shop: {path: [cluster]}}}\n").unwrap();
    let run = ask(shop.folder(), &["check"]);
    assert!(run.code == 2 && run.stderr.contains("did you mean `paths`?"), "{}", run.stderr);
    fs::remove_file(shop.path("sluice.yaml")).unwrap();
    let run = ask(shop.folder(), &["check"]);
    assert!(run.code == 2 && run.stderr.contains("there is no `sluice.yaml`"), "{}", run.stderr);
}
