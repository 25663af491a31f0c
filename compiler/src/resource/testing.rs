//! What tests of this room share: text in, objects and findings out, places shown by the text they cover.

use super::{Object, Strings, read};
use crate::diagnostic::Diagnostic;
use crate::options::Options;
use crate::source::{Document, Limits, Sources, parse};

/// A text that was read.
pub(crate) struct Input {
    pub(crate) sources: Sources,
    pub(crate) documents: Vec<Document>,
}

/// Parses a text that is valid YAML.
pub(crate) fn input(text: &str) -> Input {
    let mut sources = Sources::default();
    let file = sources.add("test.yaml", text);
    let (documents, diagnostics) = parse(&sources, file, &Limits::default());
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    Input { sources, documents }
}

impl Input {
    /// Findings as code and underlined text, warnings and infos marked.
    pub(crate) fn shown(&self, diagnostics: &[Diagnostic]) -> Vec<String> {
        let show = |d: &Diagnostic| {
            let mark = if d.is_error() { "" } else { d.severity.name() };
            let text = self.sources.text(d.span.unwrap());
            format!("{mark} {} {text}", d.code).trim_start().to_owned()
        };
        diagnostics.iter().map(show).collect()
    }
}

/// The objects of a text, and the findings as [`Input::shown`] has them.
pub(crate) fn objects(text: &str) -> (Vec<Object>, Vec<String>) {
    let input = input(text);
    let mut objects = Vec::new();
    let mut found = Vec::new();
    for document in &input.documents {
        let (resources, diagnostics) = read(document, &Options::default(), &mut Strings::default());
        objects.extend(resources.into_iter().map(|resource| (*resource.object).clone()));
        found.extend(input.shown(&diagnostics));
    }
    (objects, found)
}

/// The one object of a text that is read without a word.
pub(crate) fn object(text: &str) -> Object {
    let (mut objects, found) = objects(text);
    assert_eq!(found, Vec::<String>::new());
    assert_eq!(objects.len(), 1);
    objects.remove(0)
}
