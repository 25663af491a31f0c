//! Who has which address.

use std::net::IpAddr;
use std::sync::Arc;

use rayon::prelude::*;

use super::build::namespace_of;
use super::{Endpoint, Node, Owner};
use crate::diagnostic::{Code, Diagnostic};
use crate::resource::decode::Spanned;
use crate::resource::{Object, Resource};

/// Who has an address, in order of addresses. Of several the first has it, and nodes come before pods.
pub(super) fn owners(nodes: &[Node], endpoints: &[Endpoint]) -> Vec<(IpAddr, Owner)> {
    let of_nodes = nodes.iter().enumerate().map(|(at, node)| (Owner::Node(at), &node.addresses));
    let of_pods = endpoints.iter().enumerate().map(|(at, pod)| (Owner::Endpoint(at), &pod.addresses));
    let mut owners: Vec<(IpAddr, Owner)> = of_nodes
        .chain(of_pods)
        .flat_map(|(owner, addresses)| addresses.iter().map(move |address| (*address, owner)))
        .collect();
    owners.par_sort_by_key(|(address, _)| *address);
    owners.dedup_by_key(|(address, _)| *address);
    owners
}

/// An address that an object says it has.
struct Claim<'r> {
    address: &'r Spanned<IpAddr>,
    resource: &'r Resource,
}

/// The addresses that two objects have.
pub(super) fn shared(resources: &[Resource]) -> Vec<Diagnostic> {
    let claims: Vec<Claim<'_>> = resources.iter().flat_map(claims).collect();
    let mut order: Vec<(IpAddr, usize)> =
        claims.iter().enumerate().map(|(at, claim)| (claim.address.value, at)).collect();
    order.par_sort_unstable();
    let mut found: Vec<(usize, Diagnostic)> = Vec::new();
    for same in order.chunk_by(|a, b| a.0 == b.0).filter(|same| same.len() > 1) {
        let first = &claims[same[0].1];
        let others = same[1..].iter().map(|(_, at)| (*at, &claims[*at]));
        found.extend(others.filter_map(|(at, other)| Some((at, finding(first, other)?))));
    }
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, diagnostic)| diagnostic).collect()
}

fn claims(resource: &Resource) -> impl Iterator<Item = Claim<'_>> {
    let addresses = match &*resource.object {
        Object::Pod(pod) if !pod.ended && !pod.spec.host_network => pod.addresses.as_slice(),
        Object::Node(node) => &node.addresses,
        _ => &[],
    };
    addresses.iter().map(move |address| Claim { address, resource })
}

/// What is said of the second of two claims, unless one object makes both.
fn finding(first: &Claim<'_>, second: &Claim<'_>) -> Option<Diagnostic> {
    let (who, other) = (claimant(second.resource), claimant(first.resource));
    let Spanned { value: address, span } = *second.address;
    (who != other).then(|| {
        Diagnostic::new(
            Code::SharedAddress,
            span,
            format!("{who} and {other} both have the address {address}"),
        )
        .related(first.address.span, format!("{other} has it here"))
        .help("leave out the object that is gone; the verdict for the address is that of only one of them")
        .document(Some(Arc::clone(&second.resource.place.document)))
    })
}

fn claimant(resource: &Resource) -> String {
    let meta = resource.object.meta();
    match &*resource.object {
        Object::Node(_) => format!("node `{}`", meta.name.value),
        _ => format!("pod `{}/{}`", namespace_of(&meta.namespace), meta.name.value),
    }
}
