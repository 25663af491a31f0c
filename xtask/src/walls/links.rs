//! Links between the project's pages lead somewhere.
//!
//! In every Markdown file a relative link names a file or folder of the repository, and its `#fragment` a heading
//! of that page. Links to other sites are not followed.

use crate::tree::{File, Finding, Tree};

const RULE: &str = "links";

/// Checks every Markdown file.
pub(super) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| file.extension() == "md" && !file.is_data()) {
        for (number, line) in prose(file) {
            for target in targets(&line) {
                if let Err(message) = resolve(tree, file, target) {
                    findings.push(file.finding(number, RULE, message));
                }
            }
        }
    }
    findings
}

/// The lines outside code fences, without the code in them.
fn prose(file: &File) -> Vec<(usize, String)> {
    let mut fenced = false;
    let mut lines = Vec::new();
    for (number, line) in file.numbered() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        } else if !fenced {
            // Every second part stands between backticks.
            lines.push((number, line.split('`').step_by(2).collect::<Vec<_>>().join("code")));
        }
    }
    lines
}

/// The targets of `[text](target)`, and of `[name]: target` at the beginning of a line.
fn targets(line: &str) -> Vec<&str> {
    let mut found: Vec<&str> =
        line.split("](").skip(1).filter_map(|rest| rest.split([')', ' ']).next()).collect();
    if let Some((_, target)) = line.strip_prefix('[').and_then(|rest| rest.split_once("]: ")) {
        found.extend(target.split_whitespace().next());
    }
    found
}

/// Whether a target leads to a place, or a sentence about why it does not.
fn resolve(tree: &Tree, file: &File, target: &str) -> Result<(), String> {
    let elsewhere = target.contains("://") || target.starts_with("mailto:");
    if elsewhere {
        return Ok(());
    }
    let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
    let path = if path.is_empty() { file.path.clone() } else { join(&file.path, path) };
    if !path.is_empty() && !tree.paths.contains(&path) {
        return Err(format!("`{target}` leads to no file"));
    }
    let page = tree.file(&path).filter(|page| page.extension() == "md");
    if let (false, Some(page)) = (fragment.is_empty(), page)
        && !anchors(page).iter().any(|anchor| anchor == fragment)
    {
        return Err(format!("`{target}` leads to no heading"));
    }
    Ok(())
}

/// The target's path from the root, given the path of the page that holds it.
fn join(page: &str, target: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    if target.starts_with('/') {
        parts.clear();
    }
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The anchors that the usual renderers give a page's headings.
fn anchors(page: &File) -> Vec<String> {
    let mut fenced = false;
    let mut found = Vec::new();
    for (_, line) in page.numbered() {
        fenced ^= line.trim_start().starts_with("```");
        if let (false, true, Some((_, title))) = (fenced, line.starts_with('#'), line.split_once(' ')) {
            found.push(anchor(title));
        }
    }
    found
}

/// Small letters, digits, `-` and `_` stay, blanks become `-`, the rest goes.
fn anchor(title: &str) -> String {
    let kept = title.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::tree::Tree;

    fn count(text: &str) -> usize {
        let pages = [("docs/a.md", text), ("docs/b.md", "# S0001: `odd` name\n"), ("README.md", "")];
        check(&Tree::of(&pages)).len()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        assert_eq!(
            count("[b](b.md), [top](../README.md) and [docs](../docs/) and [all](/docs/b.md \"title\")"),
            0
        );
        assert_eq!(count("[odd](b.md#s0001-odd-name) [out](https://example.com/x)\n"), 0);
        assert_eq!(count("# Here\n[here](#here)\n```\n[x](gone.md)\n```\n`[x](gone.md)`\n[b]: b.md\n"), 0);
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(count("[b](gone.md) and [c](../docs/gone.md)\n"), 2);
        assert_eq!(count("[b](b.md#gone)\n[here](#gone)\n[x]: gone.md\n"), 3);
    }
}
