//! Where allowances stand.

use std::sync::Arc;

use super::read::{Fault, read};
use crate::diagnostic::{Code, Diagnostic, DocumentRef};
use crate::resource::Resource;
use crate::resource::decode::Spanned;
use crate::source::{FileId, SourceFile, Sources, Span};

/// Before the text of a comment.
const MARK: &str = "sluice:";

/// The annotation.
const ANNOTATION: &str = "sluice.dev/allow";

/// What is allowed, and where.
#[derive(Debug)]
pub(super) struct Allowance {
    pub(super) codes: Vec<Spanned<Code>>,
    pub(super) reach: Reach,
    /// The object, of an annotation.
    pub(super) document: Option<Arc<DocumentRef>>,
}

/// For which findings an allowance holds.
#[derive(Debug)]
pub(super) enum Reach {
    /// Those that begin on a line.
    Line { file: FileId, line: u32 },
    /// Those about an object.
    Object { file: FileId },
}

/// Every allowance, and what is wrong with those that cannot be read.
pub(super) fn find(
    sources: &Sources,
    files: &[FileId],
    resources: &[Resource],
) -> (Vec<Allowance>, Vec<Diagnostic>) {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    for id in files {
        comments(sources, *id, &mut found, &mut faults);
    }
    for resource in resources {
        let Some(text) = resource.object.meta().annotation(ANNOTATION) else { continue };
        let document = Some(Arc::clone(&resource.place.document));
        match read(&text.value) {
            Ok(parts) => found.extend(parts.into_iter().map(|part| Allowance {
                codes: part.codes.into_iter().map(|(code, _)| Spanned::new(code, text.span)).collect(),
                reach: Reach::Object { file: text.span.file },
                document: document.clone(),
            })),
            Err(fault) => faults.push(report(&fault, text.span).document(document)),
        }
    }
    (found, faults)
}

fn comments(sources: &Sources, id: FileId, found: &mut Vec<Allowance>, faults: &mut Vec<Diagnostic>) {
    let file = sources.file(id);
    for (at, _) in file.text().match_indices(MARK) {
        let Some(comment) = comment(file, at) else { continue };
        let span = |from: usize, to: usize| Span::new(id, place(from), place(to));
        match read(comment.text) {
            Ok(parts) => {
                for part in parts {
                    let codes = part.codes.into_iter().map(|(code, range)| {
                        Spanned::new(code, span(comment.start + range.start, comment.start + range.end))
                    });
                    let reach = Reach::Line { file: id, line: comment.target };
                    found.push(Allowance { codes: codes.collect(), reach, document: None });
                }
            }
            Err(fault) => {
                let end = comment.start + comment.text.trim_end().len();
                faults.push(report(&fault, span(comment.start.min(end), end)));
            }
        }
    }
}

fn report(fault: &Fault, span: Span) -> Diagnostic {
    Diagnostic::new(Code::Allowance, span, fault.message.clone()).help(fault.help.clone())
}

/// Files are far smaller than this.
fn place(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// A comment for us.
struct Comment<'t> {
    /// What stands behind the mark.
    text: &'t str,
    /// Where that begins.
    start: usize,
    /// The line that it is about.
    target: u32,
}

fn comment(file: &SourceFile, mark: usize) -> Option<Comment<'_>> {
    let line = file.line_column(place(mark)).line;
    let range = file.line(line)?;
    let text = file.text();
    let before = text.get(range.start..mark)?.trim_end_matches([' ', '\t']).strip_suffix('#')?;
    // In the middle of a word a `#` begins no comment.
    if !before.is_empty() && !before.ends_with([' ', '\t']) {
        return None;
    }
    let behind = text.get(mark + MARK.len()..range.end)?.trim_end();
    let blanks = behind.len() - behind.trim_start().len();
    let target = if before.trim().is_empty() { next_line(file, line)? } else { line };
    Some(Comment { text: behind.trim_start(), start: mark + MARK.len() + blanks, target })
}

/// The next line that says something.
fn next_line(file: &SourceFile, line: u32) -> Option<u32> {
    let mut next = line;
    loop {
        next += 1;
        let text = file.text().get(file.line(next)?)?.trim();
        if !text.is_empty() && !text.starts_with('#') {
            return Some(next);
        }
    }
}
