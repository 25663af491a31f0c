//! The walls: rules between and inside the crates that a compiler cannot check.
//!
//! One rule a file. A wall takes what it looks at and gives its findings; it reads no files and
//! prints nothing, so that its tests can show it a small broken repository.

mod clients;
mod dependencies;
mod hash_maps;
mod links;
mod metadata;
mod purity;
mod supply;
mod tidy;
mod unsafety;
mod vocabulary;

use crate::Outcome;
use crate::tree::{Finding, Tree};

/// The folders of the crates that are libraries without side effects.
const PURE: [&str; 3] = ["ir", "compiler", "backends"];

/// The walls that look at files.
const WALLS: [fn(&Tree) -> Vec<Finding>; 8] = [
    vocabulary::check,
    purity::check,
    clients::check,
    unsafety::check,
    hash_maps::check,
    tidy::check,
    links::check,
    lexing,
];

/// Checks every wall and prints what is broken.
pub(crate) fn run(tree: &Tree) -> Outcome {
    let metadata = metadata::Metadata::read(&tree.root)?;
    let mut findings: Vec<Finding> = WALLS.iter().flat_map(|wall| wall(tree)).collect();
    findings.extend(dependencies::check(tree, &metadata));
    findings.extend(supply::check(&metadata));
    findings.sort();
    findings.dedup();
    for finding in &findings {
        println!("{finding}");
    }
    let count = findings.len();
    println!("walls: {} files, {count} finding{}", tree.files.len(), if count == 1 { "" } else { "s" });
    Ok(findings.is_empty())
}

/// A file that cannot be cut into tokens would be passed over by the walls that need them.
fn lexing(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !file.is_data()) {
        if let Err(error) = crate::tokens::paths(&file.text) {
            findings.push(file.finding(
                error.span().start().line,
                "lexing",
                "not Rust: the walls cannot read it",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use crate::tree::Tree;

    /// The findings of a wall as `path:line`, for tests.
    pub(super) fn places(findings: &[crate::tree::Finding]) -> Vec<String> {
        findings.iter().map(|finding| format!("{}:{}", finding.path, finding.line)).collect()
    }

    #[test]
    fn a_file_that_is_not_rust_is_found() {
        let tree = Tree::of(&[("ir/src/a.rs", "fn f() {"), ("testdata/b.rs", "fn f() {")]);
        assert_eq!(places(&super::lexing(&tree)).len(), 1);
    }
}
