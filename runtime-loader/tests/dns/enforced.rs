//! An answer is released when it is enforced, or when it has waited long enough.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use sluice_compiler::options::{DnsOptions, OnTimeout};
use sluice_ir::dns_name::DnsName;
use sluice_loader::api::time::Moment;
use sluice_loader::dns::cache::{Endpoint, Lookup};
use sluice_loader::dns::counts::Failure;
use sluice_loader::dns::keep::{Connections, expire_once};
use sluice_loader::dns::proxy::Proxy;

use crate::scene::{Recorder, Scene, WEB, met, patient, policy, question};
use crate::servers::{answer_with, scripted};

const RULES: &str = "[{matchPattern: '*'}]";

fn recorder(millis: u64) -> Recorder {
    Recorder { delay: Duration::from_millis(millis), ..Recorder::default() }
}

#[tokio::test]
async fn an_answer_waits_until_it_is_enforced_and_a_known_one_does_not() {
    let to = scripted(|question| vec![answer_with(question, [192, 0, 2, 1], 60)]).await;
    let scene = Scene::new(&policy(to.port(), RULES), patient(), recorder(1_000));
    let message = question("a.test.", RecordType::A, false);
    let began = Instant::now();
    // The second comes while the first is not enforced yet, and waits as well.
    let (first, second) = tokio::join!(scene.ask(WEB, to, &message), scene.ask(WEB, to, &message));
    assert!(first.is_some() && second.is_some());
    assert!(scene.recorder.has("a.test", "192.0.2.1"));
    assert!(began.elapsed() >= Duration::from_secs(1));
    let again = Instant::now();
    scene.ask(WEB, to, &message).await.unwrap();
    assert!(again.elapsed() < Duration::from_secs(1), "{:?}", again.elapsed());
    assert_eq!(scene.proxy.counts().released_early.get(), 0);
}

#[tokio::test]
async fn the_bound_of_the_wait_is_an_option() {
    let to = scripted(|question| vec![answer_with(question, [192, 0, 2, 1], 60)]).await;
    let message = question("a.test.", RecordType::A, false);
    for (on_timeout, code) in
        [(OnTimeout::Release, ResponseCode::NoError), (OnTimeout::ServFail, ResponseCode::ServFail)]
    {
        let response_max_delay = Duration::from_millis(20);
        let options = DnsOptions { on_timeout, response_max_delay, ..DnsOptions::default() };
        let scene = Scene::new(&policy(to.port(), RULES), options, recorder(10_000));
        let began = Instant::now();
        assert_eq!(scene.ask(WEB, to, &message).await.unwrap().response_code, code);
        assert!(began.elapsed() < Duration::from_secs(10));
        let counts = scene.proxy.counts();
        let failed = counts.failures(Failure::NotEnforced);
        let expected = if on_timeout == OnTimeout::Release { (1, 0) } else { (0, 1) };
        assert_eq!((counts.released_early.get(), failed), expected);
    }
}

#[tokio::test]
async fn what_cannot_be_enforced_is_tried_again() {
    let to = scripted(|question| vec![answer_with(question, [192, 0, 2, 1], 60)]).await;
    for (on_timeout, code) in
        [(OnTimeout::Release, ResponseCode::NoError), (OnTimeout::ServFail, ResponseCode::ServFail)]
    {
        let options = DnsOptions { on_timeout, ..patient() };
        let refusing = Recorder { refuses: true, ..Recorder::default() };
        let scene = Scene::new(&policy(to.port(), RULES), options, refusing);
        let began = Instant::now();
        for _ in 0..2 {
            let answer = scene.ask(WEB, to, &question("a.test.", RecordType::A, false)).await.unwrap();
            assert_eq!(answer.response_code, code);
        }
        assert!(began.elapsed() < Duration::from_secs(30), "there is nothing to wait for");
        let counts = scene.proxy.counts();
        let failed = (counts.released_early.get(), counts.failures(Failure::NotEnforced));
        assert_eq!(failed, if on_timeout == OnTimeout::Release { (2, 0) } else { (0, 2) });
        assert_eq!((scene.proxy.status().addresses, counts.not_enforced.get()), (0, 2));
    }
}

#[tokio::test]
async fn what_comes_for_a_pod_that_is_gone_is_learned_for_nobody() {
    // Who is there when the answer comes.
    for now in [vec![], vec![met("shop/web", "3", WEB)], vec![met("shop/web", "3", [10, 0, 0, 9].into())]] {
        let proxy: Arc<OnceLock<Arc<Proxy>>> = Arc::default();
        let (of_server, there) = (Arc::clone(&proxy), now.clone());
        let to = scripted(move |question| {
            of_server.get().unwrap().names().meet(there.clone());
            vec![answer_with(question, [192, 0, 2, 1], 60)]
        })
        .await;
        let scene = Scene::new(&policy(to.port(), RULES), patient(), recorder(0));
        proxy.set(Arc::clone(&scene.proxy)).unwrap();
        let message = question("a.test.", RecordType::A, false);
        let answer = scene.ask(WEB, to, &message).await.unwrap();
        assert_eq!(answer.response_code, ResponseCode::ServFail, "{now:?}");
        assert_eq!(scene.proxy.counts().failures(Failure::Gone), 1);
        assert_eq!(scene.proxy.status().addresses, 0, "{now:?}");
        // The rules in force are still those of before.
        let again = scene.ask(WEB, to, &message).await;
        let has_address = now.iter().any(|(_, pod)| pod.addresses.contains(&WEB));
        assert_eq!(
            (again.is_some(), scene.proxy.status().addresses),
            (has_address, usize::from(has_address) as u64)
        );
    }
}

#[tokio::test]
async fn many_answers_at_a_time_are_enforced_together() {
    let to = scripted(|question| {
        let last = question[13..]
            .iter()
            .take(3)
            .fold(0_u8, |sum, byte| sum.wrapping_mul(10).wrapping_add(byte - b'0'));
        vec![answer_with(question, [192, 0, 2, last], 60)]
    })
    .await;
    let scene = Scene::new(&policy(to.port(), RULES), patient(), recorder(200));
    let began = Instant::now();
    let questions = (0..200).map(|number| question(&format!("{number:03}.test."), RecordType::A, false));
    let asked: Vec<Vec<u8>> = questions.collect();
    let answers =
        futures_util::future::join_all(asked.iter().map(|message| scene.ask(WEB, to, message))).await;
    assert!(answers.iter().all(Option::is_some));
    assert_eq!(scene.recorder.enforced.lock().unwrap().len(), 200);
    // One after the other they would take 40 seconds.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[derive(Default)]
struct Alive(Mutex<BTreeSet<(IpAddr, IpAddr)>>);

impl Connections for Alive {
    fn alive(&self) -> std::io::Result<BTreeSet<(IpAddr, IpAddr)>> {
        Ok(self.0.lock().unwrap().clone())
    }
}

#[tokio::test]
async fn what_expires_goes_when_nobody_uses_it() {
    let to = scripted(|question| vec![answer_with(question, [192, 0, 2, 1], 0)]).await;
    let scene = Scene::new(&policy(to.port(), RULES), patient(), recorder(0));
    scene.ask(WEB, to, &question("a.test.", RecordType::A, false)).await.unwrap();
    let alive = Arc::new(Alive::default());
    alive.0.lock().unwrap().insert((WEB, [192, 0, 2, 1].into()));
    for _ in 0..5 {
        expire_once(&scene.proxy, &alive).await;
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(scene.recorder.has("a.test", "192.0.2.1"), "a connection is alive");
    alive.0.lock().unwrap().clear();
    expire_once(&scene.proxy, &alive).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(!scene.recorder.has("a.test", "192.0.2.1"));
    assert_eq!((scene.proxy.status().expired, scene.proxy.status().gone), (1, 1));
}

#[tokio::test]
async fn many_names_expire_in_one_round() {
    let scene = Scene::new(&policy(53, RULES), patient(), recorder(0));
    let endpoint: Endpoint = "shop/web".into();
    for number in 0..1_000 {
        let name = DnsName::parse(&format!("n{number}.test")).unwrap();
        let (addresses, ttl) = ([[192, 0, 2, 1].into()], Duration::from_secs(number % 2 * 3_600));
        let lookup = Lookup {
            endpoint: &endpoint,
            asker: None,
            name: &name,
            addresses: &addresses,
            ttl,
            at: Moment::now(),
        };
        scene.proxy.names().learn(lookup).unwrap();
    }
    expire_once(&scene.proxy, &Arc::new(Alive::default())).await;
    assert_eq!((scene.proxy.status().expired, scene.proxy.status().leaving), (500, 500));
}
