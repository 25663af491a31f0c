//! S1301: names that nobody learns the addresses of.

use sluice_ir::policy::Direction;

use super::{dns_rules, has_names};
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::who_else::Others;
use crate::lint::{Context, Lint};
use crate::resource::cilium::PeerItems;

pub(super) const LINT: Lint = Lint { code: Code::NamesWithoutLookup, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let policy = &context.compiled.policy;
    if !policy.rules.iter().any(has_names) {
        return;
    }
    let lookups = Others::new(context, Direction::Egress, |rule| dns_rules(policy, rule).is_some());
    let mut present = None;
    for ((_, rule), written) in policy.rules().zip(&context.compiled.written) {
        if !has_names(rule) || lookups.is_for(rule.subject) {
            continue;
        }
        let Some(entry) = context.facts.entry_of(written.span) else { continue };
        // An entry is as many rules as it has elements of `toPorts`.
        if present.replace(entry.span) == Some(entry.span) {
            continue;
        }
        let list = entry
            .cilium
            .and_then(|spec| spec.peers.iter().find(|list| matches!(list.items, PeerItems::Names(_))));
        let place = list.map_or(entry.span, |list| list.key_span);
        let message =
            "no rule sends the lookups of these pods through the proxy, so no address is ever learned";
        found.push(context.finding(Code::NamesWithoutLookup, entry.resource, place, message).help(
            "allow port 53 to the DNS servers with `rules: {dns: [{matchPattern: \"*\"}]}`, in this policy or in one for the same pods",
        ));
    }
}
