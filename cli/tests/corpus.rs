//! Policies as people publish them: accepted exactly where the recorded engine accepts them.
//!
//! The corpus lives beside the repository. Where it is absent the test says so.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use common::{root, sluice};

/// Documents on which Sluice decides otherwise than the recording, each with the reason. None yet: an
/// entry here is argued in review.
const DIFFERENCES: [(&str, usize, &str); 0] = [];

#[test]
fn the_corpus_is_accepted_as_recorded() {
    let corpus = root().join("../shared/corpus");
    let Ok(recorded) = fs::read_to_string(corpus.join("accepted.tsv")) else {
        println!("corpus: {} is absent, not run", corpus.display());
        return;
    };
    let mut expected: BTreeMap<&str, Vec<(usize, bool)>> = BTreeMap::new();
    for line in recorded.lines().skip(1) {
        let fields: Vec<&str> = line.split('\t').collect();
        expected.entry(fields[0]).or_default().push((fields[1].parse().unwrap(), fields[5] == "accepted"));
    }
    let mut wrong = Vec::new();
    for (file, documents) in &expected {
        let run = sluice(&corpus, &["check", "--accept", "agent", "--format", "json", file]);
        let found: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
        let errors = found["diagnostics"].as_array().unwrap().iter().filter(|d| d["severity"] == "error");
        let rejected: BTreeSet<u64> = errors.filter_map(|d| d["document"]["index"].as_u64()).collect();
        for (index, accepted) in documents {
            let differs = rejected.contains(&(*index as u64)) == *accepted;
            let argued = DIFFERENCES.iter().any(|(f, i, _)| f == file && i == index);
            if differs != argued {
                wrong.push(format!(
                    "{file} #{index}: recorded as {}",
                    if *accepted { "accepted" } else { "rejected" }
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(expected.len() > 100, "the corpus is shorter than it should be");
}
