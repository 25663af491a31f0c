//! The commands that ask the agent: the real program asks a real server, which tells what was written here by hand.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;
#[path = "agent/told.rs"]
mod told;

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{Run, golden, root, sluice};
use sluice_compiler::options::Scope;
use sluice_loader::api::server::{Feeds, Socket, serve};
use sluice_loader::api::snapshot::{Finding, Snapshot, SourcesState};
use sluice_loader::dns::names::Names;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::sync::{broadcast, watch};

/// A server, and what it is fed with.
struct Server {
    folder: TempDir,
    runtime: Runtime,
    snapshot: watch::Sender<Arc<Snapshot>>,
    told: broadcast::Sender<Arc<sluice_loader::api::told::Told>>,
    names: Arc<Names>,
}

impl Server {
    fn new(snapshot: Snapshot) -> Server {
        let (folder, runtime) = (tempfile::tempdir().unwrap(), Runtime::new().unwrap());
        let (snapshot, receiver) = watch::channel(Arc::new(snapshot));
        let (told, _) = broadcast::channel(16);
        let socket = runtime.block_on(async { Socket::listen(&folder.path().join("agent.sock")).unwrap() });
        let names = Arc::new(Names::restored(told::records()));
        let feeds = Feeds { snapshot: receiver, names: Some(Arc::clone(&names)), told: told.clone() };
        runtime.spawn(serve(socket, feeds));
        Server { folder, runtime, snapshot, told, names }
    }

    fn ask(&self, words: &[&str]) -> Run {
        sluice(self.folder.path(), &[words, &["--socket", "agent.sock"]].concat())
    }

    fn until(&self, enough: impl Fn(usize) -> bool) {
        let began = Instant::now();
        while !enough(self.told.receiver_count()) {
            assert!(began.elapsed() < Duration::from_secs(10), "so many never listen");
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Runs `monitor`, and tells it something when it listens.
    fn monitor(&self, words: &[&str]) -> Run {
        self.until(|readers| readers == 0);
        let child = Command::new(env!("CARGO_BIN_EXE_sluice"))
            .args([&["monitor", "--socket", "agent.sock"], words].concat())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        self.until(|readers| readers == 1);
        for told in told::events() {
            // It may have heard enough already.
            let _ = self.told.send(Arc::new(told));
        }
        let output = child.wait_with_output().unwrap();
        Run {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

/// Compares what a command prints with its golden file.
fn prints(run: &Run, code: i32, name: &str) {
    assert_eq!((run.code, run.stderr.as_str()), (code, ""), "{}", run.stdout);
    golden(&format!("agent/{name}"), &run.stdout).unwrap();
}

#[test]
fn how_the_agent_is() {
    let server = Server::new(told::snapshot());
    prints(&server.ask(&["status"]), 0, "status.txt");
    prints(&server.ask(&["status", "--format", "json"]), 0, "status.json");
    server.snapshot.send_modify(|snapshot| {
        let sources = &mut Arc::make_mut(snapshot).status.sources;
        sources.state = SourcesState::Refused;
        sources.findings = vec![
            Finding {
                code: Some("S0201".to_owned()),
                message: "unknown field `ingres`".to_owned(),
                help: Some("did you mean `ingress`?".to_owned()),
                file: Some("policies/shop.yaml".to_owned()),
                line: Some(7),
                column: Some(3),
            },
            Finding {
                message: "the kernel refused the program `to_endpoint`".to_owned(),
                ..Finding::default()
            },
        ];
    });
    prints(&server.ask(&["status"]), 1, "status-refused.txt");
    server.snapshot.send_replace(Arc::default());
    prints(&server.ask(&["status"]), 1, "status-pending.txt");
}

#[test]
fn the_endpoints_of_the_node() {
    let server = Server::new(told::snapshot());
    prints(&server.ask(&["endpoints"]), 0, "endpoints.txt");
    prints(&server.ask(&["endpoints", "--format", "json"]), 0, "endpoints.json");
    prints(&server.ask(&["endpoints", "--color", "always"]), 0, "endpoints-colour.txt");
    server.snapshot.send_replace(Arc::default());
    assert_eq!(server.ask(&["endpoints"]).stdout, "no endpoint on this node\n");
}

#[test]
fn the_policy_in_force() {
    let server = Server::new(told::snapshot());
    prints(&server.ask(&["policy"]), 0, "policy.txt");
    prints(&server.ask(&["policy", "--format", "json"]), 0, "policy.json");
    server.snapshot.send_replace(Arc::default());
    assert_eq!(server.ask(&["policy"]).stdout, "no generation is in force\n");
}

#[test]
fn the_names_that_endpoints_know() {
    let server = Server::new(told::snapshot());
    prints(&server.ask(&["fqdn", "list"]), 0, "fqdn.txt");
    prints(&server.ask(&["fqdn", "list", "--format", "json"]), 0, "fqdn.json");
    prints(&server.ask(&["fqdn", "lookup", "2001:db8::7"]), 0, "fqdn-lookup.txt");
    assert_eq!(server.ask(&["fqdn", "lookup", "no.example.com"]).code, 1);
    assert_eq!(server.ask(&["fqdn", "list", "-s", "connection"]).stdout, "no endpoint knows such a name\n");
    let wrong = server.ask(&["fqdn", "list", "-p", "a b"]);
    assert!(wrong.code == 2 && wrong.stderr.starts_with("error: ` ` cannot stand in"), "{}", wrong.stderr);
    let flushed = server.ask(&["fqdn", "flush", "api.example.com", "-e", "shop/web"]);
    assert_eq!((flushed.code, flushed.stdout.as_str()), (0, "1 name is forgotten\n"));
    let left: BTreeSet<String> =
        server.names.answers(Scope::Node).iter().map(|(name, _)| name.to_string()).collect();
    assert!(left.iter().eq(["api.example.com", "many.example.com"]), "another endpoint knows it too");
    assert_eq!(server.ask(&["fqdn", "flush", "*", "--format", "json"]).stdout, "{\n  \"flushed\": 2\n}\n");
    assert!(server.names.answers(Scope::Node).is_empty());
}

#[test]
fn what_happens() {
    let server = Server::new(told::snapshot());
    prints(&server.monitor(&["-n", "7"]), 0, "monitor.txt");
    prints(&server.monitor(&["-n", "7", "--format", "json"]), 0, "monitor.jsonl");
    prints(&server.monitor(&["-n", "1", "--color", "always"]), 0, "monitor-colour.txt");
    for (words, events) in [
        (&["-n", "1", "--kind", "new,redirect"][..], "new"),
        (&["-n", "1", "--verdict", "redirect"], "redirect"),
        (&["-n", "1", "--endpoint", "data/", "--kind", "audit"], "audit"),
        (&["-n", "1", "--peer", "fd00::/16"], "drop      ingress"),
        (&["-n", "1", "--port", "443"], "redirect"),
    ] {
        let run = server.monitor(words);
        let (_, told) = run.stdout.split_once("  ").unwrap();
        assert!(told.starts_with(events), "{words:?}: {}", run.stdout);
    }
}

#[test]
fn the_end_of_the_agent_is_the_end_of_the_news() {
    let server = Server::new(told::snapshot());
    let Server { folder, runtime, told, .. } = server;
    let child = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["monitor", "--socket", "agent.sock"])
        .current_dir(folder.path())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while told.receiver_count() == 0 {
        std::thread::sleep(Duration::from_millis(2));
    }
    drop(runtime);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("error: the agent has ended\n  help: "), "{stderr}");
}

#[test]
fn where_nobody_listens_it_is_said_what_to_do() {
    for command in ["status", "endpoints", "policy", "monitor"] {
        let run = sluice(root(), &[command, "--socket", "nowhere/agent.sock"]);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        let expected = "error: no agent listens on `nowhere/agent.sock`\n  help: see whether it runs (`systemctl status sluice`), or name its socket with `--socket`\n";
        assert_eq!(run.stderr, expected);
    }
}

fn agent(folder: &Path, words: &[&str]) -> Run {
    sluice(folder, &[&["agent", "--socket", "agent.sock"], words].concat())
}

#[test]
fn an_agent_that_cannot_begin_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let run = agent(folder.path(), &["policies"]);
    assert!(run.code == 2 && run.stderr.starts_with("error: `--node NAME` is needed"), "{}", run.stderr);
    let run = agent(folder.path(), &["--node", "node-a", "-"]);
    assert!(run.stderr.starts_with("error: standard input (`-`) cannot be watched"), "{}", run.stderr);

    let mut file = std::fs::File::create(folder.path().join("agent.sock")).unwrap();
    file.write_all(b"precious").unwrap();
    let run = agent(folder.path(), &["--node", "node-a", "policies"]);
    assert_eq!(run.stderr, "error: `agent.sock` is there and is no socket\n");
}

#[test]
fn the_agent_logs_json_where_nobody_sits() {
    let folder = tempfile::tempdir().unwrap();
    // A file stands where its pins would be, so it ends as soon as it has begun.
    std::fs::write(folder.path().join("file"), "").unwrap();
    let run = agent(folder.path(), &["--node", "node-a", "--pins", "file/pins", "policies"]);
    let first = run.stderr.lines().next().unwrap();
    let line: serde_json::Value = serde_json::from_str(first).unwrap();
    assert_eq!((&line["level"], &line["node"]), (&"INFO".into(), &"node-a".into()), "{first}");
    assert!(!folder.path().join("agent.sock").exists());
}
