//! From lines that know where they jump to instructions that know how far, and back.
//!
//! Whoever changes a program changes its [`Listing`], where a jump names the line that it goes to, so that no
//! change can break a jump; [`Listing::layout`] then counts.

use std::collections::BTreeMap;

use thiserror::Error;

use super::{DecodeError, Instruction, Operation, decode};
use crate::abi::MapSpec;

/// How many instructions a short jump spans at most.
///
/// Sixteen bits say twice as many, but the kernel replaces one instruction by several (loads from the context,
/// lookups) and refuses a program in which a jump then does not fit. A jump that is longer is written as a
/// [`Operation::LongJump`]; a branch goes to one, and past it otherwise.
pub const JUMP_RANGE: usize = 1 << 14;

/// A program, or a part of one.
///
/// A part that takes the place of a call reads its arguments in r1 to r5 and answers in r0. It ends where its
/// instructions end, or with `exit`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Code {
    /// The instructions. Those that name a map have zero where the kernel wants its number.
    pub instructions: Vec<Instruction>,
    /// The map that a wide instruction names, by the place of its first half. For memory, the immediate of the
    /// second half is the offset in the value.
    pub maps: BTreeMap<usize, &'static MapSpec>,
    /// What somebody said of an instruction, by its place.
    pub notes: BTreeMap<usize, Vec<String>>,
    /// Names of places; one may be behind the last instruction.
    pub labels: BTreeMap<usize, Vec<String>>,
}

/// A program that cannot be written, or not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LayoutError {
    /// Something is no instruction.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A jump leaves the program, or goes into the middle of an instruction.
    #[error("instruction {at} jumps to no instruction")]
    Astray {
        /// Where it is.
        at: usize,
    },
    /// A map is named by something that is no wide instruction.
    #[error("instruction {at} cannot name the map `{map}`")]
    NoMap {
        /// Where it is.
        at: usize,
        /// The map's name.
        map: &'static str,
    },
    /// A jump spans more than 32 bits can say.
    #[error("the program has more instructions than a jump can span")]
    TooLong,
}

/// An instruction whose jump names a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// What it does; the offset of a jump means nothing.
    pub(super) operation: Operation,
    /// The line that it goes to, if it jumps; may be the one behind the last.
    pub(super) target: Option<usize>,
    /// The map that it names.
    pub(super) map: Option<&'static MapSpec>,
    /// What somebody said of it.
    pub(super) notes: Vec<String>,
}

impl Line {
    pub(super) fn new(operation: Operation) -> Line {
        Line { operation, target: None, map: None, notes: Vec::new() }
    }
}

/// A program that can be changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listing {
    /// The instructions.
    pub(super) lines: Vec<Line>,
    /// Names of lines; one may be behind the last.
    pub(super) labels: BTreeMap<usize, Vec<String>>,
}

impl Listing {
    /// Reads a program.
    pub(super) fn of_code(code: &Code) -> Result<Listing, LayoutError> {
        let mut lines = Vec::with_capacity(code.instructions.len());
        let mut line_of = vec![None; code.instructions.len() + 1];
        let mut places = Vec::with_capacity(code.instructions.len());
        let mut at = 0;
        while at < code.instructions.len() {
            let operation = decode(&code.instructions, at)?;
            line_of[at] = Some(lines.len());
            places.push(at);
            let notes = code.notes.get(&at).cloned().unwrap_or_default();
            lines.push(Line { map: code.maps.get(&at).copied(), notes, ..Line::new(operation) });
            at += operation.length();
        }
        line_of[code.instructions.len()] = Some(lines.len());
        for (line, &at) in lines.iter_mut().zip(&places) {
            if let Some(offset) = line.operation.jump() {
                let target = (at as i64 + 1 + offset).try_into().ok();
                let target = target.and_then(|target: usize| *line_of.get(target)?);
                line.target = Some(target.ok_or(LayoutError::Astray { at })?);
            }
        }
        for (&at, map) in &code.maps {
            let line = line_of.get(at).copied().flatten().and_then(|line| lines.get(line));
            if !line.is_some_and(|line: &Line| matches!(line.operation, Operation::LoadWide { .. })) {
                return Err(LayoutError::NoMap { at, map: map.name });
            }
        }
        let place =
            |(at, names): (&usize, &Vec<String>)| Some((line_of.get(*at).copied().flatten()?, names.clone()));
        Ok(Listing { lines, labels: code.labels.iter().filter_map(place).collect() })
    }

    /// Keeps some lines. What goes to another, goes to the next that is kept.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        let mut kept = 0;
        let mut places = Vec::with_capacity(self.lines.len() + 1);
        for keep in keep {
            places.push(kept);
            kept += usize::from(*keep);
        }
        places.push(kept);
        let mut keep = keep.iter().copied();
        self.lines.retain(|_| keep.next().unwrap_or(true));
        for line in &mut self.lines {
            line.target = line.target.and_then(|target| places.get(target).copied());
        }
        for (line, names) in std::mem::take(&mut self.labels) {
            if let Some(&place) = places.get(line) {
                self.labels.entry(place).or_default().extend(names);
            }
        }
    }

    /// Counts how far jumps go, and writes instructions.
    pub(super) fn layout(&self) -> Result<Code, LayoutError> {
        let mut long = vec![false; self.lines.len()];
        let mut places = self.places(&long);
        // A jump that becomes long makes others longer, but none shorter: this ends.
        while self.lengthen(&mut long, &places) {
            places = self.places(&long);
        }
        let mut code = Code::default();
        for (index, line) in self.lines.iter().enumerate() {
            let at = code.instructions.len();
            if let Some(map) = line.map {
                code.maps.insert(at, map);
            }
            if !line.notes.is_empty() {
                code.notes.insert(at, line.notes.clone());
            }
            self.write(line, long[index], &places, &mut code.instructions)?;
        }
        code.labels = self.labels.iter().map(|(line, names)| (places[*line], names.clone())).collect();
        Ok(code)
    }

    /// Where each line begins, and where the last ends.
    fn places(&self, long: &[bool]) -> Vec<usize> {
        let mut places = Vec::with_capacity(self.lines.len() + 1);
        let mut at = 0;
        for (line, &long) in self.lines.iter().zip(long) {
            places.push(at);
            let branch = matches!(line.operation, Operation::Branch { .. });
            at += line.operation.length() + if long && branch { 2 } else { 0 };
        }
        places.push(at);
        places
    }

    /// Makes long jumps of those that span too much; says whether there was one.
    fn lengthen(&self, long: &mut [bool], places: &[usize]) -> bool {
        let mut some = false;
        for (index, line) in self.lines.iter().enumerate() {
            let far = |target: usize| places[index].abs_diff(places[target]) > JUMP_RANGE;
            if !long[index] && line.target.is_some_and(far) {
                long[index] = true;
                some = true;
            }
        }
        some
    }

    fn write(
        &self,
        line: &Line,
        long: bool,
        places: &[usize],
        out: &mut Vec<Instruction>,
    ) -> Result<(), LayoutError> {
        let at = out.len();
        let Some(target) = line.target else {
            let both = line.operation.encode();
            out.extend(&both[..line.operation.length()]);
            return Ok(());
        };
        let target = *places.get(target).ok_or(LayoutError::Astray { at })?;
        let distance = |from: usize| target as i64 - from as i64 - 1;
        let short = |from: usize| i16::try_from(distance(from)).map_err(|_| LayoutError::TooLong);
        let far = |from: usize| i32::try_from(distance(from)).map_err(|_| LayoutError::TooLong);
        match line.operation {
            Operation::Branch { width, condition, left, right, .. } if long => {
                // No opposite condition is asked for, because not every condition has one.
                out.push(Operation::Branch { width, condition, left, right, offset: 1 }.encode()[0]);
                out.push(Operation::Jump { offset: 1 }.encode()[0]);
                out.push(Operation::LongJump { offset: far(at + 2)? }.encode()[0]);
            }
            Operation::Branch { width, condition, left, right, .. } => {
                let offset = short(at)?;
                out.push(Operation::Branch { width, condition, left, right, offset }.encode()[0]);
            }
            _ if long => out.push(Operation::LongJump { offset: far(at)? }.encode()[0]),
            _ => out.push(Operation::Jump { offset: short(at)? }.encode()[0]),
        }
        Ok(())
    }
}
