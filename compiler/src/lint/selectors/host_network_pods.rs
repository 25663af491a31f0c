//! S1117: pods in their node's network, to which no policy for pods applies.

use sluice_ir::selector::Selector;

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::keys;
use crate::lint::facts::SubjectFact;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::HostNetworkPods, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for subject in context.facts.subjects.iter().filter(|subject| is_about_some(subject)) {
        let Some(pod) = context.on_host.iter().find(|pod| subject.selector.matches(&pod.labels)) else {
            continue;
        };
        let only =
            if context.facts.matches.any(&subject.selector) { "" } else { ", and selects nobody else" };
        let message = format!("this does not reach {}, which is in its node's network{only}", pod.name());
        found.push(
            context
                .finding(Code::HostNetworkPods, subject.resource, subject.key_span, message)
                .related(pod.resource.object.meta().name.span, "it has `hostNetwork: true`")
                .help("policy for it is policy for the node: a CiliumClusterwideNetworkPolicy with `nodeSelector`"),
        );
    }
}

/// Whether a subject selects pods in their nodes' networks, which are no endpoints.
pub(super) fn selects(context: &Context<'_>, subject: &SubjectFact<'_>) -> bool {
    is_about_some(subject) && context.on_host.iter().any(|pod| subject.selector.matches(&pod.labels))
}

/// One that selects all pods is not about these.
fn is_about_some(subject: &SubjectFact<'_>) -> bool {
    let own = |selector: &Selector| selector.requirements().iter().any(|r| &*r.key != keys::NAMESPACE);
    !subject.nodes && own(&subject.selector)
}
