//! Dependencies run one way: `cli -> {loader, compiler, backends} -> ir`.
//!
//! The loader may use the compiler (through its `Session`) and the backends; no other crate of the
//! middle knows a neighbour. Nothing depends on the tools, which may use everything. A few packages
//! belong to one crate, because what they do is that crate's job alone.

use super::metadata::Metadata;
use crate::tree::{Finding, Tree};

const RULE: &str = "dependencies";

/// Each crate and the crates of the workspace that it may use, tests included.
const ALLOWED: [(&str, &[&str]); 6] = [
    ("sluice-ir", &[]),
    ("sluice-compiler", &["sluice-ir"]),
    ("sluice-backends", &["sluice-ir"]),
    ("sluice-loader", &["sluice-ir", "sluice-compiler", "sluice-backends"]),
    ("sluice", &["sluice-ir", "sluice-compiler", "sluice-backends", "sluice-loader"]),
    ("xtask", &["sluice-ir", "sluice-compiler", "sluice-backends", "sluice-loader", "sluice"]),
];

/// Packages that one crate alone may use.
const OWNED: [(&str, &str); 9] = [
    ("granit-parser", "sluice-compiler"),
    ("kube", "sluice-loader"),
    ("k8s-openapi", "sluice-loader"),
    ("rustls", "sluice-loader"),
    ("aya", "sluice-loader"),
    ("aya-obj", "sluice-loader"),
    ("clap", "sluice"),
    ("miette", "sluice"),
    ("quick-junit", "sluice"),
];

/// Checks the dependencies of every crate of the workspace.
pub(super) fn check(tree: &Tree, metadata: &Metadata) -> Vec<Finding> {
    let members: Vec<&str> = metadata.members().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in metadata.members() {
        let manifest = metadata.manifest(package);
        let finding = |line, message| Finding { path: manifest.to_owned(), line, rule: RULE, message };
        let user = package.name.as_str();
        let Some((_, allowed)) = ALLOWED.iter().find(|(name, _)| *name == user) else {
            let message = format!("`{user}` has no place in the house yet: give it one in `dependencies.rs`");
            findings.push(finding(1, message));
            continue;
        };
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            let line = line_of(tree, manifest, used);
            if members.contains(&used) && !allowed.contains(&used) {
                findings.push(finding(line, format!("`{user}` must not depend on `{used}`")));
            }
            if let Some((_, owner)) = OWNED.iter().find(|(name, owner)| *name == used && *owner != user) {
                findings.push(finding(line, format!("only `{owner}` may depend on `{used}`")));
            }
        }
    }
    findings
}

/// The line of a manifest that names a package; the first if it cannot be found.
fn line_of(tree: &Tree, manifest: &str, package: &str) -> usize {
    let names = |line: &str| line.strip_prefix(package).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
    let found = tree.file(manifest).and_then(|file| file.numbered().find(|(_, line)| names(line)));
    found.map_or(1, |(number, _)| number)
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;
    use crate::walls::metadata::Metadata;

    fn messages(members: &[(&str, &[&str])]) -> Vec<String> {
        let tree =
            Tree::of(&[("sluice-ir/Cargo.toml", "[dependencies]\nsluice-compiler.workspace = true\n")]);
        check(&tree, &Metadata::of(members, Vec::new())).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_plan_itself_passes() {
        let members: [(&str, &[&str]); 3] = [
            ("sluice-ir", &["pest"]),
            ("sluice-loader", &["sluice-ir", "aya", "kube"]),
            ("sluice", &["sluice-ir", "sluice-loader", "clap"]),
        ];
        assert!(messages(&members).is_empty());
    }

    #[test]
    fn a_dependency_against_the_direction_is_found() {
        let members: [(&str, &[&str]); 2] = [("sluice-ir", &["sluice-compiler"]), ("sluice-compiler", &[])];
        assert_eq!(
            messages(&members),
            ["sluice-ir/Cargo.toml:2: dependencies: `sluice-ir` must not depend on `sluice-compiler`"]
        );
    }

    #[test]
    fn an_owned_package_elsewhere_is_found() {
        assert_eq!(messages(&[("sluice-backends", &["kube"])]).len(), 1);
        assert_eq!(messages(&[("sluice", &["aya"])]).len(), 1);
    }

    #[test]
    fn a_crate_without_a_place_is_found() {
        assert_eq!(messages(&[("sluice-extra", &[])]).len(), 1);
    }
}
