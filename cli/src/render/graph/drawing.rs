//! Boxes and arrows.

use std::collections::{BTreeMap, BTreeSet};

use sluice_compiler::reach::ends::State;

use super::cover::{Cover, Place};
use super::traffic::{Style, Word, label};
use super::units::{Part, Passed, Unit, UnitId, Units};
use super::view::View;

/// Of many kinds of traffic this many are named on an arrow.
const MOST: usize = 4;

/// A graph to be drawn.
pub(super) struct Drawing {
    pub(super) units: Units,
    pub(super) cover: Cover,
    /// Sorted.
    pub(super) edges: Vec<Edge>,
}

/// Traffic of one kind that passes from one place to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Edge {
    pub(super) from: Place,
    pub(super) to: Place,
    pub(super) style: Style,
    pub(super) label: String,
}

impl Drawing {
    pub(super) fn new(view: &View<'_>) -> Drawing {
        let units = Units::new(view);
        let cover = Cover::new(&units);
        let edges = edges(&units, &cover);
        Drawing { units, cover, edges }
    }

    /// The unit of an id.
    pub(super) fn unit(&self, at: UnitId) -> &Unit {
        &self.units.units[at]
    }

    /// What a place is called.
    pub(super) fn title(&self, place: &Place) -> String {
        self.cover.title(&self.units, place)
    }

    /// Whether a unit is at an end of an arrow by itself.
    fn is_named(&self, at: UnitId) -> bool {
        self.edges.iter().any(|edge| [&edge.from, &edge.to].contains(&&Place::Unit(at)))
    }

    /// The units of a part that are drawn. Pods always are; of the rest those that an arrow meets.
    pub(super) fn drawn(&self, part: usize) -> Vec<UnitId> {
        let pods = matches!(self.cover.parts[part], Part::Namespace(_));
        let whole = self.edges.iter().any(|edge| [&edge.from, &edge.to].contains(&&Place::Part(part)));
        let met = |at: &UnitId| {
            let focus = self.unit(*at).focus;
            (pods && (focus || self.is_met(*at))) || whole || self.is_named(*at)
        };
        self.units.of_part(&self.cover.parts[part]).filter(met).collect()
    }

    /// The frames that hold something that is drawn: number of the part, title, units.
    pub(super) fn frames(&self) -> impl Iterator<Item = (usize, &str, Vec<UnitId>)> {
        let parts = self.cover.parts.iter().enumerate();
        parts.map(|(at, part)| (at, part.title(), self.drawn(at))).filter(|(_, _, drawn)| !drawn.is_empty())
    }

    /// Whether no rule isolates a unit in one direction at least.
    pub(super) fn is_open(&self, at: UnitId) -> bool {
        let open = |state: State| state == State::Open;
        self.unit(at).state.is_some_and(|state| open(state.ingress) || open(state.egress))
    }

    /// Whether some arrow meets a unit or its namespace.
    fn is_met(&self, at: UnitId) -> bool {
        let meets =
            |place: &Place| matches!(place, Place::Unit(_) | Place::Part(_)) && self.cover.holds(place, at);
        self.edges.iter().any(|edge| meets(&edge.from) || meets(&edge.to))
    }

    /// The words at the ends of arrows that stand for no frame and no box of their own, sorted.
    pub(super) fn words(&self) -> Vec<&Place> {
        let ends = self.edges.iter().flat_map(|edge| [&edge.from, &edge.to]);
        let words: BTreeSet<&Place> =
            ends.filter(|place| !matches!(place, Place::Unit(_) | Place::Part(_))).collect();
        words.into_iter().collect()
    }
}

/// The arrows: many to one and one to many are one where there is a word for the many.
fn edges(units: &Units, cover: &Cover) -> Vec<Edge> {
    let mut by_source: BTreeMap<(UnitId, &Passed), BTreeSet<UnitId>> = BTreeMap::new();
    for ((from, to), passing) in &units.passing {
        passing.iter().for_each(|passed| {
            by_source.entry((*from, passed)).or_default().insert(*to);
        });
    }
    let mut by_target: BTreeMap<(Place, &Passed), BTreeSet<UnitId>> = BTreeMap::new();
    for ((from, passed), targets) in by_source {
        for place in cover.places(&targets, |to| to != from && !units.is_wide(from, to)) {
            by_target.entry((place, passed)).or_default().insert(from);
        }
    }
    let mut joined: BTreeMap<(Place, Place, &Style), BTreeSet<&Word>> = BTreeMap::new();
    for ((to, passed), sources) in by_target {
        let matters = |from: UnitId| match &to {
            Place::Unit(to) => from != *to && !units.is_wide(from, *to),
            _ => true,
        };
        for from in cover.places(&sources, matters) {
            joined.entry((from, to.clone(), &passed.0)).or_default().insert(&passed.1);
        }
    }
    let edge = |((from, to, style), words): ((Place, Place, &Style), BTreeSet<&Word>)| Edge {
        from,
        to,
        style: style.clone(),
        label: label(style, words, MOST),
    };
    joined.into_iter().map(edge).collect()
}
