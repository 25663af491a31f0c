//! Small things that reviews should not have to mention.
//!
//! Every Rust file says in its first line what it is about. Sources stay under a thousand lines, carry
//! no trailing blanks, no tabs (Rust), no switched-off tests and no notes to finish later. No file holds
//! a path of the machine it was written on. Test data and expected output are what they have to be.

use crate::tokens::paths;
use crate::tree::{File, Finding, Tree};

const RULE: &str = "tidy";

/// A file that has grown past this has grown past its subject.
const MAX_LINES: usize = 1000;

/// Kinds of files that people write as source.
const SOURCES: [&str; 6] = ["rs", "c", "h", "py", "pest", "sh"];

/// Notes to finish later. Written in two parts, so that this file does not hold them.
const NOTES: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Folders of the machines that the project is written on.
const MACHINE: [&str; 3] = [concat!("/wo", "rk/"), concat!("/tmp", "/wt"), concat!("/tmp", "/t/")];

/// Checks every text file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &tree.files {
        machine_paths(file, &mut findings);
        if file.is_data() {
            continue;
        }
        trailing_blanks(file, &mut findings);
        if SOURCES.contains(&file.extension()) {
            size(file, &mut findings);
            notes(file, &mut findings);
        }
        if file.extension() == "rs" {
            rust(file, &mut findings);
        }
    }
    findings
}

fn machine_paths(file: &File, findings: &mut Vec<Finding>) {
    for (number, line) in file.numbered() {
        for path in MACHINE {
            // Behind a letter it is the middle of some other path.
            let whole =
                |(at, _): (usize, &str)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '.');
            if line.match_indices(path).any(whole) {
                findings.push(file.finding(number, RULE, format!("`{path}` is a folder of one machine")));
            }
        }
    }
}

fn trailing_blanks(file: &File, findings: &mut Vec<Finding>) {
    for (number, line) in file.numbered() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(file.finding(number, RULE, "blanks at the end of the line"));
        }
    }
    if !file.text.is_empty() && !file.text.ends_with('\n') {
        findings.push(file.finding(file.text.lines().count(), RULE, "no newline at the end of the file"));
    }
}

fn size(file: &File, findings: &mut Vec<Finding>) {
    let lines = file.text.lines().count();
    if lines > MAX_LINES && !file.is_generated() {
        let message = format!("{lines} lines, more than {MAX_LINES}: split it by subject");
        findings.push(file.finding(lines, RULE, message));
    }
}

fn notes(file: &File, findings: &mut Vec<Finding>) {
    for (number, line) in file.numbered() {
        for word in line.split(|c: char| !c.is_alphanumeric() && c != '_') {
            if NOTES.contains(&word) {
                findings.push(file.finding(number, RULE, format!("`{word}`: finish it, or open an issue")));
            }
        }
    }
}

fn rust(file: &File, findings: &mut Vec<Finding>) {
    if !file.text.starts_with("//! ") && !file.is_generated() {
        findings.push(file.finding(1, RULE, "the first line is no `//!` that says what the file is about"));
    }
    for (number, _) in file.numbered().filter(|(_, line)| line.contains('\t')) {
        findings.push(file.finding(number, RULE, "a tab"));
    }
    for path in paths(&file.text).unwrap_or_default() {
        if path.segments == ["ignore"] && is_attribute(file, path.line) {
            findings.push(file.finding(
                path.line,
                RULE,
                "a test that does not run: assert what it does today instead",
            ));
        }
        if path.next == "!" && matches!(path.text().as_str(), "todo" | "unimplemented") {
            findings.push(file.finding(path.line, RULE, "unfinished work does not land"));
        }
    }
}

/// Whether the line holds `#[ignore]`, with a reason or without.
fn is_attribute(file: &File, line: usize) -> bool {
    file.numbered().any(|(number, text)| number == line && text.contains("#[ignore"))
}

#[cfg(test)]
mod tests {
    use super::{MACHINE, NOTES, check};
    use crate::tree::Tree;

    fn messages(path: &str, text: &str) -> Vec<String> {
        check(&Tree::of(&[(path, text)])).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_tidy_file_passes() {
        assert!(messages("ir/src/a.rs", "//! A file.\n\nfn ignore() {}\n").is_empty());
        assert!(messages("docs/a.md", &format!("a/b{}c and ..{}c\n", MACHINE[0], MACHINE[0])).is_empty());
    }

    #[test]
    fn untidy_rust_is_found() {
        for text in [
            "fn f() {}\n",
            "//! A.\nfn f() {} \n",
            "//! A.\n\tfn f() {}\n",
            "//! A.\n#[test]\n#[ignore = \"slow\"]\nfn f() {}\n",
            "//! A.\nfn f() { todo!() }\n",
            "//! A.",
        ] {
            assert_eq!(messages("ir/src/a.rs", text).len(), 1, "{text:?}");
        }
    }

    #[test]
    fn notes_and_machine_paths_are_found() {
        for note in NOTES {
            assert_eq!(messages("bpf/a.c", &format!("/* {note}: later */\n")).len(), 1);
            assert!(messages("bpf/a.c", &format!("/* {note}S */\n")).is_empty());
        }
        for path in MACHINE {
            assert_eq!(messages("golden/a.txt", &format!("read {path}a\n")).len(), 1);
            assert_eq!(messages("docs/a.md", &format!("`{path}a`\n")).len(), 1);
        }
    }

    #[test]
    fn a_file_past_its_subject_is_found_unless_a_program_wrote_it() {
        let long = format!("//! A.\n{}", "// line\n".repeat(1000));
        assert_eq!(messages("ir/src/a.rs", &long).len(), 1);
        assert!(messages("bpf/generated/a.h", &long).is_empty());
        assert!(messages("testdata/a.rs", &long).is_empty());
    }
}
