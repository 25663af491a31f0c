//! For people at a terminal: each workload with who reaches it and whom it reaches.
//!
//! ```text
//! shop/cart
//!   in   default deny
//!        8080/tcp              shop/checkout, shop/frontend
//!   out  default deny
//!        6379/tcp              data/redis
//! ```

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use owo_colors::Style as Paint;
use sluice_compiler::reach::ends::State;
use sluice_ir::policy::Direction;

use super::cover::{Cover, Place};
use super::traffic::{Style, Word, label};
use super::units::{Part, Passed, UnitId, Units};
use super::view::View;
use crate::render::count;
use crate::render::text::{columns, harmless, wrap};
use crate::terminal::Look;

/// Columns before the traffic.
const INDENT: usize = 7;
/// Columns of the traffic at most; what is longer has a line of its own.
const TRAFFIC: usize = 26;
/// Of many kinds of traffic this many are named.
const MOST: usize = 8;

/// The text of a view.
pub(super) fn render(view: &View<'_>, look: Look) -> String {
    let units = Units::new(view);
    let cover = Cover::new(&units);
    let mut text = summary(&units, if view.scope.by_namespace { "unit" } else { "workload" });
    for (at, unit) in units.units.iter().enumerate() {
        let pods = matches!(unit.part, Part::Namespace(_));
        if !unit.focus || !(pods || unit.state.is_some()) {
            continue;
        }
        text.push('\n');
        text.push_str(&look.paint(&harmless(&unit.title), Paint::new().bold()));
        text.push('\n');
        for (direction, word) in [(Direction::Ingress, "in"), (Direction::Egress, "out")] {
            if view.scope.direction.is_none_or(|only| only == direction) {
                text.push_str(&side(&units, &cover, at, direction, word, look));
            }
        }
    }
    text
}

/// One direction of a unit.
fn side(units: &Units, cover: &Cover, at: UnitId, direction: Direction, word: &str, look: Look) -> String {
    let state = units.units[at].state.map(|state| state[direction]);
    let told = match state {
        Some(State::DefaultDeny) => "default deny",
        Some(State::Open) => "not isolated",
        Some(State::NotEnforced) => "not enforced",
        None => "",
    };
    let paint = if state == Some(State::Open) { Paint::new().yellow() } else { Paint::new().dimmed() };
    let rows = rows(units, cover, at, direction);
    let nobody = if rows.is_empty() { if told.is_empty() { "no one" } else { ", no one" } } else { "" };
    let mut text = format!("  {word:<3}  {}{nobody}\n", look.paint(told, paint));
    let width =
        rows.iter().map(|row| columns(&row.label)).filter(|width| *width <= TRAFFIC).max().unwrap_or(0);
    for Row { style, label, places } in &rows {
        let names: Vec<String> = places.iter().map(|place| harmless(&cover.title(units, place))).collect();
        let first = format!("{}{}", " ".repeat(INDENT), harmless(label));
        let rest = " ".repeat(INDENT + width + 2);
        let line = wrap(&names.join(", "), &rest, &rest, look.width);
        let fits = columns(label) <= width;
        let painted = look.paint(&first, paint_of(style));
        match line.strip_prefix(&rest).filter(|_| fits) {
            Some(names) => {
                text.push_str(&format!("{painted}{}{names}\n", " ".repeat(width + 2 - columns(label))))
            }
            None => text.push_str(&format!("{painted}\n{line}\n")),
        }
    }
    text
}

fn paint_of(style: &Style) -> Paint {
    match style {
        Style::Plain => Paint::new().green(),
        Style::Proxy(_) => Paint::new().cyan(),
        Style::Authenticated(_) => Paint::new().magenta(),
        Style::Open => Paint::new().yellow(),
    }
}

/// Traffic that passes in one way between a unit and some others.
struct Row {
    style: Style,
    label: String,
    places: Vec<Place>,
}

/// The other ends of a unit's traffic, by what passes.
fn rows(units: &Units, cover: &Cover, at: UnitId, direction: Direction) -> Vec<Row> {
    let mut by_word: BTreeMap<&Passed, BTreeSet<UnitId>> = BTreeMap::new();
    let swapped = |(a, b): (UnitId, UnitId)| if direction == Direction::Ingress { (b, a) } else { (a, b) };
    for (pair, passing) in &units.passing {
        let (own, peer) = swapped(*pair);
        if own == at {
            passing.iter().for_each(|passed| {
                by_word.entry(passed).or_default().insert(peer);
            });
        }
    }
    let matters = |peer: UnitId| {
        let (from, to) = swapped((at, peer));
        peer != at && !units.is_wide(from, to)
    };
    let mut rows: IndexMap<(&Style, Vec<Place>), BTreeSet<&Word>> = IndexMap::new();
    for ((style, word), peers) in by_word {
        rows.entry((style, cover.places(&peers, matters))).or_default().insert(word);
    }
    let row = |((style, places), words): ((&Style, Vec<Place>), BTreeSet<&Word>)| Row {
        style: style.clone(),
        label: label(style, words, MOST),
        places,
    };
    rows.into_iter().map(row).collect()
}

/// How much is there, and how much of it is open.
fn summary(units: &Units, noun: &str) -> String {
    let is_pods = |at: &UnitId| {
        matches!(units.units[*at].part, Part::Namespace(_))
            && (units.units[*at].state.is_some() || units.units[*at].folded)
    };
    let pods: Vec<UnitId> = (0..units.units.len()).filter(is_pods).collect();
    let namespaces = units.parts().iter().filter(|part| matches!(part, Part::Namespace(_))).count();
    let isolated = |direction: Direction| {
        let is = |at: &&UnitId| {
            units.units[**at].state.is_some_and(|state| state[direction] == State::DefaultDeny)
        };
        pods.iter().filter(is).count()
    };
    let outside = |at: UnitId| units.units[at].part == Part::Outside;
    let with_world = |inward: bool| {
        let met =
            units.passing.iter().filter(|(_, passing)| !passing.is_empty()).filter_map(|((from, to), _)| {
                let (own, peer) = if inward { (*to, *from) } else { (*from, *to) };
                (outside(peer) && pods.contains(&own)).then_some(own)
            });
        met.collect::<BTreeSet<_>>().len()
    };
    format!(
        "{} in {}\ndefault deny: ingress of {}, egress of {}\nwith the outside: {} reached from there, {} reaching there\n",
        count(pods.len(), noun),
        count(namespaces, "namespace"),
        isolated(Direction::Ingress),
        isolated(Direction::Egress),
        with_world(true),
        with_world(false),
    )
}
