//! For people at a terminal: what changes in one screen.

use owo_colors::Style;
use sluice_compiler::compare::digest::Effect;
use sluice_compiler::compare::isolation::Isolation;
use sluice_compiler::compare::rows::Group;
use sluice_ir::decision::ByDirection;
use sluice_ir::origin::Origin;

use super::change::{self, Line, Told, Worded};
use super::{Compared, WAYS, groups, listed};
use crate::render::text::{harmless, wrap};
use crate::terminal::Look;

/// So many lines are shown; a part that has begun is shown as far as its own limit goes.
const SCREEN: usize = 40;
/// Changes of one part that are shown.
const MOST_CHANGES: usize = 8;
/// Lines of rules that are named behind a change.
const MOST_LINES: usize = 2;
/// Workloads of one namespace that are named.
const MOST_NAMES: usize = 8;

/// A heading, workloads with what changes for them, and how it was found.
pub(super) fn render(compared: &Compared<'_>, look: Look) -> String {
    let mut out = String::new();
    let everyone = compared.everyone();
    let sentence = match compared.is_same() {
        true => "equal, proved".to_owned(),
        false => compared.totals().sentence(),
    };
    let heading = format!("{} → {}: {sentence}", harmless(&compared.old), harmless(&compared.new));
    out.push_str(&look.paint(&wrap(&heading, "", "  ", look.width), Style::new().bold()));
    out.push('\n');
    if let Some(preview) = &compared.preview {
        for line in preview.lines() {
            out.push_str(&wrap(&line, "  ", "    ", look.width));
            out.push('\n');
        }
    }
    arrivals(&mut out, compared, look);
    let (most_lines, most_changes) =
        if compared.all { (usize::MAX, usize::MAX) } else { (SCREEN, MOST_CHANGES) };
    let mut left = 0;
    for part in &change::all(&compared.digest, &everyone) {
        if out.lines().count() >= most_lines {
            left += part.groups.len();
            continue;
        }
        out.push('\n');
        out.push_str(&self::part(part, most_changes, look));
    }
    out.push('\n');
    if left > 0 {
        let what = super::count(left, "more workload");
        out.push_str(&format!("{what} not shown here: --all shows them, --format json has everything\n\n"));
    }
    if compared.digest.unlisted > 0 {
        let what = super::count(compared.digest.unlisted, "endpoint");
        out.push_str(&format!("{what} with so many differences that they are not listed\n\n"));
    }
    if let Some(preview) = &compared.preview
        && !preview.report().diagnostics.is_empty()
    {
        out.push_str(&format!("new findings:\n\n{}\n", preview.found(look)));
    }
    let text = wrap(&compared.proof(), "", "", look.width);
    out.push_str(&look.paint(&text, Style::new().dimmed()));
    out.push('\n');
    out
}

/// Workloads that only one side has.
fn arrivals(out: &mut String, compared: &Compared<'_>, look: Look) {
    let roster = &compared.both.roster;
    if roster.added.is_empty() && roster.removed.is_empty() {
        return;
    }
    out.push('\n');
    let mut lines: Vec<String> = super::newcomers(compared)
        .into_iter()
        .map(|(text, how)| {
            let sign = look.paint("+ new", Style::new().green());
            format!("{sign}  {}: {how}", harmless(&text))
        })
        .collect();
    let gone = |group: &Group| {
        let sign = look.paint("- gone", Style::new().red());
        format!("{sign} {}", harmless(&super::group(group)))
    };
    lines.extend(roster.removed.iter().map(gone));
    let shown = if compared.all { lines.len() } else { MOST_CHANGES };
    for line in lines.iter().take(shown) {
        out.push_str(&wrap(line, "", "       ", look.width));
        out.push('\n');
    }
    if lines.len() > shown {
        out.push_str(&format!("{} more come or go\n", lines.len() - shown));
    }
}

/// Some workloads and what changes for them.
fn part(part: &Told, most: usize, look: Look) -> String {
    let name = harmless(&groups(&part.groups, MOST_NAMES));
    let mut out = wrap(&look.paint(&name, Style::new().bold()), "", "  ", look.width);
    out.push('\n');
    out.push_str(&isolation(&part.isolation, look));
    for worded in part.changes.iter().take(most) {
        out.push_str(&change(worded, look));
    }
    if part.changes.len() > most {
        out.push_str(&format!("  {} more changes: --all shows them\n", part.changes.len() - most));
    }
    out
}

fn isolation(isolation: &ByDirection<Option<Isolation>>, look: Look) -> String {
    let mut out = String::new();
    for direction in WAYS {
        let Some(isolation) = &isolation[direction] else { continue };
        let sign = look.paint("!", Style::new().yellow().bold());
        let text = change::isolation(direction, isolation);
        out.push_str(&wrap(&text, &format!("  {sign} "), "    ", look.width));
        out.push('\n');
        let word = if isolation.begins { "by" } else { "was by" };
        out.push_str(&lines(&[Line { word, origins: isolation.origins.clone() }], look));
    }
    out
}

fn change(worded: &Worded, look: Look) -> String {
    let (sign, style) = match worded.effect {
        Effect::Allowed => ("+", Style::new().green()),
        Effect::Denied => ("-", Style::new().red()),
        Effect::Altered => ("~", Style::new().cyan()),
    };
    let sign = look.paint(&format!("{sign} {}", worded.verb), style.bold());
    let mut out = wrap(&harmless(&worded.what), &format!("  {sign} "), "      ", look.width);
    out.push('\n');
    for more in &worded.more {
        out.push_str(&wrap(&harmless(more), "      ", "        ", look.width));
        out.push('\n');
    }
    out.push_str(&lines(&worded.lines, look));
    out
}

fn lines(lines: &[Line], look: Look) -> String {
    let mut out = String::new();
    for line in lines.iter().filter(|line| !line.origins.is_empty()) {
        let places = line.origins.iter().map(place).collect();
        let text = harmless(&format!("{} {}", line.word, listed(places, MOST_LINES)));
        // A path is not broken; it is for copying.
        out.push_str(&look.paint(&format!("      {text}"), Style::new().dimmed()));
        out.push('\n');
    }
    out
}

/// `policies/shop.yaml:81 (shop/cart)`.
pub(super) fn place(origin: &Origin) -> String {
    format!("{}:{} ({})", origin.file, origin.line, origin.object())
}
