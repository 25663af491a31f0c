//! Edits that change a text and not what it means.

use crate::diagnostic::{Edit, Fix};
use crate::source::{Sources, Span};

/// Writes another text in the place of a scalar, in its quotes.
pub(super) fn replace(sources: &Sources, span: Span, text: &str, title: &str) -> Fix {
    let written = sources.text(span);
    let quote = written.chars().next().filter(|first| matches!(first, '"' | '\''));
    let text = match quote {
        Some(quote) => format!("{quote}{text}{quote}"),
        None => text.to_owned(),
    };
    Fix { title: title.to_owned(), edits: vec![Edit { span, text }] }
}

/// Takes a line away that holds a key with its value and nothing else; none if it holds more.
pub(super) fn remove_line(sources: &Sources, value: Span, key: &str, title: &str) -> Option<Fix> {
    let file = sources.file(value.file);
    let line = file.line(file.line_column(value.start).line)?;
    let text = file.text().get(line.clone())?;
    let (start, end) = (u32::try_from(line.start).ok()?, u32::try_from(line.end).ok()?);
    let alone = text.trim_start().strip_prefix(key)?.strip_prefix(':')?;
    let rest = alone.trim_start().strip_prefix(sources.text(value))?.trim();
    let whole = value.end <= end && (rest.is_empty() || rest.starts_with('#'));
    whole.then(|| Fix {
        title: title.to_owned(),
        edits: vec![Edit { span: Span::new(value.file, start, end), text: String::new() }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_line_of_its_own_is_taken_away() {
        let mut sources = Sources::default();
        let text = "a:\n  endPort: 80 # why\n  - endPort: 80\n  {endPort: 80}\n";
        let file = sources.add("a.yaml", text);
        let places: Vec<usize> = text.match_indices("80").map(|(at, _)| at).collect();
        let edit = |at: usize| {
            let span = Span::new(file, at as u32, at as u32 + 2);
            remove_line(&sources, span, "endPort", "x").map(|fix| sources.text(fix.edits[0].span).to_owned())
        };
        assert_eq!(edit(places[0]).as_deref(), Some("  endPort: 80 # why\n"));
        assert_eq!(edit(places[1]), None);
        assert_eq!(edit(places[2]), None);
    }

    #[test]
    fn quotes_stay() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "\"010\"");
        let fix = replace(&sources, Span::new(file, 0, 5), "8", "x");
        assert_eq!(fix.edits[0].text, "\"8\"");
    }
}
