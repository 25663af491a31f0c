//! Markdown on a terminal: as much of it as explanations use.

use owo_colors::Style;

use super::{columns, wrap};
use crate::terminal::Look;

/// Lines longer than this are tiring, however wide the terminal is.
const COMFORTABLE: usize = 88;

/// Headings, paragraphs, lists, tables and code, dressed for a terminal.
pub(crate) fn markdown(text: &str, look: Look) -> String {
    let look = Look { width: look.width.min(COMFORTABLE), ..look };
    let mut out = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let is_more = |next: &&str| !next.trim().is_empty() && !next.starts_with(['#', '|', '-', '`']);
        if line.starts_with("```") {
            for code in lines.by_ref().take_while(|code| !code.starts_with("```")) {
                out.push_str(&format!("    {}\n", look.paint(code, Style::new().cyan())));
            }
        } else if let Some(title) = line.strip_prefix("# ") {
            out.push_str(&format!("{}\n", look.paint(title, Style::new().bold().underline())));
        } else if line.starts_with('#') {
            let title = line.trim_start_matches('#').trim();
            out.push_str(&format!("{}\n", look.paint(title, Style::new().bold())));
        } else if line.starts_with('|') {
            let mut rows = vec![line];
            while let Some(row) = lines.next_if(|next| next.starts_with('|')) {
                rows.push(row);
            }
            out.push_str(&table(&rows, look));
        } else if line.trim().is_empty() {
            out.push('\n');
        } else {
            let mut paragraph = line.to_owned();
            while let Some(more) = lines.next_if(is_more) {
                paragraph.push(' ');
                paragraph.push_str(more.trim());
            }
            let item = paragraph.strip_prefix("- ");
            let (first, rest) = if item.is_some() { ("  - ", "    ") } else { ("", "") };
            out.push_str(&wrap(&inline(item.unwrap_or(&paragraph), look), first, rest, look.width));
            out.push('\n');
        }
    }
    out
}

/// Columns side by side; the last one is wrapped.
fn table(rows: &[&str], look: Look) -> String {
    let cells = |row: &str| -> Vec<String> {
        row.trim().trim_matches('|').split('|').map(|cell| inline(cell.trim(), look)).collect()
    };
    let rule = |row: &&&str| !row.chars().all(|c| matches!(c, '|' | '-' | ':' | ' '));
    let rows: Vec<Vec<String>> = rows.iter().filter(rule).map(|row| cells(row)).collect();
    let last = rows.iter().map(Vec::len).max().unwrap_or(1).saturating_sub(1);
    let limit = look.width / (last + 1);
    let widths: Vec<usize> = (0..last)
        .map(|column| {
            rows.iter().filter_map(|row| row.get(column)).map(|cell| columns(cell)).max().unwrap_or(0)
        })
        .map(|width| width.min(limit.max(12)))
        .collect();
    let mut out = String::new();
    for (number, row) in rows.iter().enumerate() {
        let mut first = String::from("  ");
        for (cell, width) in row.iter().zip(&widths) {
            let blanks = " ".repeat(width.saturating_sub(columns(cell)));
            let cell = if number == 0 { look.paint(cell, Style::new().bold()) } else { cell.clone() };
            first.push_str(&format!("{cell}{blanks}  "));
        }
        let rest = " ".repeat(2 + widths.iter().map(|width| width + 2).sum::<usize>());
        let text = row.get(last).map(String::as_str).unwrap_or_default();
        let text = if number == 0 { look.paint(text, Style::new().bold()) } else { text.to_owned() };
        let line = wrap(&text, &first, &rest, look.width);
        out.push_str(if line.is_empty() { first.trim_end() } else { &line });
        out.push('\n');
    }
    out
}

/// Paints `code`; each word by itself, so that lines can break between them.
fn inline(text: &str, look: Look) -> String {
    if !look.colour {
        return text.to_owned();
    }
    let paint = |(index, part): (usize, &str)| match index % 2 {
        0 => part.to_owned(),
        _ => {
            let words = part.split(' ').map(|word| look.paint(word, Style::new().cyan()));
            words.collect::<Vec<_>>().join(" ")
        }
    };
    text.split('`').enumerate().map(paint).collect()
}

#[cfg(test)]
mod tests {
    use super::markdown;
    use crate::terminal::Look;

    #[test]
    fn wraps_text_and_keeps_code() {
        let text = "# T: t\n\nOne two\nthree.\n\n- item one\n  goes on\n\n```yaml\na:   1\n```\n";
        let look = Look { colour: false, width: 14, person: true };
        assert_eq!(
            markdown(text, look),
            "T: t\n\nOne two three.\n\n  - item one\n    goes on\n\n    a:   1\n"
        );
    }

    #[test]
    fn tables_stand_in_columns() {
        let text = "| a | what |\n|---|---|\n| `long` | one two three |\n";
        let look = Look { colour: false, width: 20, person: true };
        assert_eq!(markdown(text, look), "  a       what\n  `long`  one two\n          three\n");
    }
}
