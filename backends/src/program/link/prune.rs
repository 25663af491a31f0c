//! Does away with what a program does not need.
//!
//! No step adds a line, and they are repeated only while a branch or a line goes, so that they come to an end:
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
    while decide(listing) {
        sweep(listing);
    }
    sweep(listing);
}

/// Decides branches, puts constants where they are known, and takes away what no way leads to, with its labels. Says
/// whether there was a branch to decide.
fn decide(listing: &mut Listing) -> bool {
    let known = known::known(listing);
    let mut some = false;
    let mut keep = Vec::with_capacity(listing.lines.len());
    for (line, here) in listing.lines.iter_mut().zip(&known) {
        let Some(here) = here else {
            keep.push(false);
            continue;
        };
        let decision = here.decides(line.operation);
        some |= decision.is_some();
        keep.push(decision != Some(false));
        line.operation = match decision {
            Some(_) => Operation::Jump { offset: 0 },
            None => here.simpler(line.operation),
        };
    }
    listing.labels.retain(|line, _| known.get(*line).is_none_or(Option::is_some));
    listing.retain(&keep);
    some
}

/// Takes away values that nobody reads, and jumps to the next line, as long as there are some.
fn sweep(listing: &mut Listing) {
    loop {
        let before = listing.lines.len();
        let needed = unused::needed(listing);
        listing.retain(&needed);
        let moving = moving(listing);
        listing.retain(&moving);
        if listing.lines.len() == before {
            return;
        }
    }
}

/// Which lines do something: not those that jump to the next one.
fn moving(listing: &Listing) -> Vec<bool> {
    let lines = listing.lines.iter().enumerate();
    lines.map(|(index, line)| line.target != Some(index + 1)).collect()
}
