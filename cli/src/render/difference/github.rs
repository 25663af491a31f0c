//! Workflow commands of GitHub Actions: a notice at each line that changes what flows.

use std::collections::BTreeMap;

use super::{Compared, WAYS, change, groups};
use crate::render::github::{data, property};

/// Workloads that are named in one notice.
const MOST_NAMES: usize = 4;

/// A notice for each line, with everything that it does. What has no line on the new side, such as a rule that is
/// gone, stands at no file.
pub(super) fn render(compared: &Compared<'_>) -> String {
    let everyone = compared.everyone();
    let mut notices: BTreeMap<Option<(String, u32)>, Vec<String>> = BTreeMap::new();
    for part in change::all(&compared.digest, &everyone) {
        let who = groups(&part.groups, MOST_NAMES);
        for direction in WAYS {
            let Some(isolation) = &part.isolation[direction] else { continue };
            let origin = isolation.origins.first().filter(|_| isolation.begins);
            let place = origin.map(|origin| (origin.file.to_string(), origin.line));
            let text = format!("{who}: {}", change::isolation(direction, isolation));
            notices.entry(place).or_default().push(text);
        }
        for worded in &part.changes {
            let place = worded.place.as_ref().map(|origin| (origin.file.to_string(), origin.line));
            let more: String = worded.more.iter().map(|more| format!("; {more}")).collect();
            let was = worded.lines.iter().filter(|line| line.word.starts_with("no longer"));
            let was = was.flat_map(|line| line.origins.first().map(|origin| (line.word, origin)));
            let was: String =
                was.map(|(word, origin)| format!(" ({word} {}:{})", origin.file, origin.line)).collect();
            let text = format!("{who}: {} {}{more}{was}", worded.verb, worded.what);
            notices.entry(place).or_default().push(text);
        }
    }
    let mut out = String::new();
    for (place, texts) in notices {
        let place =
            place.map(|(file, line)| format!("file={},line={line},", property(&file))).unwrap_or_default();
        out.push_str(&format!("::notice {place}title=network policy::{}\n", data(&texts.join("\n"))));
    }
    if let Some(preview) = &compared.preview {
        out.push_str(&super::super::github::render(&preview.report()));
    }
    let sentence = if compared.is_same() { "equal, proved".to_owned() } else { compared.totals().sentence() };
    let text = format!("{} → {}: {sentence}\n{}", compared.old, compared.new, compared.proof());
    out.push_str(&format!("::notice title=network policy::{}\n", data(&text)));
    out
}
