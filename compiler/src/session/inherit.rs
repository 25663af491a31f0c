//! A table whose rules have changed, made from what it was before.
//!
//! Peers whom the rules of before could not tell apart are told apart now only by rules that came. So a group of
//! before stays together, but for classes of which there is *news*: those that are new, and those that rules match
//! that came and are not about every peer. What is news is found once for all tables to which the same rules
//! came, and there is little of it. All other classes follow their group, which is asked once.

use indexmap::IndexSet;
use rayon::prelude::*;
use rustc_hash::{FxBuildHasher, FxHashMap};
use sluice_ir::ids::{ClassId, RowId};

use super::sets::About;
use super::table::{Group, LocalKey, Makings, NOBODY, Table};
use crate::classify::signature::Signature;

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
    about: About,
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
        let everyone = |rule: &Newcomer| rule.about == About::Everyone;
        let of_everyone = came.iter().map(everyone).collect();
        let mut different: IndexSet<New, FxBuildHasher> = IndexSet::from_iter([(of_everyone, Vec::new())]);
        let asks = came.iter().any(|rule| everyone(rule) && rule.asks);
        let of_some: Vec<About> =
            came.iter().map(|rule| rule.about).filter(|about| *about != About::Everyone).collect();
        let is_told = |heir: &&Heir<'p>| match heir.signature {
            None => true,
            Some(signature) => {
                heir.before != Some(heir.class)
                    || of_some.iter().any(|about| about.matches(&signature.sets))
                    || (asks && !signature.named.is_empty())
            }
        };
        let told: Vec<&Heir<'p>> = heirs.par_iter().filter(is_told).collect();
        let of_class = told.into_iter().map(|heir| {
            let Some(signature) = heir.signature else { return (*heir, NO_NEWS) };
            let matching = came.iter().map(|rule| rule.about.matches(&signature.sets));
            (*heir, different.insert_full((matching.collect(), signature.named.clone())).0)
        });
        let of_class = of_class.collect();
        News { different, of_class }
    }
}

/// What becomes of the classes of a group with some news.
#[derive(Clone, Copy, Debug)]
struct Step {
    group: Group,
    row: RowId,
    /// Whether they had another row.
    differs: bool,
}

/// What becomes of the classes of a table.
#[derive(Debug)]
struct Plan {
    /// For each group of before, if any class follows it.
    steps: Vec<Option<Step>>,
    /// For each class of which there is news, unless nobody is in it any more.
    told: Vec<Option<Step>>,
}

/// A table in the making, and the one of before.
struct Inheriting<'t> {
    before: &'t Table,
    table: &'t mut Table,
    news: &'t News<'t>,
    /// The place of each rule among those of before.
    places: Vec<Option<usize>>,
    /// What becomes of classes of a group with some news.
    known: FxHashMap<(Group, usize), Step>,
}

impl Table {
    /// The rules that the table of before does not have.
    pub(super) fn came(&self, before: &Table, makings: &Makings<'_>) -> Came {
        let new = self.rules.iter().zip(self.places_in(before)).filter(|(_, place)| place.is_none());
        new.map(|((rule, about), _)| Newcomer { about: *about, asks: makings.asks(*rule) }).collect()
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
        let plan = self.plan(before, news, makings);
        let (groups, cells) = before.follow(news, &plan);
        self.set_all(groups);
        cells
    }

    fn plan(&mut self, before: &Table, news: &News<'_>, makings: &mut Makings<'_>) -> Plan {
        let mut follows = vec![false; before.groups.len()];
        for groups in before.following(news) {
            for old in groups {
                if let Some(follows) = follows.get_mut(*old as usize) {
                    *follows = true;
                }
            }
        }
        let places = self.places_in(before);
        let mut new = Inheriting { before, table: self, news, places, known: FxHashMap::default() };
        let step = |(old, follows)| if follows { Some(new.step(old, NO_NEWS, makings)) } else { None };
        let steps = (0..).zip(follows).map(step).collect();
        Plan {
            steps,
            told: news.of_class.iter().map(|(heir, news)| new.tell(heir, *news, makings)).collect(),
        }
    }

    /// Puts the classes of the table of before where they belong now. Gives the group of each, by name, and those with
    /// another row, and their rows.
    fn follow(&self, news: &News<'_>, plan: &Plan) -> (Vec<Group>, Vec<(ClassId, RowId)>) {
        let classes = self.len() + news.of_class.len();
        let mut of_class: Vec<Group> = Vec::with_capacity(classes);
        let mut cells = Vec::with_capacity(classes);
        let mut told = news.of_class.iter().zip(&plan.told);
        for groups in self.following(news) {
            for old in groups {
                // A name that is free stays so.
                let step = plan.steps.get(*old as usize).copied().flatten();
                if let Some(step) = step.filter(|step| step.differs) {
                    cells.push((ClassId::new(of_class.len()), step.row));
                }
                of_class.push(step.map_or(NOBODY, |step| step.group));
            }
            let Some(((heir, _), step)) = told.next() else { break };
            if let Some(step) = step.filter(|step| step.differs) {
                cells.push((heir.class, step.row));
            }
            of_class.resize(heir.class.index(), NOBODY);
            of_class.push(step.map_or(NOBODY, |step| step.group));
        }
        (of_class, cells)
    }

    /// The groups of the classes before the first of which there is news, of those between it and the second, and so
    /// on to the end.
    fn following(&self, news: &News<'_>) -> impl Iterator<Item = &[Group]> {
        let mut next = 0;
        let ends = news.of_class.iter().map(|(heir, _)| heir.class.index()).chain([self.len()]);
        ends.map(move |end| {
            let start = std::mem::replace(&mut next, end + 1);
            self.groups_of(start..end)
        })
    }
}

impl Inheriting<'_> {
    /// What becomes of a class of which there is news.
    fn tell(&mut self, heir: &Heir<'_>, new: usize, makings: &mut Makings<'_>) -> Option<Step> {
        let signature = heir.signature?;
        let Some(old) = heir.before.and_then(|class| self.before.group(class)) else {
            let group = self.table.group_of(signature, makings);
            return Some(Step { group, row: self.table.row_of(group), differs: true });
        };
        let known = self.known.get(&(old, new)).copied();
        let step = known.unwrap_or_else(|| self.step(old, new, makings));
        if known.is_none() {
            self.known.insert((old, new), step);
        }
        Some(Step { differs: step.differs || heir.before != Some(heir.class), ..step })
    }

    fn step(&mut self, old: Group, new: usize, makings: &mut Makings<'_>) -> Step {
        let (matching, named) = &self.news.different[new];
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
