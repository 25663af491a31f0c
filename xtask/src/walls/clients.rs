//! Clients of the outer world have one room each.
//!
//! Kubernetes is spoken to in the loader's `watch` and BPF is loaded in its `kernel`; everywhere else
//! these are values of our own types. That the packages are dependencies of the loader alone is
//! checked with the dependencies.

use crate::tokens::paths;
use crate::tree::{Finding, Tree};

const RULE: &str = "clients";

/// Crates by the first segment of their paths, and the module that may use them.
const ROOMS: [(&str, &str); 5] = [
    ("kube", "runtime-loader/src/watch"),
    ("k8s_openapi", "runtime-loader/src/watch"),
    ("rustls", "runtime-loader/src/watch"),
    ("aya", "runtime-loader/src/kernel"),
    ("aya_obj", "runtime-loader/src/kernel"),
];

/// Checks every Rust file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !file.is_data()) {
        for path in paths(&file.text).unwrap_or_default().iter().filter(|path| path.segments.len() > 1) {
            let first = path.segments.first().map_or("", String::as_str);
            let Some((name, room)) = ROOMS.iter().find(|(name, _)| *name == first) else { continue };
            if !file.is_in_module(room) {
                findings.push(file.finding(path.line, RULE, format!("`{name}` is used in `{room}` only")));
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
    fn a_client_outside_its_room_is_found() {
        let source = "use kube::Client;\nuse aya::maps::Array;\n";
        let tree = Tree::of(&[
            ("runtime-loader/src/watch.rs", source),
            ("runtime-loader/src/kernel/map.rs", source),
            ("cli/src/a.rs", "use k8s_openapi::List;\n"),
        ]);
        assert_eq!(
            places(&check(&tree)),
            ["runtime-loader/src/watch.rs:2", "runtime-loader/src/kernel/map.rs:1", "cli/src/a.rs:1"]
        );
    }
}
