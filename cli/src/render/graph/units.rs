//! What is shown as one: an end, or all of a namespace.

use std::collections::{BTreeMap, BTreeSet};

use sluice_compiler::compare::Traffic;
use sluice_compiler::reach::Answer;
use sluice_compiler::reach::ends::{End, EndId, State, Who};
use sluice_ir::decision::ByDirection;

use super::name::{short, titles};
use super::traffic::{Passing, Style, Word, passing, words};
use super::view::View;

/// The place of a unit.
pub(super) type UnitId = usize;

/// One or several ends under a name.
#[derive(Clone, Debug)]
pub(super) struct Unit {
    /// The name in full, and within its part.
    pub(super) title: String,
    pub(super) short: String,
    /// What it stands in: a namespace, the nodes, what is outside.
    pub(super) part: Part,
    /// Its isolation, where all of it is isolated alike.
    pub(super) state: Option<ByDirection<State>>,
    /// Whether it is in focus.
    pub(super) focus: bool,
    /// Whether it is a whole namespace.
    pub(super) folded: bool,
}

/// A part of the picture.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    /// Pods of a namespace.
    Namespace(String),
    /// Nodes and entities of the cluster.
    Cluster,
    /// The world.
    Outside,
}

impl Part {
    /// Its title.
    pub(super) fn title(&self) -> &str {
        match self {
            Part::Namespace(name) => name,
            Part::Cluster => "nodes and entities",
            Part::Outside => "outside",
        }
    }
}

/// Who is shown, and what passes between them.
pub(super) struct Units {
    pub(super) units: Vec<Unit>,
    pub(super) passing: BTreeMap<(UnitId, UnitId), BTreeSet<Passed>>,
}

/// A kind of traffic, and how it passes.
pub(super) type Passed = (Style, Word);

impl Units {
    pub(super) fn new(view: &View<'_>) -> Units {
        let (units, of_end) = units(view);
        let mut all: BTreeMap<(UnitId, UnitId), Passing> = BTreeMap::new();
        let mut known: BTreeMap<Answer, Passing> = BTreeMap::new();
        let ids: Vec<EndId> = view.reach.iter().map(|(id, _)| id).collect();
        for from in &ids {
            for to in &ids {
                let Some(answer) = view.between(*from, *to) else { continue };
                let passing = known.entry(answer).or_insert_with(|| passing(view.reach, answer));
                let shown =
                    passing.iter().filter(|(style, _)| !view.scope.hide_open || **style != Style::Open);
                for (style, traffic) in shown {
                    let pair = all.entry((of_end[from.index()], of_end[to.index()])).or_default();
                    let list = pair.entry(style.clone()).or_default();
                    traffic.iter().for_each(|one| {
                        if !list.contains(one) {
                            list.push(one.clone())
                        }
                    });
                }
            }
        }
        let in_words = |(pair, passing): ((UnitId, UnitId), Passing)| {
            let each = |(style, traffic): (Style, Vec<Traffic>)| {
                words(&traffic).into_iter().map(move |word| (style.clone(), word))
            };
            (pair, passing.into_iter().flat_map(each).collect())
        };
        Units { units, passing: all.into_iter().map(in_words).collect() }
    }

    /// Whether everything passes between two.
    pub(super) fn is_wide(&self, from: UnitId, to: UnitId) -> bool {
        self.passing
            .get(&(from, to))
            .is_some_and(|passing| passing.iter().any(|(_, word)| word.is_everything()))
    }

    /// The units of a part.
    pub(super) fn of_part<'u>(&'u self, part: &'u Part) -> impl Iterator<Item = UnitId> + 'u {
        self.units.iter().enumerate().filter(move |(_, unit)| unit.part == *part).map(|(at, _)| at)
    }

    /// The parts, in order.
    pub(super) fn parts(&self) -> Vec<Part> {
        let mut parts: Vec<Part> = self.units.iter().map(|unit| unit.part.clone()).collect();
        parts.sort();
        parts.dedup();
        parts
    }
}

/// The units, and the unit of each end.
fn units(view: &View<'_>) -> (Vec<Unit>, Vec<UnitId>) {
    let titles = titles(view.reach);
    let mut units: Vec<Unit> = Vec::new();
    let mut of_end = Vec::with_capacity(titles.len());
    let mut whole: BTreeMap<String, UnitId> = BTreeMap::new();
    for ((id, end), title) in view.reach.iter().zip(titles) {
        let focus = view.has_in_focus(id);
        let state =
            end.isolation.as_ref().map(|state| ByDirection::from_fn(|direction| state[direction].state));
        let part = part(end);
        let expanded = focus && view.is_focused();
        let (Part::Namespace(namespace), true, false) = (&part, view.scope.by_namespace, expanded) else {
            of_end.push(units.len());
            units.push(Unit { short: short(end), title, part, state, focus, folded: false });
            continue;
        };
        let next = units.len();
        let at = *whole.entry(namespace.clone()).or_insert(next);
        of_end.push(at);
        match units.get_mut(at) {
            Some(unit) => unit.state = unit.state.filter(|known| Some(*known) == state),
            None => {
                let title = format!("namespace {namespace}");
                units.push(Unit {
                    short: "some of its workloads".to_owned(),
                    title,
                    part,
                    state,
                    focus,
                    folded: true,
                });
            }
        }
    }
    (units, of_end)
}

fn part(end: &End) -> Part {
    match &end.who {
        Who::Pods(group) => {
            Part::Namespace(group.workload.namespace.as_deref().unwrap_or_default().to_owned())
        }
        Who::Entity(_) | Who::Host(_) | Who::RemoteNode(_) => Part::Cluster,
        Who::Outside(_) => Part::Outside,
    }
}
