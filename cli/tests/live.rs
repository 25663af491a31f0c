//! `sluice preview` and `sluice can` about a live cluster: a real API server, and servers with faults.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot run has to fail, or to say why it does not"
)]

#[path = "live/cluster.rs"]
mod cluster;
#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;
#[path = "live/fault.rs"]
mod fault;

use std::ffi::OsStr;
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use cluster::Cluster;
use common::{Run, parts_without_lines, sluice, sluice_with};
use fault::{Reply, pods, server};
use serde_json::Value;

/// Two namespaces, two nodes, and a service outside.
const CLUSTER: &str = include_str!("live/cluster.yaml");
/// Cilium's kinds, as far as the server has to know them.
const KINDS: &str = include_str!("live/kinds.yaml");
/// Policies of Cilium, one of which no agent takes.
const POLICIES: &str = include_str!("live/policies.yaml");

/// Everything about a real server, as starting one takes a while.
#[test]
fn a_real_cluster() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.apply("cluster.yaml", CLUSTER);
    grant(&cluster);
    without_cilium(&cluster);
    cluster.apply("kinds.yaml", KINDS);
    cluster.admin(&["wait", "--for=condition=Established", "--timeout=60s", "crd", "--all"]);
    cluster.apply("policies.yaml", POLICIES);
    can_and_why(&cluster);
    options_of_the_agents(&cluster);
    a_change(&cluster);
    a_cluster_is_what_its_files_are(&cluster);
    missing_rights(&cluster);
    nobody_trusted(&cluster);
    many_pods(&cluster);
}

fn said(run: &std::process::Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (run.status.code().unwrap_or(-1), text(&run.stdout), text(&run.stderr))
}

/// Runs the plugin as a user.
fn plugin(cluster: &Cluster, user: &str, words: &[&str]) -> (i32, String, String) {
    said(&cluster.kubectl(user, &[&["sluice"], words].concat()))
}

/// Gives users their rights, the first of them those that are printed.
fn grant(cluster: &Cluster) {
    let (code, role, _) = plugin(cluster, "nobody", &["preview", "--show-rights"]);
    assert_eq!((code, role.contains("kind: ClusterRole")), (0, true), "{role}");
    let line = |starts: &str| role.lines().find(|line| line.starts_with(starts)).unwrap().to_owned();
    cluster.apply("reader.yaml", &role);
    let partial = role.replace("ciliumnetworkpolicies, ", "").replace("name: sluice-reader", "name: partial");
    assert_ne!(partial.len() + 4, role.len());
    cluster.apply("partial.yaml", &partial);
    let modest =
        role.replace("nodes, ", "").replace("configmaps", "none").replace("sluice-reader\n", "modest\n");
    assert!(line("  resources: [namespaces").contains("nodes") && !modest.contains("nodes,"));
    cluster.apply("modest.yaml", &modest);
    for (user, role) in [("reader", "sluice-reader"), ("partial", "partial"), ("modest", "modest")] {
        let (user, role) = (format!("--user={user}"), format!("--clusterrole={role}"));
        cluster.admin(&["create", "clusterrolebinding", &user[7..], &role, &user]);
    }
}

/// Without Cilium there is NetworkPolicy still, and endpoints in the version that the server has.
fn without_cilium(cluster: &Cluster) {
    let (code, out, err) = plugin(cluster, "reader", &["can", "shop/web", "data/db", "5432/TCP"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("warning[S1910]: the cluster `test` has no Cilium policies"), "{err}");
    // The namespace is that of the context, or the one that is asked for.
    let (code, out, err) = plugin(cluster, "reader", &["can", "batch", "data/db", "5432/TCP"]);
    assert!(code == 1 && out.contains("test: NetworkPolicy data/db:"), "{out}{err}");
    let (code, _, err) = plugin(cluster, "reader", &["can", "-n", "data", "shop/web", "db", "5432/TCP"]);
    assert_eq!(code, 0, "{err}");
}

fn can_and_why(cluster: &Cluster) {
    let (code, out, err) = plugin(cluster, "reader", &["can", "web", "192.0.2.10", "443/TCP"]);
    assert_eq!(code, 0, "a service without selector has the addresses of its EndpointSlice: {out}{err}");
    assert!(out.contains("test: CiliumNetworkPolicy shop/web:"), "{out}");
    assert!(!err.contains("S1910") && err.contains("warning[S1911]"), "{err}");
    assert!(err.contains("warning[S1912]: `test: CiliumNetworkPolicy shop/refused` is not valid"), "{err}");
    let words = ["can", "web", "192.0.2.11", "443/TCP", "--format", "json"];
    let (code, out, _) = plugin(cluster, "reader", &words);
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(code, 1, "{answer}");
    // As another user, and with a kubeconfig that is named.
    let kubeconfig = cluster.kubeconfig("admin", "ca");
    let run = |user: &str| {
        let words = [
            "can",
            "web",
            "192.0.2.10",
            "443/TCP",
            "--kubeconfig",
            kubeconfig.to_str().unwrap(),
            "--as",
            user,
        ];
        sluice(cluster.folder(), &words)
    };
    assert_eq!(run("reader").code, 0, "{}", run("reader").stderr);
    assert!(run("nobody").stderr.contains("error[S1907]"), "{}", run("nobody").stderr);
}

/// What the agents are told changes what is isolated.
fn options_of_the_agents(cluster: &Cluster) {
    let words = ["can", "shop/batch", "shop/web", "80/TCP"];
    assert_eq!(plugin(cluster, "reader", &words).0, 0);
    let config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cilium-config, namespace: kube-system}\ndata: {enable-policy: always, debug: 'false'}\n";
    cluster.apply("config.yaml", config);
    let (code, out, err) = plugin(cluster, "reader", &words);
    assert!(code == 1 && !err.contains("S1911"), "{out}{err}");
    cluster.apply("config.yaml", &config.replace("always", "default"));
    assert_eq!(plugin(cluster, "reader", &words).0, 0);
}

/// A change that closes the web, in the namespace of the context.
const CHANGE: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress]
  ingress: [{from: [{podSelector: {matchLabels: {app: batch}}}], ports: [{port: 80}]}]
";

fn a_change(cluster: &Cluster) {
    fs::write(cluster.path("change.yaml"), CHANGE).unwrap();
    let (code, out, err) = plugin(cluster, "reader", &["preview", "-f", "change.yaml"]);
    assert_eq!(code, 1, "{out}{err}");
    for told in [
        "cluster test → after the change",
        "adds NetworkPolicy/shop/web",
        "2 pods affected on 2 nodes: node-a and node-b",
        "tables of the endpoints compared: ",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
    let (code, out, err) = plugin(cluster, "reader", &["preview", "--delete", "netpol/data/db"]);
    assert!(code == 1 && out.contains("deletes NetworkPolicy/data/db"), "{out}{err}");
    let (code, out, err) =
        plugin(cluster, "reader", &["preview", "-f", "cluster.yaml", "-f", "policies.yaml"]);
    assert!(
        code == 2 && err.contains("shop/refused") && out.is_empty(),
        "what is to be applied is held to: {out}{err}"
    );
    let (code, out, err) = plugin(cluster, "reader", &["preview", "-f", "cluster.yaml"]);
    assert!(code == 0 && out.contains("equal, proved"), "{out}{err}");
    let (code, _, err) = plugin(cluster, "reader", &["preview", "-f", "cluster.yaml", "-n", "shop"]);
    assert!(code == 2 && err.contains("is not in the namespace `shop` that `-n` says"), "{err}");
    let (code, _, err) =
        plugin(cluster, "reader", &["preview", "-f", "change.yaml", "--context", "test", "cluster.yaml"]);
    assert!(code == 2 && err.contains("`--context` is about a live cluster"), "{err}");
    // Nothing was written by any of it.
    assert!(!cluster.kubectl("admin", &["get", "netpol", "-n", "shop", "web"]).status.success());
}

/// A preview of the cluster is the preview of the files that were applied to it.
fn a_cluster_is_what_its_files_are(cluster: &Cluster) {
    let words = ["preview", "-f", "change.yaml", "-n", "shop", "--format", "json"];
    let (_, live, err) = plugin(cluster, "reader", &words);
    let files: Run = sluice(
        cluster.folder(),
        &[words.as_slice(), ["--keep-going", "cluster.yaml", "policies.yaml"].as_slice()].concat(),
    );
    let (live, files) = (parts_without_lines(&live), parts_without_lines(&files.stdout));
    assert_eq!(live, files, "{err}");
    assert!(!live.as_array().unwrap().is_empty());
}

fn missing_rights(cluster: &Cluster) {
    let words = ["can", "shop/web", "data/db", "5432/TCP"];
    let (code, out, err) = plugin(cluster, "partial", &words);
    assert_eq!((code, out.as_str()), (2, ""), "{err}");
    for told in [
        "error[S1907]: this user may not list ciliumnetworkpolicies.cilium.io;",
        "User \"partial\" cannot list resource \"ciliumnetworkpolicies\"",
        "{apiGroups: [\"cilium.io\"], resources: [\"ciliumnetworkpolicies\"], verbs: [\"list\"]}",
    ] {
        let flat = err.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(told), "{told}: {err}");
    }
    let (code, _, err) = plugin(cluster, "nobody", &words);
    let flat = err.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 2 && flat.contains("may not list namespaces, pods, services, endpointslices."), "{err}");
    let json = [words.as_slice(), ["--format", "json"].as_slice()].concat();
    let (code, _, err) = plugin(cluster, "nobody", &json);
    let finding: Value = serde_json::from_str(&err).unwrap();
    assert_eq!((code, &finding["diagnostics"][0]["code"]), (2, &Value::from("S1907")));
    // What can be done without is done without, and said.
    let (code, out, err) = plugin(cluster, "modest", &words);
    assert_eq!(code, 0, "{out}{err}");
    assert!(err.contains("warning[S1911]: this user may not list nodes"), "{err}");
    assert!(err.contains("warning[S1911]: this user may not get configmaps/cilium-config"), "{err}");
}

fn nobody_trusted(cluster: &Cluster) {
    let run = |user: &str, ca: &str| {
        let kubeconfig = cluster.kubeconfig(user, ca);
        let words = ["can", "shop/web", "data/db", "5432/TCP", "--kubeconfig", kubeconfig.to_str().unwrap()];
        sluice(cluster.folder(), &words)
    };
    let forged = run("reader", "other");
    assert!(forged.code == 2 && forged.stderr.contains("error[S1905]"), "{}", forged.stderr);
    let expired = run("expired", "ca");
    assert!(expired.code == 2 && expired.stderr.contains("error[S1906]"), "{}", expired.stderr);
}

/// More pods than a page has.
fn many_pods(cluster: &Cluster) {
    let pod = |at: usize| {
        format!(
            r#"{{"apiVersion":"v1","kind":"Pod","metadata":{{"name":"many-{at}","namespace":"shop","labels":{{"app":"batch"}}}},"spec":{{"nodeName":"node-b","containers":[{{"name":"c","image":"i"}}]}}}}"#
        )
    };
    let all: Vec<String> = (0..1100).map(pod).collect();
    cluster.create_each("/api/v1/namespaces/shop/pods", &all);
    let (code, out, err) = plugin(cluster, "reader", &["preview", "-f", "change.yaml"]);
    assert_eq!(code, 1, "{err}");
    assert!(out.contains("pods affected on 2 nodes"), "{out}");
    let (code, out, _) = plugin(cluster, "reader", &["can", "many-1099", "data/db", "5432/TCP"]);
    assert_eq!(code, 1, "{out}");
}

/// Asks a server with a fault.
fn ask(answer: impl Fn(&str) -> Option<Reply> + Send + Sync + 'static, more: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = server(folder.path(), answer);
    let words = ["can", "shop/a", "shop/b", "80/TCP", "--kubeconfig", kubeconfig.to_str().unwrap()];
    sluice(folder.path(), &[words.as_slice(), more].concat())
}

fn first_line(run: &Run) -> String {
    run.stderr.split("  help:").next().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_server_that_answers() {
    let run = ask(|_| None, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn a_server_that_stops_midway() {
    let cut = |path: &str| match path {
        "/api/v1/pods?limit=500" => Some(Reply::Says(200, pods("next", &["a"]))),
        "/api/v1/pods?limit=500&continue=next" => Some(Reply::Stops(pods("", &["b"]))),
        _ => None,
    };
    let run = ask(cut, &[]);
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    let line = first_line(&run);
    assert!(line.starts_with("error[S1908]: `http://127.0.0.1:"), "{line}");
    assert!(line.contains("stopped in the middle of the pods, after 1 of them"), "{line}");
}

#[test]
fn a_server_that_is_too_slow() {
    let slow = |path: &str| path.starts_with("/api/v1/services").then_some(Reply::Waits);
    let run = ask(slow, &["--request-timeout", "300ms"]);
    let line = first_line(&run);
    assert!(run.code == 2 && line.contains("did not answer about the services within 300 ms"), "{line}");
}

#[test]
fn a_list_that_is_forgotten_is_begun_again() {
    let gone = || Reply::Says(410, r#"{"message":"The provided continue parameter is too old"}"#.to_owned());
    let once = move |path: &str| match path {
        "/api/v1/pods?limit=500" => Some(Reply::Says(200, pods("n", &["z"]))),
        "/api/v1/pods?limit=500&continue=n" => Some(gone()),
        _ => None,
    };
    // The first page of the first list does not count.
    let run = ask(once, &["--format", "json"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let always = move |path: &str| match path.contains("continue=") {
        true => Some(gone()),
        false => path.starts_with("/api/v1/pods").then(|| Reply::Says(200, pods("n", &["z"]))),
    };
    let run = ask(always, &[]);
    let line = first_line(&run);
    assert!(run.code == 2 && line.contains("the list of the pods on"), "{line}");
    assert!(line.contains("was out of date each time"), "{line}");
}

/// What would come after a page that leads to itself is not known.
#[test]
fn a_list_that_leads_round_is_no_list() {
    let round =
        |path: &str| path.starts_with("/api/v1/pods").then(|| Reply::Says(200, pods("n", &["a", "b"])));
    let run = ask(round, &[]);
    let line = first_line(&run);
    assert!(run.code == 2 && run.stdout.is_empty() && line.starts_with("error[S1909]"), "{line}");
    assert!(line.contains("gave no list of the pods: the next page of it is the same page again"), "{line}");
}

/// Several kubeconfigs are one, and those that are not there do not count.
#[test]
fn several_kubeconfigs() {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = server(folder.path(), |_| None);
    let run = |list: &[&str], words: &[&str]| {
        let list = std::env::join_paths(list).unwrap();
        let words = [["can", "shop/a", "shop/b", "80/TCP"].as_slice(), words].concat();
        sluice_with(folder.path(), &words, &[("KUBECONFIG", &list)])
    };
    let named = kubeconfig.to_str().unwrap();
    assert_eq!(run(&["no-such", named], &[]).code, 0);
    let none = run(&["no-such", "nor-such"], &[]);
    assert!(none.code == 2 && none.stderr.contains("no file `no-such` or `nor-such`"), "{}", none.stderr);
    std::fs::write(folder.path().join("broken"), "contexts: 3").unwrap();
    let broken = run(&["broken", named], &[]);
    assert!(broken.code == 2 && broken.stderr.contains("error[S1903]"), "{}", broken.stderr);
}

/// A context is not passed over where there is no kubeconfig.
#[test]
fn a_context_in_a_pod() {
    let folder = tempfile::tempdir().unwrap();
    let words = ["can", "shop/a", "shop/b", "80/TCP", "--context", "prod"];
    let address: [(&str, &OsStr); 2] =
        [("KUBERNETES_SERVICE_HOST", OsStr::new("127.0.0.1")), ("KUBERNETES_SERVICE_PORT", OsStr::new("1"))];
    let run = sluice_with(folder.path(), &words, &address);
    assert_eq!(run.code, 2);
    assert!(first_line(&run).contains("the context `prod` would be in it"), "{}", run.stderr);
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let asked = AtomicUsize::new(0);
    let busy = move |path: &str| {
        let first = path.starts_with("/api/v1/pods") && asked.fetch_add(1, Ordering::Relaxed) == 0;
        first.then(|| Reply::Says(429, String::new()))
    };
    let run = ask(busy, &[]);
    assert_eq!(run.code, 0, "{}", run.stderr);
}

#[test]
fn what_is_no_api_server() {
    let page = |_: &str| Some(Reply::Says(200, "<!doctype html>".to_owned()));
    let run = ask(page, &[]);
    let line = first_line(&run);
    assert!(run.code == 2 && line.starts_with("error[S1909]"), "{line}");
    let broken = |path: &str| {
        path.starts_with("/api/v1/pods").then(|| Reply::Says(500, r#"{"message":"etcd is gone"}"#.to_owned()))
    };
    let line = first_line(&ask(broken, &[]));
    assert!(line.contains("gave no list of the pods") && line.contains("etcd is gone"), "{line}");
}
