//! What becomes of answers between the proxy and a core whose part the test plays.

use std::sync::atomic::{AtomicBool, Ordering};

use sluice_compiler::options::{DnsOptions, Scope};
use sluice_compiler::session::Change;
use sluice_ir::dns_name::{DnsName, LearnedName};
use tokio::sync::broadcast;
use tokio::time::timeout;

use super::*;
use crate::api::dns::FqdnFilter;
use crate::api::time::Moment;
use crate::dns::cache::{Lookup, counts_for};
use crate::dns::names::{Names, Waited};

/// A keeper, and what pods learn through it.
struct Bench {
    keeper: Keeper,
    endpoint: Endpoint,
}

fn ip(last: u8) -> IpAddr {
    IpAddr::from([192, 0, 2, last])
}

fn shown(work: &Work) -> Vec<String> {
    let show = |change: &Change| match change {
        Change::DnsAnswer(name, address) => format!("+{name} {address}"),
        Change::DnsExpiry(name, address) => format!("-{name} {address}"),
        other => format!("{other:?}"),
    };
    work.changes.iter().map(show).collect()
}

impl Bench {
    fn new() -> Bench {
        let proxy = Proxy::new(Arc::new(Names::restored(Vec::new())), broadcast::channel(1).0);
        Bench { keeper: Keeper::new(Arc::new(proxy), None), endpoint: "shop/web".into() }
    }

    fn names(&self) -> &Names {
        self.keeper.proxy.names()
    }

    /// Acts with an answer that the pod got at a second.
    fn with<T>(&self, of: &str, last: u8, second: u64, act: impl FnOnce(Lookup<'_>) -> T) -> T {
        let (name, addresses) = (DnsName::parse(of).unwrap(), [ip(last)]);
        let (ttl, at) = (Duration::from_secs(60), Moment::of_micros(second * 1_000_000));
        act(Lookup { endpoint: &self.endpoint, asker: None, name: &name, addresses: &addresses, ttl, at })
    }

    fn learn(&self, of: &str, last: u8, second: u64) {
        self.with(of, last, second, |lookup| self.names().learn(lookup)).unwrap();
    }

    /// Whether an answer is in force, without a wait.
    async fn waited(&self, of: &str, last: u8) -> Waited {
        let (name, addresses) = (DnsName::parse(of).unwrap(), [ip(last)]);
        let (ttl, at) = (Duration::ZERO, Moment::of_micros(0));
        let lookup =
            Lookup { endpoint: &self.endpoint, asker: None, name: &name, addresses: &addresses, ttl, at };
        self.names().wait(lookup, Duration::ZERO).await
    }

    /// Addresses of a name are to go.
    async fn forget(&self, of: &str) {
        let filter = FqdnFilter { pattern: Some(of.to_owned()), ..FqdnFilter::default() };
        let (proxy, before) = (Arc::clone(&self.keeper.proxy), self.names().size());
        tokio::spawn(async move { proxy.names().flush(&filter).await });
        while self.names().size() == before {
            sleep(BREATH).await;
        }
    }

    /// The core puts everything in force.
    async fn enforce_all(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while let Some(work) = self.next().await {
            self.keeper.done(&work, None);
            all.extend(shown(&work));
        }
        all
    }

    /// What the core gets next; none if there is nothing for it.
    async fn next(&mut self) -> Option<Work> {
        timeout(Duration::from_millis(50), self.keeper.next()).await.ok()
    }

    /// The core puts in force what it gets next.
    async fn enforce(&mut self) -> Vec<String> {
        let work = self.next().await.unwrap();
        self.keeper.done(&work, None);
        shown(&work)
    }
}

#[tokio::test]
async fn what_is_only_written_down_releases_nobody_who_waits_for_room() {
    let mut bench = Bench::new();
    bench.learn("known.io", 1, 0);
    assert_eq!(bench.enforce().await, ["+known.io 192.0.2.1"]);
    bench.learn("new.io", 2, 0);
    let waits = bench.next().await.unwrap();
    // It holds longer now, which the disk should know and nobody else.
    bench.learn("known.io", 1, 30);
    assert!(bench.next().await.is_none());
    assert_eq!(bench.waited("known.io", 1).await, Waited::NotAtAll);
    assert_eq!(bench.waited("new.io", 2).await, Waited::InVain, "there is no room yet");
    bench.keeper.done(&waits, None);
    assert_eq!(bench.waited("new.io", 2).await, Waited::NotAtAll);
}

#[tokio::test]
async fn what_was_refused_is_not_in_force_when_what_follows_is() {
    let mut bench = Bench::new();
    bench.learn("a.io", 1, 0);
    let work = bench.next().await.unwrap();
    bench.keeper.done(&work, Some("there is no room"));
    assert_eq!(bench.enforce().await, ["-a.io 192.0.2.1"]);
    assert_eq!(bench.waited("a.io", 1).await, Waited::InVain);
    // Whoever still waits for it waits on if another one has learned it meanwhile.
    bench.learn("a.io", 1, 1);
    assert_eq!(bench.waited("a.io", 1).await, Waited::InVain);
    assert_eq!(bench.enforce().await, ["+a.io 192.0.2.1"]);
    assert_eq!(bench.waited("a.io", 1).await, Waited::NotAtAll);
}

#[tokio::test]
async fn what_was_to_go_with_refused_answers_goes() {
    let mut bench = Bench::new();
    for (of, last) in [("old.io", 1), ("back.io", 2)] {
        bench.learn(of, last, 0);
        bench.enforce().await;
    }
    bench.forget("*.io").await;
    bench.learn("back.io", 2, 1);
    bench.learn("new.io", 3, 1);
    let work = bench.next().await.unwrap();
    let changes = ["-back.io 192.0.2.2", "-old.io 192.0.2.1", "+back.io 192.0.2.2", "+new.io 192.0.2.3"];
    assert_eq!(shown(&work), changes);
    bench.learn("back.io", 2, 2);
    bench.keeper.done(&work, Some("there is no room"));
    let mut gone = bench.enforce().await;
    gone.sort();
    gone.dedup();
    assert_eq!(gone, ["-back.io 192.0.2.2", "-new.io 192.0.2.3", "-old.io 192.0.2.1"]);
    assert_eq!(bench.keeper.proxy.status().addresses, 0);
}

#[tokio::test]
async fn what_cannot_go_by_itself_goes_with_what_comes_next() {
    let mut bench = Bench::new();
    bench.learn("old.io", 1, 0);
    bench.enforce().await;
    bench.forget("old.io").await;
    let work = bench.next().await.unwrap();
    bench.keeper.done(&work, Some("the kernel says no"));
    assert!(bench.next().await.is_none(), "the core is not asked again and again");
    bench.names().expire(Moment::of_micros(0), &DnsOptions::default());
    let work = bench.next().await.unwrap();
    assert_eq!(shown(&work), ["-old.io 192.0.2.1"]);
    bench.keeper.done(&work, Some("the kernel says no"));
    bench.learn("new.io", 2, 1);
    assert_eq!(bench.enforce().await, ["-old.io 192.0.2.1", "+new.io 192.0.2.2"]);
    assert!(bench.next().await.is_none());
}

#[tokio::test]
async fn what_is_learned_while_names_are_forgotten_stays() {
    let mut bench = Bench::new();
    for last in 0..100 {
        bench.learn(&format!("n{last:02}.io"), last, 0);
    }
    bench.enforce_all().await;
    bench.forget("*.io").await;
    // Some have gone, and the next wait for these.
    assert!((1..100).contains(&bench.names().size().addresses));
    bench.learn("n99.io", 99, 1);
    assert_eq!(bench.enforce_all().await.len(), 99);
    assert_eq!(bench.waited("n99.io", 99).await, Waited::NotAtAll);
}

#[tokio::test]
async fn who_comes_back_while_others_go_keeps_what_it_learns() {
    let mut bench = Bench::new();
    for number in 0..300 {
        bench.learn(&format!("n{number:03}.io"), 1, 0);
    }
    bench.enforce_all().await;
    let (proxy, is_there) = (Arc::clone(&bench.keeper.proxy), Arc::new(AtomicBool::new(false)));
    let there = Arc::clone(&is_there);
    let gone = tokio::spawn(async move { proxy.names().retain(|_| there.load(Ordering::Relaxed)).await });
    while bench.names().size().addresses == 300 {
        sleep(BREATH).await;
    }
    is_there.store(true, Ordering::Relaxed);
    // This name is looked at with those that have gone, but goes later; and it holds no longer than before.
    bench.learn("n200.io", 1, 0);
    bench
        .with("n201.io", 1, 1, |lookup| bench.names().learn(Lookup { ttl: Duration::from_secs(1), ..lookup }))
        .unwrap();
    bench.enforce_all().await;
    assert_eq!((gone.await.unwrap(), bench.names().size().addresses), (255, 45));
    assert_eq!(bench.waited("n201.io", 1).await, Waited::NotAtAll);
    assert_eq!(bench.waited("n200.io", 1).await, Waited::InVain, "it was looked up before");
    assert_eq!(bench.waited("n256.io", 1).await, Waited::NotAtAll, "the next look finds the pod");
}

#[tokio::test]
async fn what_comes_while_answers_count_otherwise_in_vain_is_told_again() {
    let mut bench = Bench::new();
    let mut enforced = bench.names().count_for(Scope::Node);
    let take = |work: &Work, enforced: &mut BTreeSet<(LearnedName, IpAddr)>| {
        for change in &work.changes {
            match change {
                Change::DnsAnswer(name, at) if counts_for(name, Scope::Node) => {
                    enforced.insert((name.clone(), *at))
                }
                Change::DnsExpiry(name, at) => enforced.remove(&(name.clone(), *at)),
                _ => false,
            };
        }
    };
    for (of, last) in [("old.io", 1), ("stays.io", 2)] {
        bench.learn(of, last, 0);
        let work = bench.next().await.unwrap();
        take(&work, &mut enforced);
        bench.keeper.done(&work, None);
    }
    bench.learn("on-its-way.io", 3, 0);
    bench.names().count_for(Scope::Pod);
    bench.learn("meanwhile.io", 4, 1);
    bench.forget("*o*-*.io").await;
    bench.forget("old.io").await;
    bench.names().count_again(Scope::Node, enforced.clone());
    assert_eq!(bench.waited("meanwhile.io", 4).await, Waited::InVain, "nobody enforces it yet");
    while let Some(work) = bench.next().await {
        take(&work, &mut enforced);
        bench.keeper.done(&work, None);
    }
    assert_eq!(enforced, bench.names().answers(Scope::Node));
    let names: Vec<String> = enforced.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(names, ["meanwhile.io", "stays.io"]);
    assert_eq!(bench.waited("meanwhile.io", 4).await, Waited::NotAtAll);
}
