//! The order of the classes of peers.

use std::collections::BTreeMap;
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
    let mut numbers = vec![usize::MAX; decision.classes.len()];
    let mut classes = Vec::with_capacity(decision.classes.len());
    let mut add = |id: ClassId| {
        if let (Some(number @ &mut usize::MAX), Some(class)) =
            (numbers.get_mut(id.index()), decision.classes.get(id.index()))
        {
            *number = classes.len();
            classes.push(class.clone());
        }
    };
    decision.entities.values().copied().for_each(&mut add);
    by_lowest_address(&decision.prefixes).into_iter().for_each(&mut add);
    let mut rest: Vec<ClassId> = (0..decision.classes.len()).map(ClassId::new).collect();
    rest.sort_by(|a, b| decision.classes[a.index()].example.cmp(&decision.classes[b.index()].example));
    rest.into_iter().for_each(&mut add);

    let renumbered = |id: &ClassId| ClassId::new(number(&numbers, id.index()));
    let entities = decision.entities.iter().map(|(name, id)| (name.clone(), renumbered(id))).collect();
    let prefixes: PrefixMap<ClassId> =
        decision.prefixes.iter().map(|(cidr, id)| (cidr, renumbered(id))).collect();
    Order { classes, entities, prefixes: prefixes.minimal(), numbers }
}

/// Classes of addresses by the lowest address of each; a class may come again.
fn by_lowest_address(prefixes: &PrefixMap<ClassId>) -> Vec<ClassId> {
    let atoms = prefixes.iter().zip(prefixes.atoms());
    let mut lowest: Vec<(IpAddr, ClassId)> =
        atoms.filter_map(|((_, class), (_, address))| Some((address?, *class))).collect();
    lowest.sort_unstable();
    lowest.into_iter().map(|(_, class)| class).collect()
}
