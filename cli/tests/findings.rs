//! All findings about the sample shop and about published policies, as goldens that a person has read.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::path::{Path, PathBuf};

use common::{SHOP, golden, root, sluice};
use rayon::prelude::*;
use serde_json::Value;

/// A line for each finding: code, severity, place, message.
fn lines(folder: &Path, arguments: &[&str]) -> String {
    let common = ["check", "--format", "jsonl", "--min-severity", "info"];
    let arguments: Vec<&str> = common.iter().chain(arguments).copied().collect();
    let run = sluice(folder, &arguments);
    let show = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| value[key].as_str().unwrap_or_default().to_owned();
        let (line, column) = (&value["line"], &value["column"]);
        format!(
            "{} {} {}:{line}:{column}: {}\n",
            text("code"),
            text("severity"),
            text("file"),
            text("message")
        )
    };
    run.stdout.lines().map(show).collect()
}

#[test]
fn the_shop_is_clean_but_for_what_is_known() {
    let arguments: Vec<&str> = ["--prove"].into_iter().chain(SHOP).collect();
    golden("findings/shop.txt", &lines(root(), &arguments)).unwrap();
    let mistakes = ["testdata/shop/cluster", "testdata/shop-mistakes"];
    golden("findings/shop-mistakes.txt", &lines(root(), &mistakes)).unwrap();
}

#[test]
fn published_policies_have_no_finding_that_an_expert_would_not_want() {
    let shared = root().join("../shared");
    if !shared.join("corpus").is_dir() {
        println!("findings: {} is absent, not run", shared.join("corpus").display());
        return;
    }
    let mut files = Vec::new();
    collect(&shared.join("corpus"), &mut files);
    files.sort();
    // Each is an example of its own: together they are no cluster.
    let texts: Vec<String> = files
        .par_iter()
        .map(|file| {
            let name = file.strip_prefix(&shared).unwrap().to_string_lossy().into_owned();
            lines(&shared, &[&name])
        })
        .collect();
    assert!(files.len() > 100, "the corpus is shorter than it should be");
    golden("findings/corpus.txt", &texts.concat()).unwrap();
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path
            .extension()
            .is_some_and(|ending| ["yaml", "yml", "json"].iter().any(|it| ending == *it))
        {
            files.push(path);
        }
    }
}
