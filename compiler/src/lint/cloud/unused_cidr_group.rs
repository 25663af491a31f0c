//! S1805: a group that no policy refers to.

use std::collections::BTreeSet;

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};
use crate::resource::Object;
use crate::resource::cilium::{CidrBase, PeerItems};

pub(super) const LINT: Lint = Lint { code: Code::UnusedCidrGroup, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let mut used = BTreeSet::new();
    for list in context.facts.entries.iter().filter_map(|entry| entry.cilium).flat_map(|spec| &spec.peers) {
        let PeerItems::CidrSet(items) = &list.items else { continue };
        for item in items {
            match &item.base {
                CidrBase::Group(name) => {
                    used.insert(&*name.value);
                }
                // By labels any group may be meant.
                CidrBase::Selector(_) => return,
                CidrBase::Cidr(_) => {}
            }
        }
    }
    for resource in context.resources {
        let Object::CidrGroup(group) = &*resource.object else { continue };
        if context.facts.policies.is_empty() || used.contains(&*group.meta.name.value) {
            continue;
        }
        let message = "no policy in the input refers to this group";
        found.push(
            context
                .finding(Code::UnusedCidrGroup, resource, group.meta.name.span, message)
                .help("remove it, or add the policies that use it to the command"),
        );
    }
}
