//! A picture: namespaces as frames from left to right, workloads as boxes in them. Under the name of a box stands what it
//! takes, a line for each kind of traffic, and whoever may send it has an arrow to that line: no two labels can
//! lie over each other.

mod layout;
mod rank;

use std::fmt::Write as _;

use sluice_compiler::reach::ends::State;
use sluice_ir::policy::Direction;

use super::drawing::Drawing;
use super::traffic::Style;
use layout::{Frame, Layout, PIN, Pinned, TITLE};

const CSS: &str = include_str!("picture.css");

/// The text of a drawing.
pub(super) fn render(drawing: &Drawing) -> String {
    let layout = Layout::new(drawing);
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write_picture(&mut text, drawing, &layout);
    text
}

fn write_picture(text: &mut String, drawing: &Drawing, layout: &Layout) -> std::fmt::Result {
    let (width, height) = (layout.width, layout.height);
    writeln!(
        text,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-labelledby="title">"#
    )?;
    writeln!(text, r#"<title id="title">Who reaches whom, by network policy</title>"#)?;
    writeln!(text, "<style>\n{CSS}</style>")?;
    text.push_str("<defs>\n");
    for class in ["plain", "proxy", "authenticated", "open"] {
        writeln!(
            text,
            r#"<marker id="{class}" class="head {class}" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto-start-reverse"><path d="M0 1 7 4 0 7z"/></marker>"#
        )?;
    }
    text.push_str("</defs>\n");
    writeln!(text, r#"<rect class="paper" width="{width}" height="{height}"/>"#)?;
    for frame in &layout.frames {
        write_frame(text, frame)?;
    }
    for arrow in &layout.arrows {
        let edge = &drawing.edges[arrow.edge];
        let told = format!("{} to {}: {}", drawing.title(&edge.from), drawing.title(&edge.to), edge.label);
        let class = class(&edge.style);
        writeln!(
            text,
            r#"<path class="edge {class}" d="{}" marker-end="url(#{class})"><title>{}</title></path>"#,
            arrow.path(),
            escaped(&told)
        )?;
    }
    for frame in &layout.frames {
        frame.boxes.iter().try_for_each(|one| write_box(text, one))?;
    }
    write_legend(text, height)?;
    text.push_str("</svg>\n");
    Ok(())
}

fn write_frame(text: &mut String, frame: &Frame) -> std::fmt::Result {
    let Some(title) = &frame.title else { return Ok(()) };
    let at = frame.at;
    writeln!(
        text,
        r#"<rect class="frame" x="{}" y="{}" width="{}" height="{}" rx="10"/>"#,
        at.x, at.y, at.width, at.height
    )?;
    writeln!(
        text,
        r#"<text class="namespace" x="{}" y="{}">{}</text>"#,
        at.x + 12,
        at.y + 18,
        escaped(title)
    )?;
    write_pins(text, &frame.pins, at.x, at.y + TITLE)
}

fn write_box(text: &mut String, one: &layout::Box) -> std::fmt::Result {
    let at = one.at;
    let open = one.state.is_some_and(|state| state.ingress == State::Open && state.egress == State::Open);
    let class = if open { "box unguarded" } else { "box" };
    writeln!(
        text,
        r#"<rect class="{class}" x="{}" y="{}" width="{}" height="{}" rx="6"/>"#,
        at.x, at.y, at.width, at.height
    )?;
    for direction in Direction::BOTH {
        if one.state.is_some_and(|state| state[direction] == State::DefaultDeny) {
            let x = if direction == Direction::Ingress { at.x } else { at.x + at.width - 3 };
            writeln!(
                text,
                r#"<rect class="guard" x="{x}" y="{}" width="3" height="{}" rx="1.5"/>"#,
                at.y + 5,
                at.height - 10
            )?;
        }
    }
    writeln!(
        text,
        r#"<text class="name" x="{}" y="{}">{}</text>"#,
        at.x + 12,
        at.y + 16,
        escaped(&one.title)
    )?;
    write_pins(text, &one.pins, at.x, at.y + TITLE)
}

fn write_pins(text: &mut String, pins: &[Pinned], x: i32, y: i32) -> std::fmt::Result {
    for (row, pin) in (0..).zip(pins) {
        let class = class(&pin.style);
        writeln!(
            text,
            r#"<text class="pin {class}" x="{}" y="{}">{}</text>"#,
            x + 12,
            y + row * PIN + 11,
            escaped(&pin.label)
        )?;
    }
    Ok(())
}

fn write_legend(text: &mut String, height: i32) -> std::fmt::Result {
    let y = height - 14;
    let mut x = 20;
    for (class, word) in [
        ("plain", "allowed by a rule"),
        ("proxy", "through a proxy"),
        ("authenticated", "authenticated"),
        ("open", "no rule restricts it"),
    ] {
        writeln!(
            text,
            r#"<path class="edge {class}" d="M{x} {} h26" marker-end="url(#{class})"/><text class="legend" x="{}" y="{y}">{word}</text>"#,
            y - 4,
            x + 34
        )?;
        x += 34 + 7 * i32::try_from(word.len()).unwrap_or(0) + 22;
    }
    writeln!(
        text,
        r#"<rect class="guard" x="{x}" y="{}" width="3" height="14" rx="1.5"/><text class="legend" x="{}" y="{y}">default deny: left ingress, right egress</text>"#,
        y - 11,
        x + 10
    )
}

fn class(style: &Style) -> &'static str {
    match style {
        Style::Plain => "plain",
        Style::Proxy(_) => "proxy",
        Style::Authenticated(_) => "authenticated",
        Style::Open => "open",
    }
}

/// What users wrote as text of XML.
fn escaped(text: &str) -> String {
    let escape = |character: char| match character {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => "&quot;".to_owned(),
        // XML has no place for these, not even as references.
        '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => char::REPLACEMENT_CHARACTER.to_string(),
        other => other.to_string(),
    };
    text.chars().map(escape).collect()
}
