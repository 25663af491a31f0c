//! What is there for CI systems, shells and editors, run as they run it.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use common::{root, sluice};
use sluice_compiler::source::{Limits, Node, NodeKind, Scalar, Sources, parse};

/// Runs the script of the action in a folder, as GitHub does: with its inputs and files for what it tells.
fn action(folder: &Path, inputs: &[(&str, &str)]) -> Output {
    Command::new(root().join("scripts/action"))
        .current_dir(root())
        .env("SLUICE_BINARY", env!("CARGO_BIN_EXE_sluice"))
        .env("SLUICE_SARIF", folder.join("sluice.sarif"))
        .env("GITHUB_STEP_SUMMARY", folder.join("summary.md"))
        .env("GITHUB_OUTPUT", folder.join("output"))
        .envs(inputs.iter().copied())
        .output()
        .unwrap()
}

#[test]
fn the_action_annotates_sums_up_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    let run = action(folder.path(), &[("SLUICE_PATHS", "testdata/shop-mistakes/policies.yaml")]);
    let told = String::from_utf8(run.stdout).unwrap();
    assert_eq!(run.status.code(), Some(2), "{told}{}", String::from_utf8_lossy(&run.stderr));
    assert!(told.contains("::error file=testdata/shop-mistakes/policies.yaml,line=12"), "{told}");
    assert!(read("summary.md").contains("S0201"), "{}", read("summary.md"));
    assert_eq!(read("output"), format!("sarif={}\n", folder.path().join("sluice.sarif").display()));
    assert!(read("sluice.sarif").contains("\"2.1.0\""));
}

#[test]
fn the_action_takes_options_and_draws() {
    let folder = tempfile::tempdir().unwrap();
    let inputs = [
        ("SLUICE_PATHS", "\n  testdata/shop/cluster  \ntestdata/shop/policies\n"),
        (
            "SLUICE_OPTIONS",
            "--dns\ntestdata/shop/dns.yaml\n--aws\ntestdata/shop/aws.json\n--aws\ntestdata/shop/aws-interfaces.json",
        ),
        ("SLUICE_GRAPH", "true"),
    ];
    let run = action(folder.path(), &inputs);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    assert!(summary.contains("```mermaid\nflowchart LR\n") && summary.contains("postgres"), "{summary}");
}

/// GitHub refuses to draw what is large, and shows an error in its place.
#[test]
fn the_action_draws_what_github_can_draw() {
    let folder = tempfile::tempdir().unwrap();
    // Each lets the next one in, so that there is an arrow for each.
    let one = |at: usize| {
        let (space, before) = (at % 3, at.wrapping_add(519) % 520);
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: p{at}, namespace: n{space}, labels: {{app: p{at}}}}}\n---\n\
             apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p{at}, namespace: n{space}}}\nspec:\n  \
             endpointSelector: {{matchLabels: {{app: p{at}}}}}\n  ingress:\n  - fromEndpoints:\n    - matchLabels: {{app: p{before}, \
             k8s:io.kubernetes.pod.namespace: n{}}}\n---\n",
            before % 3
        )
    };
    let all = folder.path().join("all.yaml");
    std::fs::write(&all, (0..520).map(one).collect::<String>()).unwrap();
    let run = action(folder.path(), &[("SLUICE_PATHS", all.to_str().unwrap()), ("SLUICE_GRAPH", "true")]);
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    let picture = summary.split("```mermaid\n").nth(1).unwrap();
    assert!(picture.contains("n1") && !picture.contains("p17"), "{picture}");
    assert!(picture.lines().count() < 50, "{picture}");
}

#[test]
fn the_action_tells_what_changes() {
    let folder = tempfile::tempdir().unwrap();
    let git = |words: &[&str]| {
        let named = ["-c", "user.name=n", "-c", "user.email=n@example.com"];
        let run = Command::new("git").args(named).args(words).current_dir(folder.path()).output().unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    };
    let pod = |name: &str| {
        format!(
            "apiVersion: v1\nkind: Pod\nmetadata: {{name: {name}, namespace: a, labels: {{app: {name}}}}}\nspec: {{containers: [{{name: c, image: i}}]}}\n---\n"
        )
    };
    let policy = |port: u16| {
        format!(
            "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: p, namespace: a}}\nspec:\n  endpointSelector: {{matchLabels: {{app: web}}}}\n  ingress:\n  - fromEndpoints: [{{}}]\n    toPorts: [{{ports: [{{port: '{port}', protocol: TCP}}]}}]\n"
        )
    };
    let write = |port| {
        std::fs::write(folder.path().join("all.yaml"), pod("web") + &pod("db") + &policy(port)).unwrap()
    };
    git(&["init", "-q"]);
    write(80);
    git(&["add", "all.yaml"]);
    git(&["commit", "-q", "-m", "first"]);
    write(8080);
    let run = Command::new(root().join("scripts/action"))
        .current_dir(folder.path())
        .env("SLUICE_BINARY", env!("CARGO_BIN_EXE_sluice"))
        .env("SLUICE_PATHS", "all.yaml")
        .env("SLUICE_BASE", "HEAD")
        .env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"))
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let summary = std::fs::read_to_string(folder.path().join("summary.md")).unwrap();
    let changes = summary.split("### What changes").nth(1).unwrap();
    assert!(
        changes.contains("80/tcp") && changes.contains("8080/tcp") && changes.contains("a/web"),
        "{summary}"
    );
}

/// What an input holds is a word for sluice, and never one for the shell.
#[test]
fn inputs_of_the_action_are_no_commands() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made");
    let path = format!("$(touch {0}); touch {0}", made.display());
    let run = action(folder.path(), &[("SLUICE_PATHS", &path)]);
    assert_eq!(run.status.code(), Some(2));
    assert!(!made.exists());
}

/// The lines of the job's script, one after the other, in a folder like the one that it expects.
#[test]
fn the_job_for_gitlab_runs() {
    let folder = tempfile::tempdir().unwrap();
    let job = std::fs::read_to_string(root().join("deploy/ci/gitlab-ci.yml")).unwrap();
    let script = job.split("  script:\n").nth(1).unwrap().split("  artifacts:\n").next().unwrap();
    let lines: Vec<&str> = script.lines().map(|line| line.trim_start_matches("  - ")).collect();
    assert_eq!(lines.len(), 2, "{script}");
    for name in ["cluster", "policies"] {
        std::os::unix::fs::symlink(root().join("testdata/shop").join(name), folder.path().join(name))
            .unwrap();
    }
    let path = Path::new(env!("CARGO_BIN_EXE_sluice")).parent().unwrap();
    let path = format!("{}:{}", path.display(), std::env::var("PATH").unwrap());
    let run = Command::new("bash")
        .args(["-euc", &lines.join("\n")])
        .env("PATH", path)
        .env("PATHS", "cluster policies")
        .current_dir(folder.path())
        .output()
        .unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    let page = std::fs::read_to_string(folder.path().join("graph.html")).unwrap();
    assert!(page.starts_with("<!doctype html>"));
    let report = std::fs::read_to_string(folder.path().join("sluice-junit.xml")).unwrap();
    assert!(report.contains("<testsuites name=\"sluice\" tests=\"") && !report.contains("<failure"));
}

/// Runs a tool that has to succeed, and gives what it prints.
fn tool(folder: &Path, program: &Path, words: &[&str], variables: &[(&str, &Path)]) -> String {
    let run = Command::new(program)
        .args(words)
        .current_dir(folder)
        .envs(variables.iter().copied())
        .env("HOMEPAGE", "https://example.com/sluice")
        .output()
        .unwrap();
    assert!(run.status.success(), "{}: {}", program.display(), String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

/// Packs a release around a stand-in that runs the program under test, as that is large.
fn pack(folder: &Path, out: &str) {
    let stand_in = folder.join("stand-in");
    std::fs::write(&stand_in, format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_sluice"))).unwrap();
    tool(folder, Path::new("chmod"), &["700", "stand-in"], &[]);
    let out = folder.join(out);
    tool(folder, &root().join("scripts/dist"), &["stand-in"], &[("DIST", out.as_path())]);
}

#[test]
fn a_release_is_packed() {
    let folder = tempfile::tempdir().unwrap();
    pack(folder.path(), "one");
    pack(folder.path(), "two");
    let read = |path: &str| std::fs::read_to_string(folder.path().join(path)).unwrap();
    let sums = read("one/SHA256SUMS");
    assert_eq!(sums, read("two/SHA256SUMS"), "the same sources give the same archive");
    let (sum, archive) = sums.trim_end().split_once("  ").unwrap();
    let names = tool(folder.path(), Path::new("tar"), &["-tvzf", &format!("one/{archive}")], &[]);
    for entry in
        ["-rwxr-xr-x 0/0", " sluice\n", " man/sluice-check.1\n", " completions/sluice.zsh\n", " LICENSE\n"]
    {
        assert!(names.contains(entry), "{names}");
    }
    // An entry for the folder itself would change that of whoever unpacks it.
    assert!(!names.lines().any(|line| line.ends_with(" ./")), "{names}");
    // krew unpacks files and folders, and refuses all else.
    assert!(names.lines().all(|line| line.starts_with(['-', 'd']) && !line.contains("..")), "{names}");
    krew_takes(&read("one/sluice.yaml"), sum, archive);
    let plugin = installed_by_krew(folder.path(), &format!("one/{archive}"));
    let asked = tool(folder.path(), &plugin, &["preview", "--show-rights"], &[]);
    assert!(asked.contains("kind: ClusterRole"), "{asked}");
}

/// What `krew install` does with an archive that it has checked: it unpacks all of it, copies the `files` of the manifest
/// to a folder of that version, and links `bin` to the name that kubectl looks for.
fn installed_by_krew(folder: &Path, archive: &str) -> PathBuf {
    for made in ["staging", "store/sluice", "bin"] {
        std::fs::create_dir_all(folder.join(made)).unwrap();
    }
    tool(folder, Path::new("tar"), &["-C", "staging", "-xzf", archive], &[]);
    for name in ["sluice", "LICENSE"] {
        std::fs::rename(folder.join("staging").join(name), folder.join("store/sluice").join(name)).unwrap();
    }
    let plugin = folder.join("bin/kubectl-sluice");
    std::os::unix::fs::symlink("../store/sluice/sluice", &plugin).unwrap();
    plugin
}

/// What CI systems fetch is what a release holds: by the names that they ask for, and checked.
#[test]
fn ci_systems_take_a_release() {
    let folder = tempfile::tempdir().unwrap();
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    pack(folder.path(), &format!("releases/{version}"));
    let releases = format!("file://{}/releases", folder.path().display());
    let taken = |sum: &str| {
        Command::new(root().join("scripts/action"))
            .current_dir(root())
            .env("SLUICE_RELEASES", &releases)
            .env("SLUICE_VERSION", env!("CARGO_PKG_VERSION"))
            .env("SLUICE_SHA256", sum)
            .env("SLUICE_PATHS", "testdata/shop/policies")
            .env("GITHUB_STEP_SUMMARY", folder.path().join("summary.md"))
            .output()
            .unwrap()
    };
    let run = taken("");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    assert!(!taken(&"0".repeat(64)).status.success(), "a release with another checksum is no release");

    let job = std::fs::read_to_string(root().join("deploy/ci/gitlab-ci.yml")).unwrap();
    let script = job.split("  before_script:\n").nth(1).unwrap().split("  script:\n").next().unwrap();
    let lines: Vec<&str> = script.lines().map(|line| line.trim_start_matches("  - ")).collect();
    assert!(lines[0].starts_with("apt-get "), "{script}");
    let script = lines[1..].join("\n").replace("/usr/local/bin", "unpacked");
    std::fs::create_dir(folder.path().join("unpacked")).unwrap();
    let releases = Path::new(&releases);
    let version = Path::new(env!("CARGO_PKG_VERSION"));
    let variables = [("SLUICE_RELEASES", releases), ("SLUICE_VERSION", version)];
    tool(folder.path(), Path::new("bash"), &["-euc", &script], &variables);
    tool(folder.path(), &folder.path().join("unpacked/sluice"), &["explain", "S0101"], &[]);
}

/// What krew's `validate-krew-manifest` asks of a manifest that is named after its plugin.
fn krew_takes(text: &str, sum: &str, archive: &str) {
    let mut sources = Sources::default();
    let file = sources.add("sluice.yaml", text);
    let (documents, findings) = parse(&sources, file, &Limits::default());
    assert!(findings.is_empty() && documents.len() == 1, "{findings:?}");
    let at = |path: &str| -> Node {
        path.split('.').fold(documents[0].root.clone(), |node, key| match &node.kind {
            NodeKind::Sequence(items) => items[key.parse::<usize>().unwrap()].clone(),
            _ => node.get(key).ok_or(path).unwrap().clone(),
        })
    };
    let string = |path: &str| match at(path).scalar() {
        Some(Scalar::String(text)) => Ok(text.to_owned()),
        other => Err(format!("{path} is {other:?}")),
    };
    let string = |path: &str| string(path).unwrap();
    assert_eq!(string("apiVersion"), "krew.googlecontainertools.github.com/v1alpha2");
    assert_eq!((string("kind"), string("metadata.name")), ("Plugin".to_owned(), "sluice".to_owned()));
    assert_eq!(string("spec.version"), concat!("v", env!("CARGO_PKG_VERSION")));
    assert!(string("spec.shortDescription").len() <= 70);
    let lines = [string("spec.description"), string("spec.caveats")];
    assert!(lines.iter().flat_map(|text| text.lines()).all(|line| line.len() <= 80), "{lines:?}");
    let platform = |key: &str| string(&format!("spec.platforms.0.{key}"));
    assert_eq!(platform("sha256"), sum);
    let uri =
        format!("https://example.com/sluice/releases/download/v{}/{archive}", env!("CARGO_PKG_VERSION"));
    assert_eq!(platform("uri"), uri);
    assert_eq!((platform("files.0.from"), platform("bin")), ("sluice".to_owned(), "sluice".to_owned()));
    assert_eq!((platform("files.0.to"), platform("files.1.to")), (".".to_owned(), ".".to_owned()));
    assert_eq!(platform("files.1.from"), "LICENSE");
    assert!(!string("spec.shortDescription").contains('\n'));
    assert_eq!(
        (platform("selector.matchLabels.os"), platform("selector.matchLabels.arch")),
        ("linux".to_owned(), "amd64".to_owned())
    );
}

/// Every page that `man` would be asked for is there, and `man` has nothing to say against it.
#[test]
fn manual_pages() {
    let folder = tempfile::tempdir().unwrap();
    let run = sluice(root(), &["man", "--output", folder.path().to_str().unwrap()]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut pages: Vec<String> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    for page in ["sluice.1", "sluice-check.1", "sluice-graph.1", "sluice-agent.1"] {
        assert!(pages.iter().any(|known| known == page), "{pages:?}");
    }
    let text = sluice(root(), &["man"]).stdout;
    assert!(text.contains(".TH sluice 1") && text.contains("sluice\\-graph(1)"), "{text}");
    let Ok(man) = Command::new("man")
        .args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8"])
        .args(pages.iter().map(|page| folder.path().join(page)))
        .output()
    else {
        return;
    };
    assert!(man.status.success() && man.stderr.is_empty(), "{}", String::from_utf8_lossy(&man.stderr));
}
