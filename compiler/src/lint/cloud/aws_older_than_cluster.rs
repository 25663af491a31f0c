//! S1808: an AWS inventory that lacks nodes of the cluster.

use crate::diagnostic::{Code, Diagnostic};
use crate::lint::{Context, Lint};

pub(super) const LINT: Lint = Lint { code: Code::AwsOlderThanCluster, run };

fn run(context: &Context<'_>, found: &mut Vec<Diagnostic>) {
    let aws = &context.compiled.aws;
    let Some((entry, group)) = super::groups(context).next() else { return };
    if aws.instances.is_empty() {
        return;
    }
    let has = |address: &std::net::IpAddr| aws.instances.iter().any(|one| one.addresses.contains(address));
    let nodes = context.compiled.inventory.nodes.iter().filter(|node| !node.addresses.is_empty());
    let (known, missing): (Vec<_>, Vec<_>) = nodes.partition(|node| node.addresses.iter().any(has));
    // Where it has none of them the cluster is somewhere else.
    let (Some(first), false) = (missing.first(), known.is_empty()) else { return };
    let message = format!(
        "the AWS inventory has {} of the cluster's {} nodes: it is older than the cluster's state",
        known.len(),
        known.len() + missing.len()
    );
    found.push(
        context
            .finding(Code::AwsOlderThanCluster, entry.resource, group.span, message)
            .label(format!("node `{}` is not in it", first.name))
            .help("fetch both again at the same time: groups have the addresses of the inventory"),
    );
}
