//! Few rules of which each of many sets has one.

use std::collections::{BTreeMap, BTreeSet};

use sluice_ir::ids::RuleId;

/// Takes, again and again, the rule that most of the sets that are left have; of several the first.
pub(super) fn few(mut sets: BTreeSet<Vec<RuleId>>) -> Vec<RuleId> {
    let mut taken = Vec::new();
    loop {
        let mut counts: BTreeMap<RuleId, usize> = BTreeMap::new();
        for rule in sets.iter().flatten() {
            *counts.entry(*rule).or_default() += 1;
        }
        let Some(most) = counts.values().max() else { break };
        let best = counts.iter().find(|(_, count)| *count == most).map(|(rule, _)| *rule);
        sets.retain(|set| best.is_none_or(|best| !set.is_empty() && !set.contains(&best)));
        taken.extend(best);
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
