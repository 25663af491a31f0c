//! What the tests of the command line share: running it, and comparing with golden files.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The arguments for the sample shop, with what is known beside its manifests.
pub(crate) const SHOP: [&str; 8] = [
    "--dns",
    "testdata/shop/dns.yaml",
    "--aws",
    "testdata/shop/aws.json",
    "--aws",
    "testdata/shop/aws-interfaces.json",
    "testdata/shop/cluster",
    "testdata/shop/policies",
];

/// What a run of the program left behind.
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: i32,
}

/// Runs the program in a folder, with nothing on standard input and nothing from the environment.
pub(crate) fn sluice<S: AsRef<str>>(folder: &Path, arguments: &[S]) -> Run {
    sluice_with(folder, arguments, &[])
}

/// As [`sluice`], with some variables.
pub(crate) fn sluice_with<S: AsRef<str>>(
    folder: &Path,
    arguments: &[S],
    variables: &[(&str, &OsStr)],
) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(arguments.iter().map(AsRef::as_ref))
        .current_dir(folder)
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("KUBECONFIG")
        .env_remove("KUBERNETES_SERVICE_HOST")
        // No `~/.kube/config` of whoever runs the tests.
        .env("HOME", folder)
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Run {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        code: output.status.code().unwrap_or(-1),
    }
}

/// Runs the program for a reader who goes away at once: its exit code and standard error.
pub(crate) fn sluice_unread(folder: &Path, arguments: &[&str]) -> (Option<i32>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_sluice"))
        .args(arguments)
        .current_dir(folder)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8(output.stderr).unwrap())
}

/// The parts of a difference in JSON, with how many lines there are and not where, as the same objects may stand in other files.
pub(crate) fn parts_without_lines(out: &str) -> Value {
    let mut value: Value = serde_json::from_str(out).unwrap();
    let mut parts = value["parts"].take();
    for part in parts.as_array_mut().unwrap() {
        for change in part["changes"].as_array_mut().unwrap() {
            for side in ["old", "new"] {
                change[side]["lines"] = change[side]["lines"].as_array().unwrap().len().into();
            }
        }
    }
    parts
}

/// Compares a text with a golden file, or writes the file if `SLUICE_BLESS` is set. Says what differs.
pub(crate) fn golden(path: &str, text: &str) -> Result<(), String> {
    let file: PathBuf = root().join("golden").join(path);
    if std::env::var_os("SLUICE_BLESS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, text).unwrap();
        return Ok(());
    }
    match fs::read_to_string(&file) {
        Ok(expected) if expected == text => Ok(()),
        Ok(expected) => Err(format!(
            "golden/{path} differs; `make golden` rewrites it\n--- expected\n{expected}--- found\n{text}"
        )),
        Err(_) => Err(format!("golden/{path} is missing; `make golden` writes it")),
    }
}
