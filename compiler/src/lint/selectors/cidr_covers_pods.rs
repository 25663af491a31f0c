//! S1110: a prefix around pods, which it does not match.

use std::net::IpAddr;

use sluice_ir::policy::Action;

use crate::diagnostic::{Code, Diagnostic};
use crate::inventory::Inventory;
use crate::lint::facts::PrefixFact;
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::CidrCoversPods, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let pods = Addresses::of_pods(&context.compiled.inventory);
    for prefix in &context.facts.prefixes {
        let Some((address, at)) = pods.first_in(prefix) else { continue };
        let entry = context.facts.entry(prefix.entry);
        let pod = &context.compiled.inventory.endpoints[at];
        let name = format!("{}/{}", pod.namespace, pod.name);
        let message = match entry.action {
            Action::Allow => {
                format!("pods in `{}` are not let through: prefixes do not match pods", prefix.cidr.value)
            }
            Action::Deny => {
                format!("pods in `{}` are not denied: prefixes do not match pods", prefix.cidr.value)
            }
        };
        found.push(
            context
                .finding(Code::CidrCoversPods, entry.resource, prefix.cidr.span, message)
                .label(format!("`{address}` is pod `{name}`"))
                .help("select pods by their labels, in an entry of its own; leave their addresses out with `except` if only others are meant"),
        );
    }
}

/// Addresses in order, with the places of those who have them.
pub(super) struct Addresses(Vec<(IpAddr, usize)>);

impl Addresses {
    fn of_pods(inventory: &Inventory) -> Addresses {
        let mut all = Vec::with_capacity(inventory.endpoints.len());
        for (at, pod) in inventory.endpoints.iter().enumerate() {
            all.extend(pod.addresses.iter().map(|address| (*address, at)));
        }
        Addresses::new(all)
    }

    pub(super) fn new(mut all: Vec<(IpAddr, usize)>) -> Addresses {
        all.sort_unstable();
        Addresses(all)
    }

    /// The first address that a prefix means. The world by label, `/0`, is asked of nobody here: it is written
    /// for what is outside.
    pub(super) fn first_in(&self, prefix: &PrefixFact<'_>) -> Option<(IpAddr, usize)> {
        let cidr = prefix.cidr.value;
        if cidr.length() == 0 {
            return None;
        }
        let from = self.0.partition_point(|(address, _)| *address < cidr.address());
        let inside = self.0[from..].iter().take_while(|(address, _)| cidr.contains(*address));
        inside.copied().find(|(address, _)| prefix.contains(*address))
    }
}
