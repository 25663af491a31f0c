//! `docs/diagnostics.md`: everything Sluice has to say about its input, with its explanation.

use sluice_compiler::diagnostic::Code;

use super::{MARK, Output};

/// The subject of each hundred of codes. A code outside of them is an error here, so that the page stays whole.
const SUBJECTS: [(&str, &str); 20] = [
    ("S00", "Files and YAML syntax"),
    ("S01", "What an object is"),
    ("S02", "Shapes and types of fields"),
    ("S03", "Rules as a whole"),
    ("S04", "Label selectors"),
    ("S05", "Peers"),
    ("S06", "Ports, protocols and ICMP"),
    ("S07", "Layer 7"),
    ("S08", "Policies that cannot be merged for one endpoint"),
    ("S09", "The inputs beside policies"),
    ("S10", "Accepted, and more open or more closed than it looks"),
    ("S11", "Lints: selectors and peers"),
    ("S12", "Lints: ports"),
    ("S13", "Lints: names and lookups"),
    ("S14", "Lints: isolation"),
    ("S15", "Lints: rules against other rules"),
    ("S16", "Lints: exposure"),
    ("S17", "Lints: nodes and clusters"),
    ("S18", "Lints: services, groups of prefixes and AWS"),
    ("S19", "A live cluster"),
];

const INTRODUCTION: &str = "\
Every finding has a code that keeps its meaning for good, and a name that reads as \"allow NAME\".
`sluice explain CODE` prints the text below for one of them; the name is as good as the code.

An error makes its document invalid: it decides nothing. A warning is accepted, but probably not what was
meant. An info needs nothing done.";

/// The page.
pub(super) fn generate() -> Result<Vec<Output>, String> {
    let text = page(Code::ALL)?;
    Ok(vec![Output { path: "docs/diagnostics.md".to_owned(), text }])
}

fn page(codes: &[Code]) -> Result<String, String> {
    if let Some(code) = codes.iter().find(|code| subject(**code).is_none()) {
        return Err(format!("`{code}` belongs to no subject: add one in `generate/diagnostics.rs`"));
    }
    let mut page =
        format!("<!-- {MARK} from compiler/src/diagnostic -->\n\n# Diagnostics\n\n{INTRODUCTION}\n");
    let mut rest = String::new();
    for (hundred, title) in SUBJECTS {
        let codes: Vec<Code> =
            codes.iter().copied().filter(|code| code.as_str().starts_with(hundred)).collect();
        if codes.is_empty() {
            continue;
        }
        page.push_str(&table(title, &codes));
        rest.push_str(&format!("\n## {hundred}xx: {title}\n"));
        for code in codes {
            rest.push_str(&section(code)?);
        }
    }
    page.push_str(&rest);
    Ok(page)
}

fn subject(code: Code) -> Option<&'static str> {
    SUBJECTS.iter().find(|(hundred, _)| code.as_str().starts_with(hundred)).map(|(_, title)| *title)
}

fn table(title: &str, codes: &[Code]) -> String {
    let mut table = format!("\n| {title} | | |\n|---|---|---|\n");
    for code in codes {
        let (text, name, severity) = (code.as_str(), code.name(), code.severity().name());
        let anchor = text.to_lowercase();
        table.push_str(&format!("| [{text}](#{anchor}-{name}) | {name} | {severity} |\n"));
    }
    table
}

/// The code's heading and explanation, whose own headings move below it.
fn section(code: Code) -> Result<String, String> {
    let title = format!("{code}: {}", code.name());
    let body = code
        .explanation()
        .strip_prefix(&format!("# {title}\n"))
        .ok_or_else(|| format!("the first line of explain/{code}.md is not `# {title}`"))?;
    let mut section = format!("\n### {title}\n\n*{}*\n", code.severity().name());
    let body = body.trim();
    if !body.is_empty() {
        section.push('\n');
    }
    let mut fenced = false;
    for line in body.lines() {
        fenced ^= line.trim_start().starts_with("```");
        let deeper = if !fenced && line.starts_with('#') { "##" } else { "" };
        section.push_str(deeper);
        section.push_str(line);
        section.push('\n');
    }
    Ok(section)
}

#[cfg(test)]
mod tests {
    use sluice_compiler::diagnostic::Code;

    use super::page;

    #[test]
    fn every_code_has_a_row_and_a_section() {
        let page = page(Code::ALL).unwrap();
        for code in Code::ALL {
            assert!(page.contains(&format!("\n### {code}: {}\n", code.name())), "{code}");
            assert!(page.contains(&format!("| [{code}](#")), "{code}");
        }
    }

    #[test]
    fn explanations_do_not_disturb_the_order_of_headings() {
        let page = page(Code::ALL).unwrap();
        assert_eq!(page.lines().filter(|line| line.starts_with("# S")).count(), 0);
    }
}
