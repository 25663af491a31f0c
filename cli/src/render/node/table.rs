//! Columns that are aligned.

use owo_colors::Style;

use crate::render::text::{columns, harmless};
use crate::terminal::Look;

/// A cell: a text, and how it looks.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    text: String,
    style: Style,
    number: bool,
}

impl Cell {
    /// A text of the user's or ours.
    pub(super) fn text(text: &str) -> Cell {
        Cell { text: harmless(text), style: Style::new(), number: false }
    }

    /// A number, which stands at the right of its column.
    pub(super) fn number(number: u64) -> Cell {
        Cell { text: number.to_string(), style: Style::new(), number: true }
    }

    /// The same in another style.
    pub(super) fn styled(self, style: Style) -> Cell {
        Cell { style, ..self }
    }
}

/// Rows under a heading, each behind an indent. Two spaces stand between columns.
pub(super) fn render(indent: &str, heading: &[&str], rows: &[Vec<Cell>], look: Look) -> String {
    let numbers = |column: usize| rows.iter().all(|row| row.get(column).is_some_and(|cell| cell.number));
    let heading: Vec<Cell> = heading
        .iter()
        .enumerate()
        .map(|(column, word)| Cell {
            number: numbers(column),
            ..Cell::text(word).styled(Style::new().bold())
        })
        .collect();
    let all = || std::iter::once(&heading).chain(rows);
    let width = |column: usize| {
        all().filter_map(|row| row.get(column)).map(|cell| columns(&cell.text)).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..heading.len()).map(width).collect();
    let mut out = String::new();
    for row in all() {
        let mut line = indent.to_owned();
        for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
            let room = " ".repeat(width - columns(&cell.text).min(*width));
            let painted = look.paint(&cell.text, cell.style);
            let last = column + 1 == row.len();
            line.push_str(&match (cell.number, last) {
                (true, _) => format!("{room}{painted}"),
                (false, true) => painted,
                (false, false) => format!("{painted}{room}"),
            });
            if !last {
                line.push_str("  ");
            }
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
