//! What the node must enforce, step by step; and random steps against a plain set.

use proptest::prelude::*;

use super::*;

fn name(text: &str) -> DnsName {
    DnsName::parse(text).unwrap()
}

fn ip(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn at(seconds: u64) -> Moment {
    Moment::of_micros(seconds * 1_000_000)
}

fn learn(cache: &mut Cache, endpoint: &str, of: &str, addresses: &[u8], second: u64, ttl: u64) -> Followed {
    waits(cache, endpoint, of, addresses, second, ttl).0
}

/// An answer is learned, and waits for a batch.
fn waits(
    cache: &mut Cache,
    endpoint: &str,
    of: &str,
    addresses: &[u8],
    second: u64,
    ttl: u64,
) -> (Followed, Option<u64>) {
    let addresses: Vec<IpAddr> = addresses.iter().map(|last| ip(*last)).collect();
    let (endpoint, name) = (endpoint.into(), name(of));
    let ttl = Duration::from_secs(ttl);
    let lookup =
        Lookup { endpoint: &endpoint, asker: None, name: &name, addresses: &addresses, ttl, at: at(second) };
    (cache.learn(lookup), cache.batch_of(lookup))
}

fn shown(changes: &[Change]) -> Vec<String> {
    let show = |change: &Change| match change {
        Change::DnsAnswer(name, address) => format!("+{name} {address}"),
        Change::DnsExpiry(name, address) => format!("-{name} {address}"),
        other => format!("{other:?}"),
    };
    changes.iter().map(show).collect()
}

/// Connections were looked at, and nobody has any; names are one at a time.
fn looked(cache: &mut Cache, second: u64) -> Vec<Change> {
    let (mut changes, mut after) = (Vec::new(), None);
    loop {
        let options = DnsOptions::default();
        let (seen, last) = cache.look(at(second), &options, &BTreeMap::new(), after.as_ref(), 1);
        let going = seen.into_iter().filter(|(.., goes)| *goes);
        let going: Vec<_> = going.map(|(endpoint, it, _)| (endpoint, (it.name, it.address))).collect();
        changes.extend(cache.let_go(&going, Going::Leaving).changes);
        if last.is_none() {
            return changes;
        }
        after = last;
    }
}

fn idle(cache: &mut Cache, second: u64) -> Vec<String> {
    cache.expire(at(second), &DnsOptions::default(), usize::MAX);
    shown(&[looked(cache, second + 1), looked(cache, second + 2)].concat())
}

/// Names go, of one endpoint or of all; they are looked for one at a time.
fn forget(cache: &mut Cache, of: Option<&str>, is_meant: impl Fn(&DnsName) -> bool) -> Followed {
    let meant = |endpoint: &Endpoint, name: &DnsName| of.is_none_or(|of| of == &**endpoint) && is_meant(name);
    let (mut going, mut after) = (Vec::new(), None);
    loop {
        let (more, last) = cache.held(meant, after.as_ref(), 1);
        going.extend(more);
        if last.is_none() {
            return cache.let_go(&going, Going::KnownAt(cache.latest()));
        }
        after = last;
    }
}

/// Every record, one name at a time.
fn all(cache: &Cache) -> Vec<Record> {
    let (mut records, mut after) = (Vec::new(), None);
    loop {
        let (more, last) = cache.records(after.as_ref(), 1);
        records.extend(more);
        let Some(last) = last else { return records };
        after = Some(last);
    }
}

#[test]
fn an_address_is_enforced_as_long_as_one_endpoint_has_it() {
    let mut cache = Cache::default();
    assert_eq!(shown(&learn(&mut cache, "shop/web", "a.io", &[1], 0, 60).changes), ["+a.io 192.0.2.1"]);
    assert_eq!(shown(&learn(&mut cache, "shop/cart", "a.io", &[1], 0, 90).changes), [] as [&str; 0]);
    assert_eq!(idle(&mut cache, 60), [] as [&str; 0]);
    assert_eq!(idle(&mut cache, 90), ["-a.io 192.0.2.1"]);
    assert_eq!(cache.size(), Size::default());
}

#[test]
fn an_answer_waits_for_the_batch_that_brought_its_addresses() {
    let mut cache = Cache::default();
    assert_eq!(waits(&mut cache, "shop/web", "a.io", &[1], 0, 60).1, Some(1));
    assert_eq!(waits(&mut cache, "shop/web", "b.io", &[2], 0, 60).1, Some(2));
    let again = waits(&mut cache, "shop/cart", "a.io", &[1], 0, 60);
    assert_eq!((again.1, cache.batch()), (Some(1), 2), "it may not be in force yet");
    assert_eq!(waits(&mut cache, "shop/cart", "a.io", &[], 0, 60).1, Some(0));
}

#[test]
fn what_cannot_be_enforced_is_learned_anew() {
    let mut cache = Cache::default();
    let first = learn(&mut cache, "shop/web", "a.io", &[1], 0, 60);
    let back = cache.take_back(&first.changes);
    assert_eq!(shown(&back.changes), ["-a.io 192.0.2.1"]);
    assert_eq!(shown(&learn(&mut cache, "shop/web", "a.io", &[1], 0, 60).changes), ["+a.io 192.0.2.1"]);
}

#[test]
fn names_are_forgotten_by_whoever_is_named() {
    let mut cache = Cache::default();
    for endpoint in ["shop/web", "shop/cart"] {
        learn(&mut cache, endpoint, "a.io", &[1], 0, 60);
        learn(&mut cache, endpoint, "b.io", &[2], 0, 60);
    }
    let meant = |it: &DnsName| *it == name("a.io");
    assert_eq!(shown(&forget(&mut cache, Some("shop/web"), meant).changes), [] as [&str; 0]);
    assert_eq!(shown(&forget(&mut cache, None, meant).changes), ["-a.io 192.0.2.1"]);
    assert_eq!(shown(&forget(&mut cache, None, |_| true).changes), ["-b.io 192.0.2.2"]);
}

#[test]
fn what_was_written_down_comes_back() {
    let mut cache = Cache::default();
    let mut written = Vec::new();
    for (endpoint, of, addresses) in [
        ("shop/web", "a.io", &[1, 2][..]),
        ("shop/web", "b.io", &[3]),
        ("shop/cart", "a.io", &[2]),
        ("shop/web", "a.io", &[4]),
    ] {
        written.extend(learn(&mut cache, endpoint, of, addresses, 0, 60).records);
    }
    written.extend(forget(&mut cache, Some("shop/web"), |it| *it == name("b.io")).records);
    cache.expire(at(60), &DnsOptions::default(), usize::MAX);
    for records in [written, all(&cache)] {
        let mut restored = Cache::default();
        restored.restore(records);
        assert_eq!(restored.answers(Scope::Node), cache.answers(Scope::Node));
        assert_eq!((restored.size().addresses, restored.batch()), (4, 0));
        let (again, batch) = waits(&mut restored, "shop/web", "a.io", &[1], 70, 60);
        assert_eq!((again.changes.len(), batch), (0, Some(0)), "it is in force");
    }
}

fn pod(uid: Option<&str>, addresses: &[u8]) -> Vec<(Endpoint, Pod)> {
    let addresses = addresses.iter().map(|last| ip(*last)).collect();
    vec![("shop/web".into(), Pod { uid: uid.map(Arc::from), addresses })]
}

#[test]
fn a_pod_that_is_made_again_begins_with_nothing() {
    // Before, now, and whether that is another pod.
    for (before, now, is_another) in [
        (pod(Some("1"), &[100]), pod(Some("1"), &[100]), false),
        (pod(Some("1"), &[100]), pod(Some("2"), &[100]), true),
        (pod(Some("1"), &[100]), pod(Some("1"), &[101]), true),
        (pod(None, &[100]), pod(None, &[101]), true),
        (pod(None, &[100]), pod(Some("1"), &[100, 101]), false),
        (pod(Some("1"), &[]), pod(Some("1"), &[100]), false),
        (pod(Some("1"), &[100]), pod(None, &[]), false),
    ] {
        for scope in [Scope::Node, Scope::Pod] {
            let mut cache = Cache::default();
            cache.count_for(scope);
            let mut written = cache.meet(before.clone()).records;
            written.extend(learn(&mut cache, "shop/web", "a.io", &[1, 2], 0, 60).records);
            written.extend(learn(&mut cache, "shop/cart", "a.io", &[2], 0, 60).records);
            // The next agent knows who it was.
            let mut restored = Cache::default();
            restored.count_for(scope);
            restored.restore(if is_another { written } else { all(&cache) });
            for cache in [&mut cache, &mut restored] {
                let gone = shown(&cache.meet(now.clone()).changes);
                match (is_another, scope) {
                    (false, _) => assert_eq!(gone, [] as [&str; 0], "{before:?} {now:?}"),
                    (true, Scope::Node) => assert_eq!(gone, ["-a.io 192.0.2.1"], "{before:?} {now:?}"),
                    (true, Scope::Pod) => assert_eq!(
                        gone,
                        ["-a.io for shop/web 192.0.2.1", "-a.io for shop/web 192.0.2.2"],
                        "{before:?} {now:?}"
                    ),
                }
                assert_eq!(cache.size().addresses, if is_another { 1 } else { 3 });
                assert!(cache.meet(now.clone()).records.is_empty(), "that is known now");
            }
        }
    }
}

#[test]
fn each_pod_has_a_number_of_its_own_while_it_is_there() {
    let mut cache = Cache::default();
    let there = |cache: &Cache| cache.incarnation("shop/web", ip(100));
    cache.restore([Record::Pod { endpoint: "shop/web".into(), pod: pod(Some("1"), &[100])[0].1.clone() }]);
    assert_eq!(there(&cache), None, "nobody has met it yet");
    let mut seen = Vec::new();
    for (now, is_new) in [
        (pod(Some("1"), &[100]), true),
        (pod(Some("1"), &[100, 101]), false),
        (pod(None, &[]), false),
        (pod(Some("2"), &[100]), true),
        // It was away.
        (Vec::new(), true),
        (pod(Some("2"), &[100]), true),
    ] {
        learn(&mut cache, "shop/web", "a.io", &[1], 0, 60);
        cache.meet(now.clone());
        let number = there(&cache);
        assert_eq!(number.is_none(), now.is_empty(), "{now:?}");
        assert_eq!(seen.last() != Some(&number), is_new, "{now:?}");
        assert!(!is_new || !seen.contains(&number));
        for before in seen.iter().copied().flatten() {
            assert_eq!(cache.is_there("shop/web", before), Some(before) == number);
        }
        seen.push(number);
    }
    assert_eq!(cache.incarnation("shop/web", ip(101)), None, "that is another one's");
}

#[test]
fn who_is_gone_and_knows_nothing_is_nobody() {
    let mut cache = Cache::default();
    let mut written = cache.meet(pod(Some("1"), &[100])).records;
    learn(&mut cache, "shop/cart", "a.io", &[], 0, 60);
    written.extend(learn(&mut cache, "shop/web", "a.io", &[1], 0, 60).records);
    cache.meet(Vec::new());
    assert_eq!(cache.endpoints().count(), 1, "there is nothing in an answer without addresses");
    written.extend(forget(&mut cache, None, |_| true).records);
    assert_eq!((cache.endpoints().count(), all(&cache)), (0, Vec::new()));
    let mut restored = Cache::default();
    restored.restore(written);
    assert_eq!((restored.endpoints().count(), restored.size()), (0, Size::default()));
    restored.meet(Vec::new());
    assert_eq!(all(&restored), Vec::new());
}

#[test]
fn one_endpoint_cannot_fill_everything() {
    let mut cache = Cache::default();
    learn(&mut cache, "shop/web", "kept.io", &[1], 0, 60);
    let endpoint: Endpoint = "shop/flood".into();
    for block in 0..11_u32 {
        let addresses: Vec<IpAddr> = (0..10_000)
            .map(|last| IpAddr::from((0x0a00_0000 + block * 10_000 + last).to_be_bytes()))
            .collect();
        let (name, ttl) = (name(&format!("n{block}.io")), Duration::from_secs(u64::from(60 + block)));
        cache.learn(Lookup {
            endpoint: &endpoint,
            asker: None,
            name: &name,
            addresses: &addresses,
            ttl,
            at: at(0),
        });
    }
    let size = cache.size();
    assert!(size.addresses <= MOST_OF_ENDPOINT + 1, "{size:?}");
    assert!(cache.answers(Scope::Node).0.contains_key(&name("kept.io").into()));
    assert!(
        !cache.answers(Scope::Node).0.contains_key(&name("n0.io").into()),
        "what holds the shortest goes"
    );
}

#[test]
fn by_option_each_endpoint_has_what_it_learned_itself() {
    let mut cache = Cache::default();
    cache.count_for(Scope::Pod);
    let first = learn(&mut cache, "shop/web", "a.io", &[1], 0, 60);
    assert_eq!(shown(&first.changes), ["+a.io for shop/web 192.0.2.1"]);
    let (second, batch) = waits(&mut cache, "shop/cart", "a.io", &[1], 0, 90);
    assert_eq!((shown(&second.changes), batch), (vec!["+a.io for shop/cart 192.0.2.1".to_owned()], Some(2)));
    assert_eq!(cache.names_of(ip(1), "shop/web"), [name("a.io")]);
    assert_eq!(cache.names_of(ip(1), "shop/db"), []);
    assert_eq!(idle(&mut cache, 60), ["-a.io for shop/web 192.0.2.1"]);
    assert_eq!(shown(&cache.take_back(&second.changes).changes), ["-a.io for shop/cart 192.0.2.1"]);
    assert_eq!(cache.size(), Size::default());
}

proptest! {
    /// Whoever follows the changes has what the cache says is enforced, however answers count, and when that changes.
    #[test]
    fn changes_add_up(steps in prop::collection::vec((0..5_u8, 0..3_u8, prop::collection::vec(0..5_u8, 0..4)), 0..40)) {
        let mut cache = Cache::default();
        let mut enforced: BTreeSet<(LearnedName, IpAddr)> = BTreeSet::new();
        let mut scope = Scope::Node;
        for (second, (what, which, addresses)) in (0..).step_by(20).zip(steps) {
            let (endpoint, of) = (format!("shop/{}", which % 2), format!("n{which}.io"));
            let followed = match what {
                0 | 1 => learn(&mut cache, &endpoint, &of, &addresses, second, 30),
                2 => forget(&mut cache, Some(&endpoint), |it| *it == name(&of)),
                3 => {
                    scope = if which == 0 { Scope::Node } else { Scope::Pod };
                    cache.count_for(scope);
                    enforced = pairs(cache.answers(scope));
                    continue;
                }
                _ => {
                    cache.expire(at(second), &DnsOptions::default(), usize::MAX);
                    Followed { changes: looked(&mut cache, second + 1), ..Followed::default() }
                }
            };
            for change in followed.changes {
                match change {
                    Change::DnsAnswer(name, address) => prop_assert!(enforced.insert((name, address))),
                    Change::DnsExpiry(name, address) => prop_assert!(enforced.remove(&(name, address))),
                    _ => prop_assert!(false),
                }
            }
            prop_assert_eq!(&pairs(cache.answers(scope)), &enforced);
        }
    }
}

#[test]
fn the_names_of_an_address_follow_what_is_known() {
    let mut cache = Cache::default();
    learn(&mut cache, "shop/web", "a.io", &[1, 2], 0, 60);
    assert_eq!(cache.names_of(ip(1), "shop/web"), [name("a.io")]);
    learn(&mut cache, "shop/cart", "b.io", &[1], 0, 60);
    learn(&mut cache, "shop/cart", "a.io", &[1], 0, 60);
    assert_eq!(cache.names_of(ip(1), "shop/web"), [name("a.io"), name("b.io")]);
    forget(&mut cache, Some("shop/web"), |_| true);
    assert_eq!((cache.names_of(ip(1), "shop/web").len(), cache.names_of(ip(2), "shop/web").len()), (2, 0));
    forget(&mut cache, None, |it| *it == name("a.io"));
    assert_eq!(cache.names_of(ip(1), "shop/web"), [name("b.io")]);
}
