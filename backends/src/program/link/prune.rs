//! Does away with what a program does not need.
//!
//! No step adds a line, and they are repeated only while one goes, so that they come to an end:
//!
//! * a branch that is always taken is a jump, one that never is goes ([`known`](super::known));
//! * a register whose value is known is replaced by the value, so that nobody has to read it;
//! * lines that no way leads to go;
//! * values that nobody reads are not computed ([`unused`](super::unused));
//! * a jump to the next line goes.

use super::{known, unused};
use crate::program::Operation;
use crate::program::layout::Listing;

/// Does all that can be done.
pub(super) fn prune(listing: &mut Listing) {
    loop {
        let before = listing.lines.len();
        decide(listing);
        let needed = unused::needed(listing);
        listing.retain(&needed);
        let moving = moving(listing);
        listing.retain(&moving);
        if listing.lines.len() == before {
            return;
        }
    }
}

/// Decides branches, puts constants where they are known, and takes away what no way leads to, with its labels.
fn decide(listing: &mut Listing) {
    let known = known::known(listing);
    let mut keep = Vec::with_capacity(listing.lines.len());
    for (line, here) in listing.lines.iter_mut().zip(&known) {
        let decision = here.as_ref().and_then(|here| here.decides(line.operation));
        if decision == Some(true) {
            line.operation = Operation::Jump { offset: 0 };
        } else if let Some(here) = here {
            line.operation = here.simpler(line.operation);
        }
        keep.push(here.is_some() && decision != Some(false));
    }
    listing.labels.retain(|line, _| known.get(*line).is_none_or(Option::is_some));
    listing.retain(&keep);
}

/// Which lines do something: not those that jump to the next one.
fn moving(listing: &Listing) -> Vec<bool> {
    let lines = listing.lines.iter().enumerate();
    lines.map(|(index, line)| line.target != Some(index + 1)).collect()
}
