//! S1102: a peer that nobody is.

use sluice_ir::label::LabelSource;
use sluice_ir::policy::Action;

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::{confined_to, keys};
use crate::lint::facts::LabelFact;
use crate::lint::who::nobody;
use crate::lint::{Context, Lint};
use crate::resource::selector::SelectorSpec;

pub(super) const LINT: Lint = Lint { code: Code::PeerNowhere, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    found.extend(context.facts.labels.iter().filter_map(|peer| finding(context, peer)));
}

fn finding(context: &Context<'_>, peer: &LabelFact<'_>) -> Option<Diagnostic> {
    let specs = || peer.specs.iter().flatten();
    // Without a label it means whoever is there.
    let any = specs().all(|spec| spec.requirements.is_empty());
    // Endpoints of the agent's own and pods of other clusters are not in the input.
    let elsewhere = |spec: &&&SelectorSpec| {
        spec.names_source(&LabelSource::Reserved)
            || spec.requirements.iter().any(|wanted| &*wanted.key == keys::CLUSTER)
    };
    let never = super::contradictory_selector::never(&peer.selector)
        || specs().any(|spec| {
            super::filtered_label::is_filtered(spec) || super::unmatchable_source::is_unmatchable(spec)
        });
    if any || never || specs().any(|spec| elsewhere(&spec)) || context.facts.matches.any(&peer.selector) {
        return None;
    }
    if super::host_network_peer::meant(context, peer).is_some() {
        return None;
    }
    let namespace = confined_to(&peer.selector).map(|name| &**name);
    if namespace.is_some_and(|name| super::unknown_namespace::is_unknown(context, name)) {
        return None;
    }
    let entry = context.facts.entry(peer.entry);
    let nobody = nobody(context, &peer.selector);
    let severity = context.known.absence(entry.resource, namespace, nobody.resembles)?;
    let nothing = if entry.action == Action::Allow { "lets nobody in or out" } else { "denies nobody" };
    let message = match namespace {
        Some(name) => format!("no pod of namespace `{name}` in the input is meant, so this {nothing}"),
        None => format!("no pod in the input is meant, so this {nothing}"),
    };
    let found = context.finding(Code::PeerNowhere, entry.resource, peer.span, message);
    Some(found.severity(severity).help(nobody.help))
}
