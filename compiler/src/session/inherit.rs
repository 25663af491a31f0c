//! A table whose rules have changed, made from what it was before.
//!
//! Peers whom the rules of before could not tell apart are told apart now only by rules that came, or by their
//! numbers for named ports. So that is found once for each class, for all tables to which the same rules came; and
//! a table is asked once for each of its groups of before together with such news, and not once for each class.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::ids::{ClassId, RowId};

use super::table::{Group, LocalKey, Makings, Table};
use crate::classify::signature::{SetId, Signature};

/// A class, and the one in which some of its peers were before: itself, unless it is new.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heir<'p> {
    pub(super) class: ClassId,
    pub(super) before: Option<ClassId>,
    pub(super) signature: &'p Signature,
}

/// The lists of peers of rules that came to a table, in order; none for rules about every peer.
pub(super) type Came = Vec<Option<SetId>>;

/// What is new of a class: which of the rules that came match, and its numbers for named ports.
type New = (Vec<bool>, Vec<(usize, u16)>);

/// What is new of each class where some rules came.
#[derive(Debug)]
pub(super) struct News {
    different: IndexSet<New, FxBuildHasher>,
    /// The place of each class's, in the order of the classes.
    of_class: Vec<u32>,
}

impl News {
    /// Looks at every class.
    pub(super) fn new(came: &Came, heirs: &[Heir<'_>]) -> News {
        let mut different: IndexSet<_, FxBuildHasher> = IndexSet::default();
        let of_class = heirs.iter().map(|Heir { signature, .. }| {
            let matches =
                |set: &Option<SetId>| set.is_none_or(|set| signature.sets.binary_search(&set).is_ok());
            let matching: Vec<bool> = came.iter().map(matches).collect();
            u32::try_from(different.insert_full((matching, signature.named.clone())).0).unwrap_or(u32::MAX)
        });
        News { of_class: of_class.collect(), different }
    }
}

/// What becomes of the classes of a group with some news.
#[derive(Clone, Copy, Debug)]
struct Step {
    group: Group,
    row: RowId,
    /// Whether the group had another row.
    differs: bool,
}

impl Table {
    /// The lists of peers of the rules that the table of before does not have.
    pub(super) fn came(&self, before: &Table) -> Came {
        let new = self.rules.iter().zip(self.places_in(before)).filter(|(_, place)| place.is_none());
        new.map(|((_, set), _)| *set).collect()
    }

    /// The place of each rule among those of before.
    fn places_in(&self, before: &Table) -> Vec<Option<usize>> {
        let place = |rule| before.rules.binary_search_by_key(rule, |(rule, _)| *rule).ok();
        self.rules.iter().map(|(rule, _)| place(rule)).collect()
    }

    /// Puts classes into groups, by the groups of the table of before and what is new. Gives those with another row,
    /// and their rows.
    pub(super) fn inherit(
        &mut self,
        before: &Table,
        heirs: &[Heir<'_>],
        news: &News,
        makings: &mut Makings<'_>,
    ) -> Vec<(ClassId, RowId)> {
        let places = self.places_in(before);
        let mut known: FxHashMap<(Group, u32), Step> = FxHashMap::default();
        let mut last = None;
        let mut cells = Vec::with_capacity(heirs.len());
        self.make_room(heirs.last().map_or(0, |heir| heir.class.index() + 1));
        for (heir, new) in heirs.iter().zip(&news.of_class) {
            let Some(old) = heir.before.and_then(|class| before.group(class)) else {
                let group = self.group_of(heir.signature, makings);
                self.set(heir.class, Some(group));
                cells.push((heir.class, self.row_of(group)));
                continue;
            };
            // Neighbours are often alike.
            let step = match last {
                Some((key, step)) if key == (old, *new) => step,
                _ => *known.entry((old, *new)).or_insert_with(|| {
                    let key = self.key(before, old, &places, &news.different[*new as usize]);
                    let group = self.enter(key, makings);
                    let row = self.row_of(group);
                    Step { group, row, differs: row != before.row_of(old) }
                }),
            };
            last = Some(((old, *new), step));
            self.set(heir.class, Some(step.group));
            if step.differs || heir.before != Some(heir.class) {
                cells.push((heir.class, step.row));
            }
        }
        cells
    }

    /// What the rules can see of those of whom the rules of before saw a group, and of whom this is new.
    fn key(&self, before: &Table, old: Group, places: &[Option<usize>], (matching, named): &New) -> LocalKey {
        let mut mask = vec![0_u64; self.rules.len().div_ceil(64)].into_boxed_slice();
        let old = before.groups.get_index(old as usize).map(|(key, _)| key);
        let matched = |place: usize| old.is_some_and(|old| old.mask[place / 64] & (1 << (place % 64)) != 0);
        let mut new = matching.iter();
        for (at, place) in places.iter().enumerate() {
            let matches = match place {
                Some(place) => matched(*place),
                None => new.next().is_some_and(|matches| *matches),
            };
            mask[at / 64] |= u64::from(matches) << (at % 64);
        }
        LocalKey { mask, named: self.asked(named), host: old.is_some_and(|old| old.host) }
    }
}
