//! The steps in which a tree is built, and their record.

use std::ops::Range;

use super::node::ScalarStyle;

/// One step. All offsets are in bytes of the file, not of the chunk.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// A scalar is complete.
    Scalar(Box<str>, ScalarStyle, Range<u32>),
    /// A collection begins here.
    Open(Kind, u32),
    /// The innermost collection ends here.
    Close(u32),
    /// The node of an anchor is to be copied here.
    Alias(usize, Range<u32>),
}

/// Which collection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A list.
    Sequence,
    /// A mapping.
    Mapping,
}

/// The steps of every anchored node, so that an alias can take them again.
///
/// Nested anchors share one record, so it grows with the text and not with the nesting.
#[derive(Debug, Default)]
pub(super) struct Record {
    steps: Vec<Step>,
    /// By anchor id, which the parser counts from 1.
    anchors: Vec<Anchor>,
    /// Anchors whose node is not complete: id and depth, innermost last.
    open: Vec<(usize, usize)>,
}

#[derive(Clone, Debug)]
struct Anchor {
    from: usize,
    /// `None` while the node is open, when an alias to it would contain itself.
    to: Option<usize>,
}

impl Record {
    /// Notes a step that is about to be taken at `depth` open collections; `anchor` is the id that
    /// the step's node defines, or 0.
    pub(super) fn note(&mut self, step: &Step, anchor: usize, depth: usize) {
        if anchor == 0 && self.open.is_empty() {
            return;
        }
        if anchor != 0 {
            self.anchors.resize(anchor + 1, Anchor { from: self.steps.len(), to: None });
            self.open.push((anchor, depth));
        }
        self.steps.push(step.clone());
        let depth_after = match step {
            Step::Open(..) => return,
            Step::Scalar(..) | Step::Alias(..) => depth,
            Step::Close(_) => depth.saturating_sub(1),
        };
        while let Some((id, _)) = self.open.pop_if(|(_, opened_at)| *opened_at == depth_after) {
            if let Some(anchor) = self.anchors.get_mut(id) {
                anchor.to = Some(self.steps.len());
            }
        }
    }

    /// The steps of an anchor's node; `None` while the node is not complete.
    pub(super) fn range(&self, anchor: usize) -> Option<Range<usize>> {
        let anchor = self.anchors.get(anchor)?;
        Some(anchor.from..anchor.to?)
    }

    /// One recorded step.
    pub(super) fn step(&self, index: usize) -> Option<&Step> {
        self.steps.get(index)
    }
}
