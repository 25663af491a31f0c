//! Where everything stands. Lengths are in pixels.

use std::collections::{BTreeMap, BTreeSet};

use sluice_compiler::reach::ends::State;
use sluice_ir::decision::ByDirection;

use super::rank::{Arrows, ranks};
use crate::render::graph::cover::Place;
use crate::render::graph::drawing::Drawing;
use crate::render::graph::traffic::Style;
use crate::render::graph::units::Part;
use crate::render::text::clip;

/// The height of a title, and of a line under it.
pub(super) const TITLE: i32 = 24;
pub(super) const PIN: i32 = 15;
/// Room around boxes, and between frames.
const PAD: i32 = 12;
const GAP: i32 = 26;
const COLUMN_GAP: i32 = 110;
const INNER_GAP: i32 = 56;
/// Characters of a title at most, and boxes over each other in a frame.
const LONGEST: usize = 44;
const STACK: usize = 12;
/// No column is made lower than this.
const LOW: i32 = 560;

/// A rectangle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rect {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// A kind of traffic that a box takes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pinned {
    pub(super) label: String,
    pub(super) style: Style,
}

/// A box.
#[derive(Debug)]
pub(super) struct Box {
    pub(super) at: Rect,
    pub(super) title: String,
    pub(super) state: Option<ByDirection<State>>,
    pub(super) pins: Vec<Pinned>,
}

/// A frame with its boxes, from the first column down to the last.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) at: Rect,
    /// None for a box that stands alone.
    pub(super) title: Option<String>,
    pub(super) pins: Vec<Pinned>,
    pub(super) boxes: Vec<Box>,
}

/// An arrow.
#[derive(Debug)]
pub(super) struct Arrow {
    /// Its place among the drawing's edges.
    pub(super) edge: usize,
    from: (i32, i32),
    to: (i32, i32),
}

impl Arrow {
    /// Its path: from the right side of one box to the left side of another.
    pub(super) fn path(&self) -> String {
        let ((x1, y1), (x2, y2)) = (self.from, self.to);
        let ahead = x2 - x1;
        let bend = if ahead > 30 { (ahead / 2).clamp(30, 140) } else { 46 + (y2 - y1).abs().min(240) / 6 };
        // What would run behind other boxes of its row goes around them.
        let bow = match ahead {
            _ if (y2 - y1).abs() > 24 => 0,
            171.. => -52,
            ..0 => 64,
            _ => 0,
        };
        format!("M{x1} {y1} C{} {} {} {} {x2} {y2}", x1 + bend, y1 + bow, x2 - bend, y2 + bow)
    }
}

/// Where a place is drawn: a frame, and a box in it.
type Spot = (usize, Option<usize>);

/// Which end of arrows a part of the picture is drawn for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Left,
    Middle,
    Right,
}

/// A picture.
#[derive(Debug, Default)]
pub(super) struct Layout {
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) frames: Vec<Frame>,
    pub(super) arrows: Vec<Arrow>,
}

/// Frames that have no place yet.
struct Plan<'d> {
    drawing: &'d Drawing,
    frames: Vec<Frame>,
    sides: Vec<Side>,
    /// Where each place sends from, and where it takes.
    sources: BTreeMap<Place, Spot>,
    targets: BTreeMap<Place, Spot>,
}

impl Layout {
    pub(super) fn new(drawing: &Drawing) -> Layout {
        let mut plan = Plan {
            drawing,
            frames: Vec::new(),
            sides: Vec::new(),
            sources: BTreeMap::new(),
            targets: BTreeMap::new(),
        };
        plan.add_namespaces();
        plan.add_others(Side::Left);
        plan.add_others(Side::Right);
        let columns = plan.columns();
        plan.place(&columns)
    }
}

impl Plan<'_> {
    fn add_namespaces(&mut self) {
        for (at, part) in self.drawing.cover.parts.iter().enumerate() {
            let drawn = self.drawing.drawn(at);
            let Part::Namespace(name) = part else { continue };
            if drawn.is_empty() {
                continue;
            }
            let frame = self.frames.len();
            let place = Place::Part(at);
            let units: Vec<Place> = drawn.into_iter().map(Place::Unit).collect();
            let pins = self.pins(&place);
            let (at, boxes) = self.fill(&units, pins.len());
            for (index, unit) in units.iter().enumerate() {
                self.sources.insert(unit.clone(), (frame, Some(index)));
                self.targets.insert(unit.clone(), (frame, Some(index)));
            }
            self.sources.insert(place.clone(), (frame, None));
            self.targets.insert(place, (frame, None));
            let width = at.width.max(width_of(name, 8) + 2 * PAD);
            self.frames.push(Frame { at: Rect { width, ..at }, title: Some(name.clone()), pins, boxes });
            self.sides.push(Side::Middle);
        }
    }

    /// What is no namespace stands at the left for what it sends, and at the right for what it takes.
    fn add_others(&mut self, side: Side) {
        let left = side == Side::Left;
        let has = |place: &Place| {
            self.drawing.edges.iter().any(|edge| if left { edge.from == *place } else { edge.to == *place })
        };
        let mut found: Vec<(Option<String>, Option<Place>, Vec<Place>)> = Vec::new();
        for place in self.drawing.words().into_iter().filter(|place| has(place)) {
            found.push((None, None, vec![place.clone()]));
        }
        for (at, part) in self.drawing.cover.parts.iter().enumerate() {
            let whole = Place::Part(at);
            if matches!(part, Part::Namespace(_)) {
                continue;
            }
            let units: Vec<Place> = self.drawing.drawn(at).into_iter().map(Place::Unit).filter(has).collect();
            if !units.is_empty() {
                found.push((Some(part.title().to_owned()), Some(whole), units));
            } else if has(&whole) {
                found.push((None, None, vec![whole]));
            }
        }
        for (title, whole, places) in found {
            let frame = self.frames.len();
            let pins = whole.as_ref().filter(|_| !left).map_or_else(Vec::new, |whole| self.pins(whole));
            let (at, mut boxes) = self.fill(&places, pins.len());
            let spots = if left { &mut self.sources } else { &mut self.targets };
            if left {
                boxes.iter_mut().for_each(without_pins);
            }
            spots.extend(places.into_iter().enumerate().map(|(index, place)| (place, (frame, Some(index)))));
            spots.extend(whole.map(|whole| (whole, (frame, None))));
            let mut made = Frame { at, title, pins, boxes };
            made.settle();
            let least = made.title.as_deref().map_or(0, |title| width_of(title, 8) + 2 * PAD);
            made.at.width = made.at.width.max(least);
            self.frames.push(made);
            self.sides.push(side);
        }
    }

    /// What a place takes.
    fn pins(&self, place: &Place) -> Vec<Pinned> {
        let taken = self.drawing.edges.iter().filter(|edge| edge.to == *place);
        let pins: BTreeSet<Pinned> =
            taken.map(|edge| Pinned { label: edge.label.clone(), style: edge.style.clone() }).collect();
        pins.into_iter().collect()
    }

    /// Boxes in columns under the title of a frame, in the order of the places.
    fn fill(&self, places: &[Place], pins: usize) -> (Rect, Vec<Box>) {
        let inside =
            |edge: &&super::super::drawing::Edge| places.contains(&edge.from) && places.contains(&edge.to);
        let index = |place: &Place| places.iter().position(|other| other == place).unwrap_or_default();
        let mut arrows = Arrows::new();
        for edge in self.drawing.edges.iter().filter(inside) {
            *arrows.entry((index(&edge.from), index(&edge.to))).or_default() += 1;
        }
        let ranks = ranks(places.len(), &arrows, 4);
        let mut boxes: Vec<Box> = places.iter().map(|place| self.box_of(place)).collect();
        let mut columns: Vec<Vec<usize>> = Vec::new();
        for rank in 0..4 {
            let of_rank: Vec<usize> = (0..places.len()).filter(|at| ranks[*at] == rank).collect();
            columns.extend(of_rank.chunks(STACK).map(<[usize]>::to_vec));
        }
        let top = TITLE + i32::try_from(pins).unwrap_or(0) * PIN + 6;
        let (mut x, mut height) = (PAD, 0);
        for column in columns {
            let width = column.iter().map(|at| boxes[*at].at.width).max().unwrap_or(0);
            let mut y = top;
            for at in column {
                let one = &mut boxes[at].at;
                (one.x, one.y, one.width) = (x, y, width);
                y += one.height + PAD;
            }
            height = height.max(y);
            x += width + INNER_GAP;
        }
        (Rect { x: 0, y: 0, width: x - INNER_GAP + PAD, height }, boxes)
    }

    fn box_of(&self, place: &Place) -> Box {
        let (title, state) = match place {
            Place::Unit(at) => (self.drawing.unit(*at).short.clone(), self.drawing.unit(*at).state),
            place => (self.drawing.title(place), None),
        };
        let (title, pins) = (clip(&title, LONGEST), self.pins(place));
        let widest = pins.iter().map(|pin| width_of(&pin.label, 6)).max().unwrap_or(0);
        let width = widest.max(width_of(&title, 8)) + 26;
        let at = Rect { width, height: height_of(pins.len()), ..Rect::default() };
        Box { at, title, state, pins }
    }

    /// Frames by column, from left to right.
    fn columns(&self) -> Vec<Vec<usize>> {
        let of_side = |side: Side| (0..self.frames.len()).filter(move |at| self.sides[*at] == side);
        let middle: Vec<usize> = of_side(Side::Middle).collect();
        let mut arrows = Arrows::new();
        for (from, to) in self.links() {
            let index = |frame: usize| middle.iter().position(|other| *other == frame);
            if let Some(pair) = index(from).zip(index(to)).filter(|(from, to)| from != to) {
                *arrows.entry(pair).or_default() += 1;
            }
        }
        let ranks = ranks(middle.len(), &arrows, 6);
        let area: i64 =
            self.frames.iter().map(|frame| i64::from(frame.at.width) * i64::from(frame.at.height)).sum();
        let most = i32::try_from((area as f64).sqrt() as i64).unwrap_or(i32::MAX).max(LOW);
        let mut columns = vec![of_side(Side::Left).collect::<Vec<_>>()];
        for rank in 0..6 {
            let mut height = 0;
            let mut column = Vec::new();
            for frame in middle.iter().zip(&ranks).filter(|(_, of)| **of == rank).map(|(frame, _)| *frame) {
                let own = self.frames[frame].at.height + GAP;
                if height + own > most && !column.is_empty() {
                    columns.push(std::mem::take(&mut column));
                    height = 0;
                }
                height += own;
                column.push(frame);
            }
            columns.push(column);
        }
        columns.push(of_side(Side::Right).collect());
        columns.retain(|column| !column.is_empty());
        columns
    }

    /// The frames that each arrow joins.
    fn links(&self) -> impl Iterator<Item = (usize, usize)> {
        let spots = self
            .drawing
            .edges
            .iter()
            .filter_map(|edge| self.sources.get(&edge.from).zip(self.targets.get(&edge.to)));
        spots.map(|(from, to)| (from.0, to.0))
    }

    fn place(mut self, columns: &[Vec<usize>]) -> Layout {
        let mut columns = columns.to_vec();
        let tall = |frames: &[Frame], column: &[usize]| {
            column.iter().map(|at| frames[*at].at.height + GAP).sum::<i32>() - GAP
        };
        let height = columns.iter().map(|column| tall(&self.frames, column)).max().unwrap_or(0);
        let links: Vec<(usize, usize)> = self.links().filter(|(from, to)| from != to).collect();
        for _ in 0..4 {
            for column in &mut columns {
                self.stack(column, height);
                let mean = |at: &usize| self.mean(*at, &links);
                column.sort_by_cached_key(mean);
                self.stack(column, height);
            }
        }
        let mut x = GAP;
        for column in &columns {
            let width = column.iter().map(|at| self.frames[*at].at.width).max().unwrap_or(0);
            column.iter().for_each(|at| self.frames[*at].at.x = x);
            x += width + COLUMN_GAP;
        }
        for frame in &mut self.frames {
            let Rect { x, y, .. } = frame.at;
            frame.boxes.iter_mut().for_each(|one| (one.at.x, one.at.y) = (one.at.x + x, one.at.y + y));
        }
        let arrows = self.arrows();
        let width = (x - COLUMN_GAP + GAP).max(760);
        Layout { width, height: height + 2 * GAP + 30, frames: self.frames, arrows }
    }

    /// Puts the frames of a column under each other, in the middle.
    fn stack(&mut self, column: &[usize], height: i32) {
        let own = column.iter().map(|at| self.frames[*at].at.height + GAP).sum::<i32>() - GAP;
        let mut y = GAP + (height - own) / 2;
        for at in column {
            self.frames[*at].at.y = y;
            y += self.frames[*at].at.height + GAP;
        }
    }

    /// The mean height of what a frame has arrows with; its own where it has none.
    fn mean(&self, at: usize, links: &[(usize, usize)]) -> i32 {
        let middle = |frame: usize| self.frames[frame].at.y + self.frames[frame].at.height / 2;
        let met = links.iter().filter_map(|(from, to)| match (*from == at, *to == at) {
            (true, _) => Some(middle(*to)),
            (_, true) => Some(middle(*from)),
            _ => None,
        });
        let all: Vec<i32> = met.collect();
        let count = i32::try_from(all.len()).unwrap_or(i32::MAX);
        if count == 0 { middle(at) } else { all.iter().sum::<i32>() / count }
    }

    fn arrows(&self) -> Vec<Arrow> {
        let mut arrows = Vec::new();
        for (number, edge) in self.drawing.edges.iter().enumerate() {
            let Some((from, to)) = self.sources.get(&edge.from).zip(self.targets.get(&edge.to)) else {
                continue;
            };
            let rect = |(frame, one): &Spot| {
                one.map_or(self.frames[*frame].at, |one| self.frames[*frame].boxes[one].at)
            };
            let pins = to.1.map_or(&self.frames[to.0].pins, |one| &self.frames[to.0].boxes[one].pins);
            let row = pins.iter().position(|pin| pin.label == edge.label && pin.style == edge.style);
            let row = i32::try_from(row.unwrap_or(0)).unwrap_or(0);
            let (source, target) = (rect(from), rect(to));
            arrows.push(Arrow {
                edge: number,
                from: (source.x + source.width, source.y + TITLE / 2),
                to: (target.x, target.y + TITLE + row * PIN + 8),
            });
        }
        arrows
    }
}

impl Frame {
    /// A box that stands alone has no frame around it, and boxes that lost their lines move up.
    fn settle(&mut self) {
        let (dx, dy) = if self.title.is_some() { (0, 0) } else { (-PAD, -TITLE - 6) };
        let mut y = TITLE + i32::try_from(self.pins.len()).unwrap_or(0) * PIN + 6 + dy;
        let mut column = None;
        let first = y;
        let mut bottom = y;
        for one in &mut self.boxes {
            if column.replace(one.at.x) != Some(one.at.x) {
                y = first;
            }
            one.at.y = y;
            y += one.at.height + PAD;
            bottom = bottom.max(y);
        }
        self.boxes.iter_mut().for_each(|one| one.at.x += dx);
        self.at.width += 2 * dx;
        self.at.height = if self.title.is_some() { bottom } else { bottom - PAD };
    }
}

fn without_pins(one: &mut Box) {
    one.pins.clear();
    one.at.height = height_of(0);
}

fn height_of(pins: usize) -> i32 {
    TITLE + i32::try_from(pins).unwrap_or(0) * PIN + if pins > 0 { 5 } else { 0 }
}

/// About as wide as the text is, at so many pixels a character.
fn width_of(text: &str, each: i32) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX / 16) * each
}
