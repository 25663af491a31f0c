//! The class of every address, against the longest prefix around it.

use proptest::prelude::*;
use sluice_ir::net::Cidr;
use sluice_ir::prefix_map::PrefixMap;

use super::{around, cidr, endpoint, endpoints6, interface, tables, wild_cidr};
use crate::abi::NO_CLASS;
use crate::image::{Image, Images, Room, Skip};
use crate::simulate::Simulator;

const CLASSES: usize = 7;

/// Images of prefixes, and the addresses about which they are wrong.
fn check(prefixes: &[(Cidr, usize)], room: &Room) -> Result<Images, TestCaseError> {
    let map: PrefixMap<usize> = prefixes.iter().copied().collect();
    let distinct: Vec<(Cidr, usize)> = map.iter().map(|(prefix, class)| (prefix, *class)).collect();
    let endpoints = [interface(&endpoint("x"), 5)];
    let images = Images::of_tables(&tables(CLASSES, &distinct), &endpoints, room).unwrap();
    let simulator = Simulator::from(&images);
    for address in prefixes.iter().flat_map(|(prefix, _)| around(*prefix)) {
        let expected = map.lookup(address).map_or(NO_CLASS, |(_, class)| *class as u32);
        prop_assert_eq!(simulator.class(address), expected, "{}", address);
    }
    Ok(images)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn nested_prefixes(prefixes in prop::collection::vec((cidr(), 0..CLASSES), 0..40)) {
        check(&prefixes, &Room::NONE)?;
    }

    #[test]
    fn any_prefixes(prefixes in prop::collection::vec((wild_cidr(), 0..CLASSES), 0..200)) {
        let room = Room { chunks4: 3, chunks6: 3, hosts6: 3, ..Room::NONE };
        check(&prefixes, &room)?;
    }
}

#[test]
fn a_family_in_one_class_takes_no_trie() {
    let everything = [("0.0.0.0/0".parse().unwrap(), 3), ("10.0.0.0/8".parse().unwrap(), 3)];
    let images = check(&everything, &Room::NONE).unwrap();
    assert_eq!((images.bytes(Image::Trie4).len(), images.bytes(Image::Trie6).len()), (8, 8));
    // A family without any prefix never gets one in place.
    let images = check(&everything[..0], &Room::LIVE).unwrap();
    assert_eq!((images.bytes(Image::Trie4).len(), images.bytes(Image::Trie6).len()), (8, 8));
}

#[test]
fn sizes_follow_from_what_there_is() {
    let prefixes = ["0.0.0.0/0", "10.1.2.3/32", "::/0", "fd00:10:244::/48", "fd00:10:244:1::5/128"];
    let prefixes: Vec<_> = (0..).zip(prefixes).map(|(class, text)| (text.parse().unwrap(), class)).collect();
    let images = check(&prefixes, &Room::NONE).unwrap();
    assert_eq!(images.bytes(Image::Trie4).len(), 4 * (65_536 + 2 * 256));
    // One slot for each of two hashes, those after them, a root, and one chunk with its header.
    assert_eq!(images.bytes(Image::Trie6).len(), 32 * 9 + 1024 + 32 + 1024);
    assert_eq!(images.size(), Image::ALL.iter().map(|image| images.bytes(*image).len()).sum::<usize>());
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let prefixes: Vec<(Cidr, usize)> =
        (0..200_u8).map(|i| (Cidr::new([10, i, i.wrapping_mul(7), 0].into(), 24).unwrap(), 1)).collect();
    assert_eq!(check(&prefixes, &Room::LIVE).unwrap(), check(&prefixes, &Room::LIVE).unwrap());
}

/// A sequence of numbers that look random.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ self.0 >> 29
    }

    fn wide(&mut self) -> u128 {
        u128::from(self.next()) << 64 | u128::from(self.next())
    }
}

/// Many addresses: hosts side by side, networks anywhere, and whatever else there is.
#[test]
fn a_large_cluster() {
    let mut numbers = Numbers(1);
    let mut prefixes: Vec<(Cidr, usize)> = vec![];
    for index in 0..10_000_u32 {
        let class = numbers.next() as usize % CLASSES;
        prefixes.push((Cidr::host(std::net::IpAddr::V4((0x0a00_0000 + index * 3).into())), class));
        let host = 0xfd00_0010_0244_u128 << 80 | u128::from(index / 100) << 64 | u128::from(index % 100);
        prefixes.push((Cidr::host(std::net::IpAddr::V6(host.into())), class));
    }
    for _ in 0..1_000 {
        let (bits, class) = (numbers.wide(), numbers.next() as usize % CLASSES);
        prefixes.extend(Cidr::new(std::net::IpAddr::V6(bits.into()), (bits % 129) as u8).map(|p| (p, class)));
        let v4 = std::net::IpAddr::V4((bits as u32).into());
        prefixes.extend(Cidr::new(v4, (bits >> 64) as u8 % 33).map(|p| (p, class)));
    }
    let images = check(&prefixes, &Room::NONE).unwrap();
    let map: PrefixMap<usize> = prefixes.iter().copied().collect();
    let simulator = Simulator::from(&images);
    for _ in 0..150_000 {
        let v4 = std::net::IpAddr::V4((numbers.next() as u32).into());
        let near = prefixes[numbers.next() as usize % prefixes.len()].0.address();
        for address in [v4, near] {
            let expected = map.lookup(address).map_or(NO_CLASS, |(_, class)| *class as u32);
            assert_eq!(simulator.class(address), expected, "{address}");
        }
    }
}

#[test]
fn hosts_side_by_side_are_in_the_trie() {
    let host = |at: u128| Cidr::host(std::net::Ipv6Addr::from_bits(0xfd00 << 112 | at).into());
    let prefixes: Vec<(Cidr, usize)> = (0..200).map(|at| (host(at), at as usize % 3)).collect();
    let images = Images::of_tables(&tables(3, &prefixes), &[], &Room::NONE).unwrap();
    assert_eq!(images.shape().trie6.hosts, None);
    let simulator = Simulator::from(&images);
    for at in 0..260 {
        let expected = if at < 200 { at as u32 % 3 } else { NO_CLASS };
        assert_eq!(simulator.class(host(at).address()), expected);
    }
    // Far from each other they would need a chunk each.
    let prefixes: Vec<(Cidr, usize)> = (0..200).map(|at| (host(at << 64), at as usize % 3)).collect();
    let images = Images::of_tables(&tables(3, &prefixes), &[], &Room::NONE).unwrap();
    assert!(images.shape().trie6.hosts.is_some());
}

#[test]
fn most_endpoints_have_a_trie_of_their_own() {
    // Networks of 64 bits in one of 48, of 120 bits in one of 104; and everything else that there is.
    let cases = [("fd00:10:244::", (64, 0), (49, 15), 120), ("fd00::", (8, 0), (113, 7), 120)];
    for (first, bits, expected, position) in cases {
        let mut prefixes = endpoints6(first, 100, 100, bits);
        for (class, prefix) in
            ["::/0", "fd00::/16", "fd00:10:244::/50", "2001:db8::/32", "fe80::/10"].into_iter().enumerate()
        {
            prefixes.push((prefix.parse().unwrap(), class));
        }
        let images = check(&prefixes, &Room::NONE).unwrap();
        let stem = images.shape().trie6.stem.clone().unwrap();
        assert_eq!((stem.length, stem.width), expected);
        assert_eq!(stem.skip, Some(Skip { position, bits: 0 }));
        assert_eq!(images.shape().trie6.hosts, None);
        assert_eq!(check(&prefixes, &Room::NONE).unwrap(), images);
        // What comes in place needs programs that do not know how addresses begin.
        assert_eq!(check(&prefixes, &Room::LIVE).unwrap().shape().trie6.stem, None);
    }
}

#[test]
fn few_prefixes_have_no_trie_of_their_own() {
    let mut prefixes = endpoints6("fd00:10:244::", 3, 2, (64, 0));
    prefixes.extend(["::/0", "2001:db8::/32"].map(|prefix| (prefix.parse().unwrap(), 6)));
    assert_eq!(check(&prefixes, &Room::NONE).unwrap().shape().trie6.stem, None);
}

#[test]
fn prefixes_that_begin_alike_change_by_other_images() {
    let prefixes = endpoints6("fd00:10:244::", 100, 100, (64, 0));
    let mut images = check(&prefixes, &Room::NONE).unwrap();
    let change = sluice_ir::decision::tables::Tables {
        prefixes: vec![("2001:db8::/32".parse().unwrap(), Some(sluice_ir::ids::ClassId::new(1)))],
        ..Default::default()
    };
    let before = images.clone();
    let refused = crate::image::Refused::Generation(crate::image::NeedsGeneration::TrieFull("IPv6"));
    assert_eq!(images.apply(&change), Err(refused));
    assert_eq!(images, before);
}
