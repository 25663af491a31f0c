//! A comment on a pull request: what changes in a few lines, and the details to unfold.

use sluice_compiler::compare::digest::Effect;

use super::change::{self, Told, Worded};
use super::{Compared, WAYS, groups, human, listed};
use crate::render::markdown::cell;
use crate::terminal::Look;

/// A comment of GitHub has at most 65,536 characters. Bytes are never fewer, and what is said last needs room.
const MOST_BYTES: usize = 65_536 - 600;
/// Lines of the summary.
const MOST_LINES: usize = 10;
/// Workloads of one namespace that are named in a line.
const MOST_NAMES: usize = 4;
/// Lines of rules that are named behind a change.
const MOST_PLACES: usize = 3;

/// A heading, the gravest changes, and all of them folded.
pub(super) fn render(compared: &Compared<'_>) -> String {
    let everyone = compared.everyone();
    let totals = compared.totals();
    let title = match (compared.is_same(), totals.changed) {
        (true, _) => "no change, proved".to_owned(),
        (false, 0) => totals.flows(),
        (false, _) => totals.title(),
    };
    let mut out = format!("### Network policy: {title}\n\n");
    let mut sentence = totals.rest();
    if totals.changed > 0 {
        sentence.insert(0, totals.flows());
    }
    if !sentence.is_empty() {
        out.push_str(&format!("{}.\n\n", capital(&sentence.join("; "))));
    }
    if let Some(preview) = &compared.preview {
        for line in preview.lines() {
            out.push_str(&format!("- {}\n", cell(&line)));
        }
        out.push('\n');
    }
    let parts = change::all(&compared.digest, &everyone);
    summary(&mut out, compared, &parts);
    let shown = details(&mut out, &parts);
    if shown < parts.len() {
        let left: usize = parts[shown..].iter().map(|part| part.groups.len()).sum();
        out.push_str(&format!(
            "\n**Cut here:** {} not shown, because a comment has at most 65,536 characters. `sluice diff --format json` has everything.\n",
            super::count(left, "more workload")
        ));
    }
    if let Some(preview) = &compared.preview {
        let report = preview.report();
        if !report.diagnostics.is_empty() {
            let found = crate::render::render(&report, crate::render::Format::Markdown, Look::PLAIN);
            let room = MOST_BYTES.saturating_sub(out.len());
            match found.len() <= room {
                true => out.push_str(&format!("\nNew findings: {found}")),
                false => out.push_str(&format!(
                    "\n{} not shown\n",
                    super::count(report.diagnostics.len(), "new finding")
                )),
            }
        }
    }
    let sides = format!("{} → {}", compared.old, compared.new);
    out.push_str(&format!("\n<sub>{}: {}.</sub>\n", cell(&sides), cell(&compared.proof())));
    out
}

/// The workloads that come and go, and the first changes: what is newly allowed before what is denied.
fn summary(out: &mut String, compared: &Compared<'_>, parts: &[Told]) {
    let mut lines: Vec<(u8, String)> = Vec::new();
    for (name, how) in super::newcomers(compared) {
        lines.push((0, format!("🆕 `{}`: {how}", code(&name))));
    }
    for group in &compared.both.roster.removed {
        lines.push((4, format!("🗑️ `{}` is gone", code(&super::group(group)))));
    }
    for part in parts {
        let who = code(&groups(&part.groups, MOST_NAMES));
        for direction in WAYS {
            if let Some(isolation) = &part.isolation[direction] {
                let (rank, sign) = if isolation.begins { (3, "🔒") } else { (1, "🔓") };
                let verb = if isolation.begins { "begins" } else { "ends" };
                lines.push((rank, format!("{sign} `{who}` {direction}: default deny **{verb}**")));
            }
        }
        for worded in part.changes.iter().filter(|worded| !worded.follows) {
            let rank = match worded.effect {
                Effect::Allowed => 1,
                Effect::Altered => 2,
                Effect::Denied => 3,
            };
            lines.push((rank, format!("{} `{who}` {}", sign(worded.effect), sentence(worded))));
        }
    }
    lines.sort_by_key(|(rank, _)| *rank);
    for (_, line) in lines.iter().take(MOST_LINES) {
        out.push_str(&format!("- {line}\n"));
    }
    if lines.len() > MOST_LINES {
        out.push_str(&format!("- … and {} more, below\n", lines.len() - MOST_LINES));
    }
}

/// A text that begins a sentence.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// All parts, each folded, as far as there is room; how many there was room for.
fn details(out: &mut String, parts: &[Told]) -> usize {
    for (at, one) in parts.iter().enumerate() {
        let text = part(one);
        if out.len() + text.len() > MOST_BYTES {
            return at;
        }
        out.push_str(&text);
    }
    parts.len()
}

fn part(part: &Told) -> String {
    let mut rows = String::new();
    for direction in WAYS {
        let Some(isolation) = &part.isolation[direction] else { continue };
        let sign = if isolation.begins { "🔒" } else { "🔓" };
        let text = change::isolation(direction, isolation);
        let word = if isolation.begins { "by" } else { "was by" };
        let places = places(word, isolation.origins.iter().map(human::place).collect());
        rows.push_str(&format!("| {sign} | {} | {places} |\n", cell(&text)));
    }
    for worded in &part.changes {
        let lines = worded
            .lines
            .iter()
            .map(|line| places(line.word, line.origins.iter().map(human::place).collect()));
        let why = lines.collect::<Vec<_>>().join("<br>");
        rows.push_str(&format!("| {} | {} | {why} |\n", sign(worded.effect), sentence(worded)));
    }
    let count = super::count(part.changes.len(), "change");
    let name = escaped(&groups(&part.groups, usize::MAX));
    format!(
        "\n<details><summary><code>{name}</code>: {count}</summary>\n\n| | what | why |\n|---|---|---|\n{rows}\n</details>\n"
    )
}

fn places(word: &str, places: Vec<String>) -> String {
    let places = places.iter().map(|place| format!("`{}`", code(place))).collect();
    format!("{word} {}", listed(places, MOST_PLACES))
}

/// `**allowed** 8080/tcp from shop/checkout`, as text of a table.
fn sentence(worded: &Worded) -> String {
    let more: String = worded.more.iter().map(|more| format!("; {}", cell(more))).collect();
    format!("**{}** {}{more}", worded.verb, cell(&worded.what))
}

fn sign(effect: Effect) -> &'static str {
    match effect {
        Effect::Allowed => "🟢",
        Effect::Altered => "🟡",
        Effect::Denied => "🔴",
    }
}

/// A text between backticks of a table.
fn code(text: &str) -> String {
    cell(&text.replace('`', "'")).replace('\\', "")
}

/// A text inside of HTML.
fn escaped(text: &str) -> String {
    crate::render::text::harmless(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
