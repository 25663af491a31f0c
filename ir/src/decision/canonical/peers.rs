//! The order of the classes of peers.

use std::collections::BTreeMap;
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use super::number;
use crate::decision::{Decision, PeerClass};
use crate::ids::ClassId;
use crate::prefix_map::PrefixMap;

/// Classes of peers in order, with whatever names them.
pub(super) struct Order {
    pub(super) classes: Vec<PeerClass>,
    pub(super) entities: BTreeMap<Arc<str>, ClassId>,
    pub(super) prefixes: PrefixMap<ClassId>,
    /// The new number of each class.
    pub(super) numbers: Vec<usize>,
}

/// Puts classes in order: those of entities by name, then those of addresses by their lowest address, then
/// the rest by example.
pub(super) fn order(decision: &Decision) -> Order {
    let mut seen = vec![false; decision.classes.len()];
    let known = decision.entities.values().copied().chain(by_lowest_address(&decision.prefixes));
    let new = |id: &ClassId| seen.get_mut(id.index()).is_some_and(|seen| !mem::replace(seen, true));
    let mut order: Vec<ClassId> = known.filter(new).collect();
    let mut rest: Vec<usize> = (0..decision.classes.len()).filter(|class| !seen[*class]).collect();
    rest.sort_by(|a, b| decision.classes[*a].example.cmp(&decision.classes[*b].example));
    order.extend(rest.into_iter().map(ClassId::new));
    let mut numbers = vec![usize::MAX; decision.classes.len()];
    for (number, id) in order.iter().enumerate() {
        numbers[id.index()] = number;
    }
    let classes = order.iter().map(|id| decision.classes[id.index()].clone()).collect();

    let renumbered = |id: &ClassId| ClassId::new(number(&numbers, id.index()));
    let entities = decision.entities.iter().map(|(name, id)| (name.clone(), renumbered(id))).collect();
    let prefixes = decision.prefixes.map(renumbered).minimal();
    Order { classes, entities, prefixes, numbers }
}

/// Classes of addresses by the lowest address of each; a class may come again.
fn by_lowest_address(prefixes: &PrefixMap<ClassId>) -> Vec<ClassId> {
    let atoms = prefixes.iter().zip(prefixes.atoms());
    let mut lowest: Vec<(IpAddr, ClassId)> =
        atoms.filter_map(|((_, class), (_, address))| Some((address?, *class))).collect();
    lowest.sort_unstable();
    lowest.into_iter().map(|(_, class)| class).collect()
}
