//! The last links of the chain: what the tables of a decision say, the images say, the programs say in the interpreter
//! and in the kernel, question by question. The cases of `testdata/` and, where they are present, the recorded
//! clusters of the outside conformance suite.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may")]

mod harness;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use harness::case::{Case, decided};
use harness::engines::{Interpreter, Kernel, differences};
use harness::root;
use sluice_backends::image::Room;
use sluice_loader::prepare::{Settings, images};

fn folders(of: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(of).into_iter().flatten();
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// So many questions of a case are asked, spread evenly over all that there are. Large clusters have a hundred
/// thousand; of all 3,614,172 of the recorded clusters the kernel answered each as it should, in four minutes.
const QUESTIONS: usize = 4_000;

/// Questions of a case, of an engine.
fn check(case: &Case, in_kernel: bool) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut asked = 0;
    if let Some(decision) = decided(case) {
        let (count, found) = match in_kernel {
            true => differences(&decision, &mut Kernel::new(&decision), QUESTIONS),
            false => differences(&decision, &mut Interpreter::new(&decision), QUESTIONS),
        };
        asked += count;
        wrong.extend(found.into_iter().map(|text| format!("{}: {text}", case.name)));
    }
    (asked, wrong)
}

fn check_all(folder: &Path, what: &str, in_kernel: bool) {
    let (mut asked, mut wrong) = (0, Vec::new());
    let cases: Vec<Case> = folders(folder).iter().filter_map(|folder| Case::read(folder)).collect();
    for case in &cases {
        let (count, found) = check(case, in_kernel);
        asked += count;
        wrong.extend(found);
    }
    eprintln!("{what}: {} cases, {asked} questions", cases.len());
    assert!(wrong.is_empty(), "{} of {asked} are wrong:\n{}", wrong.len(), wrong.join("\n"));
    assert!(asked > 0);
}

/// A cluster whose pods have addresses of IPv6 in networks of their nodes, each with a rule of its own.
fn networks(folder: &Path) -> Case {
    const NODES: usize = 8;
    const PODS: usize = 100;
    let mut cluster = String::from("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}\n");
    let mut policy = String::from(
        "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: each, namespace: shop}, spec: {\
         endpointSelector: {matchLabels: {pod: n0-0}}, ingress: [\n\
         {fromCIDR: ['fd00:10:99::/48', '2001:db8::/32']},\n",
    );
    for (node, pod) in (0..NODES).flat_map(|node| (0..PODS).map(move |pod| (node, pod))) {
        let (v6, v4) = (format!("fd00:10:244:{node:x}::{:x}", pod + 2), format!("10.0.{node}.{}", pod + 2));
        writeln!(
            cluster,
            "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: n{node}-{pod}, namespace: shop, labels: {{pod: n{node}-{pod}}}}}, \
             spec: {{nodeName: n{node}}}, status: {{podIPs: [{{ip: '{v4}'}}, {{ip: '{v6}'}}]}}}}"
        )
        .unwrap();
        let port = 1_000 + node * PODS + pod;
        writeln!(
            policy,
            "{{fromEndpoints: [{{matchLabels: {{pod: n{node}-{pod}}}}}], toPorts: [{{ports: [{{port: '{port}', protocol: TCP}}]}}]}},"
        )
        .unwrap();
    }
    std::fs::write(folder.join("cluster.yaml"), cluster).unwrap();
    std::fs::write(folder.join("policies.yaml"), policy + "]}}\n").unwrap();
    std::fs::write(folder.join("case.yaml"), "node: n0\n").unwrap();
    Case::read(folder).unwrap()
}

/// The way to addresses that begin alike is another than to all others.
#[test]
fn all_agree_about_addresses_that_begin_alike() {
    let folder = tempfile::tempdir().unwrap();
    let case = networks(folder.path());
    let images = images(&decided(&case).unwrap(), &[], &Settings::default(), &Room::NONE).unwrap();
    assert!(images.shape().trie6.stem.is_some(), "the case is about nothing");
    let mut wrong = check(&case, false).1;
    if root("all_agree_about_addresses_that_begin_alike") {
        wrong.extend(check(&case, true).1);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn own() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/cases")
}

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance")
}

#[test]
fn the_interpreter_agrees_about_every_case() {
    check_all(&own(), "interpreter", false);
}

#[test]
fn the_kernel_agrees_about_every_case() {
    if root("the_kernel_agrees_about_every_case") {
        check_all(&own(), "kernel", true);
    }
}

#[test]
fn the_kernel_agrees_about_recorded_clusters() {
    if !recorded().is_dir() {
        eprintln!("the_kernel_agrees_about_recorded_clusters: not run, as the recorded clusters are absent");
    } else if root("the_kernel_agrees_about_recorded_clusters") {
        check_all(&recorded(), "kernel, recorded", true);
    }
}
