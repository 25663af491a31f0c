//! Input and surroundings that mean no good: the program answers soon, with a bounded text and the right code.

#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "nothing here has a golden file")]
mod common;

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{sluice, sluice_unread};

const POLICY: &str = "apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: NAME, namespace: a}
spec:
  endpointSelector: {}
  ingress:
  - fromEndpoints: [{}]
";

/// A fresh folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn policy(name: &str) -> String {
    POLICY.replace("NAME", name)
}

fn pipe(folder: &Path, name: &str) {
    assert!(Command::new("mkfifo").arg(folder.join(name)).status().unwrap().success());
}

#[test]
fn a_pipe_in_a_folder_is_passed_over_and_a_named_one_is_read() {
    let folder = folder(&[("a.yaml", &policy("a"))]);
    pipe(folder.path(), "p.yaml");
    for path in [".", "*.yaml", "./*.yaml", "**/*.yaml"] {
        let run = sluice(folder.path(), &["check", path]);
        assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{path}");
    }
    let writer = folder.path().join("p.yaml");
    let writer = std::thread::spawn(move || fs::write(writer, "kind: ["));
    let run = sluice(folder.path(), &["check", "p.yaml"]);
    writer.join().unwrap().unwrap();
    assert!(run.code == 2 && run.stdout.contains("p.yaml:1:7"), "{}", run.stdout);
}

#[test]
fn a_link_that_leads_nowhere_is_named() {
    let folder = folder(&[("a.yaml", &policy("a"))]);
    std::os::unix::fs::symlink("nowhere", folder.path().join("b.yaml")).unwrap();
    for path in [".", "b.yaml"] {
        let run = sluice(folder.path(), &["check", path]);
        assert_eq!(run.code, 2);
        assert!(
            run.stdout.starts_with("error[S0001]: `b.yaml` is a link that leads nowhere\n"),
            "{}",
            run.stdout
        );
    }
}

#[test]
fn a_reader_that_goes_away_takes_nothing_from_the_exit_code() {
    let folder = folder(&[("a.yaml", &"--- {kind: [\n".repeat(20_000))]);
    let (code, stderr) = sluice_unread(folder.path(), &["check", "a.yaml", "--format", "jsonl"]);
    assert_eq!((code, stderr.as_str()), (Some(2), ""));
}

#[test]
fn standard_input_is_one_thing() {
    let folder = folder(&[("a.yaml", &policy("a"))]);
    for arguments in [
        &["check", "-", "--dns", "-"][..],
        &["check", "a.yaml", "--dns", "-", "--config", "-"],
        &["can", "--flows", "-", "-"],
        &["compile", "--emit", "ir", "-", "--aws", "-"],
    ] {
        let run = sluice(folder.path(), arguments);
        assert!(run.code == 2 && run.stderr.contains("standard input (`-`)"), "{arguments:?} {}", run.stderr);
    }
    assert_eq!(sluice(folder.path(), &["check", "a.yaml", "-", "-"]).code, 0);
}

#[test]
fn nothing_moves_the_terminal() {
    let marks = "\\e[2J\\u009b\\u202e\\u2066\\u200b\\ufeff\\u007f";
    let text = policy(&format!("\"{marks}\"")).replace("spec:", &format!("spec:\n  \"{marks}\": \u{202e}1"));
    let folder = folder(&[("e\u{1b}[2J\u{202e}\n.yaml", &text)]);
    let moves = |c: &char| (c.is_control() && *c != '\n') || "\u{202e}\u{2066}\u{200b}\u{feff}".contains(*c);
    for format in ["human", "json", "jsonl", "sarif", "github", "junit", "markdown"] {
        let run = sluice(folder.path(), &["check", ".", "--format", format]);
        assert_eq!(run.code, 2);
        assert_eq!(run.stdout.chars().find(moves), None, "{format}: {:?}", run.stdout);
        let run = sluice(folder.path(), &["compile", ".", "--emit", "ir"]);
        assert_eq!(run.stderr.chars().find(moves), None, "{:?}", run.stderr);
    }
}

#[test]
fn one_line_may_hold_any_number_of_faults() {
    let words = vec!["bogus"; 20_000].join(", ");
    let text = policy("a").replace("fromEndpoints: [{}]", &format!("fromEntities: [{words}]"));
    let folder = folder(&[("a.yaml", &text)]);
    let run = sluice(folder.path(), &["check", "a.yaml"]);
    assert!(run.code == 2 && run.stdout.ends_with("20000 errors in 1 file\n"));
    assert!(run.stdout.contains("\n19000 more are not shown here") && run.stdout.len() < 1_000_000);
    let run = sluice(folder.path(), &["check", "a.yaml", "--format", "jsonl"]);
    assert_eq!(run.stdout.lines().count(), 20_000);
}

#[test]
fn many_unknown_fields_take_linear_time() {
    let fields: String = (0..10_000).map(|n| format!("  field{n}: 1\n")).collect();
    let folder = folder(&[("a.yaml", &(policy("a") + &fields))]);
    let run = sluice(folder.path(), &["check", "a.yaml", "--format", "jsonl"]);
    assert_eq!((run.code, run.stdout.lines().count()), (2, 10_000));
}

#[test]
fn a_finding_quotes_no_more_than_a_person_reads() {
    let long = "x".repeat(1_000_000);
    let text = policy("a")
        .replace("endpointSelector: {}", &format!("endpointSelector: {{matchLabels: {{a: {long}}}}}"));
    let folder = folder(&[("a.yaml", &text)]);
    for format in ["human", "json"] {
        let run = sluice(folder.path(), &["check", "a.yaml", "--format", format]);
        assert!(run.code == 2 && run.stdout.len() < 3000, "{}", run.stdout.len());
    }
}

#[test]
fn every_rule_that_cannot_be_merged_is_reported_once() {
    let pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p, namespace: a}\nspec: {}\n";
    let kinds = ["http: [{path: /a}]", "dns: [{matchName: a.com}]"];
    let policies = (0..2000).map(|n| {
        let ports = "ports: [{port: '80', protocol: TCP}]";
        let rules = kinds[n % 2];
        policy(&format!("p{n}"))
            .replace("ingress", "egress")
            .replace("fromEndpoints: [{}]", &format!("toPorts: [{{{ports}, rules: {{{rules}}}}}]"))
    });
    let text = policies.fold(pod.to_owned(), |text, policy| text + "---\n" + &policy);
    let folder = folder(&[("a.yaml", &text)]);
    let run = sluice(folder.path(), &["check", "a.yaml", "--format", "jsonl", "--min-severity", "error"]);
    assert_eq!((run.code, run.stdout.lines().count()), (2, 1000));
    assert!(run.stdout.lines().all(|line| line.contains("\"code\":\"S0801\"")));
}

#[test]
fn copies_are_bounded_by_the_text() {
    let scalar = format!("a: &a {}\nb: [{}]\n", "x".repeat(100_000), vec!["*a"; 5000].join(", "));
    let uses: String = (0..50).map(|n| format!("u{n}: *b\n")).collect();
    let list = format!("a: &a [x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a]\n{uses}");
    let uses: String = (0..50).map(|n| format!("u{n}: {{<<: *a}}\n")).collect();
    let merges = format!("a: &a {{b: 1, c: 2, d: 3, e: 4, f: 5, g: 6, h: 7, i: 8}}\n{uses}");
    for (text, code) in [(scalar.as_str(), 2), (list.as_str(), 2), (merges.as_str(), 0)] {
        let folder =
            folder(&[("a.yaml", &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\n{text}"))]);
        let run = sluice(folder.path(), &["check", "a.yaml"]);
        assert_eq!((run.code, run.stdout.contains("S0008")), (code, code == 2), "{}", run.stdout);
    }
}

#[test]
fn a_full_device_is_an_error() {
    let folder = folder(&[("a.yaml", "kind: [")]);
    let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let mut child = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["check", "-"])
        .current_dir(folder.path())
        .stdin(Stdio::piped())
        .stdout(full)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"kind: [").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(
        String::from_utf8(output.stderr).unwrap().starts_with("error: cannot write to standard output: ")
    );
}
