//! Why a selector selects nobody, in words.

use std::collections::BTreeSet;
use std::sync::Arc;

use sluice_ir::policy::Identity;
use sluice_ir::selector::{Operator, Requirement, Selector};

use super::Context;
use crate::diagnostic::did_you_mean;
use crate::inventory::{confined_to, keys};

/// What to say about a selector that selects nobody.
#[derive(Debug)]
pub(super) struct Nobody {
    /// What to do.
    pub(super) help: String,
    /// Whether something that exists resembles what is written.
    pub(super) resembles: bool,
}

/// Looks for what comes closest: a key, a value, a namespace.
pub(super) fn nobody(context: &Context<'_>, selector: &Selector) -> Nobody {
    let namespace = confined_to(selector);
    let candidates = context.facts.matches.candidates(namespace.map(|name| &**name));
    let own = || selector.requirements().iter().filter(|wanted| !is_scope(wanted));
    if let Some(namespace) = namespace.filter(|_| candidates.is_empty()) {
        return of_namespace(context, namespace);
    }
    for wanted in own() {
        if let Some(found) = slip(wanted, candidates) {
            return found;
        }
    }
    if let Some(other) = elsewhere(context, selector) {
        let help = format!("pods of namespace `{other}` have these labels: is that the namespace meant?");
        return Nobody { help, resembles: false };
    }
    let help = match (own().count(), namespace) {
        (0 | 1, Some(namespace)) => {
            format!(
                "no pod of namespace `{namespace}` has this label: compare with `kubectl get pods --show-labels`"
            )
        }
        (0 | 1, None) => "no pod has this label: compare with `kubectl get pods --show-labels -A`".to_owned(),
        (_, _) => "each may be found on some pod, and no pod has all of these labels".to_owned(),
    };
    Nobody { help, resembles: false }
}

fn of_namespace(context: &Context<'_>, namespace: &str) -> Nobody {
    let known = context.known.namespaces().filter(|name| *name != namespace);
    match did_you_mean(namespace, known) {
        Some(close) if !context.known.has_namespace(namespace) => Nobody {
            help: format!("there is no namespace `{namespace}` in the input: did you mean `{close}`?"),
            resembles: true,
        },
        _ => Nobody {
            help: format!(
                "there is no pod of namespace `{namespace}` in the input: add its workloads to the command, or correct the namespace"
            ),
            resembles: false,
        },
    }
}

/// What comes from the policy's place and not from its text.
fn is_scope(requirement: &Requirement) -> bool {
    matches!(&*requirement.key, keys::NAMESPACE | keys::CLUSTER)
}

/// A key or value that nobody has, and that resembles one that somebody has.
fn slip(wanted: &Requirement, candidates: &[Arc<Identity>]) -> Option<Nobody> {
    let labels = || candidates.iter().flat_map(|identity| identity.labels.iter());
    let (Operator::In(_) | Operator::Exists) = &wanted.operator else { return None };
    if !labels().any(|label| label.key == wanted.key) {
        let known: BTreeSet<&str> = labels().map(|label| &*label.key).collect();
        let close = did_you_mean(&wanted.key, known)?;
        let help = format!("no pod here has a label `{}`: did you mean `{close}`?", shown(&wanted.key));
        return Some(Nobody { help: help.replace(keys::NAMESPACE_LABELS, ""), resembles: true });
    }
    let Operator::In(values) = &wanted.operator else { return None };
    let known: BTreeSet<&str> =
        labels().filter(|label| label.key == wanted.key).map(|label| &*label.value).collect();
    if values.iter().any(|value| known.contains(&**value)) {
        return None;
    }
    let (value, close) =
        values.iter().find_map(|value| Some((value, did_you_mean(value, known.iter().copied())?)))?;
    let help = format!("no pod here has `{}: {value}`: did you mean `{close}`?", shown(&wanted.key));
    Some(Nobody { help, resembles: true })
}

fn shown(key: &str) -> &str {
    key.strip_prefix(keys::NAMESPACE_LABELS).unwrap_or(key)
}

/// The first other namespace in which the same labels select somebody.
fn elsewhere<'c>(context: &'c Context<'_>, selector: &Selector) -> Option<&'c str> {
    confined_to(selector)?;
    let own = selector.requirements().iter().filter(|wanted| &*wanted.key != keys::NAMESPACE);
    let own: Selector = own.cloned().collect();
    if own.requirements().iter().all(is_scope) {
        return None;
    }
    let all = context.facts.matches.candidates(None);
    let found = all.iter().find(|identity| own.matches(&identity.labels))?;
    found.labels.get(keys::NAMESPACE).map(|label| &*label.value)
}
