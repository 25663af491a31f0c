//! `sluice status` for people.
//!
//! ```text
//! node-a: generation 7 is in force, as the files say
//!   agent        0.1.0, since 2026-05-01T09:30:00.000000Z
//!   published    2026-05-01T09:31:00.000000Z in 3.20 ms (compile 2.00 ms, load 1.10 ms), 256.0 KiB
//!   …
//! ```

use owo_colors::Style;
use sluice_loader::api::snapshot::{Count, Direction, Finding, SourcesState, Status};

use super::table::{self, Cell};
use super::{bytes, duration};
use crate::render::text::{harmless, wrap};
use crate::terminal::Look;

/// How the agent is.
pub(crate) fn render(status: &Status, look: Look) -> String {
    let mut out = headline(status, look);
    for finding in &status.sources.findings {
        out.push_str(&told(finding, look));
    }
    let mut line = |name: &str, text: String| out.push_str(&format!("  {name:<11}  {}\n", harmless(&text)));
    line("agent", format!("{}, since {}", status.version, status.since));
    line("attempts", format!("{} published, {} refused", status.published, status.refused));
    if let Some(publish) = &status.publish {
        let stages: Vec<String> = publish
            .stages
            .iter()
            .map(|stage| format!("{} {}", stage.stage, duration(stage.seconds)))
            .collect();
        let stages = if stages.is_empty() { String::new() } else { format!(" ({})", stages.join(", ")) };
        let size = bytes(publish.sizes.values().sum());
        line("published", format!("{} in {}{stages}, {size}", publish.at, duration(publish.seconds)));
    }
    for (name, hash) in [("policy", &status.policy_hash), ("input", &status.input_hash)] {
        if let Some(hash) = hash {
            line(name, hash.clone());
        }
    }
    let traffic = &status.traffic;
    line("connections", format!("{} of {}", traffic.connections, traffic.connections_max));
    line("events", format!("{} told, {} lost", traffic.events, traffic.events_lost));
    if let Some(dns) = &status.dns {
        let text = format!(
            "{} queries, {} refused; {} names with {} addresses known",
            dns.queries, dns.refused, dns.names, dns.addresses
        );
        line("dns", text);
    }
    out.push('\n');
    out.push_str(&packets(status, look));
    out
}

fn headline(status: &Status, look: Look) -> String {
    let generation = match status.generation {
        Some(generation) => format!("generation {generation} is in force"),
        None => "no generation is in force".to_owned(),
    };
    let (style, files) = match status.sources.state {
        SourcesState::Ok => (Style::new().green(), "as the files say".to_owned()),
        SourcesState::Pending => (Style::new().yellow(), "the files are not read yet".to_owned()),
        SourcesState::Refused => {
            (Style::new().red(), format!("the files since {} are refused", status.sources.since))
        }
    };
    let node = harmless(&status.node);
    format!("{node}: {}\n", look.paint(&format!("{generation}, {files}"), style.bold()))
}

/// What is wrong with the files.
fn told(finding: &Finding, look: Look) -> String {
    let place = match (&finding.file, finding.line, finding.column) {
        (Some(file), Some(line), Some(column)) => Some(format!("{file}:{line}:{column}")),
        (file, ..) => file.clone(),
    };
    let place = place.map(|place| look.paint(&harmless(&place), Style::new().blue()));
    let words = [place, finding.code.clone(), Some(harmless(&finding.message))];
    let text = words.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let mut text = wrap(&text, "  ", "    ", look.width);
    text.push('\n');
    if let Some(help) = &finding.help {
        text.push_str(&wrap(&format!("help: {}", harmless(help)), "    ", "          ", look.width));
        text.push('\n');
    }
    text
}

/// What passed, and what was dropped for which reason.
fn packets(status: &Status, look: Look) -> String {
    let row = |what: &str, direction: Direction, count: Count, style: Style| {
        let cells = [
            Cell::text(what),
            Cell::text(direction.name()),
            Cell::number(count.packets),
            Cell::number(count.bytes),
        ];
        cells.map(|cell| cell.styled(style)).to_vec()
    };
    let traffic = &status.traffic;
    let passed = Direction::BOTH
        .map(|direction| row("forwarded", direction, traffic.forwarded.of(direction), Style::new()));
    let dropped = traffic.drops.iter().filter(|drops| drops.count != Count::default()).map(|drops| {
        let what = format!("dropped: {} ({})", drops.reason.text, drops.reason.number);
        row(&what, drops.direction, drops.count, Style::new().red())
    });
    let rows: Vec<Vec<Cell>> = passed.into_iter().chain(dropped).collect();
    table::render("", &["PACKETS", "DIRECTION", "NUMBER", "BYTES"], &rows, look)
}
