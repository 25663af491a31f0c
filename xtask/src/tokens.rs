//! Rust sources as tokens, so that a rule about code is not fooled by comments, strings or layout.

use proc_macro2::{Delimiter, LexError, TokenStream, TokenTree};

/// A path as written, `use` groups spelled out: `use std::{fs, io::Read}` gives `std::fs` and `std::io::Read`.
///
/// Keywords and single names are paths of one segment; the name of a method keeps its dot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path {
    /// Where it begins; lines start at 1.
    pub(crate) line: usize,
    pub(crate) segments: Vec<String>,
    /// The token behind it: a name, a punctuation character, an opening bracket, or nothing.
    pub(crate) next: String,
}

impl Path {
    /// Whether the segments contain these in a row.
    pub(crate) fn contains(&self, segments: &[&str]) -> bool {
        self.segments.windows(segments.len()).any(|window| window == segments)
    }

    /// As written in source.
    pub(crate) fn text(&self) -> String {
        self.segments.join("::")
    }
}

/// Every path of a source text.
pub(crate) fn paths(text: &str) -> Result<Vec<Path>, LexError> {
    let mut found = Vec::new();
    collect(text.parse()?, &[], &mut found);
    Ok(found)
}

/// Every path of a source text outside `#[cfg(test)]` items.
pub(crate) fn production_paths(text: &str) -> Result<Vec<Path>, LexError> {
    let mut found = Vec::new();
    collect(without_tests(text.parse()?), &[], &mut found);
    Ok(found)
}

fn collect(tokens: TokenStream, prefix: &[String], found: &mut Vec<Path>) {
    let trees: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    while let Some(tree) = trees.get(at) {
        at += 1;
        match tree {
            TokenTree::Group(group) => collect(group.stream(), &[], found),
            TokenTree::Ident(first) => {
                let dot = at >= 2 && is_punct(trees.get(at - 2), '.');
                let mut segments = prefix.to_vec();
                segments.push(if dot { format!(".{first}") } else { first.to_string() });
                while is_path_separator(&trees, at) {
                    let Some(TokenTree::Ident(segment)) = trees.get(at + 2) else { break };
                    segments.push(segment.to_string());
                    at += 3;
                }
                let group = brace(trees.get(at + 2));
                if let (true, Some(group)) = (is_path_separator(&trees, at), group) {
                    collect(group, &segments, found);
                    at += 3;
                    continue;
                }
                let next = trees.get(at).map(opening).unwrap_or_default();
                found.push(Path { line: first.span().start().line, segments, next });
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// Drops each item behind `#[cfg(test)]`, at any depth.
fn without_tests(tokens: TokenStream) -> TokenStream {
    let mut kept = Vec::new();
    let mut trees = tokens.into_iter().peekable();
    while let Some(tree) = trees.next() {
        let attribute = is_punct(Some(&tree), '#') && trees.peek().is_some_and(is_cfg_test);
        if attribute {
            // An item ends with its body or, if it has none, with a semicolon.
            let ends = |t: &TokenTree| brace(Some(t)).is_some() || is_punct(Some(t), ';');
            while trees.next().is_some_and(|t| !ends(&t)) {}
            continue;
        }
        kept.push(match tree {
            TokenTree::Group(group) => {
                let mut inner = proc_macro2::Group::new(group.delimiter(), without_tests(group.stream()));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other,
        });
    }
    kept.into_iter().collect()
}

fn is_cfg_test(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Group(group) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

fn is_punct(tree: Option<&TokenTree>, character: char) -> bool {
    matches!(tree, Some(TokenTree::Punct(punct)) if punct.as_char() == character)
}

/// Whether `::` stands at this place.
fn is_path_separator(trees: &[TokenTree], at: usize) -> bool {
    is_punct(trees.get(at), ':') && is_punct(trees.get(at + 1), ':')
}

fn brace(tree: Option<&TokenTree>) -> Option<TokenStream> {
    match tree {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    }
}

fn opening(tree: &TokenTree) -> String {
    match tree {
        TokenTree::Group(group) => match group.delimiter() {
            Delimiter::Brace => "{".to_owned(),
            Delimiter::Parenthesis => "(".to_owned(),
            Delimiter::Bracket => "[".to_owned(),
            Delimiter::None => String::new(),
        },
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{paths, production_paths};

    fn texts(source: &str) -> Vec<String> {
        production_paths(source).unwrap().iter().map(super::Path::text).collect()
    }

    #[test]
    fn spells_out_use_groups() {
        let found = texts("use std::{fs, io::{self, Read}};");
        assert_eq!(found, ["use", "std::fs", "std::io::self", "std::io::Read"]);
    }

    #[test]
    fn reads_macros_and_methods_but_not_comments_or_strings() {
        let found = texts("// std::fs\nfn f() { write!(w, \"std::fs {}\", std::env::args().count()) }");
        assert!(found.contains(&"std::env::args".to_owned()), "{found:?}");
        assert!(found.contains(&".count".to_owned()), "{found:?}");
        assert!(!found.contains(&"std::fs".to_owned()), "{found:?}");
    }

    #[test]
    fn leaves_out_tests_only() {
        let source =
            "#[cfg(test)]\nmod t { use std::fs; }\n#[cfg(test)] use a::b;\n#[cfg(not(test))]\nfn f() {}";
        let found = texts(source);
        assert!(!found.contains(&"std::fs".to_owned()) && !found.contains(&"a::b".to_owned()), "{found:?}");
        assert!(found.contains(&"f".to_owned()), "{found:?}");
    }

    #[test]
    fn knows_the_line_and_what_follows() {
        let found = paths("\nunsafe { x!() }").unwrap();
        assert_eq!((found[0].line, found[0].next.as_str()), (2, "{"));
        assert_eq!((found[1].text().as_str(), found[1].next.as_str()), ("x", "!"));
    }
}
