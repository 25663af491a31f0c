//! Libraries are functions of their arguments.
//!
//! `ir`, `compiler` and `backends` touch no files, environment, network, processes or clock, never
//! sleep and never print: the same input gives the same bytes, and the command line and the agent decide
//! what happens around it. Only they end the process, in any crate. Tests may do what they like.

use super::PURE;
use crate::tokens::{Path, production_paths};
use crate::tree::{File, Finding, Tree};

const RULE: &str = "purity";

/// Paths that a library must not name, and what they are.
const FORBIDDEN: [(&[&str], &str); 14] = [
    (&["std", "fs"], "files"),
    (&["std", "env"], "the environment"),
    (&["std", "process"], "processes"),
    (&["std", "os"], "the operating system"),
    (&["std", "io", "stdin"], "the terminal"),
    (&["std", "io", "stdout"], "the terminal"),
    (&["std", "io", "stderr"], "the terminal"),
    (&["TcpListener"], "the network"),
    (&["TcpStream"], "the network"),
    (&["UdpSocket"], "the network"),
    (&["Instant", "now"], "the clock"),
    (&["SystemTime", "now"], "the clock"),
    (&[".elapsed"], "the clock"),
    (&["thread", "sleep"], "the clock"),
];

const PRINTING: [&str; 5] = ["print", "println", "eprint", "eprintln", "dbg"];

const ENDING: [&[&str]; 2] = [&["process", "exit"], &["process", "abort"]];

/// Checks the sources of every crate, each by its own measure.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !file.is_test() && !file.is_data()) {
        // A file that cannot be read as tokens has its own finding.
        for path in production_paths(&file.text).unwrap_or_default() {
            if let Some(subject) = forbidden(file, &path) {
                let message = format!(
                    "`{}` reaches for {subject}, which only the command line and the agent may",
                    path.text()
                );
                findings.push(file.finding(path.line, RULE, message));
            }
        }
    }
    findings
}

/// What a path reaches for that this file must leave alone.
fn forbidden(file: &File, path: &Path) -> Option<&'static str> {
    let library = PURE.iter().any(|folder| file.is_in(&format!("{folder}/src")));
    if library {
        if let Some((_, subject)) = FORBIDDEN.iter().find(|(segments, _)| path.contains(segments)) {
            return Some(subject);
        }
        if path.next == "!" && path.segments.last().is_some_and(|name| PRINTING.contains(&name.as_str())) {
            return Some("the terminal");
        }
    }
    let may_end = file.is_in("cli") || file.is_in("xtask") || file.is_in_module("runtime-loader/src/agent");
    let ends = ENDING.iter().any(|segments| path.contains(segments));
    (ends && !may_end).then_some("the end of the process")
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;
    use crate::walls::tests::places;

    fn lines_found(path: &str, source: &str) -> usize {
        check(&Tree::of(&[(path, source)])).len()
    }

    #[test]
    fn side_effects_in_a_library_are_found() {
        for source in [
            "use std::{fmt, fs};",
            "fn f() { std::env::var(\"X\"); }",
            "use std::net::UdpSocket;",
            "use std::time::Instant; fn f() { let t = Instant::now(); }",
            "fn f(t: Instant) { t.elapsed(); }",
            "fn f() { std::thread::sleep(x); }",
            "fn f() { println!(\"x\"); }",
            "fn f() { let x = vec![dbg!(1)]; }",
        ] {
            for folder in ["ir", "compiler", "backends"] {
                assert_eq!(lines_found(&format!("{folder}/src/a.rs"), source), 1, "{source}");
            }
            assert_eq!(lines_found("runtime-loader/src/a.rs", source), 0, "{source}");
        }
    }

    #[test]
    fn pure_code_and_tests_pass() {
        let source = "//! std::fs\nuse std::net::IpAddr;\nuse std::time::Duration;\nfn env() { write!(f, \"println!\"); }\n";
        assert_eq!(lines_found("ir/src/a.rs", source), 0);
        assert_eq!(lines_found("ir/src/a.rs", "#[cfg(test)]\nmod tests { use std::fs; }"), 0);
        assert_eq!(lines_found("ir/tests/a.rs", "use std::fs;"), 0);
    }

    #[test]
    fn only_the_edges_end_the_process() {
        let source = "use std::process;\nfn f() {\n    process::exit(1)\n}";
        let tree = Tree::of(&[
            ("cli/src/a.rs", source),
            ("runtime-loader/src/agent.rs", source),
            ("runtime-loader/src/agent/a.rs", source),
            ("runtime-loader/src/node.rs", source),
        ]);
        assert_eq!(places(&check(&tree)), ["runtime-loader/src/node.rs:3"]);
    }
}
