//! S1210: rules by port alone, which leave ping out.

use sluice_ir::policy::{Action, Direction};

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::resource::cilium::PeerItems;

pub(super) const LINT: Lint = Lint { code: Code::IcmpLeftOut, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for at in 0..context.facts.subjects.len() {
        let entries = context.facts.entries_of(at);
        for direction in Direction::BOTH {
            let mut of = entries
                .iter()
                .filter(|entry| entry.direction == direction && entry.action == Action::Allow)
                .peekable();
            let Some(first) = of.peek().copied() else { continue };
            let icmp = |entry: &&_| {
                let entry: &crate::lint::facts::EntryFact<'_> = entry;
                entry.every_port || entry.cilium.is_some_and(|spec| spec.icmps.is_some())
            };
            let inside = first.cilium.is_some_and(|spec| {
                spec.peers
                    .iter()
                    .any(|list| matches!(list.items, PeerItems::Endpoints(_) | PeerItems::Nodes(_)))
            });
            if !inside || of.any(|entry| icmp(&entry)) {
                continue;
            }
            let message = format!("{direction} is allowed by port only, so ping and other ICMP are dropped");
            found.push(context.finding(Code::IcmpLeftOut, first.resource, first.span, message).help(
                "add an entry with `icmps: [{fields: [{type: EchoRequest}]}]` if people or probes use ping",
            ));
        }
    }
}
