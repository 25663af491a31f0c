//! What holds of every map, asked of maps whose prefixes collide: few bits at the top, few at the bottom.

use std::cmp::Reverse;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;
use proptest::sample::Index;

use super::super::key::Key;
use super::{PrefixMap, decides, end, family, turns};
use crate::net::{Cidr, Family};

type Entries = Vec<(Cidr, u32)>;

/// The ends of the families and somewhere in between: what stands before the last bits.
const PLACES: [u128; 3] = [0, u128::MAX, 0x2001_0db8_0a01_0200_2001_0db8_0a01_0200];

/// So many bits tell prefixes apart: few, so that they cover each other, and cover others whole.
const BITS: u8 = 4;

/// A prefix that ends in the first bits of its family, or in the last bits at a place.
fn prefix(place: u128) -> impl Strategy<Value = Cidr> {
    (any::<bool>(), any::<bool>(), 0..=BITS, 0..1_u128 << BITS).prop_map(move |(v4, top, length, bits)| {
        let width = if v4 { 32 } else { 128 };
        let (bits, length) = match top {
            true => (bits << (width - BITS), length),
            false => (place >> BITS << BITS | bits, width - length),
        };
        let v4 = v4.then(|| IpAddr::V4(Ipv4Addr::from_bits(bits as u32)));
        Cidr::new(v4.unwrap_or(IpAddr::V6(Ipv6Addr::from_bits(bits))), length).unwrap()
    })
}

fn place() -> impl Strategy<Value = u128> {
    prop::sample::select(&PLACES[..])
}

/// Prefixes of one place.
fn prefixes() -> impl Strategy<Value = Vec<Cidr>> {
    place().prop_flat_map(|place| prop::collection::vec(prefix(place), 0..40))
}

/// At most one entry for each prefix, in no order, and further prefixes that they collide with.
fn world() -> impl Strategy<Value = (Entries, Vec<Cidr>)> {
    place().prop_flat_map(|place| {
        let values = prop::collection::btree_map(prefix(place), 0..4_u32, 0..100);
        let entries = values.prop_map(Entries::from_iter).prop_shuffle();
        (entries, prop::collection::vec(prefix(place), 0..40))
    })
}

fn map(entries: &[(Cidr, u32)]) -> PrefixMap<u32> {
    entries.iter().copied().collect()
}

fn back(map: &PrefixMap<u32>) -> Entries {
    map.iter().map(|(prefix, value)| (prefix, *value)).collect()
}

/// The places where two maps differ.
fn differences(left: &Entries, right: &Entries) -> Vec<IpAddr> {
    let value = |entries: &Entries, address| decides(entries, address).map(|(_, value)| value);
    let turns = turns(left.iter().chain(right));
    turns.into_iter().filter(|turn| value(left, *turn) != value(right, *turn)).collect()
}

/// Entries of the same function: some that repeat what they would inherit, and halves for some wholes.
fn rewritten(mut entries: Entries, choices: Vec<(Index, Cidr)>) -> Entries {
    for (which, inner) in choices {
        let around = entries.iter().filter(|(prefix, _)| prefix.covers(inner));
        // The longest may be there already.
        let nearest = around.max_by_key(|(prefix, _)| prefix.length()).filter(|(prefix, _)| *prefix != inner);
        entries.extend(nearest.map(|(_, value)| (inner, *value)).into_iter().collect::<Entries>());
        if entries.is_empty() {
            continue;
        }
        let (whole, value) = entries[which.index(entries.len())];
        let Some(lower) = Cidr::new(whole.address(), whole.length() + 1) else { continue };
        let upper = Cidr::new(end(lower).unwrap(), lower.length()).unwrap();
        entries.retain(|(prefix, _)| *prefix != whole);
        let halves =
            [lower, upper].into_iter().filter(|half| entries.iter().all(|(prefix, _)| prefix != half));
        entries.extend(halves.map(|half| (half, value)).collect::<Entries>());
    }
    entries
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config(400))]

    #[test]
    fn keys_are_prefixes(prefixes in prefixes()) {
        let right = prefixes.iter().rev().copied();
        for (left, right) in prefixes.iter().copied().zip(right) {
            let (one, other) = (Key::of(left), Key::of(right));
            prop_assert_eq!(one.cidr(), left);
            prop_assert_eq!(one.cmp(&other), left.cmp(&right));
            prop_assert_eq!(one.covers(other), left.covers(right));
        }
    }

    #[test]
    fn lookup_finds_the_longest_prefix((entries, _) in world()) {
        let map = map(&entries);
        for turn in turns(&entries) {
            let found = map.lookup(turn).map(|(prefix, value)| (prefix, *value));
            prop_assert_eq!(found, decides(&entries, turn), "{}", turn);
        }
    }

    #[test]
    fn covering_finds_the_whole_chain((entries, prefixes) in world()) {
        let map = map(&entries);
        for asked in prefixes {
            let around = entries.iter().filter(|(prefix, _)| prefix.covers(asked) && *prefix != asked);
            let mut expected: Entries = around.copied().collect();
            expected.sort_by_key(|(prefix, _)| Reverse(prefix.length()));
            let found: Entries = map.covering(asked).map(|(prefix, value)| (prefix, *value)).collect();
            prop_assert_eq!(&found, &expected, "{}", asked);
            let parent = map.parent(asked).map(|(prefix, value)| (prefix, *value));
            prop_assert_eq!(parent, expected.first().copied());
        }
    }

    #[test]
    fn changes_come_to_what_is_left((mut entries, prefixes) in world(), values: Vec<Option<u32>>) {
        let mut map = map(&entries);
        for (prefix, value) in prefixes.into_iter().zip(values) {
            let old = entries.iter().position(|(other, _)| *other == prefix).map(|at| entries.remove(at).1);
            prop_assert_eq!(map.get(prefix).copied(), old);
            entries.extend(value.map(|value| (prefix, value)));
            let before = match value {
                Some(value) => map.insert(prefix, value),
                None => map.remove(prefix),
            };
            prop_assert_eq!(before, old);
        }
        entries.sort();
        prop_assert_eq!(map.len(), entries.len());
        prop_assert_eq!(back(&map), entries);
    }

    #[test]
    fn atoms_are_the_lowest_addresses((entries, _) in world()) {
        let map = map(&entries);
        let turns = turns(&entries);
        let decided = |turn: IpAddr| decides(&entries, turn).map(|(prefix, _)| prefix);
        let atom = |prefix| turns.iter().copied().find(|turn| decided(*turn) == Some(prefix));
        let expected: Vec<_> = map.iter().map(|(prefix, _)| (prefix, atom(prefix))).collect();
        prop_assert_eq!(map.atoms(), expected);
        for of in [Family::V4, Family::V6] {
            let free = |turn: &IpAddr| family(*turn) == of && decided(*turn).is_none();
            prop_assert_eq!(map.uncovered(of), turns.iter().copied().find(free));
        }
    }

    #[test]
    fn a_smallest_map_is_the_same_function((entries, _) in world()) {
        let minimal = map(&entries).minimal();
        prop_assert!(differences(&back(&minimal), &entries).is_empty());
        prop_assert!(minimal.len() <= entries.len());
        prop_assert_eq!(minimal.minimal(), minimal);
    }

    #[test]
    fn a_smallest_map_forgets_how_it_was_written(
        (entries, prefixes) in world(), choices: Vec<Index>
    ) {
        let twin = rewritten(entries.clone(), choices.into_iter().zip(prefixes).collect());
        prop_assert!(differences(&twin, &entries).is_empty(), "{:?}", twin);
        prop_assert_eq!(map(&twin).minimal(), map(&entries).minimal());
    }
}
