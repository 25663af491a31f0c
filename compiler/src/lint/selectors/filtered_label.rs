//! S1104: a label that is no part of an identity.

use sluice_ir::label::LabelSource;
use sluice_ir::selector::{Operator, Requirement};

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::{is_identity_label, keys};
use crate::lint::{Context, Lint};
use crate::resource::Resource;
use crate::resource::selector::SelectorSpec;

pub(super) const LINT: Lint = Lint { code: Code::FilteredLabel, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for subject in context.facts.subjects.iter().filter(|subject| !subject.nodes) {
        found.extend(findings(context, subject.resource, subject.spec));
    }
    for peer in &context.facts.labels {
        // A namespace selector looks at namespaces' labels, which all count.
        if let Some(pods) = peer.specs[0] {
            found.extend(findings(context, context.facts.entry(peer.entry).resource, pods));
        }
    }
}

/// Whether the selector asks for a label that no identity has.
pub(super) fn is_filtered(spec: &SelectorSpec) -> bool {
    spec.requirements.iter().any(|wanted| looks_at_pods(wanted) && !is_identity_label(&wanted.key))
}

fn looks_at_pods(wanted: &Requirement) -> bool {
    matches!(wanted.source, LabelSource::K8s | LabelSource::Any)
}

fn findings<'s>(
    context: &'s Context<'_>,
    resource: &'s Resource,
    spec: &'s SelectorSpec,
) -> impl Iterator<Item = Diagnostic> + 's {
    let filtered =
        spec.placed().filter(|(wanted, _)| looks_at_pods(wanted) && !is_identity_label(&wanted.key));
    filtered.map(|(wanted, place)| {
        let then = match wanted.operator {
            Operator::In(_) | Operator::Exists => "so this selects nobody",
            Operator::NotIn(_) | Operator::DoesNotExist => "so this leaves nobody out",
        };
        let message = format!("the label `{}` is not part of a pod's identity, {then}", wanted.key);
        let help = match &*wanted.key {
            keys::NAMESPACE_NAME => {
                "for a namespace by name write `k8s:io.kubernetes.pod.namespace: NAME`".to_owned()
            }
            _ => "select by a label such as `app.kubernetes.io/name`, or change the agent's option `labels`"
                .to_owned(),
        };
        context.finding(Code::FilteredLabel, resource, place.key, message).help(help)
    })
}
