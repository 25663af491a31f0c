//! Words for many at once.

use std::collections::BTreeSet;

use super::units::{Part, UnitId, Units};

/// One, or many under a word.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Place {
    /// Everybody who is shown.
    Anyone,
    /// All pods.
    EveryPod,
    /// All of a part, by its place among the parts.
    Part(usize),
    /// One of those above, without a few.
    But(Box<Place>, Vec<UnitId>),
    /// One.
    Unit(UnitId),
}

/// Puts words in place of lists.
pub(super) struct Cover {
    pub(super) parts: Vec<Part>,
    members: Vec<BTreeSet<UnitId>>,
    pods: BTreeSet<UnitId>,
    all: BTreeSet<UnitId>,
}

impl Cover {
    pub(super) fn new(units: &Units) -> Cover {
        let parts = units.parts();
        let members: Vec<BTreeSet<UnitId>> = parts.iter().map(|part| units.of_part(part).collect()).collect();
        let of_pods = parts.iter().zip(&members).filter(|(part, _)| matches!(part, Part::Namespace(_)));
        let pods = of_pods.flat_map(|(_, members)| members.iter().copied()).collect();
        Cover { all: (0..units.units.len()).collect(), parts, members, pods }
    }

    /// The fewest words for some units. Whether those that do not matter are among them is left open.
    pub(super) fn places(&self, some: &BTreeSet<UnitId>, matters: impl Fn(UnitId) -> bool) -> Vec<Place> {
        let mut places = Vec::new();
        let mut rest = some.clone();
        let several = self.parts.iter().filter(|part| matches!(part, Part::Namespace(_))).count() > 1;
        let words = [(Place::Anyone, &self.all, true), (Place::EveryPod, &self.pods, several)];
        let parts = self.members.iter().enumerate().map(|(at, members)| (Place::Part(at), members, true));
        for (place, members, is_word) in words.into_iter().chain(parts) {
            let missing: Vec<UnitId> =
                members.iter().copied().filter(|unit| !some.contains(unit) && matters(*unit)).collect();
            let new = members.intersection(&rest).count();
            let least = if missing.is_empty() { 2 } else { 3 * missing.len() + 1 };
            if !is_word || new < least || missing.len() > 2 {
                continue;
            }
            rest = rest.difference(members).copied().collect();
            places.push(if missing.is_empty() { place } else { Place::But(Box::new(place), missing) });
        }
        places.extend(rest.into_iter().map(Place::Unit));
        places
    }

    /// Whether a place is that unit or holds it.
    pub(super) fn holds(&self, place: &Place, unit: UnitId) -> bool {
        match place {
            Place::Anyone => true,
            Place::EveryPod => self.pods.contains(&unit),
            Place::Part(at) => self.members[*at].contains(&unit),
            Place::But(place, without) => self.holds(place, unit) && !without.contains(&unit),
            Place::Unit(at) => *at == unit,
        }
    }

    /// What a place is called.
    pub(super) fn title(&self, units: &Units, place: &Place) -> String {
        match place {
            Place::Anyone => "anyone".to_owned(),
            Place::EveryPod => "every pod".to_owned(),
            Place::Unit(at) => units.units[*at].title.clone(),
            Place::But(place, without) => {
                let without: Vec<&str> = without.iter().map(|at| units.units[*at].title.as_str()).collect();
                format!("{} but {}", self.title(units, place), without.join(", "))
            }
            Place::Part(at) => match &self.parts[*at] {
                Part::Namespace(name) => format!("{name}/*"),
                part => part.title().to_owned(),
            },
        }
    }
}
