//! S1112: the virtual address of a service in a prefix.

use std::net::IpAddr;

use super::cidr_covers_pods::Addresses;
use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::ClusterIpInCidr, run };

/// Wider ones hold services and much else. They are written for the much else.
const NARROW: [u8; 2] = [12, 48];

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let services = &context.compiled.inventory.services;
    let of = |at: usize| services[at].cluster_addresses.iter().map(move |address: &IpAddr| (*address, at));
    let addresses = Addresses::new((0..services.len()).flat_map(of).collect());
    for prefix in &context.facts.prefixes {
        let cidr = prefix.cidr.value;
        let [v4, v6] = NARROW;
        if cidr.length() < if cidr.is_ipv4() { v4 } else { v6 } {
            continue;
        }
        let Some((address, at)) = addresses.first_in(prefix) else { continue };
        let service = &services[at];
        let name = format!("{}/{}", service.namespace, service.name);
        let resource = context.facts.entry(prefix.entry).resource;
        let message = "policy never sees the virtual address of a service, but the backend behind it";
        let help = match (&*service.namespace, &*service.name) {
            ("default", "kubernetes") => "use the entity `kube-apiserver`".to_owned(),
            _ => "select the pods behind the service by their labels, with the port that they listen on"
                .to_owned(),
        };
        found.push(
            context
                .finding(Code::ClusterIpInCidr, resource, prefix.cidr.span, message)
                .label(format!("`{address}` is service `{name}`"))
                .help(help),
        );
    }
}
