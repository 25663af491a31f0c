//! `sluice check` from the outside: exit codes, paths, formats, and what goes where.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{golden, sluice, sluice_unread};
use serde_json::Value;

const GOOD: &str = "\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: good, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
";

const BAD: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: bad, namespace: shop}
spec:
  endpointSelector: {}
  ingres: []
  ingress:
    - fromEntities: [wrold]
";

const WARNS: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: warns, namespace: shop}
specs: []
";

/// A folder with some files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn repository() -> tempfile::TempDir {
    folder(&[
        ("policies/a.yaml", GOOD),
        ("policies/deep/b.yml", BAD),
        ("policies/warns.yaml", WARNS),
        ("policies/values.yaml", "image: nginx\n"),
        ("policies/package.json", "{\"name\": \"x\"}\n"),
        ("policies/.hidden.yaml", BAD),
        ("policies/.git/c.yaml", BAD),
        ("policies/README.md", "text\n"),
        ("empty/README.md", "text\n"),
    ])
}

/// `code file` of every finding.
fn findings(folder: &Path, arguments: &str) -> Vec<String> {
    let arguments: Vec<&str> = arguments.split_whitespace().chain(["--format", "jsonl"]).collect();
    let run = sluice(folder, &arguments);
    let show = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        format!("{} {}", value["code"].as_str().unwrap(), value["file"].as_str().unwrap())
    };
    run.stdout.lines().map(show).collect()
}

#[test]
fn exit_codes() {
    let root = repository();
    for (arguments, code) in [
        ("check policies/a.yaml", 0),
        ("check policies/warns.yaml", 0),
        ("check policies/warns.yaml --fail-on warning", 1),
        ("check policies", 2),
        ("check policies --fail-on warning", 2),
        ("check policies --fail-on never", 0),
        ("check policies --min-severity error --fail-on warning", 2),
        ("check empty", 0),
        ("check empty --fail-on warning", 1),
        ("check nowhere.yaml", 2),
        ("check", 2),
        ("check policies --format nonsense", 2),
        ("check policies --format json --format sarif", 2),
        ("check policies/a.yaml --format json --output nowhere/x.json", 2),
        ("explain S0501", 0),
        ("explain unknown-entity", 0),
        ("explain S9999", 2),
        ("schema policy", 0),
        ("schema nonsense", 2),
        ("completions bash", 0),
        ("--version", 0),
    ] {
        let words: Vec<&str> = arguments.split(' ').collect();
        let run = sluice(root.path(), &words);
        assert_eq!(run.code, code, "{arguments}\n{}{}", run.stdout, run.stderr);
    }
}

#[test]
fn paths() {
    let root = repository();
    let bad = ["S0201 policies/deep/b.yml", "S0501 policies/deep/b.yml"];
    let all = [bad.as_slice(), &["S0305 policies/warns.yaml"]].concat();
    assert_eq!(findings(root.path(), "check policies"), all);
    assert_eq!(findings(root.path(), "check ./policies/ policies/deep/b.yml"), all);
    assert_eq!(findings(root.path(), "check policies/**/*.yml"), bad);
    assert_eq!(findings(root.path(), "check policies/d*"), bad);
    assert_eq!(findings(root.path(), "check policies/a.yaml policies/a.yaml"), [""; 0]);
    assert_eq!(findings(root.path(), "check ."), all);
    // What was named has to be a manifest; what was found need not be.
    assert_eq!(findings(root.path(), "check policies/values.yaml"), ["S0102 policies/values.yaml"]);
    let infos = findings(root.path(), "check policies --min-severity info");
    assert!(infos.contains(&"S0102 policies/package.json".to_owned()), "{infos:?}");
    assert_eq!(
        findings(root.path(), "check empty policies/x*.yaml"),
        ["S0013 empty", "S0013 policies/x*.yaml"]
    );
    assert_eq!(findings(root.path(), "check nowhere policies/deep/b.yml").len(), 3);
}

/// A repository with charts in it can be checked as it is. What is left out is said, wherever an answer depends on it.
#[test]
fn charts_in_a_folder() {
    let root = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    write("charts/web/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n");
    write("charts/web/values.yaml", "port: 80\n");
    write(
        "charts/web/templates/deployment.yaml",
        "kind: Deployment\nmetadata:\n  name: {{ .Release.Name }}\n",
    );
    write(
        "charts/web/templates/policy.yaml",
        "{{- if .Values.enabled }}\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\n{{- end }}\n",
    );
    write("pod.yaml", "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: b}\n");
    let left_out = ["S0014 charts/web/templates/policy.yaml"];
    assert_eq!(findings(root.path(), "check ."), left_out);
    assert_eq!(sluice(root.path(), &["check", "."]).code, 0);
    let run = sluice(root.path(), &["can", "b/a", "world", "80/TCP", "."]);
    assert!(run.code == 0 && run.stderr.contains("warning[S0014]"), "{}", run.stderr);
    assert!(!run.stderr.contains("deployment.yaml"), "{}", run.stderr);
    // A node would be more open without it.
    let compile = ["compile", "--emit", "ir", "."];
    let run = sluice(root.path(), &compile);
    assert!(run.code == 2 && run.stderr.contains("error[S0014]"), "{}", run.stderr);
    assert_eq!(sluice(root.path(), &[compile.as_slice(), &["--keep-going"]].concat()).code, 0);
    write("sluice.yaml", "lints: {levels: {chart-template: off}}\n");
    assert_eq!(findings(root.path(), "check ."), [""; 0]);
    // One that is named has to be a manifest.
    assert_eq!(sluice(root.path(), &["check", "charts/web/templates/policy.yaml"]).code, 2);
}

#[test]
fn standard_input() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["check", "-", "--format", "github"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(BAD.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.starts_with("::error file=-,line=6,endLine=6,col=3,endColumn=9,title=S0201"), "{text}");
}

#[test]
fn several_formats_at_once() {
    let root = repository();
    let arguments =
        "check policies --format sarif --output x.sarif --output y.xml --format junit --format markdown";
    let words: Vec<&str> = arguments.split(' ').collect();
    let run = sluice(root.path(), &words);
    assert!(run.stdout.starts_with("**2 errors, 1 warning in "), "{}", run.stdout);
    let read = |name: &str| fs::read_to_string(root.path().join(name)).unwrap();
    assert!(read("x.sarif").contains("\"version\": \"2.1.0\""));
    assert!(read("y.xml").starts_with("<?xml"));
}

#[test]
fn formats() {
    let root = repository();
    let mut wrong = Vec::new();
    for format in ["human", "json", "jsonl", "sarif", "junit", "github", "markdown"] {
        let arguments = ["check", "policies", "nowhere.yaml", "--format", format, "--min-severity", "info"];
        let text = sluice(root.path(), &arguments).stdout.replace(env!("CARGO_PKG_VERSION"), "VERSION");
        wrong.extend(golden(&format!("cli/formats/{format}.txt"), &text).err());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_pipe_gets_no_colour_and_a_clean_check_no_words() {
    let root = repository();
    let run = sluice(root.path(), &["check", "policies/a.yaml"]);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let run = sluice(root.path(), &["check", "policies"]);
    assert!(!run.stdout.contains('\u{1b}'));
    let run = sluice(root.path(), &["check", "policies", "--color", "always"]);
    assert!(run.stdout.contains('\u{1b}'));
}

#[cfg(unix)]
#[test]
fn a_closed_pipe_is_no_fault() {
    let root = repository();
    let many = "---\n".to_owned() + &format!("{BAD}---\n").repeat(500);
    fs::write(root.path().join("many.yaml"), many).unwrap();
    assert_eq!(sluice_unread(root.path(), &["check", "many.yaml"]).1, "");
}

#[test]
fn explanations_into_a_pipe_are_markdown() {
    let root = repository();
    let run = sluice(root.path(), &["explain", "s0501"]);
    assert!(run.stdout.starts_with("# S0501: unknown-entity\n"));
    let run = sluice(root.path(), &["explain", "--list"]);
    assert!(run.stdout.lines().all(|line| line.starts_with('S')) && run.stdout.contains("unknown-entity"));
    let run = sluice(root.path(), &["explain", "unknown-entty"]);
    assert_eq!(
        run.stderr,
        "error: there is no diagnostic `unknown-entty`\n  help: did you mean `unknown-entity`?\n"
    );
}
