//! What is in force, for whoever asks.

use std::collections::BTreeMap;

use sluice_ir::ids::OriginId;
use sluice_ir::origin::Origin;
use sluice_ir::policy::Direction as Way;
use sluice_ir::policy::eval::{self, Reason, rule_verdict};

use super::counts::Counts;
use super::enforce::{Enforcer, InForce, Placed};
use crate::api::policy::{PolicyObject, PolicyStatus, RuleStatus, Verdict};
use crate::api::snapshot::{Count, Direction, EndpointSide, EndpointStatus, Snapshot};
use crate::kernel::KernelError;

impl Enforcer {
    /// Tells what is in force.
    pub(super) fn describe(&self, snapshot: &mut Snapshot) {
        let generation = self.generation().map(|number| number.word());
        snapshot.status.generation = generation;
        let Some(in_force) = &self.in_force else { return };
        snapshot.endpoints = in_force.endpoints.iter().map(|placed| endpoint(in_force, placed)).collect();
        snapshot.policy = PolicyStatus { generation, objects: objects(in_force), ..PolicyStatus::default() };
    }

    /// Tells what rules have done.
    pub(super) fn count(&self, counts: &Counts, snapshot: &mut Snapshot) -> Result<(), KernelError> {
        let Some(in_force) = &self.in_force else { return Ok(()) };
        snapshot.policy.default_deny = counts.default_deny()?;
        let mut of_origin: BTreeMap<&Origin, Count> = BTreeMap::new();
        for (outcome, counter) in in_force.decision.verdicts.iter().zip(&in_force.counters) {
            // Where no rule allowed a packet, those that isolate the endpoint did nothing to it.
            if outcome.reason == Reason::DefaultDeny || outcome.origins.is_empty() {
                continue;
            }
            let count = counts.rules(*counter)?;
            for origin in &outcome.origins {
                let sum = of_origin.entry(origin_of(in_force, *origin)).or_default();
                sum.packets += count.packets;
                sum.bytes += count.bytes;
            }
        }
        let by_place: BTreeMap<(&str, u32, u32), Count> = of_origin
            .into_iter()
            .map(|(origin, count)| ((&*origin.file, origin.line, origin.column), count))
            .collect();
        for rule in snapshot.policy.objects.iter_mut().flat_map(|object| &mut object.rules) {
            let place = (rule.file.as_str(), rule.line, rule.column);
            rule.count = by_place.get(&place).copied().unwrap_or_default();
        }
        Ok(())
    }
}

fn origin_of(in_force: &InForce, origin: OriginId) -> &Origin {
    &in_force.decision.origins[origin.index()]
}

fn endpoint(in_force: &InForce, placed: &Placed) -> EndpointStatus {
    let side = |way: Way| {
        let subject = in_force.decision.subject_of(&placed.name);
        let allows = |verdict: &eval::Verdict| *verdict == eval::Verdict::Allow;
        let enforced = subject.is_some_and(|subject| {
            let table = &subject.tables[way];
            let mut rows = table.rows.iter().map(|(_, row)| *row).chain([table.otherwise]);
            rows.any(|row| {
                let cells = &in_force.decision.sides[way].rows[row.index()].0;
                cells.iter().any(|cell| !allows(&in_force.decision.verdicts[cell.index()].verdict))
            })
        });
        EndpointSide { enforced, ..EndpointSide::default() }
    };
    EndpointStatus {
        name: name_of(placed),
        addresses: placed.addresses.clone(),
        interface: placed.interface.as_ref().ok().map(|interface| interface.name.clone()),
        ifindex: placed.interface.as_ref().ok().map(|interface| interface.ifindex),
        problem: placed.interface.as_ref().err().cloned(),
        ingress: side(Way::Ingress),
        egress: side(Way::Egress),
    }
}

fn name_of(placed: &Placed) -> String {
    match placed.name.namespace {
        Some(_) => placed.name.to_string(),
        None => "host".to_owned(),
    }
}

/// The objects with rules that select an endpoint of the node, sorted.
fn objects(in_force: &InForce) -> Vec<PolicyObject> {
    let policy = &in_force.compiled.policy;
    let mut objects: BTreeMap<(&str, Option<&str>, &str), Vec<RuleStatus>> = BTreeMap::new();
    for (id, rule) in policy.rules() {
        let origin = policy.origin(id);
        if in_force.decision.origins.binary_search(origin).is_err() {
            continue;
        }
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
