//! A graph for Graphviz.

use std::fmt::Write as _;

use super::cover::Place;
use super::drawing::{Drawing, Edge};
use super::traffic::Style;

/// The text of a drawing.
pub(super) fn render(drawing: &Drawing) -> String {
    let mut text = "digraph sluice {\n  rankdir=LR;\n  compound=true;\n  node [shape=box, style=rounded, fontname=\"sans-serif\", fontsize=11];\n  edge [fontname=\"sans-serif\", fontsize=9];\n".to_owned();
    // Writing to a string cannot fail.
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    for (at, title, drawn) in drawing.frames() {
        line(format!("  subgraph cluster_{at} {{"));
        line(format!("    label={};", quoted(title)));
        for unit in drawn {
            let style = if drawing.is_open(unit) { ", style=\"rounded,dashed\"" } else { "" };
            line(format!("    u{unit} [label={}{style}];", quoted(&drawing.unit(unit).short)));
        }
        line("  }".to_owned());
    }
    let words = drawing.words();
    for (at, place) in words.iter().enumerate() {
        line(format!("  w{at} [label={}, shape=oval];", quoted(&drawing.title(place))));
    }
    let id = |place: &Place| match place {
        Place::Unit(at) => format!("u{at}"),
        Place::Part(at) => drawing.drawn(*at).first().map(|unit| format!("u{unit}")).unwrap_or_default(),
        word => format!("w{}", words.iter().position(|known| *known == word).unwrap_or_default()),
    };
    for Edge { from, to, style, label } in &drawing.edges {
        let mut attributes = vec![format!("label={}", quoted(label))];
        attributes.extend(match style {
            Style::Plain => None,
            Style::Proxy(_) => Some("color=purple".to_owned()),
            Style::Authenticated(_) => Some("color=orange, style=dashed".to_owned()),
            Style::Open => Some("color=gray, style=dashed".to_owned()),
        });
        // An arrow between clusters is one between members that ends at the borders.
        for (name, place) in [("ltail", from), ("lhead", to)] {
            if let Place::Part(at) = place {
                attributes.push(format!("{name}=cluster_{at}"));
            }
        }
        line(format!("  {} -> {} [{}];", id(from), id(to), attributes.join(", ")));
    }
    text.push_str("}\n");
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace(['\n', '\r'], " "))
}
