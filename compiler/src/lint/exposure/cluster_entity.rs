//! S1605: what the entity `cluster` means beside pods.

use sluice_ir::policy::{Action, Direction};

use super::entities;
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::resource::cilium::Entity;

pub(super) const LINT: Lint = Lint { code: Code::ClusterEntity, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for entry in &context.facts.entries {
        let Some(cluster) = entities(entry).find(|entity| entity.value == Entity::Cluster) else { continue };
        let message = match (entry.action, entry.direction) {
            (Action::Allow, Direction::Ingress) => {
                "`cluster` also lets in every node, and so what comes through a NodePort of another node"
            }
            (Action::Allow, Direction::Egress) => {
                "`cluster` also means every node, and the API server even where it is outside"
            }
            (Action::Deny, _) => {
                "`cluster` also means nodes and the API server, and no pod of another cluster"
            }
        };
        found.push(
            context
                .finding(Code::ClusterEntity, entry.resource, cluster.span, message)
                .help("for pods alone select them by labels: `matchExpressions: [{key: k8s:io.kubernetes.pod.namespace, operator: Exists}]`"),
        );
    }
}
