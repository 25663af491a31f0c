//! The order of the classes of peers.

use std::collections::BTreeMap;
use std::mem;
use std::net::IpAddr;
use std::sync::Arc;

use super::number;
use crate::decision::{Decision, PeerClass};
use crate::ids::ClassId;
use crate::prefix_map::PrefixMap;

/// The peers of a decision in [canonical form](crate::decision#canonical-form). It does not depend on the tables,
/// so it can be made beside them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PeerForm {
    pub(in crate::decision) classes: Vec<PeerClass>,
    pub(in crate::decision) entities: BTreeMap<Arc<str>, ClassId>,
    pub(in crate::decision) prefixes: PrefixMap<ClassId>,
    /// The new number of each class.
    pub(super) numbers: Vec<usize>,
}

impl PeerForm {
    /// Puts classes in order: those of entities by name, then those of addresses by their lowest address,
    /// then the rest by example. Entities and prefixes name peers, and `class` says which class a peer is in.
    /// `lowest` is the lowest address of each class, as [`PrefixMap::lowest_of_groups`] finds it.
    pub fn new<P>(
        classes: &[PeerClass],
        entities: &BTreeMap<Arc<str>, P>,
        prefixes: &PrefixMap<P>,
        lowest: &[Option<(IpAddr, &P)>],
        class: impl Fn(&P) -> ClassId,
    ) -> PeerForm {
        let mut seen = vec![false; classes.len()];
        let known = entities.values().map(&class).chain(by_lowest_address(lowest));
        let new = |id: &ClassId| seen.get_mut(id.index()).is_some_and(|seen| !mem::replace(seen, true));
        let mut order: Vec<ClassId> = known.filter(new).collect();
        let mut rest: Vec<usize> = (0..classes.len()).filter(|class| !seen[*class]).collect();
        rest.sort_by(|a, b| classes[*a].example.cmp(&classes[*b].example));
        order.extend(rest.into_iter().map(ClassId::new));
        let mut numbers = vec![usize::MAX; classes.len()];
        for (number, id) in order.iter().enumerate() {
            numbers[id.index()] = number;
        }
        let renumbered = |peer: &P| ClassId::new(number(&numbers, class(peer).index()));
        PeerForm {
            classes: order.iter().map(|id| classes[id.index()].clone()).collect(),
            entities: entities.iter().map(|(name, peer)| (Arc::clone(name), renumbered(peer))).collect(),
            prefixes: prefixes.minimal_by(renumbered),
            numbers,
        }
    }

    /// Puts the peers of a decision in order.
    pub(in crate::decision) fn of(decision: &Decision) -> PeerForm {
        let Decision { classes, entities, prefixes, .. } = decision;
        let lowest = prefixes.lowest_of_groups(classes.len(), |class| class.index());
        PeerForm::new(classes, entities, prefixes, &lowest, |class| *class)
    }

    /// How many classes there are.
    pub fn len(&self) -> usize {
        self.classes.len()
    }

    /// Whether there is no class.
    pub fn is_empty(&self) -> bool {
        self.classes.is_empty()
    }

    /// The canonical name of a class; that of no class for one that is not there.
    pub fn class(&self, class: ClassId) -> ClassId {
        ClassId::new(number(&self.numbers, class.index()))
    }
}

/// Classes of addresses by the lowest address of each.
fn by_lowest_address<P>(lowest: &[Option<(IpAddr, &P)>]) -> impl Iterator<Item = ClassId> {
    let lowest = lowest.iter().enumerate();
    let mut lowest: Vec<(IpAddr, usize)> =
        lowest.filter_map(|(class, found)| Some((found.as_ref()?.0, class))).collect();
    lowest.sort_unstable();
    lowest.into_iter().map(|(_, class)| ClassId::new(class))
}
