//! Faults of whole lines: where they begin, and what other programs leave between them.

use granit_parser::ErrorKind;

use super::findings::Stop;
use super::syntax::Place;
use crate::diagnostic::{Code, Diagnostic};

/// Lines that other programs leave in a file: the marks of a merge conflict, and the fences of Markdown.
pub(super) fn marks(place: &Place<'_>) -> Option<Stop> {
    let start = place.line_start();
    // A mark of a conflict is noticed on its own line, or on the next.
    let line = |start: usize| place.text.get(start..).and_then(|rest| rest.lines().next()).unwrap_or("");
    let before =
        place.text.get(..start.saturating_sub(1)).map_or(0, |text| text.rfind('\n').map_or(0, |at| at + 1));
    let conflict = ["<<<<<<< ", ">>>>>>> "];
    for at in [start, before] {
        let text = line(at);
        if conflict.iter().any(|mark| text.starts_with(mark)) || text.trim_end() == "=======" {
            let help =
                "keep one of the two sides, and remove the lines with `<<<<<<<`, `=======` and `>>>>>>>`";
            let span = place.span(at, at + 7);
            let message = "a merge conflict is not resolved";
            return Some(Box::new(Diagnostic::new(Code::YamlSyntax, span, message).help(help)));
        }
    }
    let fence = line(start).trim_start().starts_with("```");
    fence.then(|| {
        let at = start + line(start).find('`').unwrap_or(0);
        let message = "the fence of a Markdown block is not YAML";
        let span = place.span(at, at + 3);
        Box::new(Diagnostic::new(Code::YamlSyntax, span, message).help("remove the fences around the YAML"))
    })
}

/// A key or list item whose line begins where none of the lines does that it could belong to.
pub(super) fn indentation(kind: &ErrorKind, place: &Place<'_>) -> Option<Stop> {
    use ErrorKind as E;
    let about_blocks = matches!(
        kind,
        E::ExpectedBlockMappingKey
            | E::SimpleKeyExpected
            | E::InvalidSimpleKey
            | E::InvalidIndentation
            | E::BlockSequenceEntryNotAllowed
            | E::ExpectedBlockSequenceEntry
            | E::MappingValueNotAllowed
    );
    let start = place.line_start();
    let blanks = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let line = place.text.get(start..)?.lines().next()?;
    let own = blanks(line);
    let item = line.get(own..)?;
    if about_blocks
        && place.bracket.is_none()
        && let Some(found) = missing_colon(place, start)
    {
        return Some(found);
    }
    let starts_line = item == "-" || item.starts_with("- ") || item.contains(": ") || item.ends_with(':');
    // A second colon in a line is another mistake.
    let first_colon = item.find(':').is_none_or(|at| start + own + at >= place.at);
    if !about_blocks || place.bracket.is_some() || !starts_line || !first_colon {
        return None;
    }
    let mut levels: Vec<usize> = Vec::new();
    let above = place.text.get(..start)?.lines().rev();
    for line in above.filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#')) {
        let level = blanks(line);
        if levels.is_empty() && level < own && line.trim_end().ends_with([':', '-']) {
            return None;
        }
        if levels.last().is_none_or(|last| level < *last) {
            levels.push(level);
        }
        if level == 0 {
            break;
        }
    }
    if levels.contains(&own) {
        let stray = item.starts_with("- ") && place.at >= start + own;
        return stray.then(|| {
            let message = "this list item belongs to no list";
            let help = "indent it as far as the other items of its list, or as the key above them";
            let span = place.span(start + own, start + own + 1);
            Box::new(Diagnostic::new(Code::YamlSyntax, span, message).help(help)) as Stop
        });
    }
    let deeper = levels.iter().rev().find(|level| **level > own);
    let shallower = levels.iter().find(|level| **level < own);
    let help = match (shallower, deeper) {
        (Some(a), Some(b)) => format!("indent it by {a} or by {b} spaces, like the lines that it belongs to"),
        (Some(0), None) => "remove the spaces before it".to_owned(),
        (Some(a), None) | (None, Some(a)) => {
            format!("indent it by {a} spaces, like the lines that it belongs to")
        }
        (None, None) => return None,
    };
    let key = item.find([':', ' ']).unwrap_or(item.len());
    let span = place.span(start + own, start + own + key);
    let message = "the indentation fits no line above";
    let label = if own == 1 { "1 space".to_owned() } else { format!("{own} spaces") };
    Some(Box::new(Diagnostic::new(Code::YamlSyntax, span, message).label(label).help(help)))
}

/// A line of one word where a key is needed: the line that begins at `start`, or the one above it.
fn missing_colon(place: &Place<'_>, start: usize) -> Option<Stop> {
    let above = place.text.get(..start.saturating_sub(1))?.rfind('\n').map_or(0, |at| at + 1);
    let word_at = |start: usize| {
        let line = place.text.get(start..)?.lines().next()?;
        let content = line.trim_start_matches(['-', ' ']);
        let word = content.trim_end();
        let fits = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric());
        let begin = start + line.len() - content.len();
        fits.then_some((line.len() - content.len(), begin, begin + word.len()))
    };
    let own = place.text.get(start..)?.lines().next().map(|line| line.len() - line.trim_start().len())?;
    let (_, begin, end) = word_at(start)
        .or_else(|| word_at(above).filter(|(indent, ..)| start > 0 && above < start && *indent < own))?;
    let word = place.text.get(begin..end)?;
    let message = format!("there is no `:` after `{word}`");
    let help = format!("write `{word}:` if it is a key");
    Some(Box::new(Diagnostic::new(Code::YamlSyntax, place.span(begin, end), message).help(help)))
}
