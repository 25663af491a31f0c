//! `--fix`: edits that leave the meaning as it is, held to that before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sluice_compiler::diagnostic::{Edit, Fix};
use sluice_compiler::lint::same_meaning;
use sluice_compiler::resource::Resource;
use sluice_compiler::source::{FileId, Limits, SourceFile, Sources};
use sluice_compiler::{Compiled, Loaded, load_each, together};

use crate::error::CliError;
use crate::input::Input;

/// What became of the fixes.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    /// New texts of files, by their names.
    pub(crate) files: Vec<FixedFile>,
    /// Files that have findings with a fix and stay as they are.
    pub(crate) left: Vec<(String, Reason)>,
}

/// A file with its fixes in it.
#[derive(Debug)]
pub(crate) struct FixedFile {
    pub(crate) name: String,
    pub(crate) old: String,
    pub(crate) new: String,
    /// How many findings were put right.
    pub(crate) count: usize,
    /// How many are left for the next run, as their edits overlap with others.
    pub(crate) waiting: usize,
}

/// Why a file stays as it is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Reason {
    /// Rules would be others.
    #[error("a fix would change what it means")]
    Meaning,
    /// Its text is not, byte for byte, what it holds.
    #[error("it is not UTF-8, and the rest of it would not stay as it is")]
    Encoding,
    /// Nothing can be written there.
    #[error("it is standard input")]
    Stdin,
    /// Somebody has said so.
    #[error("it is read-only")]
    ReadOnly,
    /// The system does not let it be written.
    #[error("it cannot be written: {0}")]
    Unwritten(#[from] io::Error),
}

/// Makes the edits in memory. A file whose policies would no longer say the same is left as it is.
pub(crate) fn fix(input: &Input, compiled: &Compiled) -> Result<Fixed, CliError> {
    let mut by_file: BTreeMap<FileId, Vec<&Fix>> = BTreeMap::new();
    for fix in input.diagnostics.iter().filter_map(|finding| finding.fix.as_ref()) {
        let Some(file) = fix.edits.first().map(|edit| edit.span.file) else { continue };
        if fix.edits.iter().all(|edit| edit.span.file == file) {
            by_file.entry(file).or_default().push(fix);
        }
    }
    let mut fixed = Fixed::default();
    let mut texts = BTreeMap::new();
    for (file, fixes) in by_file {
        let source = input.sources.file(file);
        let name = source.name().to_string();
        if let Some(reason) = unwritable(source) {
            fixed.left.push((name, reason));
            continue;
        }
        let (new, count) = edited(source.text(), &fixes);
        let (old, waiting) = (source.text().to_string(), fixes.len() - count);
        texts.insert(file, FixedFile { name, old, new, count, waiting });
    }
    if !means_the_same(input, compiled, &texts)? {
        let mut kept = BTreeMap::new();
        for (file, text) in texts {
            let name = text.name.clone();
            kept.insert(file, text);
            if !means_the_same(input, compiled, &kept)? {
                kept.remove(&file);
                fixed.left.push((name, Reason::Meaning));
            }
        }
        texts = kept;
    }
    fixed.files = texts.into_values().collect();
    Ok(fixed)
}

/// Why nothing can be written to a file, whatever it would be.
fn unwritable(source: &SourceFile) -> Option<Reason> {
    if &**source.name() == "-" {
        return Some(Reason::Stdin);
    }
    if !source.is_exact() {
        return Some(Reason::Encoding);
    }
    let read_only = fs::metadata(&**source.name()).is_ok_and(|found| found.permissions().readonly());
    read_only.then_some(Reason::ReadOnly)
}

/// Takes away the fixes that [`fix`] would not make, so that reports offer no others.
pub(crate) fn keep_made(input: &mut Input, compiled: &Compiled) -> Result<(), CliError> {
    if input.diagnostics.iter().all(|finding| finding.fix.is_none()) {
        return Ok(());
    }
    let made: BTreeSet<String> = fix(input, compiled)?.files.into_iter().map(|file| file.name).collect();
    let Input { diagnostics, sources, .. } = input;
    for finding in diagnostics {
        let within = |edit: &Edit| made.contains(&**sources.file(edit.span.file).name());
        finding.fix = finding.fix.take().filter(|fix| fix.edits.iter().all(within));
    }
    Ok(())
}

/// A text with its edits, and how many fixes are in it. Of two that overlap the second is left for the next run.
fn edited(text: &str, fixes: &[&Fix]) -> (String, usize) {
    let mut edits: Vec<&Edit> = Vec::new();
    let mut count = 0;
    for fix in fixes {
        let free = |edit: &Edit| {
            edits.iter().all(|other| edit.span.end <= other.span.start || other.span.end <= edit.span.start)
        };
        if fix.edits.iter().all(free) {
            edits.extend(&fix.edits);
            count += 1;
        }
    }
    edits.sort_by_key(|edit| edit.span.start);
    let mut new = String::with_capacity(text.len());
    let mut done = 0;
    for edit in edits {
        let (start, end) = (edit.span.start as usize, edit.span.end as usize);
        new.push_str(text.get(done..start).unwrap_or_default());
        new.push_str(&edit.text);
        done = end;
    }
    new.push_str(text.get(done..).unwrap_or_default());
    (new, count)
}

/// Reads the files with new texts anew, and compares the rules of all.
fn means_the_same(
    input: &Input,
    compiled: &Compiled,
    texts: &BTreeMap<FileId, FixedFile>,
) -> Result<bool, CliError> {
    if texts.is_empty() {
        return Ok(true);
    }
    let mut sources = input.sources.clone();
    for (file, fixed) in texts {
        sources.replace(*file, fixed.new.as_str());
    }
    let files: Vec<FileId> = texts.keys().copied().collect();
    let resources = read_again(input, &sources, &files);
    if resources.len() != input.resources.len() {
        return Ok(false);
    }
    let policy = input.lower_again(compiled, &resources, &sources);
    Ok(same_meaning(&compiled.policy, &policy))
}

/// The objects of the input where some files have another text. What the others hold is known.
fn read_again(input: &Input, sources: &Sources, files: &[FileId]) -> Vec<Resource> {
    let mut by_file: BTreeMap<FileId, Loaded> = BTreeMap::new();
    for resource in input.resources.iter().filter(|resource| !files.contains(&resource.place.file)) {
        by_file.entry(resource.place.file).or_default().resources.push(resource.clone());
    }
    by_file.extend(files.iter().copied().zip(load_each(sources, files, input.options(), &Limits::default())));
    together(sources, input.manifests.iter().filter_map(|file| by_file.remove(file))).resources
}

/// Writes the files, each in one step: whoever reads it sees the old text or the new one. One that cannot be written
/// keeps no other from it.
pub(crate) fn write(fixed: &mut Fixed) {
    for file in std::mem::take(&mut fixed.files) {
        match write_one(Path::new(&file.name), &file.new) {
            Ok(()) => fixed.files.push(file),
            Err(error) => fixed.left.push((file.name, error.into())),
        }
    }
}

fn write_one(path: &Path, text: &str) -> io::Result<()> {
    // A link stays one, and what it leads to is written.
    let path = fs::canonicalize(path)?;
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".sluice-{}", std::process::id()));
    let beside: PathBuf = path.with_file_name(name);
    let permissions = fs::metadata(&path)?.permissions();
    let written = fs::write(&beside, text)
        .and_then(|()| fs::set_permissions(&beside, permissions))
        .and_then(|()| fs::rename(&beside, &path));
    if written.is_err() {
        // Of the two errors the first is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    written
}

impl Fixed {
    /// What happened, one line a file.
    pub(crate) fn told(&self) -> String {
        let mut out = String::new();
        for file in &self.files {
            let findings = if file.count == 1 { "finding" } else { "findings" };
            let waiting = match file.waiting {
                0 => String::new(),
                more => format!("; {more} more when it runs again"),
            };
            out.push_str(&format!("fixed {} {findings} in {}{waiting}\n", file.count, file.name));
        }
        out + &self.left_alone()
    }

    /// Which files stay as they are, and why.
    pub(crate) fn left_alone(&self) -> String {
        self.left.iter().map(|(name, reason)| format!("left {name} alone: {reason}\n")).collect()
    }

    /// Whether the system kept a file from being written.
    pub(crate) fn is_unwritten(&self) -> bool {
        self.left.iter().any(|(_, reason)| matches!(reason, Reason::Unwritten(_)))
    }
}

/// What would be written, as a patch.
pub(crate) fn patch(fixed: &Fixed) -> String {
    let mut out = String::new();
    for file in &fixed.files {
        let diff = similar::TextDiff::from_lines(&file.old, &file.new);
        // Behind a name with a space stands a tab, as git has it: `patch` would read to the space.
        let end = if file.name.contains(' ') { "\t" } else { "" };
        let name = file.name.trim_start_matches('/');
        let (old, new) = (format!("a/{name}{end}"), format!("b/{name}{end}"));
        out.push_str(&diff.unified_diff().header(&old, &new).to_string());
    }
    out
}

#[cfg(test)]
mod tests {
    use sluice_compiler::source::{Sources, Span};

    use super::*;

    #[test]
    fn edits_that_overlap_wait() {
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", "abcdef");
        let fix = |start, end, text: &str| Fix {
            title: "x".to_owned(),
            edits: vec![Edit { span: Span::new(file, start, end), text: text.to_owned() }],
        };
        let (first, second, third) = (fix(1, 3, "B"), fix(2, 4, "C"), fix(4, 4, "-"));
        assert_eq!(edited("abcdef", &[&third, &first, &second]), ("aBd-ef".to_owned(), 2));
    }
}
