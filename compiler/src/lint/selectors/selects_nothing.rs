//! S1101: a policy that selects nobody.

use sluice_ir::label::{Label, LabelSource};

use crate::diagnostic::{Code, Diagnostic, Severity};
use crate::inventory::confined_to;
use crate::lint::facts::SubjectFact;
use crate::lint::who::nobody;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::SelectsNothing, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for subject in &context.facts.subjects {
        if subject.nodes {
            found.extend(no_node(context, subject));
        } else {
            found.extend(no_pod(context, subject));
        }
    }
}

fn no_pod(context: &Context<'_>, subject: &SubjectFact<'_>) -> Option<Diagnostic> {
    // Endpoints of the agent's own are no pods. What can never match is another lint's business.
    let reserved = subject.spec.names_source(&LabelSource::Reserved);
    if reserved
        || context.facts.matches.any(&subject.selector)
        || super::host_network_pods::selects(context, subject)
        || super::contradictory_selector::never(&subject.selector)
        || super::filtered_label::is_filtered(subject.spec)
    {
        return None;
    }
    let namespace = confined_to(&subject.selector);
    let nobody = nobody(context, &subject.selector);
    let severity =
        context.known.absence(subject.resource, namespace.map(|name| &**name), nobody.resembles)?;
    let message = match namespace {
        Some(namespace) => format!("this selects no pod of namespace `{namespace}` in the input"),
        None => "this selects no pod in the input".to_owned(),
    };
    let found = context.finding(Code::SelectsNothing, subject.resource, subject.key_span, message);
    Some(found.severity(severity).help(nobody.help))
}

fn no_node(context: &Context<'_>, subject: &SubjectFact<'_>) -> Option<Diagnostic> {
    let labels = |node: &crate::inventory::Node| {
        let label =
            |(key, value): &(_, _)| Label::new(LabelSource::K8s, Clone::clone(key), Clone::clone(value));
        let all: sluice_ir::label::LabelSet = node.labels.iter().map(label).collect();
        all
    };
    let selects = |node| subject.selector.matches(&labels(node));
    if !context.known.nodes || context.compiled.inventory.nodes.iter().any(selects) {
        return None;
    }
    let message = "this selects no node in the input";
    let found = context.finding(Code::SelectsNothing, subject.resource, subject.key_span, message);
    let help = "compare with `kubectl get nodes --show-labels`";
    Some(found.severity(Severity::Warning).help(help))
}
