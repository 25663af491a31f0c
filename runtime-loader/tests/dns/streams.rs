//! Connections: pipelined, cut off, refused.

use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use sluice_loader::dns::upstream::frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::scene::{Recorder, Scene, WEB, patient, policy, question};
use crate::servers::{answer_with, free_port, unbound};

const RULES: &str = "[{matchPattern: '*.example.test'}]";

fn scene(port: u16) -> Scene {
    Scene::new(&policy(port, RULES), patient(), Recorder::default())
}

async fn next(stream: &mut TcpStream) -> Message {
    let read = tokio::time::timeout(Duration::from_secs(5), frame::read(stream)).await.unwrap();
    Message::from_vec(&read.unwrap().unwrap()).unwrap()
}

fn with_id(name: &str, id: u16) -> Vec<u8> {
    let mut message = question(name, RecordType::TXT, false);
    message[..2].copy_from_slice(&id.to_be_bytes());
    message
}

#[tokio::test]
async fn what_is_cut_over_udp_comes_whole_over_tcp() {
    let texts: Vec<String> =
        (0..20).map(|number| format!("big.example.test. 60 IN TXT {number}{}", "x".repeat(200))).collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let Some(server) = unbound("what_is_cut_over_udp_comes_whole_over_tcp", &texts) else { return };
    let mut scene = scene(server.address.port());
    let cut = scene.ask(WEB, server.address, &with_id("big.example.test.", 5)).await.unwrap();
    assert!(cut.truncation);
    let mut stream = scene.connect(WEB, server.address).await;
    frame::write(&mut stream, &with_id("big.example.test.", 6)).await.unwrap();
    let whole = next(&mut stream).await;
    assert_eq!((whole.id, whole.truncation, whole.answers.len()), (6, false, 20));
}

#[tokio::test]
async fn questions_on_one_connection_are_answered_in_any_order() {
    let data = ["a.example.test. 60 IN TXT a", "b.example.test. 60 IN TXT b"];
    let Some(server) = unbound("questions_on_one_connection_are_answered_in_any_order", &data) else {
        return;
    };
    let mut scene = scene(server.address.port());
    let mut stream = scene.connect(WEB, server.address).await;
    let mut pipelined = Vec::new();
    for id in 0..200_u16 {
        let name = ["a.example.test.", "b.example.test.", "not.allowed.test."][usize::from(id % 3)];
        frame::write(&mut pipelined, &with_id(name, id)).await.unwrap();
    }
    // In pieces, as a network may bring them; and the last piece ends this side.
    for piece in pipelined.chunks(701) {
        stream.write_all(piece).await.unwrap();
    }
    stream.shutdown().await.unwrap();
    let mut codes = vec![None; 200];
    for _ in 0..200 {
        let answer = next(&mut stream).await;
        codes[usize::from(answer.id)] = Some(answer.response_code);
    }
    for (id, code) in codes.into_iter().enumerate() {
        let expected = if id % 3 == 2 { ResponseCode::Refused } else { ResponseCode::NoError };
        assert_eq!(code, Some(expected), "{id}");
    }
    assert_eq!(stream.read(&mut [0; 1]).await.unwrap(), 0, "and then it ends");
    assert_eq!(scene.proxy.status().connections, 0);
}

#[tokio::test]
async fn a_server_that_ends_its_connection_is_asked_again_on_another() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            // One answer for each connection; the second question is left open.
            let question = frame::read(&mut stream).await.unwrap().unwrap();
            frame::write(&mut stream, &answer_with(&question, [192, 0, 2, 1], 60)).await.unwrap();
            frame::read(&mut stream).await.unwrap();
        }
    });
    let mut scene = scene(to.port());
    let mut stream = scene.connect(WEB, to).await;
    let mut codes = Vec::new();
    for id in 0..4 {
        frame::write(&mut stream, &with_id("a.example.test.", id)).await.unwrap();
        codes.push(next(&mut stream).await.response_code);
    }
    let (good, bad) = (ResponseCode::NoError, ResponseCode::ServFail);
    assert_eq!(codes, [good, bad, good, bad]);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_said_so() {
    let to = free_port();
    let mut scene = scene(to.port());
    let mut stream = scene.connect(WEB, to).await;
    frame::write(&mut stream, &with_id("a.example.test.", 3)).await.unwrap();
    assert_eq!(next(&mut stream).await.response_code, ResponseCode::ServFail);
}

#[tokio::test]
async fn a_pod_has_a_bound_of_connections() {
    let to = free_port();
    let mut scene = scene(to.port());
    let front = scene.front(WEB, to).await;
    let mut open = Vec::new();
    for _ in 0..140 {
        open.push(TcpStream::connect(front).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(scene.proxy.status().connections, 128);
    assert_eq!(scene.proxy.counts().connections_refused.get(), 12);
    drop(open);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(scene.proxy.status().connections, 0);
}
