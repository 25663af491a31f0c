//! S1118: a peer in its node's network, which is not known by its labels.

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::{confined_to, keys};
use crate::lint::facts::LabelFact;
use crate::lint::on_host::OnHost;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::HostNetworkPeer, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for peer in &context.facts.labels {
        let Some(pod) = meant(context, peer) else { continue };
        let resource = context.facts.entry(peer.entry).resource;
        let message = format!("this does not mean {}, which is in its node's network", pod.name());
        found.push(
            context
                .finding(Code::HostNetworkPeer, resource, peer.span, message)
                .related(pod.resource.object.meta().name.span, "it has `hostNetwork: true`")
                .help("such a pod is known as its node: use the entities `host` and `remote-node`"),
        );
    }
}

/// The pod in its node's network that a peer would mean, if it means nobody else.
pub(super) fn meant<'c, 'a>(context: &'c Context<'a>, peer: &LabelFact<'_>) -> Option<&'c OnHost<'a>> {
    let scope = |key: &str| matches!(key, keys::NAMESPACE | keys::CLUSTER);
    let own = peer.selector.requirements().iter().filter(|wanted| !scope(&wanted.key));
    let own: sluice_ir::selector::Selector = own.cloned().collect();
    let nobody = || !context.facts.matches.any(&peer.selector);
    if own.is_empty() || context.on_host.is_empty() || !nobody() {
        return None;
    }
    let namespace = confined_to(&peer.selector);
    context.on_host.iter().find(|pod| {
        let here = pod.labels.get(keys::NAMESPACE).map(|label| &label.value);
        own.matches(&pod.labels) && (namespace.is_none() || namespace == here)
    })
}
