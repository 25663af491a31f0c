//! S1103: a namespace that the input does not have.

use sluice_ir::selector::Operator;

use crate::diagnostic::{Code, Diagnostic, Severity, did_you_mean};
use crate::inventory::keys;
use crate::lint::{Context, Lint};
use crate::resource::Resource;
use crate::source::Span;

pub(super) const LINT: Lint = Lint { code: Code::UnknownNamespace, run };

/// Whether the input has namespaces, and not this one.
pub(super) fn is_unknown(context: &Context<'_>, name: &str) -> bool {
    context.known.pods() && !context.known.has_namespace(name)
}

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for policy in &context.facts.policies {
        // Without a name it is meant for whichever namespace it is applied to.
        if let (Some(name), Some(_)) = (policy.namespace, &policy.resource.place.document.namespace) {
            let span = policy.resource.object.meta().name.span;
            found.extend(finding(context, policy.resource, name, span, "the policy is in"));
        }
    }
    for peer in &context.facts.labels {
        let resource = context.facts.entry(peer.entry).resource;
        let own = resource.object.meta().namespace.as_deref();
        for (wanted, place) in peer.specs.iter().flatten().flat_map(|spec| spec.placed()) {
            let names = matches!(&*wanted.key, keys::NAMESPACE | keys::NAMESPACE_NAME)
                || wanted.key.strip_prefix(keys::NAMESPACE_LABELS) == Some(keys::NAMESPACE_NAME);
            let Operator::In(values) = &wanted.operator else { continue };
            for value in values.iter().filter(|value| names && own != Some(&***value)) {
                found.extend(finding(context, resource, value, place.value, "this means"));
            }
        }
    }
}

fn finding(
    context: &Context<'_>,
    resource: &Resource,
    name: &str,
    span: Span,
    what: &str,
) -> Option<Diagnostic> {
    if !is_unknown(context, name) {
        return None;
    }
    let close = did_you_mean(name, context.known.namespaces());
    // Part of a cluster refers to the rest of it all the time.
    let severity = match close {
        Some(_) => Severity::Warning,
        None if context.known.whole_cluster() => Severity::Info,
        None => return None,
    };
    let message = format!("{what} namespace `{name}`, of which the input has nothing");
    let help = match close {
        Some(close) => format!("did you mean `{close}`?"),
        None => "add the namespace and its workloads to the command, or correct the name".to_owned(),
    };
    let found = context.finding(Code::UnknownNamespace, resource, span, message);
    Some(found.severity(severity).help(help))
}
