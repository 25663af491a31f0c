//! S1408: the empty selector as a peer.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::OwnNamespace, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for peer in &context.facts.labels {
        let entry = context.facts.entry(peer.entry);
        let empty = peer.specs[0].is_some_and(|spec| spec.requirements.is_empty());
        if entry.cilium.is_none() || !empty {
            continue;
        }
        let namespace = context.facts.subject(entry).namespace;
        let message = match namespace {
            Some(namespace) => {
                format!("the empty selector means pods of namespace `{namespace}`, not everybody")
            }
            None => "the empty selector means pods of every namespace, and no node or address".to_owned(),
        };
        found.push(
            context
                .finding(Code::OwnNamespace, entry.resource, peer.span, message)
                .help("nothing to do if that is meant; for everybody write the entity `all`"),
        );
    }
}
