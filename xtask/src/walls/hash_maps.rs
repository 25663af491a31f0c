//! Libraries hold no hash table with a random seed.
//!
//! The order of such a table changes from run to run, so one loop over it is enough to give the same
//! input different bytes. Clippy's `iter_over_hash_type` refuses the loops it can see, not the chains of
//! iterators; a fixed hasher leaves nothing random to leak. Use `BTreeMap`, `indexmap`, or for lookups
//! alone `rustc_hash::FxHashMap`.

use super::PURE;
use crate::tokens::production_paths;
use crate::tree::{Finding, Tree};

const RULE: &str = "hash-maps";

const RANDOM: [&str; 4] = ["HashMap", "HashSet", "RandomState", "DefaultHasher"];

/// Checks the sources of the libraries.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for folder in PURE {
        let source = format!("{folder}/src");
        for file in tree.rust().filter(|file| file.is_in(&source) && !file.is_test()) {
            for path in production_paths(&file.text).unwrap_or_default() {
                if let Some(name) = path.segments.iter().find(|segment| RANDOM.contains(&segment.as_str())) {
                    let message =
                        format!("`{name}` has a random order: use `BTreeMap`, `indexmap` or `FxHashMap`");
                    findings.push(file.finding(path.line, RULE, message));
                }
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;
    use crate::walls::tests::places;

    #[test]
    fn a_random_order_in_a_library_is_found() {
        let source = "use std::collections::{BTreeMap, HashMap};\nuse rustc_hash::FxHashMap;\n// HashSet\n";
        let tree = Tree::of(&[("compiler/src/a.rs", source), ("cli/src/a.rs", source)]);
        assert_eq!(places(&check(&tree)), ["compiler/src/a.rs:1"]);
    }
}
