//! A second opinion: verdicts from the structs of a case, by the text of semantics.md and nothing else.
//!
//! It shares no code with lowering, the inventory or the evaluator. It resolves everything anew for
//! every question, and is meant to be checked against the text by eye; a number such as 3.4 is a section
//! of it.

mod question;
mod seen;

use sluice_compiler::options::Enforcement;

use self::question::Question;
use self::seen::{Label, NAMESPACE, labels_of_pod, pod_of, seen};
use crate::shape::*;

/// One side's verdict, the strictest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verdict {
    Deny,
    Redirect,
    Allow,
}

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// A pod, by its place.
    Pod(usize),
    Address(&'static str),
    Name(&'static str),
    Entity(&'static str),
}

/// A question. The port of ICMP is its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    pub(crate) from: End,
    pub(crate) to: End,
    pub(crate) protocol: &'static str,
    pub(crate) port: u16,
}

/// What each side says, ingress and egress; `None` where the side is no endpoint of this view.
pub(crate) fn judge(case: &Case, flow: &Flow) -> [Option<Verdict>; 2] {
    [side(case, flow, INGRESS), side(case, flow, EGRESS)]
}

const INGRESS: usize = 0;

const EGRESS: usize = 1;

/// 4.1 to 4.3.
fn side(case: &Case, flow: &Flow, direction: usize) -> Option<Verdict> {
    let world = &case.world;
    let (subject, peer) = if direction == INGRESS { (flow.to, flow.from) } else { (flow.from, flow.to) };
    let pod = &world.pods[pod_of(subject)?];
    if world.view.is_some_and(|node| node != pod.node) {
        return None;
    }
    if world.options.enforcement == Enforcement::Never {
        return Some(Verdict::Allow);
    }
    let question = Question { world, pod, peer: seen(world, peer, pod.node), flow, direction };
    let mut rules_of_direction = 0;
    let mut default_deny = world.options.enforcement == Enforcement::Always;
    let mut verdicts = Vec::new();
    for policy in &case.policies {
        match policy {
            Policy::Cilium(policy) => {
                for rule in policy
                    .rules
                    .iter()
                    .filter(|rule| selects(world, policy.namespace, &rule.subject, pod, false))
                {
                    let allows = rule.allow[direction].iter().flatten();
                    let denies = rule.deny[direction].iter().flatten();
                    for (entry, deny) in allows.map(|e| (e, false)).chain(denies.map(|e| (e, true))) {
                        rules_of_direction += 1;
                        let opted_out = rule.default_deny[direction] == Some(false);
                        default_deny |= !(opted_out && world.options.non_default_deny);
                        let matched = question.entry(entry, policy.namespace, &rule.subject);
                        verdicts.extend(matched.map(|verdict| if deny { Verdict::Deny } else { verdict }));
                    }
                }
            }
            Policy::Network(policy) => {
                if !selects(world, Some(policy.namespace), &policy.subject, pod, true)
                    || !isolates(policy, direction)
                {
                    continue;
                }
                rules_of_direction += 1;
                default_deny = true;
                let mut rules = policy.rules[direction].iter().flatten();
                if rules.any(|rule| question.network_rule(rule, policy.namespace)) {
                    verdicts.push(Verdict::Allow);
                }
            }
        }
    }
    if let Some(strictest) = verdicts.into_iter().min() {
        return Some(strictest);
    }
    // 4.2: the host is let in where some ingress rule exists.
    let host = direction == INGRESS && question.peer.is("host");
    if host && world.options.allow_localhost && rules_of_direction > 0 {
        return Some(Verdict::Allow);
    }
    Some(if default_deny { Verdict::Deny } else { Verdict::Allow })
}

/// 1.10, 12.3: a direction with rules, or one that `policyTypes` asks for; ingress also if egress is not.
fn isolates(policy: &NetworkPolicy, direction: usize) -> bool {
    let typed = |word| policy.types.iter().flatten().any(|written| *written == word);
    let asked = if direction == INGRESS { typed("Ingress") || !typed("Egress") } else { typed("Egress") };
    asked || policy.rules[direction].iter().flatten().next().is_some()
}

/// 3.3: the subject of a namespaced policy is confined to its namespace. What it says of another one is
/// overwritten under the key with its source `k8s`, and else holds beside. `plain` keys are all of `k8s`.
fn selects(world: &World, namespace: Option<&str>, selector: &Selector, pod: &Pod, plain: bool) -> bool {
    let labels = labels_of_pod(world, pod);
    match namespace {
        None => selector.iter().all(|r| holds(r, &labels)),
        Some(namespace) => {
            pod.namespace == namespace && beside_namespace(selector, plain).all(|r| holds(r, &labels))
        }
    }
}

/// All requirements but the one that the policy's own namespace overwrites: the first that asks for
/// equality, which stands under `matchLabels`. Later ones of the same key are printed as expressions.
fn beside_namespace(selector: &Selector, plain: bool) -> impl Iterator<Item = &Requirement> {
    let overwritten = selector.iter().position(|requirement| {
        requirement.key == NAMESPACE
            && (plain || requirement.source == Some("k8s"))
            && matches!(requirement.operator, Operator::Equals(_))
    });
    selector
        .iter()
        .enumerate()
        .filter(move |(at, _)| Some(*at) != overwritten)
        .map(|(_, requirement)| requirement)
}

/// 2.6, 3.1: `any`, `unspec` and no source stand for every source.
fn holds(requirement: &Requirement, labels: &[Label]) -> bool {
    holds_for_key(requirement, requirement.key, labels)
}

fn holds_for_key(requirement: &Requirement, key: &str, labels: &[Label]) -> bool {
    let any = matches!(requirement.source, None | Some("any" | "unspec"));
    let found = labels.iter().find(|(source, k, _)| k == key && (any || requirement.source == Some(source)));
    let value = found.map(|(_, _, value)| value.as_str());
    match &requirement.operator {
        Operator::Equals(wanted) => value == Some(wanted),
        Operator::In(wanted) => value.is_some_and(|value| wanted.contains(&value)),
        Operator::NotIn(unwanted) => !value.is_some_and(|value| unwanted.contains(&value)),
        Operator::Exists => value.is_some(),
        Operator::DoesNotExist => value.is_none(),
    }
}
