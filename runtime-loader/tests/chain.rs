//! The last links of the chain: what the tables of a decision say, the images say, the programs say in the interpreter
//! and in the kernel, question by question. The cases of `testdata/` and, where they are present, the recorded
//! clusters of the outside conformance suite.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may")]

mod harness;

use std::path::{Path, PathBuf};

use harness::case::{Case, decided};
use harness::engines::{Interpreter, Kernel, differences};
use harness::root;

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
