//! `sluice policy` for people: each object with its rules, where they are written, and what they did.

use owo_colors::Style;
use sluice_loader::api::policy::{PolicyObject, PolicyStatus, Verdict};
use sluice_loader::api::snapshot::Direction;

use super::table::{self, Cell};
use crate::render::text::harmless;
use crate::terminal::Look;

/// The policy in force.
pub(crate) fn render(policy: &PolicyStatus, look: Look) -> String {
    let Some(generation) = policy.generation else {
        return "no generation is in force\n".to_owned();
    };
    let objects = match policy.objects.len() {
        1 => "1 object".to_owned(),
        number => format!("{number} objects"),
    };
    let mut out = format!("generation {generation}, {objects}\n");
    for object in &policy.objects {
        out.push_str(&render_object(object, look));
    }
    let rows: Vec<Vec<Cell>> = Direction::BOTH
        .map(|direction| {
            let count = policy.default_deny.of(direction);
            vec![Cell::number(count.packets), Cell::number(count.bytes), Cell::text(direction.name())]
        })
        .to_vec();
    out.push_str("\nno rule allowed it\n");
    out.push_str(&table::render("  ", &["PACKETS", "BYTES", "DIRECTION"], &rows, look));
    out
}

fn render_object(object: &PolicyObject, look: Look) -> String {
    let title = look.paint(&harmless(&object.title()), Style::new().bold());
    let rows: Vec<Vec<Cell>> = object
        .rules
        .iter()
        .map(|rule| {
            vec![
                Cell::number(rule.count.packets),
                Cell::number(rule.count.bytes),
                Cell::text(rule.direction.name()),
                Cell::text(rule.verdict.name()).styled(style(rule.verdict)),
                Cell::text(&format!("{}:{}:{}", rule.file, rule.line, rule.column))
                    .styled(Style::new().blue()),
                Cell::text(&rule.path),
            ]
        })
        .collect();
    let heading = ["PACKETS", "BYTES", "DIRECTION", "VERDICT", "PLACE", "PATH"];
    let table = table::render("  ", &heading, &rows, look);
    format!("\n{} {title}\n{table}", harmless(&object.kind))
}

fn style(verdict: Verdict) -> Style {
    match verdict {
        Verdict::Allow => Style::new().green(),
        Verdict::Deny => Style::new().red(),
        Verdict::Redirect => Style::new().cyan(),
    }
}
