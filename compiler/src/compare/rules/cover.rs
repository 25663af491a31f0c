//! Few rules of which each of many sets has one.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use sluice_ir::ids::RuleId;

/// Takes, again and again, the rule that most of the sets that are left have; of several the first.
pub(super) fn few(sets: BTreeSet<Vec<RuleId>>) -> Vec<RuleId> {
    let mut having: BTreeMap<RuleId, Vec<usize>> = BTreeMap::new();
    let sets: Vec<Vec<RuleId>> = sets.into_iter().collect();
    for (at, set) in sets.iter().enumerate() {
        set.iter().for_each(|rule| having.entry(*rule).or_default().push(at));
    }
    let mut counts: BTreeMap<RuleId, usize> = having.iter().map(|(rule, sets)| (*rule, sets.len())).collect();
    let mut order: BTreeSet<(Reverse<usize>, RuleId)> =
        counts.iter().map(|(rule, count)| (Reverse(*count), *rule)).collect();
    let mut left = vec![true; sets.len()];
    let mut taken = Vec::new();
    while let Some((Reverse(1..), best)) = order.pop_first() {
        for at in having.get(&best).into_iter().flatten() {
            if !std::mem::take(&mut left[*at]) {
                continue;
            }
            for rule in sets[*at].iter().filter(|rule| **rule != best) {
                if let Some(count) = counts.get_mut(rule) {
                    order.remove(&(Reverse(*count), *rule));
                    *count -= 1;
                    order.insert((Reverse(*count), *rule));
                }
            }
        }
        taken.push(best);
    }
    taken.sort_unstable();
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rule_is_enough_where_every_set_has_it() {
        let rules = |ids: &[usize]| ids.iter().copied().map(RuleId::new).collect::<Vec<_>>();
        let sets = [rules(&[1, 2]), rules(&[2, 3]), rules(&[2])];
        assert_eq!(few(sets.into_iter().collect()), rules(&[2]));
        let sets = [rules(&[4]), rules(&[1, 2]), rules(&[])];
        assert_eq!(few(sets.into_iter().collect()), rules(&[1, 4]));
    }
}
