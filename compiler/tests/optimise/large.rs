//! Policies that are large where a pass could be slow. None of these may take more than a moment.

use std::fmt::Write;

use sluice_compiler::optimise::{Sizes, optimise};
use sluice_ir::label::{Label, LabelSource};
use sluice_ir::policy::verify::verify;
use sluice_ir::policy::{Identity, Policy};

/// A policy of rules, each the lines between its braces.
fn policy(rules: impl Iterator<Item = String>) -> Policy {
    let mut text =
        "settings {\n enforcement default\n allow-localhost on\n host-firewall off\n}\n".to_owned();
    writeln!(text, "policy Kind a/b in \"a.yaml\" {{").unwrap();
    for (at, rule) in rules.enumerate() {
        writeln!(text, "egress allow spec at {}:1 {{\n{rule}}}", at + 1).unwrap();
    }
    text.push_str("}\n");
    text.parse().unwrap()
}

fn sizes(policy: Policy, subjects: &[Identity]) -> Sizes {
    let policy = verify(policy).unwrap();
    let subjects: Vec<&Identity> = subjects.iter().collect();
    Sizes::of(&optimise(&policy, Some(&subjects)).unwrap().policy)
}

fn pods(count: usize) -> Vec<Identity> {
    let pod = |at: usize| {
        let label = |key, value: String| Label::new(LabelSource::K8s, key, value);
        let labels = [label("app", format!("a{at}")), label("tier", format!("t{}", at % 10))];
        Identity { labels: labels.into_iter().collect(), ..Identity::default() }
    };
    (0..count).map(pod).collect()
}

#[test]
fn many_rules_with_subjects_of_their_own() {
    let rules =
        (0..20_000).map(|at| format!("endpoints any:app = \"a{at}\"\nto any\non tcp {}\n", at % 9000));
    let sizes = sizes(policy(rules), &pods(100));
    assert_eq!(sizes, Sizes { rules: 100, selectors: 100, peers: 100, port_ranges: 100 });
}

#[test]
fn many_rules_with_one_subject() {
    let rules =
        (0..20_000).map(|at| format!("endpoints {{}}\nto labels any:app = \"a{}\"\non tcp 80\n", at / 2));
    let sizes = sizes(policy(rules), &pods(100));
    assert_eq!(sizes, Sizes { rules: 10_000, selectors: 10_001, peers: 10_000, port_ranges: 10_000 });
}

#[test]
fn one_rule_with_many_peers() {
    let mut rule = "endpoints {}\n".to_owned();
    for at in 0..10_000 {
        let (high, low) = (at / 256, at % 256);
        writeln!(rule, "to cidr 10.{high}.{low}.0/24 except 10.{high}.{low}.128/25").unwrap();
        writeln!(rule, "to cidr fd00:{at:x}::/32").unwrap();
        writeln!(rule, "to labels any:app = \"a{at}\" except 10.{high}.{low}.0/24").unwrap();
    }
    rule.push_str("on tcp 80\n");
    let sizes = sizes(policy([rule].into_iter()), &pods(100));
    assert_eq!((sizes.rules, sizes.selectors, sizes.port_ranges), (1, 10_001, 1));
    assert!(sizes.peers <= 40_000, "{sizes:?}");
}
