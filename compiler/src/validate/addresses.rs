//! The function from addresses to classes.

use std::net::IpAddr;

use sluice_ir::ids::ClassId;
use sluice_ir::net::Cidr;

use super::Refuted;
use crate::classify::{Classified, Population};

/// Compares the decision's prefixes with the population's, stretch by stretch, and counts the stretches.
pub(super) fn compare(population: &Population, classified: &Classified) -> Result<usize, Refuted> {
    let expected = population.addresses.iter().map(|(cidr, peer)| (cidr, classified.class(*peer)));
    let expected = stretches(expected);
    let found = stretches(classified.decision.prefixes.iter().map(|(cidr, class)| (cidr, *class)));
    // Both are lists of the addresses at which the class changes; the same function has the same list.
    let differs = expected.iter().zip(&found).find(|(expected, found)| expected != found);
    if let Some((expected, found)) = differs {
        return Err(Refuted::Address(expected.0.min(found.0)));
    }
    match expected.get(found.len()).or(found.get(expected.len())) {
        Some((address, _)) => Err(Refuted::Address(*address)),
        None => Ok(expected.len()),
    }
}

/// The addresses at which the class changes, in order, with the class from there on. Prefixes come as from a
/// [`PrefixMap`](sluice_ir::prefix_map::PrefixMap).
fn stretches(prefixes: impl Iterator<Item = (Cidr, ClassId)>) -> Vec<(IpAddr, Option<ClassId>)> {
    let mut changes: Vec<(IpAddr, Option<ClassId>)> = Vec::new();
    let mut open: Vec<(Cidr, ClassId)> = Vec::new();
    for (cidr, class) in prefixes {
        close(&mut open, &mut changes, |outer| outer.covers(cidr));
        note(&mut changes, cidr.address(), Some(class));
        open.push((cidr, class));
    }
    close(&mut open, &mut changes, |_| false);
    changes.dedup_by(|later, earlier| later.1 == earlier.1 && later.0.is_ipv4() == earlier.0.is_ipv4());
    changes
}

/// Ends the prefixes that do not go on: behind each, the one around it holds again.
fn close(
    open: &mut Vec<(Cidr, ClassId)>,
    changes: &mut Vec<(IpAddr, Option<ClassId>)>,
    goes_on: impl Fn(Cidr) -> bool,
) {
    while let Some((cidr, _)) = open.last().filter(|(cidr, _)| !goes_on(*cidr)).copied() {
        open.pop();
        if let Some(next) = behind(cidr) {
            note(changes, next, open.last().map(|(_, class)| *class));
        }
    }
}

/// From this address on this class; of two notes about one address the later counts.
fn note(changes: &mut Vec<(IpAddr, Option<ClassId>)>, address: IpAddr, class: Option<ClassId>) {
    match changes.last_mut() {
        Some(last) if last.0 == address => last.1 = class,
        _ => changes.push((address, class)),
    }
}

/// The first address behind a prefix; none at the end of the family.
fn behind(cidr: Cidr) -> Option<IpAddr> {
    let length = u32::from(cidr.length());
    match cidr.address() {
        IpAddr::V4(first) => {
            let size = 1_u32.checked_shl(32 - length)?;
            u32::from(first).checked_add(size).map(|next| IpAddr::V4(next.into()))
        }
        IpAddr::V6(first) => {
            let size = 1_u128.checked_shl(128 - length)?;
            u128::from(first).checked_add(size).map(|next| IpAddr::V6(next.into()))
        }
    }
}
