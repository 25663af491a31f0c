//! Columns for a directed graph: as many arrows as possible go to the right.

use std::collections::{BTreeMap, BTreeSet};

/// Arrows between places, with their weight.
pub(super) type Arrows = BTreeMap<(usize, usize), i64>;

/// The column of each of `count` places, from 0 to `most` - 1.
///
/// Places are put into a row by the method of Eades, Lin and Smyth, "A fast and effective heuristic for the feedback
/// arc set problem" (1993): sinks to the end, sources to the front, else the one with the most arrows out. Arrows that go
/// back in that row are left out, and a place stands right of everything that leads to it.
pub(super) fn ranks(count: usize, arrows: &Arrows, most: usize) -> Vec<usize> {
    let order = in_a_row(count, arrows);
    let mut place = vec![0; count];
    order.iter().enumerate().for_each(|(at, one)| place[*one] = at);
    let mut ranks = vec![0; count];
    for one in order {
        let before = arrows.keys().filter(|(from, to)| *to == one && place[*from] < place[one]);
        ranks[one] = before.map(|(from, _)| ranks[*from] + 1).max().unwrap_or(0).min(most.saturating_sub(1));
    }
    ranks
}

fn in_a_row(count: usize, arrows: &Arrows) -> Vec<usize> {
    let mut left: BTreeSet<usize> = (0..count).collect();
    let (mut front, mut back) = (Vec::new(), Vec::new());
    while !left.is_empty() {
        let mut balance: BTreeMap<usize, (i64, i64)> = left.iter().map(|one| (*one, (0, 0))).collect();
        for ((from, to), weight) in
            arrows.iter().filter(|((from, to), _)| from != to && left.contains(from) && left.contains(to))
        {
            balance.entry(*from).or_default().0 += weight;
            balance.entry(*to).or_default().1 += weight;
        }
        let sinks: Vec<usize> =
            balance.iter().filter(|(_, (out, _))| *out == 0).map(|(one, _)| *one).collect();
        let sources: Vec<usize> = balance
            .iter()
            .filter(|(one, (_, into))| *into == 0 && !sinks.contains(one))
            .map(|(one, _)| *one)
            .collect();
        let best = balance.iter().max_by_key(|(one, (out, into))| (out - into, std::cmp::Reverse(**one)));
        let best = best.map(|(one, _)| *one).filter(|_| sinks.is_empty() && sources.is_empty());
        sinks.iter().chain(&sources).chain(&best).for_each(|one| {
            left.remove(one);
        });
        back.extend(sinks.into_iter().rev());
        front.extend(sources);
        front.extend(best);
    }
    back.reverse();
    front.extend(back);
    front
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_go_to_the_right_but_one_of_a_circle() {
        let arrows: Arrows = [((0, 1), 1), ((1, 2), 1), ((3, 1), 1)].into();
        assert_eq!(ranks(4, &arrows, 9), [0, 1, 2, 0]);
        let circle: Arrows = [((0, 1), 5), ((1, 2), 5), ((2, 0), 1)].into();
        assert_eq!(ranks(3, &circle, 9), [0, 1, 2]);
        assert_eq!(ranks(3, &circle, 2), [0, 1, 1]);
    }
}
