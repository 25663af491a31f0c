//! Which findings count: `sluice.yaml`, allowances, the baseline, and fixes.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::fs;
use std::path::Path;

use common::{Run, sluice};
use serde_json::Value;

/// A prefix with host bits (S1114), which has a fix, and egress without DNS for labels (S1306), which has none.
const POLICY: &str = "\
apiVersion: cilium.io/v2
kind: CiliumNetworkPolicy
metadata: {name: web, namespace: shop}
spec:
  endpointSelector: {matchLabels: {app: web}}
  egress:
  - toEndpoints: [{matchLabels: {app: db}}]
    toPorts:
    - ports: [{port: \"0443\", protocol: TCP}]
  - toPorts: [{ports: [{port: \"443\"}]}]
    toCIDR:
    - 203.0.113.7/24   # as the firewall has it
";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    root
}

fn run(folder: &Path, arguments: &str) -> Run {
    sluice(folder, &arguments.split_whitespace().collect::<Vec<_>>())
}

/// `CODE severity` of every finding.
fn findings(folder: &Path, arguments: &str) -> Vec<String> {
    let run = run(folder, &format!("{arguments} --format jsonl"));
    let show = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap();
        format!("{} {}", value["code"].as_str().unwrap(), value["severity"].as_str().unwrap())
    };
    run.stdout.lines().map(show).collect()
}

const ALL: [&str; 3] = ["S1306 warning", "S1207 warning", "S1114 warning"];

#[test]
fn levels_are_those_of_the_repository() {
    let levels = "\
lints:
  levels: {S11xx: info, octal-port: error, S1306: off}
  paths:
  - files: ['old/**']
    levels: {all: off, host-bits: warning}
";
    let root = folder(&[("sluice.yaml", levels), ("new/a.yaml", POLICY), ("old/a.yaml", POLICY)]);
    assert_eq!(findings(root.path(), "check new"), ["S1207 error"]);
    assert_eq!(run(root.path(), "check new").code, 2);
    assert_eq!(findings(root.path(), "check new --min-severity info"), ["S1207 error", "S1114 info"]);
    assert_eq!(findings(root.path(), "check old"), ["S1114 warning"]);
    // It is found from below, and its patterns begin at its own folder.
    assert_eq!(findings(&root.path().join("old"), "check a.yaml"), ["S1114 warning"]);
    assert_eq!(findings(&root.path().join("new"), "check ../old/a.yaml"), ["S1114 warning"]);
    fs::write(root.path().join("other.yaml"), "lints: {levels: {S1306: error, S12xx: off, S11xx: off}}\n")
        .unwrap();
    assert_eq!(findings(root.path(), "check new --lint-config other.yaml"), ["S1306 error"]);
    assert_eq!(run(root.path(), "check new --lint-config nowhere.yaml").code, 2);
}

#[test]
fn a_mistake_in_the_configuration_is_an_error() {
    let root = folder(&[("sluice.yaml", "lints: {levels: {open-to-wolrd: off}}\n"), ("a.yaml", POLICY)]);
    let run = run(root.path(), "check a.yaml");
    assert_eq!(run.code, 2);
    assert!(run.stdout.contains("did you mean `open-to-world`?"), "{}", run.stdout);
    assert!(run.stdout.contains("sluice.yaml:1:18"), "{}", run.stdout);
}

#[test]
fn what_is_allowed_is_counted_and_not_shown() {
    let allowed =
        POLICY.replace("# as the", "# sluice: allow(S1114, reason=\"as the").replace("has it", "has it\")");
    let root = folder(&[("a.yaml", &allowed)]);
    assert_eq!(findings(root.path(), "check a.yaml"), ALL[..2]);
    let run = run(root.path(), "check a.yaml");
    assert!(run.stdout.contains("2 warnings in 1 file; 1 allowed\n"), "{}", run.stdout);
}

#[test]
fn the_baseline_hides_old_findings_and_no_new_ones() {
    let root = folder(&[("a.yaml", POLICY)]);
    let path = root.path();
    assert_eq!(run(path, "check a.yaml --write-baseline").code, 2, "it needs a file");
    assert_eq!(run(path, "check a.yaml --baseline known.json").code, 2, "there is none yet");
    assert_eq!(run(path, "check a.yaml --baseline known.json --write-baseline").code, 0);
    let first = fs::read_to_string(path.join("known.json")).unwrap();
    assert_eq!(findings(path, "check a.yaml --baseline known.json"), [""; 0]);
    // Lines that move change nothing, and the file is the same each time.
    fs::write(path.join("a.yaml"), format!("# a comment\n\n{POLICY}")).unwrap();
    assert_eq!(findings(path, "check a.yaml --baseline known.json --fail-on warning"), [""; 0]);
    assert_eq!(run(path, "check a.yaml --baseline known.json --write-baseline").code, 0);
    assert_eq!(fs::read_to_string(path.join("known.json")).unwrap(), first);
    // The same mistake a second time is a new one.
    fs::write(path.join("a.yaml"), format!("{POLICY}    - 203.0.113.7/24\n")).unwrap();
    let run_new = run(path, "check a.yaml --baseline known.json --fail-on warning");
    assert_eq!(run_new.code, 1);
    assert!(run_new.stdout.contains("1 warning in 1 file; 3 in the baseline"), "{}", run_new.stdout);
    // What is gone is said, and an error is never old.
    let gone = POLICY.replace("0443", "443");
    fs::write(path.join("a.yaml"), &gone).unwrap();
    assert_eq!(findings(path, "check a.yaml --baseline known.json --min-severity info"), ["S0916 info"]);
    fs::write(path.join("a.yaml"), POLICY.replace("TCP", "TPC")).unwrap();
    run(path, "check a.yaml --baseline known.json --write-baseline");
    assert_eq!(findings(path, "check a.yaml --baseline known.json"), ["S0603 error"]);
}

#[test]
fn fixes_change_the_text_and_nothing_else() {
    let clean = POLICY.replace("0443", "443").replace("7/24", "0/24").replace("name: web", "name: web2");
    let root = folder(&[("a.yaml", POLICY), ("b.yaml", &clean)]);
    let path = root.path();
    let patch = run(path, "check . --fix --dry-run");
    assert!(patch.stdout.contains("--- a/a.yaml\n+++ b/a.yaml\n"), "{}", patch.stdout);
    assert!(patch.stdout.contains("-    - 203.0.113.7/24   # as the firewall has it\n"), "{}", patch.stdout);
    assert!(patch.stdout.contains("+    - 203.0.113.0/24   # as the firewall has it\n"), "{}", patch.stdout);
    assert!(!patch.stdout.contains("b.yaml"), "{}", patch.stdout);
    assert_eq!(fs::read_to_string(path.join("a.yaml")).unwrap(), POLICY);
    let before = fs::read(path.join("b.yaml")).unwrap();
    let fixed = run(path, "check a.yaml b.yaml --fix");
    assert_eq!(fixed.stderr, "fixed 2 findings in a.yaml\n");
    assert_eq!(fixed.code, 0);
    let expected = POLICY.replace("0443", "291").replace("7/24", "0/24");
    assert_eq!(fs::read_to_string(path.join("a.yaml")).unwrap(), expected);
    assert_eq!(fs::read(path.join("b.yaml")).unwrap(), before);
    assert_eq!(run(path, "check . --fix").stderr, "");
    let names: Vec<_> = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "nothing is left behind: {names:?}");
}

/// A text with the fixes of a SARIF report in it, as a tool would make them: of two that overlap the first.
fn with_fixes_of(sarif: &str, text: &str) -> (String, Vec<String>) {
    let lines: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let place = |line: &Value, column: &Value| {
        let start = lines[line.as_u64().unwrap() as usize - 1];
        let before = text[start..].chars().take(column.as_u64().unwrap() as usize - 1);
        start + before.map(char::len_utf8).sum::<usize>()
    };
    let sarif: Value = serde_json::from_str(sarif).unwrap();
    let (mut edits, mut codes) = (Vec::<(usize, usize, String)>::new(), Vec::new());
    for result in sarif["runs"][0]["results"].as_array().unwrap() {
        for fix in result["fixes"].as_array().into_iter().flatten() {
            assert!(!fix["description"]["text"].as_str().unwrap().is_empty());
            let changes = fix["artifactChanges"].as_array().unwrap();
            assert_eq!(changes.len(), 1, "{fix}");
            let change = &changes[0];
            let location = &result["locations"][0]["physicalLocation"]["artifactLocation"];
            assert_eq!(&change["artifactLocation"], location);
            let edit = |replacement: &Value| {
                let region = &replacement["deletedRegion"];
                let inserted = replacement["insertedContent"]["text"].as_str().unwrap_or_default();
                let start = place(&region["startLine"], &region["startColumn"]);
                (start, place(&region["endLine"], &region["endColumn"]), inserted.to_owned())
            };
            let own: Vec<_> = change["replacements"].as_array().unwrap().iter().map(edit).collect();
            let free = |(start, end, _): &(usize, usize, String)| {
                edits.iter().all(|(from, to, _)| end <= from || to <= start)
            };
            if own.iter().all(free) {
                edits.extend(own);
                codes.push(result["ruleId"].as_str().unwrap().to_owned());
            }
        }
    }
    edits.sort();
    let mut fixed = text.to_owned();
    for (start, end, inserted) in edits.iter().rev() {
        fixed.replace_range(start..end, inserted);
    }
    (fixed, codes)
}

#[test]
fn sarif_has_the_fixes_that_fix_makes() {
    let inputs = common::root().join("testdata/lints");
    let mut names: Vec<_> = fs::read_dir(inputs).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    names.sort();
    let mut texts: Vec<String> = names.iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    // Columns count characters, and not bytes or units of UTF-16.
    let line = POLICY.replace("metadata: {name: web,", "metadata: {annotations: {a: é𝄞}, name: web,");
    texts.push(line.replace('\n', "\r\n"));
    texts.push(
        "{apiVersion: cilium.io/v2, kind: CiliumNetworkPolicy, metadata: {name: a}, spec: {description: é𝄞, \
        endpointSelector: {}, egress: [{toCIDR: [203.0.113.7/24]}]}}\n"
            .to_owned(),
    );
    // A whole line goes.
    let line = "    - ports: [{port: \"0443\", protocol: TCP}]\n";
    texts.push(
        POLICY
            .replace(line, "    - ports:\n      - port: http\n        endPort: 90\n        protocol: TCP\n"),
    );
    let mut codes = std::collections::BTreeSet::new();
    for text in texts {
        let root = folder(&[("a b.yaml", &text)]);
        let report =
            sluice(root.path(), &["check", "a b.yaml", "--format", "sarif", "--min-severity", "info"]).stdout;
        let (fixed, found) = with_fixes_of(&report, &text);
        sluice(root.path(), &["check", "a b.yaml", "--fix"]);
        assert_eq!(fixed, fs::read_to_string(root.path().join("a b.yaml")).unwrap());
        assert_eq!(fixed == text, found.is_empty());
        codes.extend(found);
    }
    assert_eq!(codes.into_iter().collect::<Vec<_>>(), ["S1114", "S1205", "S1207", "S1405"]);
}

/// A file that is no UTF-8 cannot be written as it was, so that nobody touches or offers to touch it.
#[test]
fn a_damaged_file_is_not_fixed() {
    let root = folder(&[]);
    let mut bytes = POLICY.as_bytes().to_vec();
    bytes.extend(b"---\n# J\xFCrgen\nno: manifest\n");
    fs::write(root.path().join("a.yaml"), &bytes).unwrap();
    for command in ["check a.yaml --fix", "check a.yaml --fix --dry-run"] {
        let left = "left a.yaml alone: it is not UTF-8, and the rest of it would not stay as it is\n";
        assert_eq!(run(root.path(), command).stderr, left);
    }
    assert_eq!(fs::read(root.path().join("a.yaml")).unwrap(), bytes);
    assert!(!run(root.path(), "check a.yaml --format sarif").stdout.contains("\"fixes\""));
}

/// The patch of a dry run is one that git takes, and leads to what `--fix` would write.
#[test]
fn a_patch_can_be_applied() {
    let crlf = POLICY.replace("name: web", "name: web2").replace('\n', "\r\n");
    let open = POLICY.replace("name: web", "name: web3").trim_end().to_owned();
    let root = folder(&[("ü/a b.yaml", POLICY), ("crlf.yaml", &crlf), ("open.yaml", &open)]);
    let path = root.path();
    let patch = run(path, "check . --fix --dry-run").stdout;
    assert!(patch.contains("--- a/ü/a b.yaml\t\n+++ b/ü/a b.yaml\t\n"), "{patch}");
    fs::write(path.join("fixes.patch"), patch).unwrap();
    let apply = std::process::Command::new("git").args(["apply", "fixes.patch"]).current_dir(path).output();
    let apply = apply.unwrap();
    assert!(apply.status.success(), "{}", String::from_utf8_lossy(&apply.stderr));
    assert_eq!(run(path, "check . --fix").stderr, "", "nothing is left to fix");
    assert!(
        fs::read_to_string(path.join("crlf.yaml"))
            .unwrap()
            .contains("203.0.113.0/24   # as the firewall has it\r\n")
    );
}

/// What is not fixed is said, before anything is written and after.
#[test]
fn a_file_that_is_read_only_is_left_alone() {
    let root = folder(&[("a.yaml", POLICY), ("b.yaml", &POLICY.replace("name: web", "name: web2"))]);
    let path = root.path().join("a.yaml");
    let mut permissions = fs::metadata(&path).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&path, permissions).unwrap();
    let dry = run(root.path(), "check . --fix --dry-run");
    assert_eq!(dry.stderr, "left a.yaml alone: it is read-only\n");
    assert!(dry.stdout.contains("+++ b/b.yaml") && !dry.stdout.contains("a.yaml"), "{}", dry.stdout);
    let fixed = run(root.path(), "check . --fix");
    assert_eq!(fixed.stderr, "fixed 2 findings in b.yaml\nleft a.yaml alone: it is read-only\n");
    assert_eq!(fs::read_to_string(&path).unwrap(), POLICY);
}

/// A file that goes away meanwhile, or a disk that is full, keeps no other file from its fixes.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_written_fails_alone() {
    let root = folder(&[("b.yaml", &POLICY.replace("name: web", "name: web2"))]);
    let proc = root.path().join("a.yaml");
    fs::write(root.path().join("real"), POLICY).unwrap();
    // The descriptor of a file can be read, and nothing can be made beside it.
    let file = fs::File::open(root.path().join("real")).unwrap();
    let held = format!("/proc/{}/fd/{}", std::process::id(), std::os::fd::AsRawFd::as_raw_fd(&file));
    fs::remove_file(root.path().join("real")).unwrap();
    std::os::unix::fs::symlink(held, &proc).unwrap();
    let fixed = run(root.path(), "check a.yaml b.yaml --fix");
    assert_eq!(fixed.code, 2, "{}", fixed.stderr);
    assert!(fixed.stderr.starts_with("fixed 2 findings in b.yaml\n"), "{}", fixed.stderr);
    assert!(fixed.stderr.contains("left a.yaml alone: it cannot be written: "), "{}", fixed.stderr);
}

#[test]
fn standard_input_is_read_and_not_written() {
    use std::io::Write as _;
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(["check", "-", "--fix", "--dry-run"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(POLICY.as_bytes()).unwrap();
    let run = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(run.stderr).unwrap(), "left - alone: it is standard input\n");
    assert_eq!(run.stdout, b"");
}

#[cfg(unix)]
#[test]
fn a_fix_keeps_links_and_permissions() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let root = folder(&[("real/a.yaml", POLICY)]);
    let real = root.path().join("real/a.yaml");
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real/a.yaml", root.path().join("link.yaml")).unwrap();
    assert_eq!(run(root.path(), "check link.yaml --fix").stderr, "fixed 2 findings in link.yaml\n");
    assert!(root.path().join("link.yaml").is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("203.0.113.0/24"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn every_format_has_lints() {
    let root = folder(&[("a.yaml", POLICY)]);
    let sarif: Value = serde_json::from_str(&run(root.path(), "check a.yaml --format sarif").stdout).unwrap();
    let driver = &sarif["runs"][0]["tool"]["driver"]["rules"];
    let rule = driver.as_array().unwrap().iter().find(|rule| rule["id"] == "S1114").unwrap();
    assert_eq!(rule["name"], "HostBits");
    assert_eq!(rule["defaultConfiguration"]["level"], "warning");
    assert!(rule["help"]["markdown"].as_str().unwrap().contains("## Why it matters"));
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().all(|result| result["partialFingerprints"]["sluice/v1"].is_string()));
    let junit = run(root.path(), "check a.yaml --format junit --fail-on warning").stdout;
    assert!(junit.contains("type=\"S1306\""), "{junit}");
    let quiet = run(root.path(), "check a.yaml --format junit").stdout;
    assert!(quiet.contains("failures=\"0\"") && quiet.contains("warning[S1114]"), "{quiet}");
    let github = run(root.path(), "check a.yaml --format github").stdout;
    assert!(github.contains("::warning file=a.yaml,line=12"), "{github}");
}
