//! Inputs that are as bad as they can be: what comes out stays small, or is refused with a reason. The sizes
//! here are smaller than in the benchmark, which times them (docs/benchmarks.md).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "the benchmark uses all of it")]
#[path = "../../benches/cluster/mod.rs"]
mod cluster;

use cluster::{Cluster, NODE, worst};
use sluice_compiler::classify::Limits;
use sluice_compiler::diagnostic::Code;
use sluice_compiler::{Decided, decide};

fn decided(cluster: &Cluster) -> Decided {
    decide(&cluster.compile(), Some(NODE), &Limits::default(), &mut |_| ()).unwrap()
}

#[test]
fn ports_that_are_all_different_make_rows_as_many_as_rules() {
    let decision = decided(&worst::ports(500)).classified.decision;
    let side = &decision.sides.ingress;
    assert!(
        side.rows.len() <= 50 + 2 && side.ports.len() <= 500 + 2,
        "{} {}",
        side.rows.len(),
        side.ports.len()
    );
}

#[test]
fn prefixes_make_classes_by_the_rules_that_name_them() {
    let Decided { classified, population, .. } = decided(&worst::prefixes(1_000));
    let decision = &classified.decision;
    // Each prefix and each exception is an edge at most.
    assert!(population.addresses.len() <= 3_000 + 300, "{}", population.addresses.len());
    assert!(decision.prefixes.len() <= population.addresses.len());
    // Ten rules for ten subjects: a class cannot tell more than which of them match.
    assert!(decision.classes.len() <= 1 << 10, "{}", decision.classes.len());
    // Each rule has a row of its own, and each subject one for everybody else.
    assert!(decision.sides.egress.rows.len() <= 2 * 10, "{}", decision.sides.egress.rows.len());
}

#[test]
fn addresses_of_one_name_are_one_class() {
    let decision = decided(&worst::one_name(2_000)).classified.decision;
    assert!(decision.classes.len() <= 12, "{}", decision.classes.len());
    // Neighbours are joined, so that 2,000 addresses are a few prefixes.
    assert!(decision.prefixes.len() <= 16, "{}", decision.prefixes.len());
}

#[test]
fn pods_that_are_all_different_are_few_classes() {
    let Decided { classified, population, .. } = decided(&worst::identities(2_000));
    assert!(population.len() >= 2_000, "{}", population.len());
    assert!(classified.decision.classes.len() <= 220, "{}", classified.decision.classes.len());
}

#[test]
fn rules_each_with_a_selector_make_a_class_each() {
    let decision = decided(&worst::selectors(500)).classified.decision;
    assert!(decision.classes.len() <= 500 + 20, "{}", decision.classes.len());
    assert!(decision.sides.ingress.rows.len() <= 500 + 2, "{}", decision.sides.ingress.rows.len());
}

/// The help of the refusal.
fn refused(cluster: &Cluster, limits: &Limits) -> String {
    let compiled = cluster.compile();
    let Err(error) = decide(&compiled, Some(NODE), limits, &mut |_| ()) else { panic!("it fits") };
    let diagnostic = error.diagnostic(&compiled).unwrap();
    assert_eq!(diagnostic.code, Code::TableTooLarge);
    assert!(diagnostic.span.is_some());
    diagnostic.help.unwrap()
}

#[test]
fn where_peers_make_a_table_too_large_the_lines_with_the_most_are_named() {
    let help = refused(&worst::identities(200), &Limits { cells: 20, ..Limits::default() });
    assert!(help.starts_with("select peers by fewer labels") && help.contains("(2 peers)"), "{help}");
}

#[test]
fn where_too_many_rules_match_at_once_those_named_most_are_told() {
    let help = refused(&worst::selectors(50), &Limits { reasons: 10, ..Limits::default() });
    assert!(help.starts_with("write rules that match the same traffic as one"), "{help}");
    assert!(help.contains("cluster.yaml:") && help.contains("(2 verdicts)"), "{help}");
}

#[test]
fn a_table_that_would_be_too_large_is_refused_with_the_lines_to_blame() {
    let compiled = worst::subjects(10_000).compile();
    let limits = Limits { cells: 1 << 20, ..Limits::default() };
    let Err(error) = decide(&compiled, Some(NODE), &limits, &mut |_| ()) else { panic!("it fits") };
    let diagnostic = error.diagnostic(&compiled).unwrap();
    assert_eq!(diagnostic.code, Code::TableTooLarge);
    assert!(diagnostic.message.contains("1048576 are allowed"), "{}", diagnostic.message);
    assert!(diagnostic.help.is_some_and(|help| help.contains("cluster.yaml:") && help.contains("ranges")));
    assert!(diagnostic.span.is_some());
}
