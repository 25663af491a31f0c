//! What reaches the pod is what the server said, byte by byte; what is refused never reaches the server.

use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use sluice_compiler::options::{DnsOptions, Reject};
use sluice_loader::api::dns::FqdnFilter;
use sluice_loader::api::policy::Verdict;
use sluice_loader::api::told::Kind;
use tokio::net::UdpSocket;

use crate::scene::{CART, Recorder, Scene, WEB, patient, policy, question};
use crate::servers::{answer_with, dnsmasq, free_port, scripted, unbound};

const DATA: &[&str] = &[
    "www.example.test. 300 IN A 192.0.2.10",
    "www.example.test. 60 IN A 192.0.2.11",
    "www.example.test. 300 IN AAAA 2001:db8::10",
    "strange.example.test. 300 IN TYPE65000 \\# 4 01020304",
    "mail.example.test. 300 IN MX 10 www.example.test.",
];

const RULES: &str = "[{matchPattern: '*.example.test'}, {matchName: alias.test}]";

/// What the server says without a proxy, with the id of the test's questions.
async fn direct(server: std::net::SocketAddr, message: &[u8]) -> Vec<u8> {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(server).await.unwrap();
    socket.send(message).await.unwrap();
    let mut buffer = vec![0; 65_535];
    let length =
        tokio::time::timeout(Duration::from_secs(5), socket.recv(&mut buffer)).await.unwrap().unwrap();
    buffer.truncate(length);
    buffer
}

#[tokio::test]
async fn answers_of_unbound_are_passed_on_as_they_are() {
    let Some(server) = unbound("answers_of_unbound_are_passed_on_as_they_are", DATA) else { return };
    let to = server.address;
    let scene = Scene::new(&policy(to.port(), RULES), patient(), Recorder::default());
    let kinds =
        [RecordType::A, RecordType::AAAA, RecordType::MX, RecordType::TXT, RecordType::Unknown(65_000)];
    for name in [
        "www.example.test.",
        "wWw.eXample.TEST.",
        "strange.example.test.",
        "mail.example.test.",
        "no.example.test.",
    ] {
        for (kind, edns) in kinds.into_iter().flat_map(|kind| [(kind, false), (kind, true)]) {
            let message = question(name, kind, edns);
            let through = scene.proxy.datagram((WEB, 4_000).into(), to, message.clone()).await.unwrap();
            assert_eq!(through, direct(to, &message).await, "{name} {kind} {edns}");
        }
    }
    for address in ["192.0.2.10", "192.0.2.11", "2001:db8::10"] {
        assert!(scene.recorder.has("www.example.test", address), "{address}");
    }
    let known = scene.proxy.names().list(&FqdnFilter::default());
    assert!(known.iter().all(|entry| entry.endpoint == "shop/web" && entry.fqdn == "www.example.test."));
    assert_eq!(known.iter().map(|entry| entry.ttl).max(), Some(300), "{known:?}");
}

#[tokio::test]
async fn aliases_are_learned_for_the_name_that_was_asked_for() {
    let options = ["--cname=alias.test,real.test", "--host-record=real.test,192.0.2.20,2001:db8::20,77"];
    let Some(server) = dnsmasq("aliases_are_learned_for_the_name_that_was_asked_for", &options) else {
        return;
    };
    let to = server.address;
    let mut scene = Scene::new(&policy(to.port(), RULES), patient(), Recorder::default());
    let answer = scene.ask(WEB, to, &question("alias.test.", RecordType::A, false)).await.unwrap();
    assert_eq!(answer.response_code, ResponseCode::NoError);
    assert!(scene.recorder.has("alias.test", "192.0.2.20"));
    assert!(!scene.recorder.has("real.test", "192.0.2.20"));
    let asked = scene.told.recv().await.unwrap();
    assert_eq!(
        (asked.kind, asked.verdict, asked.rules[0].name.as_str()),
        (Kind::Query, Verdict::Redirect, "dns")
    );
    let told = scene.told.recv().await.unwrap();
    let dns = told.dns.clone().unwrap();
    assert_eq!((told.kind, told.endpoint.as_str(), told.generation), (Kind::Answer, "shop/web", 7));
    assert_eq!(
        (dns.query.as_str(), dns.qtype.as_str(), dns.rcode.as_deref()),
        ("alias.test.", "A", Some("NOERROR"))
    );
    assert_eq!((dns.cnames.as_slice(), dns.ips.len()), (&["real.test.".to_owned()][..], 1));
}

#[tokio::test]
async fn what_is_not_allowed_is_refused_and_never_asked() {
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let counter = std::sync::Arc::clone(&asked);
    let to = scripted(move |question| {
        counter.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        vec![answer_with(question, [192, 0, 2, 1], 60)]
    })
    .await;
    let text = policy(to.port(), RULES);
    for (reject, code) in
        [(Reject::Refused, ResponseCode::Refused), (Reject::NameError, ResponseCode::NXDomain)]
    {
        let options = DnsOptions { reject, ..patient() };
        let mut scene = Scene::new(&text, options, Recorder::default());
        let answer = scene.ask(WEB, to, &question("other.test.", RecordType::A, true)).await.unwrap();
        assert_eq!((answer.id, answer.response_code, answer.edns.is_some()), (77, code, true));
        let told = scene.told.recv().await.unwrap();
        assert_eq!((told.kind, told.verdict, told.rules[0].line > 0), (Kind::Query, Verdict::Deny, true));
        // Two questions: the first decides, and what was not decided stays here.
        let mut two = Message::from_vec(&question("a.example.test.", RecordType::A, false)).unwrap();
        let other = Message::from_vec(&question("other.test.", RecordType::A, false)).unwrap();
        two.add_query(other.queries[0].clone());
        let answer = scene.ask(WEB, to, &two.to_vec().unwrap()).await.unwrap();
        assert_eq!(answer.response_code, ResponseCode::FormErr);
        two.queries.reverse();
        assert_eq!(scene.ask(WEB, to, &two.to_vec().unwrap()).await.unwrap().response_code, code);
        // Another port is denied, another address is nobody's.
        let elsewhere = ([127, 0, 0, 1], to.port().wrapping_add(1)).into();
        let message = question("www.example.test.", RecordType::A, false);
        assert_eq!(scene.ask(WEB, elsewhere, &message).await.unwrap().response_code, code);
        assert!(scene.ask([10, 0, 0, 9].into(), to, &message).await.is_none());
        assert_eq!(scene.proxy.counts().strangers.get(), 1);
    }
    assert_eq!(asked.load(std::sync::atomic::Ordering::Relaxed), 0);
}

#[tokio::test]
async fn forged_answers_are_not_taken() {
    let to = scripted(|question| {
        let forged = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut message = answer_with(question, [203, 0, 113, 6], 60);
            change(&mut message);
            message
        };
        vec![
            forged(&|message| message[0] ^= 1),
            forged(&|message| message[14] = b'x'),
            forged(&|message| message[2] &= 0x7f),
            forged(&|message| message.truncate(5)),
            answer_with(question, [192, 0, 2, 1], 60),
        ]
    })
    .await;
    let scene = Scene::new(&policy(to.port(), RULES), patient(), Recorder::default());
    let answer = scene.ask(WEB, to, &question("www.example.test.", RecordType::A, false)).await.unwrap();
    assert_eq!(answer.answers.len(), 1);
    assert!(scene.recorder.has("www.example.test", "192.0.2.1"));
    assert!(!scene.recorder.has("www.example.test", "203.0.113.6"));
    assert_eq!(scene.proxy.counts().mismatched.get(), 4);
}

#[tokio::test]
async fn servers_fail_in_their_ways() {
    let silent = scripted(|_| Vec::new()).await;
    let broken = scripted(|question| {
        let mut message = answer_with(question, [192, 0, 2, 1], 60);
        message[7] = 9;
        vec![message]
    })
    .await;
    let message = question("www.example.test.", RecordType::A, false);
    let patience = Duration::from_millis(300);
    for (to, code) in
        [(silent, None), (broken, Some(ResponseCode::ServFail)), (free_port(), Some(ResponseCode::ServFail))]
    {
        let text = policy(to.port(), RULES);
        let scene = Scene::with_patience(&text, patient(), Recorder::default(), patience);
        let began = Instant::now();
        let answer = scene.ask(WEB, to, &message).await;
        assert_eq!(answer.map(|answer| answer.response_code), code, "{to}");
        assert_eq!(began.elapsed() >= patience, code.is_none());
        assert_eq!(scene.proxy.status().in_flight, 0);
    }
}

#[tokio::test]
async fn each_endpoint_has_its_own_history() {
    let to = scripted(|question| vec![answer_with(question, [192, 0, 2, 1], 0)]).await;
    let options = DnsOptions { min_ttl: Duration::from_secs(3_600), ..patient() };
    let scene = Scene::new(&policy(to.port(), RULES), options, Recorder::default());
    for pod in [WEB, CART] {
        scene.ask(pod, to, &question("www.example.test.", RecordType::A, false)).await.unwrap();
    }
    let of = |endpoint: Option<&str>| {
        let filter = FqdnFilter { endpoint: endpoint.map(str::to_owned), ..FqdnFilter::default() };
        scene.proxy.names().list(&filter)
    };
    assert_eq!((of(None).len(), of(Some("shop/cart")).len()), (2, 1));
    assert_eq!(of(Some("shop/cart"))[0].ttl, 3_600, "the minimum");
    assert_eq!(scene.recorder.enforced.lock().unwrap().len(), 1);
}
