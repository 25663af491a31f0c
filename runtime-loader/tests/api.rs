//! The agent's socket, with real connections.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use sluice_loader::api::client::{Client, ClientError, Monitor, News};
use sluice_loader::api::filter::Filter;
use sluice_loader::api::server::{Feeds, ListenError, Socket, serve};
use sluice_loader::api::snapshot::{EndpointStatus, Snapshot};
use sluice_loader::api::told::Told;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, watch};

/// An agent's socket in a folder of its own, and what is fed to it.
struct Agent {
    folder: TempDir,
    runtime: Option<Runtime>,
    snapshot: watch::Sender<Arc<Snapshot>>,
    told: broadcast::Sender<Arc<Told>>,
}

impl Agent {
    fn new(events: usize) -> Agent {
        let folder = tempfile::tempdir().unwrap();
        let runtime = Runtime::new().unwrap();
        let (snapshot, receiver) = watch::channel(Arc::default());
        let (told, _) = broadcast::channel(events);
        let feeds = Feeds { snapshot: receiver, told: told.clone() };
        let socket =
            runtime.block_on(async { Socket::listen(&folder.path().join("run/agent.sock")).unwrap() });
        runtime.spawn(serve(socket, feeds));
        Agent { folder, runtime: Some(runtime), snapshot, told }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("run/agent.sock")
    }

    fn client(&self) -> Client {
        Client::connect(&self.path()).unwrap()
    }

    /// A reader whose question has arrived.
    fn monitor(&self, filter: Filter) -> Monitor {
        let before = self.told.receiver_count();
        let monitor = self.client().monitor(filter).unwrap();
        until(|| self.told.receiver_count() > before);
        monitor
    }

    fn tell(&self, endpoint: &str) {
        let told = Told { endpoint: endpoint.to_owned(), ..Told::default() };
        self.told.send(Arc::new(told)).unwrap();
    }

    fn stop(&mut self) {
        self.runtime.take().unwrap().shutdown_timeout(Duration::from_secs(5));
    }
}

fn until(condition: impl Fn() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < Duration::from_secs(10), "it never happened");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn listen(path: &Path) -> Result<Socket, ListenError> {
    let runtime = Runtime::new().unwrap();
    runtime.block_on(async { Socket::listen(path) })
}

#[test]
fn the_last_snapshot_answers() {
    let agent = Agent::new(16);
    assert_eq!(agent.client().status().unwrap().generation, None);
    let mut snapshot = Snapshot::default();
    snapshot.status.generation = Some(7);
    snapshot.policy.generation = Some(7);
    snapshot.endpoints.push(EndpointStatus { name: "shop/web".to_owned(), ..EndpointStatus::default() });
    agent.snapshot.send_replace(Arc::new(snapshot.clone()));
    assert_eq!(agent.client().status().unwrap(), snapshot.status);
    assert_eq!(agent.client().endpoints().unwrap(), snapshot.endpoints);
    assert_eq!(agent.client().policy().unwrap(), snapshot.policy);
}

#[test]
fn a_reader_hears_what_it_asked_for() {
    let agent = Agent::new(16);
    let filter = Filter { endpoint: Some("shop/web".to_owned()), ..Filter::default() };
    let (mut all, mut some) = (agent.monitor(Filter::default()), agent.monitor(filter));
    for endpoint in ["shop/cart", "shop/web"] {
        agent.tell(endpoint);
    }
    let next = |monitor: &mut Monitor| match monitor.next() {
        Some(Ok(News::Event(told))) => told.endpoint,
        other => format!("{other:?}"),
    };
    assert_eq!([next(&mut all), next(&mut all), next(&mut some)], ["shop/cart", "shop/web", "shop/web"]);
}

#[test]
fn a_slow_reader_is_told_how_much_it_lost() {
    const EVENTS: u64 = 20_000;
    let agent = Agent::new(16);
    let mut slow = agent.monitor(Filter::default());
    for _ in 0..EVENTS {
        agent.tell("shop/web");
    }
    let (mut heard, mut lost) = (0, 0);
    while heard + lost < EVENTS {
        match slow.next().unwrap().unwrap() {
            News::Event(_) => heard += 1,
            News::Lost(events) => lost += events,
        }
    }
    assert!(heard > 0 && lost > 0 && heard + lost == EVENTS, "{heard} heard, {lost} lost");
}

#[test]
fn a_reader_that_goes_away_is_forgotten() {
    let agent = Agent::new(16);
    let monitor = agent.monitor(Filter::default());
    drop(monitor);
    until(|| agent.told.receiver_count() == 0);
}

#[test]
fn what_is_no_question_is_refused() {
    let agent = Agent::new(16);
    for question in ["{\"ask\":\"weather\"}\n".to_owned(), "status\n".to_owned(), "x".repeat(100_000)] {
        let mut stream = UnixStream::connect(agent.path()).unwrap();
        // The agent may close before it has read all.
        let _ = stream.write_all(question.as_bytes());
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8(answer).unwrap();
        assert!(answer.starts_with("{\"refused\":{\"message\":\"the question is not understood"), "{answer}");
    }
    let readers: Vec<Monitor> = (0..64).map(|_| agent.monitor(Filter::default())).collect();
    let refused = agent.client().status().unwrap_err();
    assert_eq!(refused.to_string(), "the agent has too many readers");
    drop(readers);
    until(|| agent.client().status().is_ok());
}

#[test]
fn a_refusal_is_heard_by_one_who_has_not_asked_yet() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("busy.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let client = Client::connect(&path).unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.write_all(b"{\"refused\":{\"message\":\"the agent is busy\",\"help\":\"wait\"}}\n").unwrap();
    drop(stream);
    let refused = client.status().unwrap_err();
    assert_eq!((refused.to_string().as_str(), refused.help()), ("the agent is busy", "wait"));
}

#[test]
fn the_socket_is_for_its_owner_and_group_and_goes_with_the_agent() {
    let mut agent = Agent::new(16);
    let mode = std::fs::metadata(agent.path()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let mut monitor = agent.monitor(Filter::default());
    agent.stop();
    assert!(monitor.next().is_none(), "the end of the agent is the end of the news");
    assert!(!agent.path().exists());
    assert!(matches!(Client::connect(&agent.path()), Err(ClientError::Nobody { .. })));
}

#[test]
fn a_dead_socket_is_replaced_and_a_living_one_is_not() {
    let agent = Agent::new(16);
    let error = listen(&agent.path()).unwrap_err();
    assert!(matches!(error, ListenError::Living { .. }), "{error}");
    assert!(agent.client().status().is_ok(), "the first agent is not disturbed");

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("agent.sock");
    let stranger = UnixListener::bind(&path).unwrap();
    assert!(matches!(listen(&path), Err(ListenError::Living { .. })), "somebody without our lock");
    drop(stranger);
    assert!(path.exists() && matches!(Client::connect(&path), Err(ClientError::Nobody { .. })));
    drop(listen(&path).unwrap());
    assert!(!path.exists());
    std::fs::write(&path, "precious").unwrap();
    assert!(matches!(listen(&path), Err(ListenError::Occupied { .. })));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "precious");
}

#[test]
fn another_program_is_not_taken_for_an_agent() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.sock");
    let listener = UnixListener::bind(&path).unwrap();
    let other = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"hello\n").unwrap();
        let (stream, _) = listener.accept().unwrap();
        drop(stream);
    });
    let foreign = Client::connect(&path).unwrap().status().unwrap_err();
    assert!(matches!(foreign, ClientError::Foreign { .. }), "{foreign}");
    let ended = Client::connect(&path).unwrap().status().unwrap_err();
    assert!(matches!(ended, ClientError::Ended { .. }), "{ended}");
    other.join().unwrap();
}
