//! S1407: a cluster-wide policy that isolates everybody.

use sluice_ir::policy::{Action, Direction};

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::keys;
use crate::lint::facts::EntryFact;
use crate::lint::{Context, Lint};
use crate::resource::cilium::{Entity, PeerItems, PeerList};

pub(super) const LINT: Lint = Lint { code: Code::ClusterwideIsolates, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for (at, subject) in context.facts.subjects.iter().enumerate() {
        let Some(rule) = subject.rule.filter(|_| subject.namespace.is_none() && !subject.nodes) else {
            continue;
        };
        let confined = |key: &str| !key.starts_with(keys::NAMESPACE) || key != keys::NAMESPACE;
        let everybody = subject.selector.is_empty()
            || subject.selector.requirements().iter().all(|wanted| {
                !confined(&wanted.key) && wanted.operator == sluice_ir::selector::Operator::Exists
            });
        if !everybody {
            continue;
        }
        for (direction, written) in Direction::BOTH.into_iter().zip(&rule.default_deny) {
            let isolates = written.as_ref().is_none_or(|value| value.value);
            let mut entries =
                context.facts.entries_of(at).iter().filter(|entry| entry.direction == direction).peekable();
            let Some(first) = entries.peek().copied() else { continue };
            // Who lets everybody of the cluster through closes it to the outside, and means to.
            let lets_all = |entry: &&EntryFact<'_>| {
                let wide = |list: &PeerList| {
                    matches!(&list.items, PeerItems::Entities(entities)
                    if entities.iter().any(|entity| matches!(entity.value, Entity::All | Entity::Cluster)))
                };
                let of = entry.cilium.filter(|_| entry.action == Action::Allow && entry.every_port);
                of.is_some_and(|spec| spec.peers.iter().any(wide))
            };
            if entries.clone().any(|entry| lets_all(&entry)) {
                continue;
            }
            // Where every entry is empty, or a deny, it is there to isolate.
            let something = entries.any(|entry| {
                entry.action == Action::Allow
                    && entry.cilium.is_some_and(|spec| !spec.peers.is_empty() || spec.to_ports.is_some())
            });
            if !isolates || !something {
                continue;
            }
            let message = format!(
                "this isolates the {direction} of every pod in the cluster, system pods and Cilium's own endpoints included"
            );
            let place = first.section.map_or(subject.key_span, |section| section.key_span);
            found.push(
                context
                    .finding(Code::ClusterwideIsolates, subject.resource, place, message)
                    .related(subject.key_span, "everybody")
                    .help(format!(
                        "if it is only to add what all may do, write `enableDefaultDeny: {{{direction}: false}}`; else leave `kube-system` out"
                    )),
            );
        }
    }
}
