//! `unsafe` stands in two rooms, and says each time why it is sound.
//!
//! The loader's `kernel` talks to the kernel, the backends' `abi` is memory that both sides read. There every
//! `unsafe` block and implementation has a `// SAFETY:` comment right above it. (What a caller owes an `unsafe fn`
//! stands in its documentation, which clippy asks for.)

use crate::tokens::{Path, paths};
use crate::tree::{File, Finding, Tree};

const RULE: &str = "unsafe";

const ROOMS: [&str; 2] = ["runtime-loader/src/kernel", "backends/src/abi"];

/// Checks every Rust file, tests included.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.rust().filter(|file| !file.is_data()) {
        let allowed = ROOMS.iter().any(|room| file.is_in_module(room));
        for path in paths(&file.text).unwrap_or_default().iter().filter(|path| path.segments == ["unsafe"]) {
            if !allowed {
                let message = format!("no `unsafe` outside `{}` and `{}`", ROOMS[0], ROOMS[1]);
                findings.push(file.finding(path.line, RULE, message));
            } else if !is_explained(file, path) {
                let message = "say why this is sound in a `// SAFETY:` comment right above";
                findings.push(file.finding(path.line, RULE, message));
            }
        }
    }
    findings
}

/// Whether the comment right above the line, attributes left aside, holds `SAFETY:`.
fn is_explained(file: &File, path: &Path) -> bool {
    if matches!(path.next.as_str(), "fn" | "extern" | "trait") {
        return true;
    }
    let lines: Vec<&str> = file.text.lines().map(str::trim).collect();
    let above = lines.get(..path.line.saturating_sub(1)).unwrap_or_default().iter().rev();
    above
        .skip_while(|line| line.starts_with("#[") || line.ends_with('='))
        .take_while(|line| line.starts_with("//"))
        .any(|line| line.starts_with("// SAFETY:"))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;
    use crate::walls::tests::places;

    #[test]
    fn unsafe_in_another_room_is_found_whatever_it_says() {
        let source = "fn f() {\n    // SAFETY: trust me.\n    unsafe { g() }\n}\n";
        let tree = Tree::of(&[("compiler/src/a.rs", source), ("backends/src/image.rs", source)]);
        assert_eq!(places(&check(&tree)), ["compiler/src/a.rs:3", "backends/src/image.rs:3"]);
    }

    #[test]
    fn unsafe_without_a_reason_is_found() {
        let tree = Tree::of(&[("backends/src/abi.rs", "fn f() {\n    // a note\n    unsafe { g() }\n}\n")]);
        assert_eq!(places(&check(&tree)), ["backends/src/abi.rs:3"]);
    }

    #[test]
    fn unsafe_with_a_reason_passes() {
        let source = "// SAFETY: no padding,\n// no references.\n#[repr(C)]\nunsafe impl Abi for Row {}\n\
                      fn f() {\n    // SAFETY: inside the map.\n    let x =\n        unsafe { g() };\n}\n\
                      /// # Safety\nunsafe fn h() {}\n#![forbid(unsafe_code)] // \"unsafe\"\n";
        let tree = Tree::of(&[("runtime-loader/src/kernel/map.rs", source)]);
        assert!(check(&tree).is_empty(), "{:?}", check(&tree));
    }
}
