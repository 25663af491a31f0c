//! S1111: a prefix around nodes, which it does not match.

use sluice_ir::policy::Action;

use super::cidr_covers_pods::Addresses;
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::CidrCoversNodes, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    if context.options.cidr_matches_nodes {
        return;
    }
    let nodes = &context.compiled.inventory.nodes;
    let of = |at: usize| nodes[at].addresses.iter().map(move |address| (*address, at));
    let addresses = Addresses::new((0..nodes.len()).flat_map(of).collect());
    for prefix in &context.facts.prefixes {
        let Some((address, at)) = addresses.first_in(prefix) else { continue };
        let entry = context.facts.entry(prefix.entry);
        let not = if entry.action == Action::Allow { "let through" } else { "denied" };
        let message = format!("nodes in `{}` are not {not}: prefixes do not match nodes", prefix.cidr.value);
        let api_server = context.compiled.inventory.api_servers().contains(&address);
        let entity = if api_server { "`kube-apiserver`" } else { "`remote-node` and `host`" };
        found.push(
            context
                .finding(Code::CidrCoversNodes, entry.resource, prefix.cidr.span, message)
                .label(format!("`{address}` is node `{}`", nodes[at].name))
                .help(format!(
                    "use the entity {entity}, or `policyCIDRMatchMode: nodes` in `--config` if the agents have it"
                )),
        );
    }
}
