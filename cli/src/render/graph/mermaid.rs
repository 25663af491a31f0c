//! A flowchart in Mermaid, which GitHub and GitLab draw in Markdown.

use std::fmt::Write as _;

use super::cover::Place;
use super::drawing::{Drawing, Edge};
use super::traffic::Style;

/// The text of a drawing.
pub(super) fn render(drawing: &Drawing) -> String {
    let mut text = "flowchart LR\n".to_owned();
    // Writing to a string cannot fail.
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    for (at, title, drawn) in drawing.frames() {
        line(format!("  subgraph p{at}[\"{}\"]", escaped(title)));
        for unit in drawn {
            let class = if drawing.is_open(unit) { ":::open" } else { "" };
            line(format!("    u{unit}[\"{}\"]{class}", escaped(&drawing.unit(unit).short)));
        }
        line("  end".to_owned());
    }
    let words = drawing.words();
    for (at, place) in words.iter().enumerate() {
        line(format!("  w{at}([\"{}\"])", escaped(&drawing.title(place))));
    }
    let id = |place: &Place| match place {
        Place::Unit(at) => format!("u{at}"),
        Place::Part(at) => format!("p{at}"),
        word => format!("w{}", words.iter().position(|known| *known == word).unwrap_or_default()),
    };
    for Edge { from, to, style, label } in &drawing.edges {
        let arrow = match style {
            Style::Plain => "-->",
            Style::Proxy(_) => "==>",
            Style::Authenticated(_) | Style::Open => "-.->",
        };
        line(format!("  {} {arrow}|\"{}\"| {}", id(from), escaped(label), id(to)));
    }
    line("  classDef open stroke-dasharray: 4 3".to_owned());
    text
}

/// What ends a text in quotes, begins markup, or begins one of Mermaid's own codes, as such a code.
fn escaped(text: &str) -> String {
    let escape = |character: char| match character {
        '"' | '<' | '>' | '&' | '#' | '`' | '\\' | '\u{0}'..='\u{1f}' => {
            format!("#{};", u32::from(character))
        }
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}
