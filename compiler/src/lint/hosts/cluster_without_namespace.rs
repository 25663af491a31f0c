//! S1703: a peer in another cluster, in this namespace.

use sluice_ir::selector::Operator;

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::keys;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ClusterWithoutNamespace, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for peer in &context.facts.labels {
        let entry = context.facts.entry(peer.entry);
        let Some(namespace) = context.facts.subject(entry).namespace else { continue };
        let [Some(spec), None] = peer.specs else { continue };
        let names_namespace = spec.names_prefix(keys::NAMESPACE) || spec.names_prefix(keys::NAMESPACE_LABELS);
        let other = spec.placed().find(|(wanted, _)| {
            let here = |values: &[std::sync::Arc<str>]| {
                values.iter().all(|value| *value == context.compiled.inventory.cluster)
            };
            &*wanted.key == keys::CLUSTER && !matches!(&wanted.operator, Operator::In(values) if here(values))
        });
        let Some((_, place)) = other.filter(|_| !names_namespace) else { continue };
        let message = format!("in the other cluster too this means namespace `{namespace}` only");
        found.push(
            context
                .finding(Code::ClusterWithoutNamespace, entry.resource, place.key, message)
                .help("say which namespace is meant: `k8s:io.kubernetes.pod.namespace: NAME`"),
        );
    }
}
