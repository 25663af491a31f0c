//! S1116: the same peer twice in one list.

use std::collections::BTreeMap;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::source::Span;

pub(super) const LINT: Lint = Lint { code: Code::DuplicatePeer, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let labels = context.facts.labels.iter().map(|peer| (peer.entry, peer.selector.to_string(), peer.span));
    repeated(context, labels, found);
    let prefix = |fact: &crate::lint::facts::PrefixFact<'_>| {
        let mut text = fact.cidr.value.to_string();
        for out in fact.except {
            text.push_str(&format!(" -{}", out.value));
        }
        (fact.entry, text, fact.cidr.span)
    };
    repeated(context, context.facts.prefixes.iter().map(prefix), found);
}

fn repeated(
    context: &Context<'_>,
    peers: impl Iterator<Item = (usize, String, Span)>,
    found: &mut Vec<Diagnostic>,
) {
    let mut seen: BTreeMap<String, Span> = BTreeMap::new();
    let mut present = usize::MAX;
    for (entry, text, span) in peers {
        if entry != present {
            seen.clear();
            present = entry;
        }
        if let Some(first) = seen.get(&text) {
            let resource = context.facts.entry(entry).resource;
            found.push(
                context
                    .finding(Code::DuplicatePeer, resource, span, "this peer stands twice in one list")
                    .related(*first, "the first time")
                    .help("remove one of the two; was another one meant?"),
            );
        } else {
            seen.insert(text, span);
        }
    }
}
