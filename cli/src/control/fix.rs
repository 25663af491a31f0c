//! `--fix`: edits that leave the meaning as it is, held to that before anything is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use sluice_compiler::diagnostic::{Edit, Fix};
use sluice_compiler::lint::same_meaning;
use sluice_compiler::source::{FileId, Limits};
use sluice_compiler::{Compiled, load};

use crate::error::CliError;
use crate::input::Input;

/// What became of the fixes.
#[derive(Debug, Default)]
pub(crate) struct Fixed {
    /// New texts of files, by their names.
    pub(crate) files: Vec<FixedFile>,
    /// Files left alone, since an edit would have changed what they mean.
    pub(crate) refused: Vec<String>,
}

/// A file with its fixes in it.
#[derive(Debug)]
pub(crate) struct FixedFile {
    pub(crate) name: String,
    pub(crate) old: String,
    pub(crate) new: String,
    /// How many findings were put right.
    pub(crate) count: usize,
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
        let (new, count) = edited(source.text(), &fixes);
        // Nothing can be written to standard input, and a file is not written anew in another encoding.
        if count > 0 && &**source.name() != "-" && source.is_exact() {
            texts.insert(
                file,
                FixedFile { name: source.name().to_string(), old: source.text().to_string(), new, count },
            );
        }
    }
    if !means_the_same(input, compiled, &texts)? {
        let mut kept = BTreeMap::new();
        for (file, text) in texts {
            let name = text.name.clone();
            kept.insert(file, text);
            if !means_the_same(input, compiled, &kept)? {
                kept.remove(&file);
                fixed.refused.push(name);
            }
        }
        texts = kept;
    }
    fixed.files = texts.into_values().collect();
    Ok(fixed)
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

/// Reads everything anew with the new texts, and compares the rules.
fn means_the_same(
    input: &Input,
    compiled: &Compiled,
    texts: &BTreeMap<FileId, FixedFile>,
) -> Result<bool, CliError> {
    let mut sources = input.sources.clone();
    for (file, fixed) in texts {
        sources.replace(*file, fixed.new.as_str());
    }
    let loaded = load(&sources, &input.manifests, input.options(), &Limits::default());
    if loaded.resources.len() != input.resources.len() {
        return Ok(false);
    }
    let policy = input.lower_again(compiled, &loaded.resources, &sources);
    Ok(same_meaning(&compiled.policy, &policy))
}

/// Writes the files, each in one step: whoever reads it sees the old text or the new one.
pub(crate) fn write(fixed: &Fixed) -> Result<(), CliError> {
    for file in &fixed.files {
        let path = Path::new(&file.name);
        write_one(path, &file.new).map_err(|source| CliError::Write { path: path.to_path_buf(), source })?;
    }
    Ok(())
}

fn write_one(path: &Path, text: &str) -> std::io::Result<()> {
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

/// What would be written, as a patch.
pub(crate) fn patch(fixed: &Fixed) -> String {
    let mut out = String::new();
    for file in &fixed.files {
        let diff = similar::TextDiff::from_lines(&file.old, &file.new);
        let (old, new) = (format!("a/{}", file.name), format!("b/{}", file.name));
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
