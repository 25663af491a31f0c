//! The meaning of policies by example: who may reach whom, one idea a case.
//!
//! A case is a folder `testdata/cases/NAME`:
//!
//! | file | what |
//! |---|---|
//! | `about.md` | the rule, its section of semantics.md, the surprise |
//! | `cluster.yaml` | ordinary manifests |
//! | `policies.yaml` or `policies/` | what is enforced |
//! | `flows.jsonl` | flows, each with `expect` (`egress`, `ingress`, `verdict`) and `why` |
//! | `case.yaml` | arguments: `node: NAME`, `accept: agent`; optional |
//! | `config.yaml`, `dns.yaml`, `aws*.json` | for `--config`, `--dns` and `--aws`; optional |
//!
//! Each case is asked twice: as it is, and as its *twin*, with every document and every rule in reverse.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "goldens are for other tests")]
mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use common::{Run, root, sluice};
use rayon::prelude::*;
use serde_json::Value;

/// The members of an answer that are compared.
const SIDES: [&str; 3] = ["egress", "ingress", "verdict"];

/// By the flow's id, what was answered or is expected, as `egress ingress verdict`.
type Answers = BTreeMap<String, String>;

struct Case {
    name: String,
    folder: PathBuf,
}

impl Case {
    fn all() -> Vec<Case> {
        let entries = fs::read_dir(root().join("testdata/cases")).unwrap();
        let mut cases: Vec<Case> = entries
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_dir())
            .map(|entry| Case { name: entry.file_name().into_string().unwrap(), folder: entry.path() })
            .collect();
        cases.sort_by(|a, b| a.name.cmp(&b.name));
        assert!(!cases.is_empty(), "testdata/cases is empty");
        cases
    }

    fn has(&self, file: &str) -> bool {
        self.folder.join(file).exists()
    }

    fn flows(&self) -> Result<Vec<Value>, String> {
        let text = fs::read_to_string(self.folder.join("flows.jsonl"))
            .map_err(|error| format!("flows.jsonl: {error}"))?;
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        let flows: Vec<Value> = lines
            .map(|line| serde_json::from_str(line).map_err(|error| format!("flows.jsonl: {error}: {line}")))
            .collect::<Result<_, _>>()?;
        if flows.is_empty() { Err("flows.jsonl has no flows".to_owned()) } else { Ok(flows) }
    }

    fn policies(&self) -> &'static str {
        if self.has("policies") { "policies" } else { "policies.yaml" }
    }

    /// The texts of the files of policies, in order of their names.
    fn policy_texts(&self) -> Vec<String> {
        let path = self.folder.join(self.policies());
        let mut files = if path.is_dir() {
            fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()).collect()
        } else {
            vec![path]
        };
        files.sort();
        files.iter().map(|file| fs::read_to_string(file).unwrap()).collect()
    }

    /// Asks about the case's flows, with its options, in a cluster under policies.
    fn ask(&self, cluster: &str, policies: &str) -> Run {
        self.ask_engine("tables", cluster, policies)
    }

    fn ask_engine(&self, engine: &str, cluster: &str, policies: &str) -> Run {
        let mut arguments = vec!["can", "--keep-going", "--format", "jsonl", "--flows", "flows.jsonl"];
        arguments.extend(["--engine", engine]);
        for (option, file) in [("--config", "config.yaml"), ("--dns", "dns.yaml")] {
            if self.has(file) {
                arguments.extend([option, file]);
            }
        }
        for file in ["aws.json", "aws-interfaces.json"] {
            if self.has(file) {
                arguments.extend(["--aws", file]);
            }
        }
        let own = fs::read_to_string(self.folder.join("case.yaml")).unwrap_or_default();
        for line in own.lines() {
            match line.split_once(": ") {
                Some(("node", name)) => arguments.extend(["--node", name]),
                Some(("accept", who)) => arguments.extend(["--accept", who]),
                _ => panic!("{}: case.yaml: `{line}` is neither `node:` nor `accept:`", self.name),
            }
        }
        arguments.extend([cluster, policies]);
        sluice(&self.folder, &arguments)
    }
}

fn id(flow: &Value) -> String {
    flow["id"].as_str().unwrap_or_default().to_owned()
}

fn sides(value: &Value) -> String {
    SIDES.map(|side| value[side].as_str().unwrap_or("?")).join(" ")
}

fn answers(run: &Run) -> Answers {
    let values = run.stdout.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    values.map(|value| (id(&value), sides(&value))).collect()
}

/// What differs between a case's expectations and the answers, a line each.
fn differences(case: &Case) -> Result<Vec<String>, String> {
    let flows = case.flows()?;
    let run = case.ask("cluster.yaml", case.policies());
    let found = answers(&run);
    let mut different = Vec::new();
    for flow in &flows {
        let expected = sides(&flow["expect"]);
        let answer = found.get(&id(flow)).map_or("no answer", String::as_str);
        if answer != expected {
            different.push(format!(
                "{} {} -> {} {} {}: expected {expected}, found {answer} ({})",
                id(flow),
                flow["from"],
                flow["to"],
                flow["proto"],
                flow.get("port").or_else(|| flow.get("icmpType")).unwrap_or(&Value::Null),
                flow["why"].as_str().unwrap_or("no reason given"),
            ));
        }
    }
    if found.is_empty() {
        return Err(format!("exit code {}\n{}", run.code, run.stderr));
    }
    Ok(different)
}

/// Fails with everything that differs, case by case.
fn report(check: impl Fn(&Case) -> Result<Vec<String>, String> + Sync) {
    let cases = Case::all();
    let failed: Vec<String> = cases
        .par_iter()
        .flat_map_iter(|case| {
            let lines = check(case).unwrap_or_else(|fault| vec![fault]);
            lines.into_iter().map(|line| format!("{}: {line}", case.name))
        })
        .collect();
    assert!(
        failed.is_empty(),
        "{} faults in {} cases
{}",
        failed.len(),
        cases.len(),
        failed.join(
            "
"
        )
    );
}

#[test]
fn policies_mean_what_the_cases_say() {
    report(differences);
}

/// The command itself holds what programs say against the tables.
#[test]
fn programs_say_what_the_cases_say() {
    report(|case| {
        let run = case.ask_engine("program", "cluster.yaml", case.policies());
        let expected = case.ask("cluster.yaml", case.policies());
        let same = (run.code, &run.stdout) == (expected.code, &expected.stdout);
        Ok(if same { Vec::new() } else { vec![format!("exit code {}: {}", run.code, run.stderr)] })
    });
}

/// Ids are unique, every flow says what to expect and why, and every case says what it is about.
#[test]
fn cases_are_complete() {
    report(|case| {
        let flows = case.flows()?;
        let mut faults = Vec::new();
        if !case.has("about.md") {
            faults.push("about.md is missing".to_owned());
        }
        let mut seen = BTreeMap::new();
        for flow in &flows {
            if seen.insert(id(flow), ()).is_some() {
                faults.push(format!("{} is there twice", id(flow)));
            }
            if sides(&flow["expect"]).contains('?') || flow["why"].as_str().is_none_or(str::is_empty) {
                faults.push(format!("{} lacks what to expect, or why", id(flow)));
            }
        }
        Ok(faults)
    });
}

#[test]
fn the_order_of_documents_and_rules_means_nothing() {
    report(|case| {
        let twin = tempfile::tempdir().map_err(|error| error.to_string())?;
        let write = |name: &str, text: String| {
            let path = twin.path().join(name);
            fs::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let cluster = fs::read_to_string(case.folder.join("cluster.yaml")).unwrap();
        let cluster = write("cluster.yaml", reversed_documents(&cluster, false));
        let mut policies: Vec<String> =
            case.policy_texts().iter().map(|text| reversed_documents(text, true)).collect();
        policies.reverse();
        let policies = write("policies.yaml", policies.join("---\n"));

        let (found, expected) =
            (answers(&case.ask(&cluster, &policies)), answers(&case.ask("cluster.yaml", case.policies())));
        let differs = |(id, answer): (&String, &String)| {
            let twin = found.get(id).map_or("no answer", String::as_str);
            (twin != answer).then(|| format!("{id}: {answer}, but its twin has {twin}"))
        };
        Ok(expected.iter().filter_map(differs).collect())
    });
}

/// The documents of a file in reverse order and, if asked, all their block sequences too. In a cluster
/// the order of a list may count: of two container ports with one name the last is taken.
fn reversed_documents(text: &str, lists: bool) -> String {
    let mut documents = text.split("---\n").collect::<Vec<_>>();
    documents.reverse();
    let document = |document: &str| {
        let lines: Vec<&str> = document.lines().collect();
        let lines = if lists { reversed_lists(&lines) } else { lines };
        lines.iter().map(|line| format!("{line}\n")).collect::<String>()
    };
    documents.into_iter().map(document).collect::<Vec<_>>().join("---\n")
}

/// The lines with the elements of every block sequence in reverse order, inner ones included.
fn reversed_lists<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let mut result = Vec::new();
    let mut rest = lines;
    while let Some((first, after)) = rest.split_first() {
        if !is_element(first) {
            result.push(*first);
            rest = after;
            continue;
        }
        let depth = indentation(first);
        let inside =
            |line: &&str| indentation(line) > depth || (indentation(line) == depth && is_element(line));
        let (sequence, behind) = rest.split_at(rest.iter().take_while(|line| inside(line)).count());
        let mut elements: Vec<Vec<&str>> = Vec::new();
        for line in sequence {
            match elements.last_mut() {
                Some(element) if indentation(line) > depth => element.push(line),
                _ => elements.push(vec![line]),
            }
        }
        for element in elements.iter().rev() {
            result.push(element[0]);
            result.extend(reversed_lists(&element[1..]));
        }
        rest = behind;
    }
    result
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

fn is_element(line: &str) -> bool {
    line.trim_start().starts_with("- ")
}

#[test]
fn lists_are_reversed_with_what_is_in_them() {
    let text = "a: 1\nb:\n  - c: 2\n    d:\n      - 3\n      - 4\n  - e: 5\nf: 6\n---\ng: 7\n";
    let expected = "g: 7\n---\na: 1\nb:\n  - e: 5\n  - c: 2\n    d:\n      - 4\n      - 3\nf: 6\n";
    assert_eq!(reversed_documents(text, true), expected);
}
