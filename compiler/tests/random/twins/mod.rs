//! Twins: another way to write a case gives the same verdicts.

mod network;
mod rewrite;

use proptest::prelude::*;
use serde_json::{Value, json};

use self::network::as_cilium;
use self::rewrite::{
    as_sets, entry_by_entry, multiplied, one_by_one, spelled_out, split_range, with_entries, with_ports,
    with_rules, with_selectors, with_sources,
};
use crate::generate::{cases, network_policies, worlds};
use crate::harness::{all_flows, compiled, config, documents, file, verdicts};
use crate::reference::Flow;
use crate::shape::*;

/// One flow in so many is asked; which ones changes from case to case.
const STRIDE: usize = 12;

/// Asserts that two texts, each in one or several files, mean the same.
fn same(case: &Case, twin: &Case, files: [Vec<String>; 2], seed: u64) -> Result<(), TestCaseError> {
    let offset = (seed % STRIDE as u64) as usize;
    let flows: Vec<Flow> = all_flows().into_iter().skip(offset).step_by(STRIDE).collect();
    let [one, two] = [(case, &files[0]), (twin, &files[1])]
        .map(|(case, files)| verdicts(case, &compiled(case, files), &flows));
    for ((flow, one), two) in flows.iter().zip(one).zip(two) {
        prop_assert_eq!(one, two, "{:?}\n{}\n# twin:\n{}", flow, files[0].concat(), files[1].concat());
    }
    Ok(())
}

/// Asserts that a case and what a rewriting makes of it mean the same.
fn rewritten(case: &Case, seed: u64, rewrite: impl Fn(&Policy) -> Vec<Policy>) -> Result<(), TestCaseError> {
    let twin = Case { world: case.world.clone(), policies: case.policies.iter().flat_map(rewrite).collect() };
    let files = [case, &twin].map(|case| vec![file(&documents(case))]);
    same(case, &twin, files, seed)
}

/// Puts the items of every list under a tree, and the keys' values with them, into another order.
fn shuffle(tree: &mut Value, seed: &mut u64) {
    match tree {
        Value::Array(items) => {
            shuffled(items, seed);
            items.iter_mut().for_each(|item| shuffle(item, seed));
        }
        Value::Object(entries) => entries.values_mut().for_each(|value| shuffle(value, seed)),
        _ => {}
    }
}

fn shuffled<T>(items: &mut [T], seed: &mut u64) {
    for at in (1..items.len()).rev() {
        // The constants of a common linear congruential generator; its upper bits are the better ones.
        *seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        items.swap(at, (*seed >> 33) as usize % (at + 1));
    }
}

proptest! {
    #![proptest_config(config(30))]

    #[test]
    fn permuted_documents_and_lists(case in cases(), mut seed in any::<u64>()) {
        let mut others = documents(&case);
        shuffled(&mut others, &mut seed);
        for document in others.iter_mut().filter(|document| document["kind"].as_str().unwrap().contains("Policy")) {
            shuffle(document, &mut seed);
        }
        let files = [vec![file(&documents(&case))], vec![file(&others)]];
        same(&case, &case, files, seed)?;
    }

    #[test]
    fn json_and_lists_of_objects(case in cases(), seed in any::<u64>()) {
        let documents = documents(&case);
        let plain = vec![file(&documents)];
        let json: Vec<String> = documents.iter().map(|d| serde_json::to_string_pretty(d).unwrap()).collect();
        let list = json!({"apiVersion": "v1", "kind": "List", "items": documents}).to_string();
        same(&case, &case, [plain.clone(), json], seed)?;
        same(&case, &case, [plain, vec![list]], seed)?;
    }

    #[test]
    fn a_range_as_two(case in cases(), seed in any::<u64>()) {
        rewritten(&case, seed, |policy| {
            with_rules(policy, |rule| {
                vec![with_entries(rule, |entry| vec![with_ports(entry, |_, port| split_range(port))])]
            })
        })?;
    }

    #[test]
    fn any_protocol_spelled_out(case in cases(), seed in any::<u64>()) {
        let ports = |rule: &PortRule, port: &Port| match rule.l7 {
            L7::Absent => spelled_out(port),
            _ => vec![port.clone()],
        };
        rewritten(&case, seed, |policy| {
            with_rules(policy, |rule| vec![with_entries(rule, |entry| vec![with_ports(entry, ports)])])
        })?;
    }

    #[test]
    fn everything_twice(case in cases(), seed in any::<u64>()) {
        rewritten(&case, seed, |policy| {
            let twice = with_rules(policy, |rule| {
                let rule = with_entries(rule, |entry| vec![entry.clone(), entry.clone()]);
                vec![rule.clone(), rule]
            });
            [twice.clone(), twice].concat()
        })?;
    }

    #[test]
    fn an_entry_for_each_peer_and_port_list(case in cases(), seed in any::<u64>()) {
        rewritten(&case, seed, |policy| with_rules(policy, |rule| vec![with_entries(rule, multiplied)]))?;
    }

    #[test]
    fn a_rule_for_each_entry(case in cases(), seed in any::<u64>()) {
        rewritten(&case, seed, |policy| with_rules(policy, entry_by_entry))?;
    }

    #[test]
    fn a_policy_for_each_rule(case in cases(), seed in any::<u64>()) {
        rewritten(&case, seed, |policy| match policy {
            Policy::Cilium(policy) => one_by_one(&policy.rules)
                .into_iter()
                .map(|rules| Policy::Cilium(CiliumPolicy { rules, in_spec: 1 - policy.in_spec, ..policy.clone() }))
                .collect(),
            other => vec![other.clone()],
        })?;
    }

    #[test]
    fn sources_of_keys_written_out(case in cases(), seed in any::<u64>()) {
        rewritten(&case, seed, |policy| with_rules(policy, |rule| vec![with_selectors(rule, with_sources)]))?;
    }

    #[test]
    fn prefixes_as_sets(case in cases(), seed in any::<u64>()) {
        rewritten(&case, seed, |policy| with_rules(policy, |rule| vec![with_entries(rule, as_sets)]))?;
    }

    #[test]
    fn a_network_policy_as_a_cilium_one(
        world in worlds(),
        policies in proptest::collection::vec(network_policies(), 1..3),
        seed in any::<u64>(),
    ) {
        let case = Case { world, policies: policies.into_iter().map(Policy::Network).collect() };
        rewritten(&case, seed, |policy| match policy {
            Policy::Network(policy) => vec![Policy::Cilium(as_cilium(policy))],
            other => vec![other.clone()],
        })?;
    }
}
