//! S1305: a name of the cluster, whose addresses are no addresses for names.

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::Owner;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::NameInCluster, run };

/// What names of services end with (Kubernetes DNS specification).
const CLUSTER: [&str; 3] = [".svc", ".cluster.local", ".clusterset.local"];

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for name in super::names(context) {
        let text = name.pattern.text().trim_end_matches('.').to_ascii_lowercase();
        let message = match answer_inside(context, &name) {
            _ if CLUSTER.iter().any(|end| text.ends_with(end)) => {
                "this is a service of the cluster, and no name matches a pod or a virtual address".to_owned()
            }
            Some(who) => format!("an answer for this name is {who}, which no name matches"),
            None => continue,
        };
        found.push(
            context
                .finding(Code::NameInCluster, name.resource, name.span, message)
                .help("write `toEndpoints` with the pods' labels, or an entity for a node"),
        );
    }
}

fn answer_inside(context: &Context<'_>, name: &super::Name<'_>) -> Option<String> {
    let inventory = &context.compiled.inventory;
    let answers = inventory.answers().0.iter().filter(|(asked, _)| name.pattern.matches(&asked.name));
    let mut addresses = answers.flat_map(|(_, addresses)| addresses);
    addresses.find_map(|address| match inventory.owner(*address) {
        Some(Owner::Endpoint(at)) => {
            let pod = &inventory.endpoints[at];
            Some(format!("pod `{}/{}`", pod.namespace, pod.name))
        }
        Some(Owner::Node(at)) if !context.options.cidr_matches_nodes => {
            Some(format!("node `{}`", inventory.nodes[at].name))
        }
        _ => None,
    })
}
