//! A server that answers as an API server does, until it does not: faults that a real one has too seldom.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What a server says.
pub(crate) enum Reply {
    /// A status with a text.
    Says(u16, String),
    /// A text, of which the connection has a part when it ends.
    Stops(String),
    /// Nothing, for as long as anybody waits.
    Waits,
}

/// An answer to a path with its query.
type Answer = dyn Fn(&str) -> Option<Reply> + Send + Sync;

/// Starts a server that gives some answers, and those of a small cluster to everything else. Gives a kubeconfig for it.
pub(crate) fn server(
    folder: &Path,
    answer: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static,
) -> PathBuf {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let answer: Arc<Answer> = Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = Arc::clone(&answer);
            std::thread::spawn(move || serve(stream, &*answer));
        }
    });
    let path = folder.join("kubeconfig.yaml");
    let text = format!(
        "apiVersion: v1\nkind: Config\ncurrent-context: faulty\ncontexts: [{{name: faulty, context: {{cluster: c, user: u}}}}]\nclusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n"
    );
    std::fs::write(&path, text).unwrap();
    path
}

/// Answers the questions of one connection.
fn serve(mut stream: TcpStream, answer: &Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        assert_eq!(words[0], "GET", "a cluster is only read");
        let mut header = String::new();
        while reader.read_line(&mut header).unwrap_or(0) > 2 {
            header.clear();
        }
        let path = &words[1];
        let reply = answer(path).unwrap_or_else(|| small(path));
        let written = match reply {
            Reply::Waits => {
                std::thread::sleep(std::time::Duration::from_secs(30));
                return;
            }
            Reply::Stops(text) => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", text.len() + 1000);
                let _ = stream.write_all((head + &text).as_bytes());
                return;
            }
            Reply::Says(status, text) => {
                let head = format!("HTTP/1.1 {status} Said\r\nContent-Length: {}\r\n\r\n", text.len());
                stream.write_all((head + &text).as_bytes())
            }
        };
        if written.is_err() {
            return;
        }
    }
}

/// A cluster without Cilium, with two pods.
fn small(path: &str) -> Reply {
    let ok = |text: &str| Reply::Says(200, text.to_owned());
    match path.split('?').next().unwrap_or_default() {
        "/apis" => ok(r#"{"groups":[{"name":"networking.k8s.io","versions":[{"version":"v1"}]}]}"#),
        "/apis/networking.k8s.io/v1" => ok(r#"{"resources":[{"name":"networkpolicies"}]}"#),
        "/api/v1/pods" => ok(&pods("", &["a", "b"])),
        "/api/v1/namespaces" => ok(r#"{"metadata":{},"items":[{"metadata":{"name":"shop"}}]}"#),
        "/api/v1/nodes"
        | "/api/v1/services"
        | "/api/v1/endpoints"
        | "/apis/networking.k8s.io/v1/networkpolicies" => ok(r#"{"metadata":{},"items":null}"#),
        _ => Reply::Says(404, r#"{"kind":"Status","message":"no such page"}"#.to_owned()),
    }
}

/// A page of pods, and where the next one begins.
pub(crate) fn pods(next: &str, names: &[&str]) -> String {
    let pod = |name: &&str| {
        format!(
            r#"{{"metadata":{{"name":"{name}","namespace":"shop","labels":{{"app":"{name}"}}}},"spec":{{"containers":[]}}}}"#
        )
    };
    let items: Vec<String> = names.iter().map(pod).collect();
    format!(r#"{{"metadata":{{"continue":"{next}"}},"items":[{}]}}"#, items.join(","))
}
