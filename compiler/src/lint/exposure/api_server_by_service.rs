//! S1606: the API server by its service.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::resource::cilium::{PeerItems, ServiceBy};

pub(super) const LINT: Lint = Lint { code: Code::ApiServerByService, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    for entry in &context.facts.entries {
        for list in entry.cilium.iter().flat_map(|spec| &spec.peers) {
            let PeerItems::Services(services) = &list.items else { continue };
            let api_server = services.iter().find(|service| {
                let default = service.namespace.as_deref().is_none_or(|name| name == "default");
                default && matches!(&service.by, ServiceBy::Name(name) if &**name == "kubernetes")
            });
            let Some(service) = api_server else { continue };
            let message =
                "the API server is an entity; where it runs on a node its addresses match no prefix";
            found.push(
                context
                    .finding(Code::ApiServerByService, entry.resource, service.span, message)
                    .help("write `toEntities: [kube-apiserver]`"),
            );
        }
    }
}
