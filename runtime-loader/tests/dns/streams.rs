//! Connections: pipelined, cut off, refused.

use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;
use sluice_loader::dns::counts::Failure;
use sluice_loader::dns::upstream::frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

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

/// A question of this length: EDNS has room for what nobody reads (RFC 7830).
fn padded(name: &str, id: u16, length: usize) -> Vec<u8> {
    let mut message = with_id(name, id);
    message[11] = 1;
    let rest = length - message.len() - 15;
    message.extend([0, 0, 41, 16, 0, 0, 0, 0, 0]);
    message.extend(u16::try_from(rest + 4).unwrap().to_be_bytes());
    message.extend([0, 12]);
    message.extend(u16::try_from(rest).unwrap().to_be_bytes());
    message.resize(length, 0x5a);
    message
}

/// How many messages come until the connection ends, of which each has to be one of this length.
async fn whole_ones(stream: &mut TcpStream, length: usize) -> usize {
    let mut number = 0;
    loop {
        let read = tokio::time::timeout(Duration::from_secs(10), frame::read(stream)).await.unwrap();
        // It may end in the middle of one.
        let Ok(Some(message)) = read else { return number };
        assert_eq!(message.len(), length, "after {number}");
        assert!(Message::from_vec(&message).is_ok(), "after {number}");
        number += 1;
    }
}

/// As little room as there can be at this end.
fn narrow() -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_recv_buffer_size(4_096).unwrap();
    socket
}

#[tokio::test]
async fn a_server_that_stops_reading_gets_no_question_in_the_middle_of_another() {
    const LENGTH: usize = 65_000;
    let listener = narrow();
    listener.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = listener.listen(8).unwrap();
    let to = listener.local_addr().unwrap();
    let text = policy(to.port(), RULES);
    let patience = Duration::from_secs(2);
    let mut scene = Scene::with_patience(&text, patient(), Recorder::default(), patience);
    let mut stream = scene.connect(WEB, to).await;
    for id in 0..64 {
        frame::write(&mut stream, &padded("a.example.test.", id, LENGTH)).await.unwrap();
    }
    let (mut silent, _) = listener.accept().await.unwrap();
    while scene.proxy.counts().failures(Failure::Timeout)
        + scene.proxy.counts().failures(Failure::Unreachable)
        < 64
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        while let Ok(Some(question)) = frame::read(&mut stream).await {
            frame::write(&mut stream, &answer_with(&question, [192, 0, 2, 1], 60)).await.unwrap();
        }
    });
    frame::write(&mut stream, &with_id("b.example.test.", 1_000)).await.unwrap();
    loop {
        let answer = next(&mut stream).await;
        if answer.id == 1_000 {
            assert_eq!(answer.response_code, ResponseCode::NoError, "it goes over another connection");
            break;
        }
    }
    assert!(whole_ones(&mut silent, LENGTH).await < 64, "not all has room");
}

#[tokio::test]
async fn a_client_that_stops_reading_gets_no_answer_in_the_middle_of_another() {
    const LENGTH: usize = 65_000;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        while let Ok(Some(mut message)) = frame::read(&mut reader).await {
            message = padded("a.example.test.", u16::from_be_bytes([message[0], message[1]]), LENGTH);
            message[2] |= 0x80;
            if frame::write(&mut writer, &message).await.is_err() {
                return;
            }
        }
    });
    let mut scene = scene(to.port());
    let front = scene.front(WEB, to).await;
    let mut stream = narrow().connect(front).await.unwrap();
    let mut questions = Vec::new();
    for id in 0..300 {
        frame::write(&mut questions, &with_id("a.example.test.", id)).await.unwrap();
    }
    stream.write_all(&questions).await.unwrap();
    // Longer than the client is waited for.
    tokio::time::sleep(Duration::from_secs(13)).await;
    assert_eq!(scene.proxy.status().connections, 0, "the conversation is over");
    assert!(whole_ones(&mut stream, LENGTH).await < 300);
}

#[tokio::test]
async fn a_transfer_takes_no_place_while_nothing_comes() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let question = frame::read(&mut stream).await.unwrap().unwrap();
        for part in 1..3 {
            tokio::time::sleep(Duration::from_millis(200)).await;
            frame::write(&mut stream, &answer_with(&question, [192, 0, 2, part], 60)).await.unwrap();
        }
        // There may be more, for all that is known.
        let _open = frame::read(&mut stream).await;
    });
    let mut scene = scene(to.port());
    let mut stream = scene.connect(WEB, to).await;
    frame::write(&mut stream, &question("a.example.test.", RecordType::AXFR, false)).await.unwrap();
    for _ in 1..3 {
        assert_eq!(next(&mut stream).await.id, 77);
    }
    assert_eq!(scene.proxy.status().in_flight, 0);
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
