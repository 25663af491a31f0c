//! Who may do what, by workload: the difference from a cluster in which nothing is allowed. No line of a file is named,
//! and nothing is numbered, so that a small change of meaning is a small change of the text.

use std::collections::BTreeMap;

use sluice_compiler::compare::Both;
use sluice_compiler::compare::digest::{Change, Part};
use sluice_compiler::compare::rows::Group;
use sluice_ir::policy::Direction;

use super::peers::Everyone;
use super::{WAYS, change, group, traffic};
use crate::render::text::harmless;

/// A block for each workload, in order of name. Pods of a workload that differ have blocks of their own.
pub(crate) fn render(both: &Both) -> String {
    let everyone = Everyone::new(&both.roster);
    let digest = both.digest();
    let mut blocks: BTreeMap<String, String> = BTreeMap::new();
    for part in &digest.parts {
        let text: String = WAYS.iter().map(|way| side(part, *way, &everyone)).collect();
        for one in &part.groups {
            blocks.insert(group(one), text.clone());
        }
    }
    let closed: String = WAYS.iter().map(|way| format!("  {way} default deny\n")).collect();
    for member in both.roster.endpoints.iter().chain(&both.roster.alike) {
        let told = digest.parts.iter().any(|part| is_about(part, &member.workload.to_string()));
        if !told {
            blocks.insert(member.workload.to_string(), closed.clone());
        }
    }
    let block = |(name, text): (&String, &String)| format!("{}\n{text}", harmless(name));
    blocks.iter().map(block).collect::<Vec<_>>().join("\n")
}

fn is_about(part: &Part, workload: &str) -> bool {
    part.groups.iter().any(|group: &Group| group.workload.to_string() == workload)
}

/// What one direction allows, a line for each traffic with its peers.
fn side(part: &Part, direction: Direction, everyone: &Everyone<'_>) -> String {
    let open = part.isolation[direction].is_some();
    let mut text = format!("  {direction} {}\n", if open { "open" } else { "default deny" });
    let changes = part.changes.iter().filter(|change| change.direction == direction);
    let mut lines: Vec<String> = changes.map(|change| line(change, part, everyone)).collect();
    lines.sort();
    lines.iter().for_each(|line| text.push_str(&format!("    {}\n", harmless(line))));
    text
}

fn line(one: &Change, part: &Part, everyone: &Everyone<'_>) -> String {
    let word = if one.direction == Direction::Ingress { "from" } else { "to" };
    let peers = everyone.whole_text(&one.peers, &part.groups);
    let mut line = format!("{} {word} {peers}", traffic::text_of(&one.traffic, usize::MAX));
    if one.new.verdict == sluice_ir::policy::eval::Verdict::Redirect {
        line.push_str(&format!("; only {}", change::rules_of(&one.new, usize::MAX)));
    }
    if let Some(mode) = one.new.authentication {
        line.push_str(&format!("; authentication {}", change::authentication(Some(mode))));
    }
    line
}
