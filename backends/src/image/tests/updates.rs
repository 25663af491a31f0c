//! Changes of images in use.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sluice_ir::decision::tables::Tables;
use sluice_ir::decision::{Outcome, PortClasses, Row};
use sluice_ir::ids::{ClassId, RowId, VerdictId};
use sluice_ir::net::Cidr;
use sluice_ir::policy::eval::Verdict;
use sluice_ir::policy::{Direction, Proxy};
use sluice_ir::prefix_map::PrefixMap;

use super::late::Late;
use super::{around, cell, cidr, endpoint, interface, outcome, tables, wild_cidr};
use crate::abi::NO_CLASS;
use crate::image::{Image, Images, NeedsGeneration, Refused, Room, Write};
use crate::simulate::Simulator;

const CLASSES: usize = 5;

type Change = Vec<(Cidr, Option<usize>)>;

/// The images as a reader has them, who only sees stores.
struct Replica([Vec<u8>; 7]);

impl Replica {
    fn of(images: &Images) -> Replica {
        Replica(Image::ALL.map(|image| images.bytes(image).to_vec()))
    }

    fn simulator<'a>(&'a self, images: &'a Images) -> Simulator<'a> {
        Simulator::new(images.shape(), std::array::from_fn(|at| self.0[at].as_slice()))
    }

    fn store(&mut self, write: &Write, part: std::ops::Range<usize>) {
        let Write { image, offset, bytes } = write;
        self.0[*image as usize][offset + part.start..offset + part.end].copy_from_slice(&bytes[part]);
    }
}

fn class(map: &PrefixMap<usize>, address: std::net::IpAddr) -> u32 {
    map.lookup(address).map_or(NO_CLASS, |(_, class)| *class as u32)
}

fn build(map: &PrefixMap<usize>, room: &Room) -> Images {
    let prefixes: Vec<_> = map.iter().map(|(prefix, class)| (prefix, *class)).collect();
    Images::of_tables(&tables(CLASSES, &prefixes), &[interface(&endpoint("x"), 5)], room).unwrap()
}

fn delta(change: &Change) -> Tables {
    let prefixes = change.iter().map(|(prefix, class)| (*prefix, class.map(ClassId::new)));
    Tables { prefixes: prefixes.collect(), ..Tables::default() }
}

/// Applies changes, looks at all addresses that matter between any two stores, and compares the end with images
/// built anew. Where a change is refused, nothing may have changed.
fn follow(start: &[(Cidr, usize)], changes: &[Change], room: &Room) -> Result<(), TestCaseError> {
    let mut map: PrefixMap<usize> = start.iter().copied().collect();
    let mut images = build(&map, room);
    let mut replica = Replica::of(&images);
    let all =
        start.iter().map(|(prefix, _)| *prefix).chain(changes.iter().flatten().map(|(prefix, _)| *prefix));
    let addresses: Vec<_> = all.flat_map(around).collect();
    for change in changes {
        let before = images.clone();
        let mut next = map.clone();
        for (prefix, class) in change {
            match class {
                Some(class) => next.insert(*prefix, *class),
                None => next.remove(*prefix),
            };
        }
        let mut applied = images.apply(&delta(change));
        if applied == Err(Refused::Settling) {
            prop_assert_eq!(&images, &before);
            images.settle();
            applied = images.apply(&delta(change));
        }
        let Ok(writes) = applied else {
            prop_assert!(matches!(applied, Err(Refused::Generation(_))));
            images = build(&next, room);
            replica = Replica::of(&images);
            map = next;
            continue;
        };
        for write in &writes {
            prop_assert!(write.offset % 4 == 0 && write.bytes.len() % 4 == 0);
            let middle = write.bytes.len() / 8 * 4;
            for part in [0..middle, middle..write.bytes.len()] {
                replica.store(write, part);
                let simulator = replica.simulator(&images);
                for address in addresses.iter().step_by(3) {
                    let found = simulator.class(*address);
                    let expected = [class(&map, *address), class(&next, *address)];
                    prop_assert!(expected.contains(&found), "{}: {} not in {:?}", address, found, expected);
                }
            }
        }
        let start = Replica::of(&before);
        let late = Late { shape: images.shape(), before: &start.0, after: &replica.0 };
        let networks = addresses.iter().filter(|address| {
            let is_host = |map: &PrefixMap<usize>| map.get(Cidr::host(**address)).is_some();
            address.is_ipv4() || !is_host(&map) && !is_host(&next)
        });
        for address in networks.step_by(7) {
            for found in (1..6).filter_map(|early| late.class(*address, early)) {
                let expected = [class(&map, *address), class(&next, *address)];
                prop_assert!(expected.contains(&found), "{}: {} not in {:?}", address, found, expected);
            }
        }
        map = next;
        prop_assert_eq!(&replica.0, &Replica::of(&images).0);
        for address in &addresses {
            prop_assert_eq!(Simulator::from(&images).class(*address), class(&map, *address), "{}", address);
        }
    }
    Ok(())
}

fn changes(cidr: impl Strategy<Value = Cidr> + Clone) -> impl Strategy<Value = Vec<Change>> {
    let one = (cidr, prop::option::weighted(0.6, 0..CLASSES));
    let change = prop::collection::vec(one, 1..5).prop_map(|change| {
        let distinct: PrefixMap<Option<usize>> = change.into_iter().collect();
        distinct.iter().map(|(prefix, class)| (prefix, *class)).collect()
    });
    prop::collection::vec(change, 1..12)
}

const ROOM: Room = Room { chunks4: 12, chunks6: 12, hosts6: 8, ..Room::LIVE };

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn nested_prefixes(
        start in prop::collection::vec((cidr().boxed(), 0..CLASSES), 1..20),
        changes in changes(cidr().boxed()),
    ) {
        follow(&start, &changes, &ROOM)?;
    }

    #[test]
    fn prefixes_that_come_and_go(
        pool in prop::collection::vec(wild_cidr(), 4),
        start in prop::collection::vec((wild_cidr(), 0..CLASSES), 1..10),
        which in prop::collection::vec((0..4_usize, prop::option::of(0..CLASSES)), 1..30),
    ) {
        let changes: Vec<Change> = which.into_iter().map(|(at, class)| vec![(pool[at], class)]).collect();
        follow(&start, &changes, &ROOM)?;
    }
}

fn live() -> Images {
    let prefixes = [("0.0.0.0/0".parse().unwrap(), 0), ("::/0".parse().unwrap(), 0)];
    build(&prefixes.into_iter().collect(), &Room { chunks4: 2, chunks6: 1, hosts6: 1, ..Room::LIVE })
}

/// What an answer of DNS makes: a verdict, a row, a class, a prefix.
fn answer(class: usize, prefix: &str) -> Tables {
    let mut news = delta(&vec![(prefix.parse().unwrap(), Some(class))]);
    news.cells = Direction::BOTH.map(|direction| cell(direction, class)).to_vec();
    news
}

#[test]
fn a_class_comes_with_its_verdict_and_row() {
    let mut images = live();
    let mut news = answer(CLASSES, "1.2.3.4/32");
    news.verdicts = vec![(VerdictId::new(2), outcome(Verdict::Redirect))];
    news.rows.egress = vec![(RowId::new(2), Row(Box::new([VerdictId::new(2)])))];
    news.cells[1].rows[0].1 = RowId::new(2);
    let writes = images.apply(&news).unwrap();
    let order: Vec<Image> = writes.iter().map(|write| write.image).collect();
    let trie = [Image::Trie4, Image::Trie4, Image::Trie4];
    assert_eq!(order[..4], [Image::Verdicts, Image::Cells, Image::Tables, Image::Tables]);
    assert_eq!(order[4..], trie);
    // Leaf, chunk, root.
    assert!(writes[6].offset < 65_536 * 4 && writes[6].bytes.len() == 4);
    let simulator = Simulator::from(&images);
    let table = images.tables_of(&endpoint("x")).unwrap().egress;
    let class = simulator.class([1, 2, 3, 4].into());
    let verdict = simulator.verdict(Direction::Egress, table, class, sluice_ir::net::Protocol::TCP, 80);
    assert_eq!((class, verdict, simulator.record(verdict).action), (CLASSES as u32, 2, 2));
    assert_eq!(simulator.record(verdict).proxy, 0);
}

#[test]
fn a_program_without_a_proxy_gets_no_verdict_that_needs_one() {
    let mut images = live();
    let mut news = answer(CLASSES, "1.2.3.4/32");
    let dns = Outcome { proxy: Some(Proxy::Dns), ..outcome(Verdict::Redirect) };
    news.verdicts = vec![(VerdictId::new(2), dns)];
    assert_eq!(images.apply(&news), Err(NeedsGeneration::Proxy.into()));
    assert!(!images.shape().dns_proxy);
}

#[test]
fn what_is_gone_comes_again_after_a_grace_period() {
    let mut images = live();
    images.apply(&answer(CLASSES, "1.2.3.4/32")).unwrap();
    let gone =
        Tables { gone: vec![ClassId::new(CLASSES)], ..delta(&vec![("1.2.3.4/32".parse().unwrap(), None)]) };
    assert!(!images.is_settling());
    images.apply(&gone).unwrap();
    assert!(images.is_settling());
    // Another row, so the cells would be others.
    let mut again = answer(CLASSES, "1.2.3.4/32");
    again.cells.iter_mut().for_each(|cells| cells.rows[0].1 = RowId::new(1));
    let before = images.clone();
    assert_eq!(images.apply(&again), Err(Refused::Settling));
    // The chunks wait likewise, though the row is that of before.
    assert_eq!(images.apply(&answer(CLASSES, "1.2.3.4/32")), Err(Refused::Settling));
    assert_eq!(images, before);
    images.settle();
    images.apply(&again).unwrap();
    assert_eq!(Simulator::from(&images).class([1, 2, 3, 4].into()), CLASSES as u32);
}

/// What is told to be short takes in some thousand answers more, each far from all others; and 20,000 of them take larger
/// images three times.
#[test]
fn room_for_many_is_left_when_it_is_short() {
    let prefixes = [("0.0.0.0/0".parse().unwrap(), 0), ("10.0.0.1/32".parse().unwrap(), 0)];
    let mut known: PrefixMap<usize> = prefixes.into_iter().collect();
    let mut images = build(&known, &Room::LIVE);
    let (mut sizes, mut meanwhile) = (vec![images.size()], 0);
    for number in 0..20_000_u32 {
        let far = std::net::Ipv4Addr::from_bits(number.wrapping_mul(0x9e37_79b1));
        let host = Cidr::host(far.into());
        let applied = images.apply(&delta(&vec![(host, Some(1))]));
        assert!(applied.is_ok(), "answer {number}, {meanwhile} since it is short: {applied:?}");
        known.insert(host, 1);
        meanwhile += usize::from(images.is_short_of_room());
        if meanwhile == 2_000 {
            images = build(&known, &images.ample(&Room::LIVE));
            sizes.push(images.size());
            meanwhile = 0;
        }
    }
    assert!(sizes.windows(2).all(|pair| pair[1] > pair[0] * 3 / 2), "{sizes:?}");
    assert_eq!(sizes.len(), 4, "{sizes:?}");
}

/// Whoever makes larger images when he is told to is never refused.
#[test]
fn room_is_short_before_it_runs_out() {
    let prefixes = [("0.0.0.0/0".parse().unwrap(), 0), ("::/0".parse().unwrap(), 0)];
    let least = Room { chunks4: 16, hosts6: 16, ..Room::LIVE };
    let mut known: PrefixMap<usize> = prefixes.into_iter().collect();
    let mut images = build(&known, &least);
    let mut grown = 0;
    for number in 0..400_u32 {
        // Far from each other, in both families.
        let far = u128::from(number.wrapping_mul(0x9e37_79b1));
        let four = Cidr::host(std::net::Ipv4Addr::from_bits(far as u32).into());
        let six = Cidr::host(std::net::Ipv6Addr::from_bits(0x2001 << 112 | far << 32 | far).into());
        for prefix in [four, six] {
            images.apply(&delta(&vec![(prefix, Some(1))])).unwrap();
            known.insert(prefix, 1);
        }
        if images.is_short_of_room() {
            let room = images.ample(&least);
            images = build(&known, &room);
            assert!(!images.is_short_of_room(), "{room:?}");
            grown += 1;
        }
    }
    assert!((3..12).contains(&grown), "{grown}: it doubles, and not each time");
}

#[test]
fn what_cannot_be_done_in_place_says_why() {
    let mut images = live();
    let before = images.clone();
    let mut refused = |tables: Tables| match images.apply(&tables) {
        Err(Refused::Generation(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let mut news = Tables::default();
    news.ports.egress = Some((PortClasses::default(), Vec::new()));
    assert_eq!(refused(news), NeedsGeneration::Ports(Direction::Egress));

    let many = |count: usize| (2..count + 2).map(|at| (VerdictId::new(at), outcome(Verdict::Deny)));
    let news = Tables { verdicts: many(2_047).collect(), ..Tables::default() };
    assert_eq!(refused(news), NeedsGeneration::VerdictsFull);

    let mut news = Tables::default();
    let row = Row(Box::new([VerdictId::new(0)]));
    news.rows.ingress = (2..2_051).map(|at| (RowId::new(at), row.clone())).collect();
    assert_eq!(refused(news), NeedsGeneration::RowsFull(Direction::Ingress));

    assert_eq!(refused(answer(3_000, "1.2.3.4/32")), NeedsGeneration::ClassesFull);

    let mut news = answer(1, "1.2.3.4/32");
    news.cells[0].rows[0].1 = RowId::new(1);
    assert_eq!(refused(news), NeedsGeneration::Cell(endpoint("x"), ClassId::new(1)));

    let news = Tables { entities: vec![("host".into(), ClassId::new(1))], ..Tables::default() };
    assert_eq!(refused(news), NeedsGeneration::HostClass);

    let mut news = answer(CLASSES, "1.2.3.4/32");
    news.cells[0].endpoint = endpoint("y");
    assert_eq!(refused(news), NeedsGeneration::Endpoint(endpoint("y")));

    let far = [("1.2.3.4/32", Some(1)), ("5.6.7.8/32", Some(1))];
    let far = far.map(|(prefix, class)| (prefix.parse().unwrap(), class));
    assert_eq!(refused(delta(&far.to_vec())), NeedsGeneration::TrieFull("IPv4"));

    let hosts: Change =
        (0..99_u128).map(|at| (Cidr::host(std::net::IpAddr::V6(at.into())), Some(1))).collect();
    assert_eq!(refused(delta(&hosts)), NeedsGeneration::HostsFull);
    assert_eq!(images, before);
}

#[test]
fn an_endpoint_that_is_open_is_not_closed_in_place() {
    let open = tables(1, &[("0.0.0.0/0".parse().unwrap(), 0)]);
    let mut images = Images::of_tables(&open, &[interface(&endpoint("x"), 5)], &Room::LIVE).unwrap();
    let refused = images.apply(&answer(1, "1.2.3.4/32")).unwrap_err();
    assert_eq!(refused, NeedsGeneration::Enforcement(endpoint("x"), Direction::Ingress).into());
    assert!(images.apply(&answer(2, "1.2.3.4/32")).is_ok());
}

#[test]
fn a_proxy_that_does_not_listen_has_no_port() {
    let images = live();
    let verdicts: BTreeMap<u32, u8> =
        (0..2).map(|at| (at, Simulator::from(&images).record(at).action)).collect();
    assert_eq!(verdicts, BTreeMap::from([(0, 0), (1, 1)]));
    assert_eq!(Simulator::from(&images).record(2).reason, crate::abi::Reason::NoConfiguration as u8);
}
