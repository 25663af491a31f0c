//! What the workspace is built from: where it comes from, under which licence, and only once.
//!
//! Every package comes from crates.io, its licence lets users of Sluice do what Apache-2.0 lets
//! them do, and no package is there in two versions, unless the list below says why. The check reads
//! the whole lock file, packages for other platforms included. CONTRIBUTING.md has the rest of the policy.

use std::collections::{BTreeMap, BTreeSet};

use super::metadata::Metadata;
use crate::tree::Finding;

const RULE: &str = "supply";

const CRATES_IO: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// SPDX names of licences that may be linked into an Apache-2.0 program without further duties than notice.
const LICENCES: [&str; 11] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    // For data, such as lists of certificates.
    "CDLA-Permissive-2.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "Unicode-3.0",
    "Zlib",
];

/// Packages that are built in more than one version, and why that cannot be helped today.
const TWICE: [(&str, &str); 7] = [
    ("base64", "k8s-openapi is still at 0.22"),
    ("foldhash", "petgraph's hashbrown is still at 0.15, which is still at 0.1"),
    ("getrandom", "ring is still at 0.2; hickory-proto locks it for DNSSEC, and it is not built"),
    ("hashbrown", "petgraph is still at 0.15"),
    ("syn", "macros of divan, prometheus-client and others are still at 2; none is part of the program"),
    ("unicode-width", "miette's text wrapping is still at 0.1"),
    ("windows-sys", "ring is still at 0.52, and is not built"),
];

/// Checks every package in the lock file.
pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut find =
        |message| findings.push(Finding { path: "Cargo.lock".to_owned(), line: 1, rule: RULE, message });
    let mut versions: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for package in &metadata.packages {
        let (name, version) = (package.name.as_str(), package.version.as_str());
        versions.entry(name).or_default().insert(version);
        match package.source.as_deref() {
            None if metadata.is_member(package) => {}
            Some(CRATES_IO) => {}
            source => {
                let source = source.unwrap_or("a folder outside the workspace");
                find(format!("`{name} {version}` comes from {source}, not from crates.io"));
            }
        }
        match package.license.as_deref() {
            Some(licence) if is_allowed(licence) => {}
            Some(licence) => {
                find(format!("`{name} {version}` has the licence `{licence}`, which is not on the list"))
            }
            None => find(format!("`{name} {version}` names no licence")),
        }
    }
    for (name, versions) in &versions {
        let excused = TWICE.iter().any(|(excused, _)| excused == name);
        let several = versions.len() > 1;
        let listed = versions.iter().copied().collect::<Vec<_>>().join(", ");
        if several && !excused {
            find(format!("`{name}` is built in several versions: {listed}"));
        }
        if excused && !several {
            find(format!("`{name}` is built in one version only: take it off the list in `supply.rs`"));
        }
    }
    findings
}

/// Whether an SPDX expression can be met with licences of the list.
///
/// `/` is the old way to write `OR`. `AND` binds tighter than `OR`.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    let allowed = either(&mut words);
    allowed && words.next().is_none()
}

type Words<'w> = std::iter::Peekable<std::str::SplitWhitespace<'w>>;

fn either(words: &mut Words<'_>) -> bool {
    let mut allowed = both(words);
    while words.next_if_eq(&"OR").is_some() {
        // Both sides are read whatever the first says.
        allowed |= both(words);
    }
    allowed
}

fn both(words: &mut Words<'_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut Words<'_>) -> bool {
    if words.next_if_eq(&"(").is_some() {
        let allowed = either(words);
        return words.next_if_eq(&")").is_some() && allowed;
    }
    let mut licence = words.next().unwrap_or_default().to_owned();
    if words.next_if_eq(&"WITH").is_some() {
        licence = format!("{licence} WITH {}", words.next().unwrap_or_default());
    }
    LICENCES.contains(&licence.as_str())
}

#[cfg(test)]
mod tests {
    use super::{CRATES_IO, TWICE, check, is_allowed};
    use crate::walls::metadata::{Metadata, Package};

    fn messages(mut packages: Vec<Package>) -> Vec<String> {
        for (name, _) in TWICE {
            packages.push(Package::of(name, "1.0.0", Some("MIT"), Some(CRATES_IO)));
            packages.push(Package::of(name, "2.0.0", Some("MIT"), Some(CRATES_IO)));
        }
        check(&Metadata::of(&[("sluice-ir", &[])], packages)).into_iter().map(|f| f.message).collect()
    }

    #[test]
    fn reads_licence_expressions() {
        for allowed in
            ["MIT", "MIT/GPL-3.0", "(MIT OR GPL-3.0) AND Unicode-3.0", "Apache-2.0 WITH LLVM-exception"]
        {
            assert!(is_allowed(allowed), "{allowed}");
        }
        for refused in ["", "GPL-3.0", "MIT AND GPL-3.0", "(MIT", "MIT Apache-2.0", "MIT WITH LLVM-exception"]
        {
            assert!(!is_allowed(refused), "{refused}");
        }
    }

    #[test]
    fn a_good_package_passes() {
        assert!(messages(vec![Package::of("a", "1.0.0", Some("MIT"), Some(CRATES_IO))]).is_empty());
    }

    #[test]
    fn licences_sources_and_second_versions_are_found() {
        let found = |packages| assert_eq!(messages(packages).len(), 1);
        found(vec![Package::of("a", "1.0.0", Some("GPL-3.0"), Some(CRATES_IO))]);
        found(vec![Package::of("a", "1.0.0", None, Some(CRATES_IO))]);
        found(vec![Package::of("a", "1.0.0", Some("MIT"), Some("git+https://example.com/a"))]);
        found(vec![Package::of("a", "1.0.0", Some("MIT"), None)]);
        let version = |version| Package::of("a", version, Some("MIT"), Some(CRATES_IO));
        found(vec![version("1.0.0"), version("2.0.0")]);
    }

    #[test]
    fn an_excuse_that_nobody_needs_is_found() {
        let found =
            check(&Metadata::of(&[], vec![Package::of("syn", "2.0.0", Some("MIT"), Some(CRATES_IO))]));
        assert_eq!(found.len(), 1);
    }
}
