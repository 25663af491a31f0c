//! S1108: a subject in another namespace than its policy.

use sluice_ir::selector::Operator;

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::keys;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ForeignNamespace, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for subject in &context.facts.subjects {
        let Some(namespace) = subject.namespace.filter(|_| !subject.nodes) else { continue };
        for (at, (wanted, place)) in subject.spec.placed().enumerate() {
            let Operator::In(values) = &wanted.operator else { continue };
            if &*wanted.key != keys::NAMESPACE || values.contains(namespace) {
                continue;
            }
            let overwritten =
                at < subject.spec.from_labels && wanted.source == sluice_ir::label::LabelSource::K8s;
            let then = if overwritten {
                format!("pods of `{namespace}` are selected all the same")
            } else {
                "nobody is selected".to_owned()
            };
            let message = format!("a policy selects pods of its own namespace only: {then}");
            found.push(
                context
                    .finding(Code::ForeignNamespace, subject.resource, place.value, message)
                    .help("put the policy into that namespace, or write a CiliumClusterwideNetworkPolicy"),
            );
        }
    }
}
