//! Tables, for a comment on a pull request.

use super::{Replayed, asker, help, names, why, workloads};
use crate::render::difference::traffic;
use crate::render::markdown::cell;

/// Of many addresses so many are named.
const MOST: usize = 4;

pub(super) fn render(replayed: &Replayed<'_>) -> String {
    let replay = replayed.replay;
    let mut out = format!("### DNS replay: {}\n\n", cell(&replayed.summary()));
    out.push_str("| when | name | addresses | traffic | for | by |\n|---|---|---|---|---|---|\n");
    for one in &replay.reached {
        let mut addresses: Vec<String> = one.addresses.iter().take(MOST).map(ToString::to_string).collect();
        if let Some(more @ 1..) = one.addresses.len().checked_sub(MOST) {
            addresses.push(format!("{more} more"));
        }
        let origins = replayed.origins(&one.lines);
        let lines: Vec<String> =
            origins.iter().map(|origin| format!("`{}:{}`", origin.file, origin.line)).collect();
        let row = [
            replayed.when(one.when),
            format!("`{}`", one.name),
            addresses.join(", "),
            traffic::text(&one.traffic),
            workloads(&one.who),
            lines.join(", "),
        ];
        push(&mut out, &row);
    }
    if !replay.uncovered.is_empty() {
        out.push_str(
            "\n**Asked for in vain**\n\n| name | by | how often | why | help |\n|---|---|---|---|---|\n",
        );
        for one in &replay.uncovered {
            let help = help(one).unwrap_or_default();
            let row =
                [format!("`{}`", one.name), asker(one), replayed.often(one), why(one.why).to_owned(), help];
            push(&mut out, &row);
        }
    }
    if !replay.shared.is_empty() {
        out.push_str(
            "\n**Addresses that names share**\n\n| address | reached as | also | for |\n|---|---|---|---|\n",
        );
        for one in &replay.shared {
            let row = [one.address.to_string(), names(&one.allowed), names(&one.others), workloads(&one.who)];
            push(&mut out, &row);
        }
    }
    if !replay.unknown.is_empty() {
        out.push_str(&format!(
            "\nNot in the input, and left out with what they learned: {}.\n",
            cell(&replay.unknown.join(", "))
        ));
    }
    out
}

fn push(out: &mut String, cells: &[String]) {
    let cells: Vec<String> = cells.iter().map(|text| cell(text)).collect();
    out.push_str(&format!("| {} |\n", cells.join(" | ")));
}
