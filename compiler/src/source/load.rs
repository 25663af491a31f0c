//! Reads one chunk: the parser's events become the builder's steps.

use granit_parser::{Event, Parser, ScalarStyle as Notation, StructureStyle, Tag};

use super::build::Builder;
use super::findings::{self, Stop};
use super::node::{Entry, Node, ScalarStyle};
use super::split::{Chunk, next_line};
use super::step::{Kind, Step};
use super::{FileId, Limits, Span, syntax};
use crate::diagnostic::{Code, Diagnostic, RENDER_TEMPLATE};

/// What a chunk held.
pub(super) enum Content {
    /// Nothing, or only comments and `null`.
    Empty,
    /// A document.
    Tree(Node),
    /// A document that is not valid, with the entries of its root mapping that came before the fault.
    Broken(Vec<Entry>),
}

/// Reads a chunk of `text`. Spans count from the start of the text.
pub(super) fn load(file: FileId, text: &str, chunk: &Chunk, limits: &Limits) -> (Content, Vec<Diagnostic>) {
    let part = text.get(chunk.start..chunk.end).unwrap_or("");
    let mut loader = Loader {
        file,
        text: part,
        base: chunk.start as u32,
        end: chunk.start as u32,
        key_end: chunk.start as u32,
        has_tabs: false,
        flow: Vec::new(),
        builder: Builder::new(file, part.len(), limits),
    };
    loader.has_tabs = loader.text.contains('\t');
    let result = loader.run();
    let (content, mut diagnostics) = match result {
        Ok(()) => {
            let (root, diagnostics) = loader.builder.finish();
            let root = root.filter(|root| !root.is_null());
            (root.map_or(Content::Empty, Content::Tree), diagnostics)
        }
        Err(stop) => {
            let (entries, mut diagnostics) = loader.builder.abandon();
            diagnostics.push(*stop);
            (Content::Broken(entries), diagnostics)
        }
    };
    let mut templates = 0;
    diagnostics.retain_mut(|diagnostic| {
        let template = recognise_template(text, diagnostic);
        templates += usize::from(template);
        // One is enough: what is wrong with the others is the same.
        !template || templates == 1
    });
    (content, diagnostics)
}

/// What looks wrong in a line with `{{` is probably not meant as YAML yet.
fn recognise_template(text: &str, diagnostic: &mut Diagnostic) -> bool {
    let Some(at) = diagnostic.span.map(|span| span.start as usize) else { return false };
    let before = text.get(..at).unwrap_or("");
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let is_template = text[line..].lines().next().is_some_and(|line| line.contains("{{"));
    let is_template = is_template && matches!(diagnostic.code, Code::YamlSyntax | Code::NonStringKey);
    if is_template {
        diagnostic.message = "a template is not YAML yet".to_owned();
        diagnostic.help = Some(RENDER_TEMPLATE.to_owned());
    }
    is_template
}

struct Loader<'t> {
    file: FileId,
    /// The chunk.
    text: &'t str,
    /// Where the chunk begins in the file.
    base: u32,
    /// The end of the last thing that has text of its own.
    end: u32,
    /// The end of the last scalar that may be a key.
    key_end: u32,
    /// Whether there is a tab anywhere.
    has_tabs: bool,
    /// For each open collection, where it begins and whether it has brackets.
    flow: Vec<(u32, bool)>,
    builder: Builder,
}

impl<'t> Loader<'t> {
    fn run(&mut self) -> Result<(), Stop> {
        let depth = self.builder.depth();
        let options = granit_parser::options! {
            emit_comments: false,
            flow_nesting_limit: depth,
            block_nesting_limit: depth,
        };
        for event in Parser::new_from_str_with_options(self.text, options) {
            let (event, span) = event.map_err(|error| self.syntax(&error))?;
            let range = span.byte_range().unwrap_or(0..0);
            self.event(event, range.start as u32 + self.base, range.end as u32 + self.base)?;
        }
        Ok(())
    }

    fn event(&mut self, event: Event<'t>, start: u32, end: u32) -> Result<(), Stop> {
        match event {
            Event::Scalar(text, notation, anchor, tag) => {
                self.check_indentation(start)?;
                let (start, end) = self.scalar_range(&text, notation, start, end);
                let implicit = notation == Notation::Plain && start == end;
                let style = self.style(&text, notation, tag.as_deref(), start..end)?;
                // The parser writes `~` for what is not there.
                let text = if implicit { Box::default() } else { text.into_owned().into_boxed_str() };
                self.end = self.end.max(end);
                self.key_end = end;
                self.builder.take(Step::Scalar(text, style, start..end), anchor)
            }
            Event::SequenceStart(style, anchor, _) => {
                let start = if style == StructureStyle::Block { self.first_dash(start) } else { start };
                self.open(Kind::Sequence, style, start, end, anchor)
            }
            Event::MappingStart(style, anchor, _) => self.open(Kind::Mapping, style, start, end, anchor),
            Event::SequenceEnd | Event::MappingEnd => {
                // Only a closing bracket has text; without one, a collection ends with its last child.
                let bracketed = self.flow.pop().is_some_and(|(_, bracketed)| bracketed);
                if bracketed && start < end {
                    self.end = self.end.max(end);
                }
                self.builder.take(Step::Close(self.end), 0)
            }
            Event::Alias(id) => {
                self.end = end;
                self.key_end = end;
                self.builder.take(Step::Alias(id, start..end), 0)
            }
            _ => Ok(()),
        }
    }

    fn open(
        &mut self,
        kind: Kind,
        style: StructureStyle,
        start: u32,
        end: u32,
        anchor: usize,
    ) -> Result<(), Stop> {
        self.check_indentation(start)?;
        self.builder.take(Step::Open(kind, start), anchor)?;
        self.flow.push((start, style == StructureStyle::Flow));
        self.end = self.end.max(end);
        Ok(())
    }

    /// The parser takes a tab after spaces for a separation, as YAML 1.2 has it, where the library that
    /// Kubernetes reads with refuses any tab before the first thing of a line.
    fn check_indentation(&self, start: u32) -> Result<(), Stop> {
        if !self.has_tabs || self.flow.last().is_some_and(|(_, bracketed)| *bracketed) {
            return Ok(());
        }
        let before = self.text.get(..(start - self.base) as usize).unwrap_or("");
        let line = before.trim_end_matches([' ', '\t']);
        let tab = before[line.len()..].find('\t').filter(|_| line.is_empty() || line.ends_with(['\n', '\r']));
        tab.map_or(Ok(()), |tab| {
            let at = self.base + (line.len() + tab) as u32;
            Err(findings::tab_indents(Span::new(self.file, at, at + 1)))
        })
    }

    /// The bytes that belong to a scalar itself.
    fn scalar_range(&self, text: &str, notation: Notation, start: u32, end: u32) -> (u32, u32) {
        match notation {
            Notation::Literal | Notation::Folded => {
                // The parser's range runs on to the next token.
                let written = self.text.get(..(end - self.base) as usize).unwrap_or("").trim_end();
                let end = written.len() as u32 + self.base;
                // Without text the parser's range may begin at the header.
                if text.trim().is_empty() { (end, end) } else { (start.min(end), end) }
            }
            Notation::Plain if start == end && self.builder.expects_value() => {
                // What is not there stands after the colon.
                let rest = self.text.get((start - self.base) as usize..).unwrap_or("");
                let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
                // A colon before anything else begins the next key.
                let bracketed = self.flow.last().is_some_and(|(_, bracketed)| *bracketed);
                let mut next = rest[blanks..].chars();
                let colon = next.next() == Some(':')
                    && next
                        .next()
                        .is_none_or(|c| c.is_ascii_whitespace() || bracketed && ",[]{}".contains(c));
                let at = if colon { start + blanks as u32 + 1 } else { start };
                (at, at)
            }
            _ => (start, end),
        }
    }

    /// How a scalar is to be understood, given its tag.
    fn style(
        &self,
        text: &str,
        notation: Notation,
        tag: Option<&Tag>,
        range: std::ops::Range<u32>,
    ) -> Result<ScalarStyle, Stop> {
        let untagged = if notation == Notation::Plain { ScalarStyle::Plain } else { ScalarStyle::Quoted };
        let Some(tag) = tag else { return Ok(untagged) };
        let span = Span::new(self.file, range.start, range.end);
        match tag.core_suffix() {
            Some(name @ ("null" | "bool" | "int" | "float")) => {
                findings::check_tag(name, text, span).map(|()| ScalarStyle::Plain)
            }
            // Any other tag leaves text as it is.
            _ if tag.suffix_in_namespace("tag:yaml.org,2002:").as_deref() != Some("binary") => {
                Ok(ScalarStyle::Quoted)
            }
            _ => Err(findings::binary_tag(span)),
        }
    }

    /// Where a block sequence begins. For one that is not indented further than its key, the parser
    /// gives the place of the first item; its dash is the first on a line after the key.
    fn first_dash(&self, given: u32) -> u32 {
        if !self.builder.expects_value() {
            return given;
        }
        let bytes = self.text.as_bytes();
        let limit = (given - self.base) as usize;
        let mut line = next_line(bytes, (self.key_end - self.base) as usize);
        while line < limit {
            let blanks = bytes[line..].iter().take_while(|b| **b == b' ').count();
            let at = line + blanks;
            let follower = bytes.get(at + 1).copied().unwrap_or(b'\n');
            if bytes.get(at) == Some(&b'-') && follower.is_ascii_whitespace() {
                return (at as u32 + self.base).min(given);
            }
            line = next_line(bytes, line);
        }
        given
    }

    fn syntax(&self, error: &granit_parser::ScanError) -> Stop {
        let at = error.marker().byte_offset().unwrap_or(0);
        let bracket = self.flow.last().filter(|(_, bracketed)| *bracketed).map(|(start, _)| *start);
        let place = syntax::Place { file: self.file, text: self.text, base: self.base, at, bracket };
        syntax::diagnose(error.kind(), &place, self.builder.depth())
    }
}
