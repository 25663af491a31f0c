//! The algebra of selectors, against every label set over two keys.

use std::sync::Arc;

use sluice_compiler::optimise::selectors::selectors;
use sluice_ir::label::{Label, LabelSet, LabelSource};
use sluice_ir::policy::Policy;
use sluice_ir::selector::{Operator, Requirement, Selector};

const SOURCES: [LabelSource; 3] = [LabelSource::Any, LabelSource::K8s, LabelSource::Node];

/// Absent, or one of the sources with one of the values.
fn label_sets() -> Vec<LabelSet> {
    let mut sets = vec![LabelSet::default()];
    for source in [LabelSource::K8s, LabelSource::Node, LabelSource::CidrGroup] {
        for value in ["x", "y", "z"] {
            sets.push([Label::new(source.clone(), "app", value)].into_iter().collect());
        }
    }
    sets
}

fn requirements() -> Vec<Requirement> {
    let lists: [&[&str]; 6] = [&[], &["x"], &["y"], &["x", "y"], &["y", "z"], &["x", "y", "z"]];
    let of = |values: &[&str]| values.iter().map(|value| (*value).into()).collect::<Arc<[Arc<str>]>>();
    let operators: Vec<Operator> = lists
        .into_iter()
        .flat_map(|values| [Operator::In(of(values)), Operator::NotIn(of(values))])
        .chain([Operator::Exists, Operator::DoesNotExist])
        .collect();
    let requirement =
        |source: &LabelSource, operator: &Operator| Requirement::new(source.clone(), "app", operator.clone());
    SOURCES
        .iter()
        .flat_map(|source| operators.iter().map(move |operator| requirement(source, operator)))
        .collect()
}

/// The selector that a pass over a policy leaves of this one; none if it can never match.
fn shortest(selector: &Selector) -> Option<Selector> {
    let text = "settings {\n enforcement default\n allow-localhost on\n host-firewall off\n}\n\
        policy Kind a/b in \"a.yaml\" {\n egress allow spec at 1:1 {\n endpoints {}\n \
        to labels any:a = \"b\"\n on any\n }\n}\n";
    let mut policy: Policy = text.parse().unwrap();
    policy.selectors[1] = selector.clone();
    let after = selectors(&policy.canonical());
    let peer = after.rules[0].selectors().nth(1);
    peer.map(|id| after.selector(id).clone())
}

#[test]
fn three_requirements_on_a_key_mean_what_they_did_and_are_no_more() {
    let (sets, requirements) = (label_sets(), requirements());
    for (i, first) in requirements.iter().enumerate() {
        for (j, second) in requirements.iter().enumerate().take(i + 1) {
            // Every pair, and of the triples enough to meet each kind with each.
            for third in requirements.iter().take(j + 1).step_by(5).chain([second]) {
                let selector: Selector = [first, second, third].into_iter().cloned().collect();
                let short = shortest(&selector);
                for labels in &sets {
                    let matches = short.as_ref().is_some_and(|short| short.matches(labels));
                    assert_eq!(matches, selector.matches(labels), "{selector} -> {short:?} on {labels}");
                }
                let Some(short) = short else { continue };
                assert!(short.requirements().len() <= selector.requirements().len(), "{selector} -> {short}");
                assert_eq!(shortest(&short), Some(short.clone()), "{selector}");
            }
        }
    }
}

#[test]
fn each_line_of_the_table() {
    let cases = [
        (r#"any:k in ("a", "b"), any:k in ("b", "c")"#, r#"any:k = "b""#),
        (r#"any:k in ("a", "b"), any:k not in ("b")"#, r#"any:k = "a""#),
        (r#"any:k = "a", exists any:k"#, r#"any:k = "a""#),
        (r#"any:k not in ("a"), any:k not in ("b")"#, r#"any:k not in ("a", "b")"#),
        (r#"any:k in ("a", "b"), exists k8s:k"#, r#"k8s:k in ("a", "b")"#),
        (r#"exists k8s:k, not exists node:k"#, r#"exists k8s:k"#),
        (r#"not exists k8s:k, k8s:k not in ("a")"#, r#"not exists k8s:k"#),
        (r#"exists any:k, any:k not in ("a")"#, r#"any:k not in ("a"), exists any:k"#),
        (r#"any:k not in ()"#, "{}"),
        (r#"exists k8s:k, exists node:k"#, "never"),
        (r#"any:k in ()"#, "never"),
        (r#"exists any:k, not exists any:k"#, "never"),
        (r#"any:k = "a", any:l = "b", not exists k8s:k"#, r#"any:k = "a", not exists k8s:k, any:l = "b""#),
    ];
    for (written, expected) in cases {
        let text = format!(
            "settings {{\n enforcement default\n allow-localhost on\n host-firewall off\n}}\n\
             policy Kind a/b in \"a.yaml\" {{\n egress allow spec at 1:1 {{\n endpoints {written}\n to any\n on any\n }}\n}}\n"
        );
        let selector = text.parse::<Policy>().unwrap().selectors.remove(0);
        let found = shortest(&selector).map_or("never".to_owned(), |short| short.to_string());
        let sorted = |text: &str| {
            let mut parts: Vec<String> = text.split(", ").map(str::to_owned).collect();
            parts.sort();
            parts
        };
        assert_eq!(sorted(&found), sorted(expected), "{written}: {found}");
    }
}
