//! Each way through the states, with times by hand; and random ways against a count of everything.

use proptest::prelude::*;

use super::*;

mod walk;

use walk::Walk;

fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

fn ip(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn at(seconds: u64) -> Moment {
    Moment::of_micros(seconds * 1_000_000)
}

fn used(addresses: &[u8]) -> BTreeSet<IpAddr> {
    addresses.iter().map(|last| ip(*last)).collect()
}

fn learned(history: &mut History, text: &str, addresses: &[u8], expires: u64) -> News {
    let addresses: Vec<IpAddr> = addresses.iter().map(|last| ip(*last)).collect();
    history.learn(&name(text), &addresses, at(0), at(expires))
}

/// Time has passed, and names are looked at two at a time.
fn expire(history: &mut History, second: u64, per_name: usize) -> usize {
    let mut expired = 0;
    loop {
        let looked = history.expire(at(second), per_name, 2);
        expired += looked.expired;
        if looked.names < 2 {
            return expired;
        }
    }
}

/// Connections were looked at, and names are one at a time. What went, as nobody used it for some seconds.
fn looked(history: &mut History, second: u64, grace: u64, in_use: &BTreeSet<IpAddr>) -> Vec<Pair> {
    let (mut gone, mut after) = (Vec::new(), None);
    loop {
        let (seen, names, last) =
            history.look(at(second), Duration::from_secs(grace), in_use, after.as_ref(), 1);
        let going = seen.into_iter().filter(|(_, goes)| *goes).map(|(it, _)| (it.name, it.address));
        gone.extend(history.let_go(&going.collect::<Vec<_>>(), Going::Leaving));
        if names == 0 {
            return gone;
        }
        after = last;
    }
}

/// Everything that is leaving beyond a bound goes.
fn evict(history: &mut History, most: usize) -> Vec<Pair> {
    let (seen, ..) = history.look(at(0), Duration::ZERO, &used(&[]), None, usize::MAX);
    history.let_go(&excess(seen.into_iter().map(|(leaving, _)| leaving).collect(), most), Going::Leaving)
}

/// A name goes, whatever state its addresses are in.
fn forget(history: &mut History, text: &str) -> Vec<Pair> {
    let meant = history.names().filter(|(it, _)| **it == name(text));
    let pairs: Vec<Pair> =
        meant.flat_map(|(name, of)| of.keys().map(|address| (name.clone(), *address))).collect();
    history.remove(&pairs);
    pairs
}

#[test]
fn of_two_answers_that_which_holds_longer_counts() {
    let mut history = History::default();
    assert_eq!(learned(&mut history, "a.io", &[1, 2], 60).added, [ip(1), ip(2)]);
    assert_eq!(learned(&mut history, "a.io", &[2, 3], 30).added, [ip(3)]);
    assert_eq!(expire(&mut history, 30, 1_000), 1, "the third alone");
    assert_eq!(expire(&mut history, 60, 1_000), 2);
}

#[test]
fn only_what_moves_far_is_written_down_again() {
    let mut history = History::default();
    assert!(learned(&mut history, "a.io", &[1], 60).worth_keeping);
    assert!(!learned(&mut history, "a.io", &[1], 64).worth_keeping);
    assert!(learned(&mut history, "a.io", &[1], 65).worth_keeping);
    assert!(!learned(&mut history, "a.io", &[1], 10).worth_keeping);
}

#[test]
fn an_expired_address_goes_when_connections_were_looked_at_twice() {
    let mut history = History::default();
    learned(&mut history, "a.io", &[1], 60);
    assert_eq!(looked(&mut history, 59, 0, &used(&[])), [], "it is current");
    assert_eq!(expire(&mut history, 60, 1_000), 1);
    assert_eq!(looked(&mut history, 61, 0, &used(&[])), []);
    assert_eq!(looked(&mut history, 62, 0, &used(&[])), [(name("a.io"), ip(1))]);
    assert_eq!(history, History { per_name: 1_000, ..History::default() });
}

#[test]
fn a_connection_in_use_keeps_all_addresses_of_its_name() {
    let mut history = History::default();
    learned(&mut history, "a.io", &[1, 2], 60);
    learned(&mut history, "b.io", &[3], 60);
    expire(&mut history, 60, 1_000);
    for second in 61..80 {
        let gone = looked(&mut history, second, 0, &used(&[2]));
        assert_eq!(gone.len(), usize::from(second == 62), "b.io goes");
    }
    assert_eq!(looked(&mut history, 80, 0, &used(&[])).len(), 2);
}

#[test]
fn a_grace_is_waited_for() {
    let mut history = History::default();
    learned(&mut history, "a.io", &[1], 60);
    expire(&mut history, 60, 1_000);
    for second in 61..=70 {
        assert_eq!(looked(&mut history, second, 10, &used(&[])), []);
    }
    assert_eq!(looked(&mut history, 71, 10, &used(&[])).len(), 1);
}

#[test]
fn what_is_learned_again_is_current_again() {
    let mut history = History::default();
    learned(&mut history, "a.io", &[1], 60);
    expire(&mut history, 60, 1_000);
    looked(&mut history, 61, 0, &used(&[]));
    let news = learned(&mut history, "a.io", &[1], 120);
    assert_eq!((news.added.len(), news.worth_keeping, history.leaving()), (0, true, 0));
    expire(&mut history, 120, 1_000);
    assert_eq!(looked(&mut history, 121, 0, &used(&[])), [], "counting begins anew");
}

#[test]
fn of_too_many_addresses_those_that_hold_shortest_leave() {
    let mut history = History::default();
    for last in 1..=5 {
        learned(&mut history, "a.io", &[last], 60 + u64::from(last));
    }
    assert_eq!(expire(&mut history, 1, 3), 2);
    looked(&mut history, 2, 0, &used(&[]));
    let gone = looked(&mut history, 3, 0, &used(&[]));
    assert_eq!(gone, [(name("a.io"), ip(1)), (name("a.io"), ip(2))]);
}

#[test]
fn what_is_in_use_is_evicted_last() {
    let mut history = History::default();
    learned(&mut history, "old.io", &[1], 10);
    learned(&mut history, "used.io", &[2], 10);
    expire(&mut history, 10, 1_000);
    learned(&mut history, "young.io", &[3], 20);
    learned(&mut history, "shared.io", &[4], 20);
    learned(&mut history, "shared-too.io", &[4], 20);
    expire(&mut history, 20, 1_000);
    looked(&mut history, 21, 60, &used(&[2]));
    let mut order = Vec::new();
    for most in (0..5).rev() {
        order.extend(evict(&mut history, most).into_iter().map(|(_, address)| address));
    }
    assert_eq!(order, [ip(1), ip(3), ip(4), ip(4), ip(2)]);
}

#[test]
fn room_is_made_by_what_leaves_and_then_by_what_holds_shortest() {
    let mut history = History::default();
    learned(&mut history, "a.io", &[1], 10);
    expire(&mut history, 10, 1_000);
    learned(&mut history, "b.io", &[2], 90);
    learned(&mut history, "c.io", &[3], 60);
    let gone: Vec<IpAddr> = history.make_room(2).into_iter().map(|(_, address)| address).collect();
    assert_eq!(gone, [ip(1), ip(3)]);
    assert_eq!((history.addresses(), history.leaving(), history.len()), (1, 0, 1));
}

#[test]
fn only_what_is_due_is_looked_at() {
    let mut history = History::default();
    for number in 0..1_000 {
        learned(&mut history, &format!("n{number}.io"), &[1, 2], 60 + number);
    }
    let mut looked = |second| history.expire(at(second), 2, usize::MAX);
    assert_eq!(looked(1), Looked { names: 1_000, expired: 0 }, "nobody knows yet how many may be too many");
    assert_eq!(looked(59), Looked::default());
    assert_eq!(looked(60), Looked { names: 1, expired: 2 });
    assert_eq!(looked(60), Looked::default());
    learned(&mut history, "n500.io", &[1], 2_000);
    learned(&mut history, "n600.io", &[3], 2_000);
    let mut looked = |second| history.expire(at(second), 2, usize::MAX);
    assert_eq!(looked(61), Looked { names: 2, expired: 3 }, "n1 is over, and n600 has too many");
    assert_eq!(looked(560), Looked { names: 499, expired: 997 }, "of n500 one was answered again");
    assert_eq!(looked(560), Looked::default());
    assert_eq!((history.addresses(), history.leaving()), (2_001, 2 + 3 + 997));
}

#[derive(Clone, Debug)]
enum Step {
    Learn(u8, Vec<u8>, u64),
    Expire(usize),
    Look(Vec<u8>),
    Evict(usize),
    Room(usize),
    Forget(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let addresses = || prop::collection::vec(0..6_u8, 0..4);
    let step = prop_oneof![
        (0..3_u8, addresses(), 1..50_u64)
            .prop_map(|(name, addresses, ttl)| Step::Learn(name, addresses, ttl)),
        (0..4_usize).prop_map(Step::Expire),
        addresses().prop_map(Step::Look),
        (0..4_usize).prop_map(Step::Evict),
        (0..4_usize).prop_map(Step::Room),
        (0..3_u8).prop_map(Step::Forget),
    ];
    prop::collection::vec(step, 0..40)
}

proptest! {
    /// Whoever walks over everything each time has the same, whatever the queue passes over.
    #[test]
    fn a_walk_over_everything_finds_the_same(steps in steps()) {
        let (mut history, mut walk) = (History::default(), Walk::default());
        for (second, step) in (0..).step_by(7).zip(steps) {
            let gone = match step {
                Step::Learn(of, addresses, ttl) => {
                    let name = name(&format!("n{of}.io"));
                    let addresses: Vec<IpAddr> = addresses.into_iter().map(ip).collect();
                    history.learn(&name, &addresses, at(second), at(second + ttl));
                    walk.learn(&name, &addresses, at(second), at(second + ttl));
                    continue;
                }
                Step::Expire(most) => {
                    prop_assert_eq!(expire(&mut history, second, most), walk.expire(at(second), most));
                    Vec::new()
                }
                Step::Look(in_use) => {
                    let gone = looked(&mut history, second, 5, &used(&in_use));
                    let of_walk = walk.looked(at(second), Duration::from_secs(5), &used(&in_use));
                    prop_assert_eq!(&gone, &of_walk);
                    gone
                }
                Step::Evict(most) => evict(&mut history, most),
                Step::Room(number) => history.make_room(number),
                Step::Forget(of) => forget(&mut history, &format!("n{of}.io")),
            };
            walk.remove(&gone);
            prop_assert_eq!(history.names().map(|(name, of)| (name.clone(), of.clone())).collect::<BTreeMap<_, _>>(), walk.0.clone());
        }
    }

    /// Counts are those of the entries; what went is what is missing; what is in use never goes by looking.
    #[test]
    fn the_books_are_right(steps in steps()) {
        let mut history = History::default();
        let mut known: BTreeSet<Pair> = BTreeSet::new();
        for (second, step) in (0..).step_by(7).zip(steps) {
            let gone = match step {
                Step::Learn(of, addresses, ttl) => {
                    let name = name(&format!("n{of}.io"));
                    let addresses: Vec<IpAddr> = addresses.into_iter().map(ip).collect();
                    let news = history.learn(&name, &addresses, at(second), at(second + ttl));
                    for address in news.added {
                        prop_assert!(known.insert((name.clone(), address)));
                    }
                    Vec::new()
                }
                Step::Expire(most) => {
                    expire(&mut history, second, most);
                    Vec::new()
                }
                Step::Look(in_use) => {
                    let gone = looked(&mut history, second, 0, &used(&in_use));
                    prop_assert!(gone.iter().all(|(_, address)| !used(&in_use).contains(address)));
                    gone
                }
                Step::Evict(most) => evict(&mut history, most),
                Step::Room(number) => history.make_room(number),
                Step::Forget(of) => forget(&mut history, &format!("n{of}.io")),
            };
            for pair in gone {
                prop_assert!(known.remove(&pair));
            }
            let entries: Vec<(Pair, State)> = history
                .names()
                .flat_map(|(name, of)| of.iter().map(|(address, state)| ((name.clone(), *address), *state)))
                .collect();
            prop_assert_eq!(entries.iter().map(|(pair, _)| pair.clone()).collect::<BTreeSet<_>>(), known.clone());
            prop_assert_eq!(history.addresses(), known.len());
            let leaving = entries.iter().filter(|(_, state)| matches!(state, State::Leaving { .. })).count();
            prop_assert_eq!(history.leaving(), leaving);
        }
    }
}
