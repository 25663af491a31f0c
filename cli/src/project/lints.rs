//! `lints`: which findings count, and how much.

use globset::{Glob, GlobSet, GlobSetBuilder};
use sluice_compiler::diagnostic::{Code, Diagnostic, Severity, did_you_mean};
use sluice_compiler::lint::is_off;
use sluice_compiler::source::{Entry, Node, Scalar, Span};

use super::read::{Reader, elements, entries, text};

/// How much a finding counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Level {
    /// Not at all.
    Off,
    /// As much as this.
    At(Severity),
}

const LEVELS: [(&str, Level); 4] = [
    ("error", Level::At(Severity::Error)),
    ("warning", Level::At(Severity::Warning)),
    ("info", Level::At(Severity::Info)),
    ("off", Level::Off),
];

/// What a level is set for, from the widest on.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Which {
    All,
    /// The first three characters of a code: `S12`.
    Group(String),
    One(Code),
}

/// Levels as they are written.
#[derive(Debug, Default)]
struct Levels(Vec<(Which, Level)>);

/// What `lints` says.
#[derive(Debug, Default)]
pub(crate) struct Lints {
    /// Whether rules are proved in every check.
    pub(crate) prove: bool,
    everywhere: Levels,
    paths: Vec<(GlobSet, Levels)>,
}

impl Lints {
    /// How much a finding counts, `path` being its file as seen from the folder of `sluice.yaml`. None if
    /// nothing is said about it.
    pub(crate) fn level(&self, code: Code, path: Option<&str>) -> Option<Level> {
        let here = |(globs, _): &&(GlobSet, Levels)| path.is_some_and(|path| globs.is_match(path));
        let special = self.paths.iter().rev().filter(here).find_map(|(_, levels)| levels.of(code));
        special.or_else(|| self.everywhere.of(code)).or_else(|| is_off(code).then_some(Level::Off))
    }
}

impl Levels {
    /// The narrowest that holds for a code; of equally narrow ones the last.
    fn of(&self, code: Code) -> Option<Level> {
        let width = |which: &Which| match which {
            Which::All => Some(0),
            Which::Group(group) => code.as_str().starts_with(group.as_str()).then_some(1),
            Which::One(one) => (*one == code).then_some(2),
        };
        let holding = self.0.iter().filter_map(|(which, level)| Some((width(which)?, *level)));
        holding.max_by_key(|(width, _)| *width).map(|(_, level)| level)
    }
}

/// Reads the value of `lints`.
pub(super) fn read(reader: &mut Reader, node: &Node) -> Lints {
    let mut lints = Lints::default();
    for entry in entries(reader, node) {
        match &*entry.key {
            "levels" => lints.everywhere = levels(reader, &entry.value),
            "paths" => {
                for item in elements(reader, &entry.value) {
                    lints.paths.extend(path(reader, item));
                }
            }
            "prove" => match entry.value.scalar() {
                Some(Scalar::Bool(prove)) => lints.prove = prove,
                _ => reader.needs(&entry.value, "`true` or `false`"),
            },
            _ => unknown(reader, entry, &["levels", "paths", "prove"]),
        }
    }
    lints
}

fn path(reader: &mut Reader, node: &Node) -> Option<(GlobSet, Levels)> {
    let mut globs = GlobSetBuilder::new();
    let (mut files, mut of) = (0, Levels::default());
    for entry in entries(reader, node) {
        match &*entry.key {
            "files" => {
                for item in elements(reader, &entry.value) {
                    let Some(pattern) = text(reader, item) else { continue };
                    files += 1;
                    match Glob::new(pattern) {
                        Ok(glob) => {
                            globs.add(glob);
                        }
                        Err(error) => {
                            fault(reader, item.span, &format!("this is no pattern: {}", error.kind()))
                        }
                    }
                }
            }
            "levels" => of = levels(reader, &entry.value),
            _ => unknown(reader, entry, &["files", "levels"]),
        }
    }
    if files == 0 {
        fault(reader, node.span, "an element of `paths` needs `files`");
    }
    Some((globs.build().ok()?, of))
}

fn levels(reader: &mut Reader, node: &Node) -> Levels {
    let read = |entry: &Entry| {
        let which = which(reader, entry)?;
        let typed = text(reader, &entry.value)?;
        let known = LEVELS.iter().find(|(name, _)| *name == typed);
        if known.is_none() {
            let help = match did_you_mean(typed, LEVELS.map(|(name, _)| name)) {
                Some(close) => format!("did you mean `{close}`?"),
                None => "levels are `error`, `warning`, `info` and `off`".to_owned(),
            };
            reader.report(
                Diagnostic::new(Code::ProjectFile, entry.value.span, format!("unknown level `{typed}`"))
                    .help(help),
            );
        }
        Some((which, known?.1))
    };
    // The mapping is asked for first, as the closure has the reader from then on.
    let mut first = Reader::default();
    let all = entries(&mut first, node);
    let read: Vec<(Which, Level)> = all.iter().filter_map(read).collect();
    reader.findings.extend(first.findings);
    Levels(read)
}

fn which(reader: &mut Reader, entry: &Entry) -> Option<Which> {
    let typed = &*entry.key;
    if typed == "all" {
        return Some(Which::All);
    }
    if let Some(group) =
        typed.strip_suffix("xx").filter(|group| Code::ALL.iter().any(|code| &code.as_str()[..3] == *group))
    {
        return Some(Which::Group(group.to_owned()));
    }
    let Some(code) = Code::parse(typed) else {
        let known = Code::ALL.iter().flat_map(|code| [code.as_str(), code.name()]);
        let help = match did_you_mean(typed, known) {
            Some(close) => format!("did you mean `{close}`?"),
            None => {
                "write a code, its name, a group such as `S12xx`, or `all`; `sluice explain --list` has them"
                    .to_owned()
            }
        };
        reader.report(
            Diagnostic::new(Code::ProjectFile, entry.key_span, format!("there is no finding `{typed}`"))
                .help(help),
        );
        return None;
    };
    if code.severity() == Severity::Error {
        fault(
            reader,
            entry.key_span,
            &format!("{code} means that an object is not valid, and stays an error"),
        );
        return None;
    }
    Some(Which::One(code))
}

fn unknown(reader: &mut Reader, entry: &Entry, known: &[&str]) {
    let help = match did_you_mean(&entry.key, known.iter().copied()) {
        Some(close) => format!("did you mean `{close}`?"),
        None => format!("keys here are `{}`", known.join("` and `")),
    };
    let message = format!("unknown key `{}`", entry.key);
    reader.report(Diagnostic::new(Code::ProjectFile, entry.key_span, message).help(help));
}

fn fault(reader: &mut Reader, span: Span, message: &str) {
    reader.report(
        Diagnostic::new(Code::ProjectFile, span, message)
            .help("`sluice explain S0912` shows what the file looks like"),
    );
}
