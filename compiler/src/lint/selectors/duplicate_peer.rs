//! S1116: the same peer twice in one list.

use std::hash::Hash;

use rustc_hash::FxHashMap;
use sluice_ir::net::Cidr;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::facts::PrefixFact;
use crate::lint::{Context, Lint};
use crate::source::Span;

pub(super) const LINT: Lint = Lint { code: Code::DuplicatePeer, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let labels = context.facts.labels.iter().map(|peer| (peer.entry, &peer.selector, peer.span));
    repeated(context, labels, found);
    let prefix = |fact: &PrefixFact<'_>| {
        let except: Vec<Cidr> = fact.except.iter().map(|out| out.value).collect();
        (fact.entry, (fact.cidr.value, except), fact.cidr.span)
    };
    repeated(context, context.facts.prefixes.iter().map(prefix), found);
}

/// Tells of the peers of each entry that are there before.
fn repeated<P: Eq + Hash>(
    context: &Context<'_>,
    peers: impl Iterator<Item = (usize, P, Span)>,
    found: &mut Vec<Diagnostic>,
) {
    let mut seen: FxHashMap<P, Span> = FxHashMap::default();
    let mut present = usize::MAX;
    for (entry, peer, span) in peers {
        if entry != present {
            seen.clear();
            present = entry;
        }
        if let Some(first) = seen.get(&peer) {
            let resource = context.facts.entry(entry).resource;
            found.push(
                context
                    .finding(Code::DuplicatePeer, resource, span, "this peer stands twice in one list")
                    .related(*first, "the first time")
                    .help("remove one of the two; was another one meant?"),
            );
        } else {
            seen.insert(peer, span);
        }
    }
}
