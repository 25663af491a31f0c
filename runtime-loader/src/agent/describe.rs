//! What is in force, for whoever asks.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_backends::bundle::policy;
use sluice_compiler::classify::Limits;
use sluice_compiler::decide;
use sluice_ir::decision::EndpointName;
use sluice_ir::policy::Direction as Way;
use sluice_ir::policy::eval::{self, rule_verdict};
use tokio::sync::watch;
use tokio::task::spawn_blocking;

use super::enforce::Enforcer;
use super::live::Live;
use super::place::Placed;
use crate::api::policy::{PolicyObject, PolicyStatus, RuleStatus, Verdict};
use crate::api::snapshot::{Count, Direction, EndpointSide, EndpointStatus, Snapshot};

impl Enforcer {
    /// Tells what is in force.
    pub(super) fn describe(&self, snapshot: &mut Snapshot) {
        let generation = self.generation().map(|number| number.word());
        snapshot.status.generation = generation;
        let Some(live) = self.live() else { return };
        if snapshot.status.input_hash != live.inputs.hash {
            snapshot.status.input_hash.clone_from(&live.inputs.hash);
            snapshot.status.policy_hash = None;
        }
        let status = |placed: &Placed| {
            let audited = self.settings().audits(placed.is_host());
            EndpointStatus { audited, ..endpoint(live, placed) }
        };
        snapshot.endpoints = live.placed.iter().map(status).collect();
        let counted = snapshot.policy.default_deny;
        let objects = objects(live);
        snapshot.policy = PolicyStatus { generation, objects, default_deny: counted };
    }

    /// Tells the hash of the policy of the files when it is known. It is begun once for the same files.
    pub(super) fn hash(&mut self, snapshot: &watch::Sender<Arc<Snapshot>>) {
        let Some(live) = self.live().filter(|live| live.inputs.hash != self.hashed) else { return };
        let begun = live.inputs.hash.clone();
        hash(live, snapshot);
        self.hashed = begun;
    }
}

/// Finds out what hash the policy of the files has, as a bundle of them would say, and tells it unless they have changed by
/// then. It takes as long as all tables do, so nothing waits for it.
fn hash(live: &Live, snapshot: &watch::Sender<Arc<Snapshot>>) {
    let (input, compiled) = (live.inputs.hash.clone(), Arc::clone(&live.compiled));
    let (node, snapshot) = (Arc::clone(live.session.node()), snapshot.clone());
    spawn_blocking(move || {
        let Ok(decided) = decide(&compiled, Some(&node), &Limits::default(), &mut |_| {}) else { return };
        let hash = policy(&decided.classified.decision).to_string();
        snapshot.send_if_modified(|snapshot| {
            let is_current = snapshot.status.input_hash == input;
            if is_current {
                Arc::make_mut(snapshot).status.policy_hash = Some(hash);
            }
            is_current
        });
    });
}

fn endpoint(live: &Live, placed: &Placed) -> EndpointStatus {
    let enforced = live.images.enforced(&placed.judged_as);
    let side = |way: Way| {
        let enforced = enforced.as_ref().is_some_and(|enforced| enforced[way]);
        EndpointSide { enforced, ..EndpointSide::default() }
    };
    EndpointStatus {
        name: called(&placed.name),
        addresses: placed.addresses.clone(),
        interface: placed.interface.as_ref().ok().map(|interface| interface.name.clone()),
        ifindex: placed.interface.as_ref().ok().map(|interface| interface.ifindex),
        problem: placed.interface.as_ref().err().or(placed.refused.as_ref()).cloned(),
        audited: false,
        ingress: side(Way::Ingress),
        egress: side(Way::Egress),
    }
}

/// `namespace/name`, or `host`.
pub(super) fn called(name: &EndpointName) -> String {
    match name.namespace {
        Some(_) => name.to_string(),
        None => "host".to_owned(),
    }
}

/// The objects with rules that select an endpoint of the node, sorted.
fn objects(live: &Live) -> Vec<PolicyObject> {
    let mut objects: BTreeMap<(&str, Option<&str>, &str), Vec<RuleStatus>> = BTreeMap::new();
    for (rule, origin) in live.session.rules() {
        let key = (&*origin.kind, origin.namespace.as_deref(), &*origin.name);
        let status = RuleStatus {
            file: origin.file.to_string(),
            line: origin.line,
            column: origin.column,
            path: origin.path.to_string(),
            direction: direction(rule.direction),
            verdict: verdict(rule_verdict(rule)),
            count: Count::default(),
        };
        let rules = objects.entry(key).or_default();
        // One line can become several rules.
        if !rules.contains(&status) {
            rules.push(status);
        }
    }
    let object = |((kind, namespace, name), mut rules): ((&str, Option<&str>, &str), Vec<RuleStatus>)| {
        rules.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
        PolicyObject {
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
            rules,
        }
    };
    objects.into_iter().map(object).collect()
}

/// As those who ask know it.
pub(super) fn direction(way: Way) -> Direction {
    match way {
        Way::Ingress => Direction::Ingress,
        Way::Egress => Direction::Egress,
    }
}

/// As those who ask know it.
pub(super) fn verdict(verdict: eval::Verdict) -> Verdict {
    match verdict {
        eval::Verdict::Allow => Verdict::Allow,
        eval::Verdict::Deny => Verdict::Deny,
        eval::Verdict::Redirect => Verdict::Redirect,
    }
}
