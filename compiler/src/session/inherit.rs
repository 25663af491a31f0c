//! A table whose rules have changed, made from what it was before.
//!
//! Peers whom the rules of before could not tell apart are told apart now only by rules that came. So a group of
//! before stays together, but for classes of which there is *news*: those that are new, and those that rules match
//! that came and are not about every peer. What is news is found once for all tables to which the same rules
//! came, and there is little of it. All other classes follow their group, which is asked once.

use indexmap::IndexSet;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::ids::{ClassId, RowId};

use super::table::{Group, LocalKey, Makings, NOBODY, Table};
use crate::classify::signature::{SetId, Signature};

/// A class, and the one in which some of its peers were before: itself, unless it is new.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heir<'p> {
    pub(super) class: ClassId,
    pub(super) before: Option<ClassId>,
    /// What rules can see of its peers; none if nobody is in it any more.
    pub(super) signature: Option<&'p Signature>,
}

/// A rule that came to a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Newcomer {
    /// Its list of peers; none if it is about every peer.
    set: Option<SetId>,
    /// Whether it asks its peers for named ports.
    asks: bool,
}

/// The rules that came to a table, in order.
pub(super) type Came = Vec<Newcomer>;

/// What is new of a class: which of the rules that came match, and its numbers for named ports.
type New = (Vec<bool>, Vec<(usize, u16)>);

/// What is new of classes where some rules came.
#[derive(Debug)]
pub(super) struct News<'p> {
    different: IndexSet<New, FxBuildHasher>,
    /// The classes that do not follow their group, in order, each with the place of its news.
    of_class: Vec<(Heir<'p>, usize)>,
}

/// The place of the news about classes that follow their group: only rules about every peer match.
const NO_NEWS: usize = 0;

impl<'p> News<'p> {
    /// Looks at every class.
    pub(super) fn new(came: &Came, heirs: &[Heir<'p>]) -> News<'p> {
        let of_everyone = came.iter().map(|rule| rule.set.is_none()).collect();
        let mut different: IndexSet<New, FxBuildHasher> = IndexSet::from_iter([(of_everyone, Vec::new())]);
        let asks = came.iter().any(|rule| rule.set.is_none() && rule.asks);
        let sets: Vec<SetId> = came.iter().filter_map(|rule| rule.set).collect();
        let mut of_class = Vec::new();
        for heir in heirs {
            let Some(signature) = heir.signature else {
                of_class.push((*heir, NO_NEWS));
                continue;
            };
            let has = |set: &SetId| signature.sets.binary_search(set).is_ok();
            let told = heir.before != Some(heir.class) || sets.iter().any(has);
            if told || (asks && !signature.named.is_empty()) {
                let matching = came.iter().map(|rule| rule.set.is_none_or(|set| has(&set))).collect();
                let new = different.insert_full((matching, signature.named.clone())).0;
                of_class.push((*heir, new));
            }
        }
        News { different, of_class }
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

/// A table in the making, and the one of before.
struct Inheriting<'t> {
    before: &'t Table,
    table: &'t mut Table,
    /// The place of each rule among those of before.
    places: Vec<Option<usize>>,
    /// What becomes of each group of before, for classes that follow it.
    steps: Vec<Option<Step>>,
    /// What becomes of classes of a group with some news.
    told: FxHashMap<(Group, usize), Step>,
    /// The group of each class so far, by name.
    of_class: Vec<Group>,
    /// The classes with another row than before.
    cells: Vec<(ClassId, RowId)>,
}

impl Table {
    /// The rules that the table of before does not have.
    pub(super) fn came(&self, before: &Table, makings: &Makings<'_>) -> Came {
        let new = self.rules.iter().zip(self.places_in(before)).filter(|(_, place)| place.is_none());
        new.map(|((rule, set), _)| Newcomer { set: *set, asks: makings.asks(*rule) }).collect()
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
        news: &News<'_>,
        makings: &mut Makings<'_>,
    ) -> Vec<(ClassId, RowId)> {
        let classes = before.len() + news.of_class.len();
        let mut inheriting = Inheriting {
            places: self.places_in(before),
            steps: vec![None; before.groups.len()],
            told: FxHashMap::default(),
            of_class: Vec::with_capacity(classes),
            cells: Vec::with_capacity(classes),
            table: self,
            before,
        };
        for (heir, new) in &news.of_class {
            inheriting.follow(heir.class.index(), news, makings);
            inheriting.tell(heir, *new, news, makings);
        }
        inheriting.follow(before.len(), news, makings);
        let Inheriting { of_class, cells, .. } = inheriting;
        self.set_all(of_class);
        cells
    }
}

impl Inheriting<'_> {
    /// Puts the classes from here on, up to this name, where the others of their group are.
    fn follow(&mut self, end: usize, news: &News<'_>, makings: &mut Makings<'_>) {
        let before = self.before;
        for (class, old) in before.groups_of(self.of_class.len()..end) {
            let step = match self.steps.get(old as usize) {
                Some(Some(step)) => *step,
                Some(None) => {
                    let step = self.step(old, NO_NEWS, news, makings);
                    self.steps[old as usize] = Some(step);
                    step
                }
                // Its name is free, and stays so.
                None => Step { group: NOBODY, row: before.nobody, differs: false },
            };
            self.of_class.push(step.group);
            if step.differs {
                self.cells.push((class, step.row));
            }
        }
    }

    /// Puts the next class, of which there is news, where it belongs.
    fn tell(&mut self, heir: &Heir<'_>, new: usize, news: &News<'_>, makings: &mut Makings<'_>) {
        self.of_class.resize(heir.class.index(), NOBODY);
        let Some(signature) = heir.signature else { return self.of_class.push(NOBODY) };
        let (group, row, differs) = match heir.before.and_then(|class| self.before.group(class)) {
            None => {
                let group = self.table.group_of(signature, makings);
                (group, self.table.row_of(group), true)
            }
            Some(old) => {
                let step = match self.told.get(&(old, new)) {
                    Some(step) => *step,
                    None => {
                        let step = self.step(old, new, news, makings);
                        self.told.insert((old, new), step);
                        step
                    }
                };
                (step.group, step.row, step.differs || heir.before != Some(heir.class))
            }
        };
        self.of_class.push(group);
        if differs {
            self.cells.push((heir.class, row));
        }
    }

    fn step(&mut self, old: Group, new: usize, news: &News<'_>, makings: &mut Makings<'_>) -> Step {
        let (matching, named) = &news.different[new];
        let before = self.before.row_of(old);
        let (key, kept) = self.key(old, matching, (new != NO_NEWS).then_some(named));
        let group = match kept {
            true => self.table.enter_kept(key, (self.before, before), makings),
            false => self.table.enter(key, makings),
        };
        let row = self.table.row_of(group);
        Step { group, row, differs: row != before }
    }

    /// What the rules can see of those of whom the rules of before saw a group, and whom these of the rules that came
    /// match; and whether the rules that match are those of before. Their numbers for named ports matter only
    /// where a rule that matches asks, so the old ones do if no rule that asks is new to them.
    fn key(&self, old: Group, matching: &[bool], named: Option<&Vec<(usize, u16)>>) -> (LocalKey, bool) {
        let mut mask = vec![0_u64; self.places.len().div_ceil(64)].into_boxed_slice();
        let old = self.before.groups.get_index(old as usize).map(|(key, _)| key);
        let matched = |place: usize| old.is_some_and(|old| old.mask[place / 64] & (1 << (place % 64)) != 0);
        let mut new = matching.iter();
        let mut kept = 0;
        for (at, place) in self.places.iter().enumerate() {
            let matches = match place {
                Some(place) => matched(*place),
                None => new.next().is_some_and(|matches| *matches),
            };
            kept += u32::from(matches && place.is_some());
            mask[at / 64] |= u64::from(matches) << (at % 64);
        }
        let lost = old.is_some_and(|old| old.mask.iter().map(|word| word.count_ones()).sum::<u32>() > kept);
        let named = named.or(old.map(|old| &old.named)).map_or(&[][..], Vec::as_slice);
        let key = LocalKey { mask, named: self.table.asked(named), host: old.is_some_and(|old| old.host) };
        (key, !lost && !matching.contains(&true))
    }
}
