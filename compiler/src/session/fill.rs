//! Tables without a heritage, filled with every class at once.
//!
//! Asking each class whether each rule of a table matches is asking in vain most of the time. So each rule gives its bit
//! to the classes that its list of peers matches, and the classes with the same bits are a group.

use rustc_hash::FxHashMap;
use sluice_ir::ids::{ClassId, RowId};
use sluice_ir::policy::Direction;

use super::inherit::Heir;
use super::sets::About;
use super::table::{Group, LocalKey, Makings, Table};
use crate::classify::signature::Signature;

/// Every class, and which of them each list of peers matches.
pub(super) struct Everybody<'p> {
    classes: Vec<(ClassId, &'p Signature)>,
    /// By list, places in `classes` in order.
    of_set: Vec<Vec<u32>>,
}

/// What a table's rules can see of a class: as [`LocalKey`], with the bits where they lie.
type Seen<'m> = (&'m [u64], Vec<(usize, u16)>, bool);

impl<'p> Everybody<'p> {
    pub(super) fn new(heirs: &[Heir<'p>], sets: usize) -> Everybody<'p> {
        let here = heirs.iter().filter_map(|heir| Some((heir.class, heir.signature?)));
        let classes: Vec<(ClassId, &Signature)> = here.collect();
        let mut of_set = vec![Vec::new(); sets];
        for (place, (_, signature)) in (0..).zip(&classes) {
            signature.sets.iter().for_each(|set| of_set[*set as usize].push(place));
        }
        Everybody { classes, of_set }
    }
}

impl Table {
    /// Puts every class into a group. Gives their rows.
    pub(super) fn fill(
        &mut self,
        everybody: &Everybody<'_>,
        makings: &mut Makings<'_>,
    ) -> Vec<(ClassId, RowId)> {
        let words = self.rules.len().div_ceil(64);
        let masks = self.masks(everybody);
        let mut known: FxHashMap<Seen<'_>, Group> = FxHashMap::default();
        let mut rows = Vec::with_capacity(everybody.classes.len());
        for (place, (class, signature)) in everybody.classes.iter().enumerate() {
            let mask = &masks[place * words..(place + 1) * words];
            let host = signature.host && self.direction == Direction::Ingress;
            let seen = (mask, self.asked(&signature.named), host);
            let group = match known.get(&seen) {
                Some(group) => *group,
                None => {
                    let group =
                        self.enter(LocalKey { mask: mask.into(), named: seen.1.clone(), host }, makings);
                    known.insert(seen, group);
                    group
                }
            };
            self.set(*class, Some(group));
            rows.push((*class, self.row_of(group)));
        }
        rows
    }

    /// The rules that match each class, a bit for each, class by class.
    fn masks(&self, everybody: &Everybody<'_>) -> Vec<u64> {
        let words = self.rules.len().div_ceil(64);
        let mut of_everyone = vec![0_u64; words];
        for (at, _) in self.rules.iter().enumerate().filter(|(_, (_, about))| *about == About::Everyone) {
            of_everyone[at / 64] |= 1 << (at % 64);
        }
        let mut masks = of_everyone.repeat(everybody.classes.len());
        for (at, (_, about)) in self.rules.iter().enumerate() {
            let About::Members(set) = about else { continue };
            for place in &everybody.of_set[*set as usize] {
                masks[*place as usize * words + at / 64] |= 1 << (at % 64);
            }
        }
        masks
    }
}
