//! Every diagnostic by example.
//!
//! A case is a file `testdata/diagnostics/S*.yaml`, or `testdata/lints/S*.yaml` for a lint, that says at its top how it is run and what is to be found:
//!
//! ```text
//! # run: check --accept agent {file}
//! # expect: S0201 `ingres`
//! ```
//!
//! Without `# run:` it is `check {file}`. Behind the code stands the text that is underlined: `?` for any,
//! nothing for no place, and of several lines the first and ` …`. All errors and warnings have to be
//! expected, in order; infos may be passed over. The human rendering is `golden/diagnostics/NAME.txt`.
//!
//! A lint has a twin of the same name in `testdata/lints/good`, which differs from it in what the lint is about. There
//! the lint says nothing, and no other finding is more than an info.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use common::{golden, root, sluice};
use rayon::prelude::*;
use serde_json::Value;
use sluice_compiler::diagnostic::{Code, Severity};

/// Codes that no small file can show.
const EXEMPT: [(Code, &str); 12] = [
    (Code::FileTooLarge, "the limit is 1 GiB"),
    (Code::TableTooLarge, "`check` makes no table; the tests of `compile` have a case"),
    (Code::NoWorkloads, "`check` needs none; the tests of `diff` and `graph` have cases"),
    (Code::EndpointInterfaces, "only the agent reads the file; its tests have a case"),
    (Code::ClusterTls, "needs a server; the tests of live clusters have a case"),
    (Code::ClusterCredentials, "needs a server; the tests of live clusters have a case"),
    (Code::ClusterRights, "needs a server; the tests of live clusters have a case"),
    (Code::ClusterInterrupted, "needs a server; the tests of live clusters have a case"),
    (Code::ClusterAnswer, "needs a server; the tests of live clusters have a case"),
    (Code::ClusterWithoutCilium, "needs a server; the tests of live clusters have a case"),
    (Code::ClusterGap, "needs a server; the tests of live clusters have a case"),
    (Code::ClusterObject, "needs a server; the tests of live clusters have a case"),
];

/// A finding as expected or as found: its code and the text underlined, `None` for any.
#[derive(Clone, Debug)]
struct Finding {
    code: String,
    text: Option<String>,
}

impl Finding {
    fn agrees(&self, found: &Finding) -> bool {
        self.code == found.code && (self.text.is_none() || self.text == found.text)
    }

    fn show(findings: &[Finding]) -> String {
        let show = |finding: &Finding| match &finding.text {
            Some(text) => format!("{} `{text}`", finding.code),
            None => format!("{} ?", finding.code),
        };
        if findings.is_empty() {
            return "nothing".to_owned();
        }
        findings.iter().map(show).collect::<Vec<_>>().join(", ")
    }
}

struct Case {
    /// `diagnostics`, `lints` or `lints/good`.
    folder: &'static str,
    stem: String,
    /// The arguments, `{file}` filled in.
    run: Vec<String>,
    expected: Vec<Finding>,
}

/// Where cases are.
const FOLDERS: [&str; 2] = ["diagnostics", "lints"];

fn place(folder: &str) -> PathBuf {
    root().join("testdata").join(folder)
}

fn cases() -> Vec<Case> {
    FOLDERS.into_iter().flat_map(cases_of).collect()
}

fn cases_of(folder: &'static str) -> Vec<Case> {
    let mut names: Vec<String> = fs::read_dir(place(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('S') && name.ends_with(".yaml"))
        .collect();
    names.sort();
    names.iter().map(|name| case(folder, name)).collect()
}

fn case(folder: &'static str, name: &str) -> Case {
    let text = text_of(&place(folder).join(name));
    let mut case = Case {
        folder,
        stem: name.trim_end_matches(".yaml").to_owned(),
        run: vec!["check".to_owned(), name.to_owned()],
        expected: Vec::new(),
    };
    for line in text.trim_start_matches('\u{feff}').lines() {
        if let Some(run) = line.strip_prefix("# run:") {
            case.run = run.split_whitespace().map(|word| word.replace("{file}", name)).collect();
        } else if let Some(expected) = line.strip_prefix("# expect:") {
            let (code, text) = expected.trim().split_once(' ').unwrap_or((expected.trim(), ""));
            let text = (text != "?").then(|| {
                let inner = text.strip_prefix('`').and_then(|text| text.strip_suffix('`'));
                inner.unwrap_or(text).to_owned()
            });
            case.expected.push(Finding { code: code.to_owned(), text });
        }
    }
    case
}

/// Some files are about bytes that are no text.
fn text_of(path: &Path) -> String {
    String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned()
}

impl Case {
    /// Runs the case both ways; what is wrong with it, if anything.
    fn check(&self) -> Result<(), String> {
        let found = self.found()?;
        let agrees = found.len() == self.expected.len()
            && self.expected.iter().zip(&found).all(|(expected, found)| expected.agrees(found));
        if !agrees {
            let (expected, found) = (Finding::show(&self.expected), Finding::show(&found));
            return Err(format!("expected {expected}\n  found    {found}"));
        }
        // What is wrong must not become golden.
        golden(&format!("{}/{}.txt", self.folder, self.stem), &self.human())
    }

    /// Only `check` lets its findings be chosen.
    fn checks(&self) -> bool {
        self.run.first().is_some_and(|command| command == "check")
    }

    fn arguments(&self, extra: &[&str]) -> Vec<String> {
        let (command, rest) = self.run.split_first().unwrap();
        let extra = extra.iter().map(|word| (*word).to_owned());
        std::iter::once(command.clone()).chain(extra).chain(rest.iter().cloned()).collect()
    }

    /// Errors, warnings, and the infos that are expected.
    fn found(&self) -> Result<Vec<Finding>, String> {
        Ok(self
            .all()?
            .into_iter()
            .filter(|(finding, severity)| {
                severity != "info" || self.expected.iter().any(|expected| expected.code == finding.code)
            })
            .map(|(finding, _)| finding)
            .collect())
    }

    /// Everything that is found, with its severity.
    fn all(&self) -> Result<Vec<(Finding, String)>, String> {
        let extra = ["--format", "json", "--min-severity", "info"];
        let folder = place(self.folder);
        let run = sluice(&folder, &self.arguments(if self.checks() { &extra } else { &extra[..2] }));
        // A command whose standard output is an answer says what is wrong on standard error.
        let parsed = [&run.stdout, &run.stderr].iter().find_map(|text| {
            let value: Value = serde_json::from_str(text).ok()?;
            value["diagnostics"].as_array().cloned()
        });
        let Some(diagnostics) = parsed else {
            let words = run.stderr.lines().next().unwrap_or("nothing on standard error");
            return Err(format!("no findings as JSON, exit {}: {words}", run.code));
        };
        let severity = |diagnostic: &Value| diagnostic["severity"].as_str().unwrap_or_default().to_owned();
        Ok(diagnostics.iter().map(|one| (finding(&folder, one), severity(one))).collect())
    }

    /// What a person sees.
    fn human(&self) -> String {
        let info = self
            .expected
            .iter()
            .any(|finding| Code::parse(&finding.code).is_some_and(|code| code.severity() == Severity::Info));
        let extra: &[&str] = match (self.checks(), info) {
            (false, _) => &["--format", "human"],
            (true, true) => &["--min-severity", "info"],
            (true, false) => &[],
        };
        let arguments = self.arguments(extra);
        let run = sluice(&place(self.folder), &arguments);
        format!("$ sluice {}\n{}{}exit {}\n", arguments.join(" "), run.stdout, run.stderr, run.code)
    }
}

fn finding(folder: &Path, diagnostic: &Value) -> Finding {
    let text = Some(underlined(folder, diagnostic));
    Finding { code: diagnostic["code"].as_str().unwrap().to_owned(), text }
}

/// The text of the place that a finding gives, by its line and column, as an editor would mark it.
fn underlined(folder: &Path, diagnostic: &Value) -> String {
    let number = |key: &str| diagnostic[key].as_u64().map(|number| number as usize);
    let place = (number("line"), number("column"), number("endLine"), number("endColumn"));
    let (Some(file), (Some(line), Some(column), Some(end_line), Some(end_column))) =
        (diagnostic["file"].as_str(), place)
    else {
        return String::new();
    };
    let text = text_of(&folder.join(file));
    let written = text.split('\n').nth(line - 1).unwrap_or_default();
    if line == end_line {
        return written.chars().skip(column - 1).take(end_column - column).collect();
    }
    let first: String = written.chars().skip(column - 1).collect();
    format!("{} …", first.trim_end_matches('\r'))
}

#[test]
fn every_case_is_found_as_expected() {
    let cases = cases();
    let failures: Vec<String> = cases
        .par_iter()
        .filter_map(|case| case.check().err().map(|why| format!("{}\n  {why}", case.stem)))
        .collect();
    assert!(
        failures.is_empty(),
        "{} of {} cases fail:\n\n{}\n",
        failures.len(),
        cases.len(),
        failures.join("\n\n")
    );
}

#[test]
fn every_code_has_a_case_and_every_case_its_code() {
    let mut wrong = Vec::new();
    let mut shown = BTreeSet::new();
    for case in cases() {
        let named = case.stem.get(..5).unwrap_or_default();
        let expects = case.expected.iter().any(|finding| finding.code == named);
        let rest = case.stem.get(6..).unwrap_or_default();
        let name = rest.split('.').next().unwrap_or_default();
        if !expects {
            wrong.push(format!("{} does not expect {named}", case.stem));
        } else if Code::parse(named).is_none_or(|code| code.name() != name) {
            wrong.push(format!("{} has another name than its code", case.stem));
        }
        shown.insert(named.to_owned());
    }
    for code in Code::ALL {
        let exempt = EXEMPT.iter().any(|(exempt, _)| exempt == code);
        match (exempt, shown.contains(code.as_str())) {
            (false, false) => wrong.push(format!("{code} has no case")),
            (true, true) => wrong.push(format!("{code} is exempt and has a case")),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_lint_is_silent_about_its_good_twin() {
    let good = cases_of("lints/good");
    let stems: BTreeSet<&str> = good.iter().map(|case| case.stem.as_str()).collect();
    let bad = cases_of("lints");
    let mut wrong: Vec<String> = bad
        .iter()
        .filter(|case| !stems.contains(case.stem.as_str()))
        .map(|case| format!("{} has no good twin", case.stem))
        .collect();
    wrong.par_extend(good.par_iter().flat_map_iter(|case| {
        let code = case.stem.get(..5).unwrap_or_default();
        let found = case.all().unwrap_or_else(|why| panic!("{}: {why}", case.stem));
        let told = found.into_iter().filter(|(finding, severity)| severity != "info" || finding.code == code);
        told.map(|(finding, _)| format!("{}: {}", case.stem, Finding::show(&[finding]))).collect::<Vec<_>>()
    }));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_golden_file_belongs_to_a_case() {
    let stems: BTreeSet<String> = cases().into_iter().map(|case| format!("{}.txt", case.stem)).collect();
    let goldens = FOLDERS.into_iter().flat_map(|folder| fs::read_dir(root().join("golden").join(folder)));
    let names = goldens.flatten().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let stale: Vec<String> = names.filter(|name| !stems.contains(name)).collect();
    assert!(stale.is_empty(), "golden files without a case: {}", stale.join(", "));
}
