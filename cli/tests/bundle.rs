//! `sluice compile -o` and `sluice inspect` as a user calls them.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

#[allow(dead_code, reason = "each test file uses a part of it")]
mod common;

use std::path::Path;

use common::{Run, SHOP, golden, root, sluice};

/// Compiles the bundle of a node of the shop into a file.
fn compile(file: &Path) -> Run {
    let words = ["compile", "--node", "node-a", "-o", file.to_str().unwrap()];
    let run = sluice(root(), &[words.as_slice(), SHOP.as_slice()].concat());
    assert_eq!((run.code, run.stdout.as_str()), (0, ""), "{}", run.stderr);
    run
}

fn inspect(words: &[&str], file: &Path) -> Run {
    sluice(root(), &[&["inspect"], words, &[file.to_str().unwrap()]].concat())
}

/// What a version or a change of the datapath alone changes is not for a golden file.
fn stable(text: &str) -> String {
    let hash = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let line = |line: &str| {
        let words: Vec<&str> = line.split(' ').map(|word| if hash(word) { "HASH" } else { word }).collect();
        words.join(" ").replace(env!("CARGO_PKG_VERSION"), "VERSION") + "\n"
    };
    text.lines().map(line).collect()
}

#[test]
fn a_bundle_is_made_and_shown() {
    let folder = tempfile::tempdir().unwrap();
    let [first, second] = ["first", "second"].map(|name| folder.path().join(name));
    compile(&first);
    compile(&second);
    assert_eq!(std::fs::read(&first).unwrap(), std::fs::read(&second).unwrap());
    let run = inspect(&[], &first);
    assert_eq!(run.code, 0, "{}", run.stderr);
    golden("bundle/shop-node-a.txt", &stable(&run.stdout)).unwrap();
    let all = inspect(&["--maps", "--asm"], &first);
    assert!(all.stdout.starts_with(&run.stdout) && all.stdout.contains("\nfrom_endpoint:\n"));
    let json = inspect(&["--format", "json", "--asm"], &first);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((&json["node"], &json["abi"]), (&"node-a".into(), &sluice_backends::abi::VERSION.into()));
    assert!(json["asm"]["to_endpoint"].as_str().unwrap().contains("map[sluice_verdicts]"));
    assert!(json["verdicts"][0]["origins"][0]["line"].is_number(), "{}", json["verdicts"]);
}

#[test]
fn images_and_programs_as_stages() {
    let stage = |stage: &str| {
        let words = ["compile", "--emit", stage, "--node", "node-a"];
        let run = sluice(root(), &[words.as_slice(), SHOP.as_slice()].concat());
        assert_eq!(run.code, 0, "{}", run.stderr);
        run.stdout
    };
    golden("maps/shop-node-a.txt", &stage("maps")).unwrap();
    // The places of instructions change with every change of the datapath; what is said of them does not.
    let asm = stage("asm");
    let noted = asm.lines().filter(|line| line.contains(" ; ") || line.ends_with(':'));
    let noted = noted.map(|line| line.split_once(": ").map_or(line, |(_, text)| text.trim_end()));
    golden("asm/shop-node-a.txt", &noted.map(|line| format!("{line}\n")).collect::<String>()).unwrap();
}

#[test]
fn what_is_no_bundle_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bundle");
    for (bytes, message) in [(&b"not a bundle"[..], "this is no bundle"), (&[], "this is no bundle")] {
        std::fs::write(&file, bytes).unwrap();
        let run = inspect(&[], &file);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""));
        assert!(run.stderr.contains(message), "{}", run.stderr);
    }
    compile(&file);
    let mut bytes = std::fs::read(&file).unwrap();
    let at = bytes.windows(9).position(|bytes| bytes == b"\"content\"").unwrap() + 12;
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    std::fs::write(&file, bytes).unwrap();
    let run = inspect(&[], &file);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("the hash of programs and images is "), "{}", run.stderr);
    let missing = inspect(&[], &folder.path().join("missing"));
    assert_eq!(missing.code, 2);
    assert!(missing.stderr.contains("cannot read"), "{}", missing.stderr);
}

/// Without a stage and a place for the bundle there is nothing to do.
#[test]
fn a_bundle_needs_a_place() {
    let run = sluice(root(), &[["compile"].as_slice(), SHOP.as_slice()].concat());
    assert_eq!((run.code, run.stdout.as_str()), (2, ""));
    assert!(run.stderr.contains("--emit"), "{}", run.stderr);
}
