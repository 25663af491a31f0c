//! One pod that floods takes nothing from the other.

use std::sync::Arc;
use std::time::Duration;

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;
use sluice_compiler::options::DnsOptions;
use sluice_loader::dns::counts::Failure;

use crate::scene::{CART, Recorder, Scene, WEB, patient, policy, question};
use crate::servers::{answer_with, scripted};

#[tokio::test]
async fn a_flood_of_one_pod_leaves_the_other_its_answers() {
    // What begins with `s` is never answered.
    let to = scripted(|question| match question[13] {
        b's' => Vec::new(),
        _ => vec![answer_with(question, [192, 0, 2, 1], 60)],
    })
    .await;
    let options = DnsOptions { concurrency: 100, ..patient() };
    let text = policy(to.port(), "[{matchPattern: '*'}]");
    let scene = Scene::with_patience(&text, options, Recorder::default(), Duration::from_secs(4));
    let silent = question("silent.test.", RecordType::A, false);
    let flood: Vec<_> = (0..300)
        .map(|_| {
            let (proxy, message) = (Arc::clone(&scene.proxy), silent.clone());
            tokio::spawn(async move { proxy.datagram((WEB, 4_000).into(), to, message).await })
        })
        .collect();
    let overload = || scene.proxy.counts().failures(Failure::Overload);
    while overload() + scene.proxy.status().in_flight != 300 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(scene.proxy.status().in_flight, 50, "half of all");
    assert_eq!(overload(), 250);
    let message = question("loud.test.", RecordType::A, false);
    let served = scene.ask(CART, to, &message).await.unwrap();
    assert_eq!(served.response_code, ResponseCode::NoError);
    let refused = scene.ask(WEB, to, &message).await.unwrap();
    assert_eq!(refused.response_code, ResponseCode::ServFail);
    let mut unanswered = 0;
    for asked in flood {
        unanswered += usize::from(asked.await.unwrap().is_none());
    }
    assert_eq!((unanswered, scene.proxy.status().in_flight), (50, 0));
}
