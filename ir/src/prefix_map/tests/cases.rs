//! Each function by hand, the ends of the families among the cases.

use super::{PrefixMap, address, cidr, map, written};
use crate::net::Family;

fn looked_up(map: &PrefixMap<u32>, text: &str) -> Option<u32> {
    map.lookup(address(text)).map(|(_, value)| *value)
}

#[test]
fn a_prefix_has_one_value() {
    let mut map = map(&[("10.0.0.0/8", 1), ("10.0.0.0/8", 2)]);
    assert_eq!((map.len(), map.get(cidr("10.0.0.0/8"))), (1, Some(&2)));
    assert_eq!(map.insert(cidr("10.0.0.0/8"), 3), Some(2));
    assert_eq!(map.insert(cidr("10.0.0.0/9"), 4), None);
    assert_eq!((map.get(cidr("10.0.0.0/9")), map.get(cidr("10.0.0.0/10"))), (Some(&4), None));
    assert_eq!((map.remove(cidr("10.0.0.0/8")), map.remove(cidr("10.0.0.0/8"))), (Some(3), None));
    assert!(!map.is_empty() && PrefixMap::<u32>::default().is_empty());
}

#[test]
fn a_prefix_comes_before_those_inside_it() {
    let prefixes = ["0.0.0.0/0", "10.0.0.0/8", "10.0.0.0/9", "10.64.0.0/10", "11.0.0.0/8", "::/0", "::/128"];
    let backwards: PrefixMap<()> = prefixes.iter().rev().map(|prefix| (cidr(prefix), ())).collect();
    let order: Vec<String> = backwards.iter().map(|(prefix, ())| prefix.to_string()).collect();
    assert_eq!(order, prefixes);
    let mut sorted: Vec<_> = backwards.iter().map(|(prefix, ())| prefix).collect();
    sorted.sort();
    assert!(sorted.into_iter().eq(backwards.iter().map(|(prefix, ())| prefix)));
    assert_eq!(format!("{:?}", map(&[("10.0.0.0/8", 1)])), "{10.0.0.0/8: 1}");
}

#[test]
fn the_longest_prefix_decides() {
    let map = map(&[("10.0.0.0/8", 1), ("10.1.0.0/16", 2), ("10.1.0.0/24", 3), ("10.1.2.3/32", 4)]);
    for (text, value) in [
        ("9.255.255.255", None),
        ("10.0.0.0", Some(1)),
        ("10.0.255.255", Some(1)),
        ("10.1.0.255", Some(3)),
        ("10.1.1.0", Some(2)),
        ("10.1.2.3", Some(4)),
        ("10.1.2.4", Some(2)),
        ("10.255.255.255", Some(1)),
        ("11.0.0.0", None),
    ] {
        assert_eq!(looked_up(&map, text), value, "{text}");
    }
}

#[test]
fn families_never_mix() {
    let v4 = map(&[("0.0.0.0/0", 1), ("10.0.0.1/32", 2)]);
    assert_eq!((looked_up(&v4, "::"), looked_up(&v4, "::ffff:10.0.0.1")), (None, None));
    let v6 = map(&[("::/0", 1), ("::ffff:10.0.0.1/128", 2)]);
    assert_eq!((looked_up(&v6, "0.0.0.0"), looked_up(&v6, "10.0.0.1")), (None, None));
    assert_eq!(looked_up(&v6, "::ffff:10.0.0.1"), Some(2));
    assert_eq!(v4.covering(cidr("::/128")).count(), 0);
}

#[test]
fn the_ends_of_the_families_are_addresses_too() {
    let map = map(&[("255.255.255.255/32", 1), ("0.0.0.0/32", 2), ("::/128", 3), ("ffff::/16", 4)]);
    assert_eq!((looked_up(&map, "255.255.255.255"), looked_up(&map, "255.255.255.254")), (Some(1), None));
    assert_eq!((looked_up(&map, "0.0.0.0"), looked_up(&map, "0.0.0.1")), (Some(2), None));
    assert_eq!((looked_up(&map, "::"), looked_up(&map, "::1")), (Some(3), None));
    assert_eq!(looked_up(&map, "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), Some(4));
}

#[test]
fn what_covers_comes_nearest_first() {
    let map = map(&[("0.0.0.0/0", 0), ("10.0.0.0/8", 1), ("10.1.0.0/16", 2), ("10.2.0.0/16", 3)]);
    let covering = |text| map.covering(cidr(text)).map(|(_, value)| *value).collect::<Vec<_>>();
    assert_eq!(covering("10.1.0.0/24"), [2, 1, 0]);
    assert_eq!(covering("10.1.0.0/16"), [1, 0]);
    assert_eq!(covering("10.3.0.0/16"), [1, 0]);
    assert_eq!(covering("0.0.0.0/0"), [0; 0]);
    assert_eq!(map.parent(cidr("10.2.0.0/16")), Some((cidr("10.0.0.0/8"), &1)));
    let matching: Vec<_> = map.matching(address("10.2.0.1")).map(|(_, value)| *value).collect();
    assert_eq!(matching, [3, 1, 0]);
}

#[test]
fn an_atom_is_what_is_left_of_an_entry() {
    let map = map(&[
        ("10.0.0.0/8", 0),
        ("10.0.0.0/9", 0),
        ("10.128.0.0/10", 0),
        // Siblings that leave nothing, one of them cut in two again.
        ("192.168.0.0/24", 0),
        ("192.168.0.0/25", 0),
        ("192.168.0.128/25", 0),
        ("192.168.0.128/26", 0),
        ("192.168.0.192/26", 0),
        ("255.255.255.254/31", 0),
        ("255.255.255.255/32", 0),
        ("::/0", 0),
        ("::/1", 0),
        ("8000::/1", 0),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 0),
    ]);
    let atoms: Vec<_> = map
        .atoms()
        .into_iter()
        .map(|(_, atom)| atom.map(|atom| atom.to_string()).unwrap_or_default())
        .collect();
    assert_eq!(
        atoms,
        [
            "10.192.0.0",
            "10.0.0.0",
            "10.128.0.0",
            "",
            "192.168.0.0",
            "",
            "192.168.0.128",
            "192.168.0.192",
            "255.255.255.254",
            "255.255.255.255",
            "",
            "::",
            "8000::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        ]
    );
}

#[test]
fn the_lowest_address_without_a_value() {
    let lowest = |entries: &[(&str, u32)], family| map(entries).uncovered(family).map(|a| a.to_string());
    assert_eq!(lowest(&[], Family::V4).as_deref(), Some("0.0.0.0"));
    assert_eq!(lowest(&[("0.0.0.0/0", 0)], Family::V4), None);
    assert_eq!(lowest(&[("0.0.0.0/0", 0)], Family::V6).as_deref(), Some("::"));
    assert_eq!(lowest(&[("0.0.0.0/1", 0), ("128.0.0.0/1", 0)], Family::V4), None);
    let most = [("0.0.0.0/32", 0), ("0.0.0.0/31", 0), ("0.0.0.2/32", 0), ("0.0.0.4/32", 0)];
    assert_eq!(lowest(&most, Family::V4).as_deref(), Some("0.0.0.3"));
    assert_eq!(lowest(&[("::/1", 0), ("8000::/1", 0), ("::1/128", 0)], Family::V6), None);
}

#[test]
fn a_smallest_map_leaves_out_what_says_nothing() {
    for (entries, minimal) in [
        (&[][..], &[][..]),
        (&[("10.0.0.0/8", 1), ("10.1.0.0/16", 1)], &[("10.0.0.0/8", 1)]),
        (&[("10.0.0.0/9", 1), ("10.128.0.0/9", 1)], &[("10.0.0.0/8", 1)]),
        // Dead: its halves decide everything.
        (&[("10.0.0.0/8", 3), ("10.0.0.0/9", 1), ("10.128.0.0/9", 1)], &[("10.0.0.0/8", 1)]),
        // Either half may be the rest; the least value is.
        (&[("10.0.0.0/9", 2), ("10.128.0.0/9", 1)], &[("10.0.0.0/8", 1), ("10.0.0.0/9", 2)]),
        // Siblings with different values beside a gap.
        (
            &[("10.0.0.0/10", 2), ("10.64.0.0/10", 1), ("10.128.0.0/10", 2)],
            &[("10.0.0.0/9", 1), ("10.0.0.0/10", 2), ("10.128.0.0/10", 2)],
        ),
        // The gap keeps both apart, though they agree.
        (&[("10.0.0.0/10", 1), ("10.128.0.0/9", 1)], &[("10.0.0.0/10", 1), ("10.128.0.0/9", 1)]),
        (&[("0.0.0.0/1", 1), ("128.0.0.0/1", 1), ("::/0", 1)], &[("0.0.0.0/0", 1), ("::/0", 1)]),
        // Two quarters of the rest's value: the rest is written last.
        (
            &[("::/0", 1), ("::/3", 2), ("2000::/3", 3), ("4000::/3", 2)],
            &[("::/0", 1), ("::/1", 2), ("2000::/3", 3), ("6000::/3", 1)],
        ),
    ] {
        assert_eq!(written(&map(entries).minimal()), written(&map(minimal)), "{entries:?}");
    }
}

#[test]
fn a_smallest_map_ends_at_the_last_bit() {
    let hosts = map(&[("255.255.255.254/32", 1), ("255.255.255.255/32", 1), ("::1/128", 2), ("::/128", 1)]);
    let minimal = [("255.255.255.254/31", 1), ("::/127", 1), ("::1/128", 2)];
    assert_eq!(written(&hosts.minimal()), written(&map(&minimal)));
    let last = map(&[("0.0.0.0/0", 1), ("255.255.255.255/32", 2)]);
    assert_eq!(last.minimal(), last);
}
