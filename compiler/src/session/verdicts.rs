//! Verdicts under the names that they have outside.
//!
//! Each direction finds its verdicts by itself, so that both can be at it at once; a place among them is a name in
//! its rows. Outside there is one list, in which those that are new follow those that were there.

use sluice_ir::decision::{ByDirection, Outcome, Row};
use sluice_ir::ids::VerdictId;
use sluice_ir::policy::Direction;

use crate::classify::row::Outcomes;

/// The verdicts of both directions.
#[derive(Debug, Default)]
pub(super) struct Verdicts {
    /// Those of each direction; what makes rows adds to them.
    pub(super) of: ByDirection<Outcomes>,
    /// The name of each, by its place, as far as they were told.
    names: ByDirection<Vec<VerdictId>>,
    /// The direction and the place of each name.
    told: Vec<(Direction, usize)>,
}

impl Verdicts {
    /// Gives those their names that have none yet. Gives these names.
    pub(super) fn name_new(&mut self) -> impl Iterator<Item = (VerdictId, &Outcome)> {
        let known = self.told.len();
        for direction in Direction::BOTH {
            let names = &mut self.names[direction];
            for place in names.len()..self.of[direction].all.len() {
                names.push(VerdictId::new(self.told.len()));
                self.told.push((direction, place));
            }
        }
        self.from(known)
    }

    /// How many have a name.
    pub(super) fn len(&self) -> usize {
        self.told.len()
    }

    /// Every verdict that has a name, in the order of names.
    pub(super) fn all(&self) -> impl Iterator<Item = (VerdictId, &Outcome)> {
        self.from(0)
    }

    fn from(&self, first: usize) -> impl Iterator<Item = (VerdictId, &Outcome)> {
        let outcome = |at: usize| Some((VerdictId::new(at), self.get(VerdictId::new(at))?));
        (first..self.told.len()).filter_map(outcome)
    }

    /// The verdict of a name.
    pub(super) fn get(&self, name: VerdictId) -> Option<&Outcome> {
        let (direction, place) = self.told.get(name.index())?;
        self.of[*direction].all.get_index(*place)
    }

    /// The name of a verdict of a direction; that of no verdict if it has none yet.
    pub(super) fn name(&self, direction: Direction, place: VerdictId) -> VerdictId {
        self.names[direction].get(place.index()).copied().unwrap_or(VerdictId::new(usize::MAX))
    }

    /// A row of a direction in terms of names.
    pub(super) fn named(&self, direction: Direction, mut row: Row) -> Row {
        row.0.iter_mut().for_each(|verdict| *verdict = self.name(direction, *verdict));
        row
    }

    /// How many lines all of them name.
    pub(super) fn reasons(&self) -> usize {
        self.of.iter().map(|(_, outcomes)| outcomes.reasons()).sum()
    }
}
