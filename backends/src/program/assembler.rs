//! Writes programs.

use std::collections::BTreeMap;

use thiserror::Error;

use super::layout::{Line, Listing};
use super::{
    Alu, AtomicOperation, ByteOrder, Code, Condition, LayoutError, Operand, Operation, Register, Size, Width,
};
use crate::abi::MapSpec;

/// A place of a program that jumps can name before it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label(usize);

/// A program that nobody can run.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AssembleError {
    /// Something goes to a label that is nowhere.
    #[error("the label `{name}` is used and not placed")]
    NotPlaced {
        /// Its name.
        name: String,
    },
    /// A label is in two places.
    #[error("the label `{name}` is placed twice")]
    PlacedTwice {
        /// Its name.
        name: String,
    },
    /// The program cannot be laid out.
    #[error(transparent)]
    Layout(#[from] LayoutError),
}

/// Collects instructions; see the methods, one for each kind.
///
/// Jumps may span any number of instructions ([`JUMP_RANGE`](super::JUMP_RANGE)).
#[derive(Clone, Debug, Default)]
pub struct Assembler {
    lines: Vec<(Line, Option<Label>)>,
    /// Each label's name, and the line that it is before.
    labels: Vec<(String, Option<usize>)>,
    /// For the next instruction.
    notes: Vec<String>,
    placed_twice: Option<Label>,
}

impl Assembler {
    /// Begins a program.
    pub fn new() -> Assembler {
        Assembler::default()
    }

    /// Makes a label. Its name is for readers, and need not be the only one.
    pub fn label(&mut self, name: impl Into<String>) -> Label {
        self.labels.push((name.into(), None));
        Label(self.labels.len() - 1)
    }

    /// Puts a label before the next instruction, or at the end.
    pub fn place(&mut self, label: Label) {
        if let Some((_, place)) = self.labels.get_mut(label.0)
            && place.replace(self.lines.len()).is_some()
        {
            self.placed_twice.get_or_insert(label);
        }
    }

    /// Says something of the next instruction.
    pub fn note(&mut self, text: impl Into<String>) {
        self.notes.push(text.into());
    }

    /// An operation that neither jumps nor names a map.
    pub fn push(&mut self, operation: Operation) {
        self.line(Line::new(operation), None);
    }

    /// Arithmetic with the lower halves; the higher half of the target becomes zero.
    pub fn alu32(&mut self, alu: Alu, target: Register, source: impl Into<Operand>) {
        self.push(Operation::Alu { width: Width::Bits32, alu, target, source: source.into() });
    }

    /// Arithmetic.
    pub fn alu64(&mut self, alu: Alu, target: Register, source: impl Into<Operand>) {
        self.push(Operation::Alu { width: Width::Bits64, alu, target, source: source.into() });
    }

    /// `target = source`, with the lower halves; the higher half of the target becomes zero.
    pub fn move32(&mut self, target: Register, source: impl Into<Operand>) {
        self.alu32(Alu::Mov, target, source);
    }

    /// `target = source`.
    pub fn move64(&mut self, target: Register, source: impl Into<Operand>) {
        self.alu64(Alu::Mov, target, source);
    }

    /// `target = -target`.
    pub fn negate(&mut self, width: Width, target: Register) {
        self.push(Operation::Negate { width, target });
    }

    /// Puts the lowest bytes of a register in an order, and zero in the others.
    pub fn swap(&mut self, order: ByteOrder, size: Size, target: Register) {
        self.push(Operation::Swap { order, size, target });
    }

    /// `target = *(size *)(base + offset)`.
    pub fn load(&mut self, size: Size, target: Register, base: Register, offset: i16) {
        self.push(Operation::Load { size, target, base, offset });
    }

    /// `*(size *)(base + offset) = source`.
    pub fn store(&mut self, size: Size, base: Register, offset: i16, source: impl Into<Operand>) {
        self.push(Operation::Store { size, base, offset, source: source.into() });
    }

    /// Arithmetic in memory, in one step.
    pub fn atomic(
        &mut self,
        operation: AtomicOperation,
        size: Size,
        base: Register,
        offset: i16,
        source: Register,
    ) {
        self.push(Operation::Atomic { operation, size, base, offset, source });
    }

    /// `target = value`, of 64 bits.
    pub fn load_wide(&mut self, target: Register, value: u64) {
        self.push(Operation::LoadWide { target, value });
    }

    /// The address of a map; of memory, that of a byte of its value.
    pub fn load_map(&mut self, target: Register, map: &'static MapSpec, offset: u32) {
        let operation = Operation::LoadWide { target, value: u64::from(offset) << 32 };
        self.line(Line { map: Some(map), ..Line::new(operation) }, None);
    }

    /// Goes to a label.
    pub fn jump(&mut self, label: Label) {
        self.line(Line::new(Operation::Jump { offset: 0 }), Some(label));
    }

    /// Goes to a label if a condition holds for the lower halves.
    pub fn branch32(
        &mut self,
        condition: Condition,
        left: Register,
        right: impl Into<Operand>,
        label: Label,
    ) {
        self.branch(Width::Bits32, condition, left, right.into(), label);
    }

    /// Goes to a label if a condition holds.
    pub fn branch64(
        &mut self,
        condition: Condition,
        left: Register,
        right: impl Into<Operand>,
        label: Label,
    ) {
        self.branch(Width::Bits64, condition, left, right.into(), label);
    }

    /// Calls a helper by its number.
    pub fn call(&mut self, helper: u32) {
        self.push(Operation::Call { helper });
    }

    /// Ends, with the answer in r0.
    pub fn exit(&mut self) {
        self.push(Operation::Exit);
    }

    /// The program.
    ///
    /// # Errors
    ///
    /// If a label that is used is not in one place.
    pub fn finish(self) -> Result<Code, AssembleError> {
        if let Some((name, _)) = self.placed_twice.and_then(|label| self.labels.get(label.0)) {
            return Err(AssembleError::PlacedTwice { name: name.clone() });
        }
        let mut listing = Listing::default();
        for (mut line, label) in self.lines {
            if let Some((name, place)) = label.and_then(|label| self.labels.get(label.0)) {
                let place = place.ok_or_else(|| AssembleError::NotPlaced { name: name.clone() })?;
                line.target = Some(place);
            }
            listing.lines.push(line);
        }
        let mut labels: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        for (name, place) in self.labels {
            if let Some(place) = place {
                labels.entry(place).or_default().push(name);
            }
        }
        listing.labels = labels;
        Ok(listing.layout()?)
    }

    fn branch(&mut self, width: Width, condition: Condition, left: Register, right: Operand, label: Label) {
        let operation = Operation::Branch { width, condition, left, right, offset: 0 };
        self.line(Line::new(operation), Some(label));
    }

    fn line(&mut self, mut line: Line, label: Option<Label>) {
        line.notes = std::mem::take(&mut self.notes);
        self.lines.push((line, label));
    }
}

#[cfg(test)]
mod tests {
    use super::{AssembleError, Assembler};
    use crate::abi::map;
    use crate::program::Register::{R0, R1};
    use crate::program::{Alu, Condition, Instruction, JUMP_RANGE, Operation, decode};

    #[test]
    fn jumps_go_both_ways() {
        let mut asm = Assembler::new();
        let (again, end) = (asm.label("again"), asm.label("end"));
        asm.place(again);
        asm.note("until nothing is left");
        asm.branch32(Condition::Equal, R1, 0, end);
        asm.load_wide(R0, 1 << 40);
        asm.alu64(Alu::Sub, R1, 1);
        asm.jump(again);
        asm.place(end);
        let code = asm.finish().unwrap();
        assert_eq!(decode(&code.instructions, 0).unwrap().jump(), Some(4));
        assert_eq!(decode(&code.instructions, 4).unwrap().jump(), Some(-5));
        assert_eq!(code.notes[&0], ["until nothing is left"]);
        assert_eq!(code.labels[&0], ["again"]);
        assert_eq!(code.labels[&5], ["end"]);
    }

    #[test]
    fn maps_are_named_by_the_first_half() {
        let mut asm = Assembler::new();
        asm.move32(R0, 0);
        asm.load_map(R1, map("sluice_cells").unwrap(), 260);
        let code = asm.finish().unwrap();
        assert_eq!(code.maps[&1].name, "sluice_cells");
        assert_eq!(code.instructions[1], Instruction { opcode: 0x18, target: 1, ..Instruction::default() });
        assert_eq!(code.instructions[2], Instruction { immediate: 260, ..Instruction::default() });
    }

    #[test]
    fn a_label_must_be_in_one_place() {
        let mut asm = Assembler::new();
        let label = asm.label("nowhere");
        asm.jump(label);
        let mut twice = asm.clone();
        assert_eq!(asm.finish(), Err(AssembleError::NotPlaced { name: "nowhere".into() }));
        twice.place(label);
        twice.place(label);
        assert_eq!(twice.finish(), Err(AssembleError::PlacedTwice { name: "nowhere".into() }));
    }

    /// A branch and a jump over so many instructions.
    fn spanning(instructions: usize) -> Vec<Instruction> {
        let mut asm = Assembler::new();
        let end = asm.label("end");
        asm.branch32(Condition::AnySet, R1, 1, end);
        asm.jump(end);
        for _ in 0..instructions {
            asm.move32(R0, 0);
        }
        asm.place(end);
        asm.exit();
        asm.finish().unwrap().instructions
    }

    #[test]
    fn jumps_that_span_too_much_are_long() {
        let short = spanning(JUMP_RANGE - 2);
        assert_eq!(short.len(), JUMP_RANGE + 1);
        let long = spanning(JUMP_RANGE);
        assert_eq!(long.len(), JUMP_RANGE + 5);
        assert_eq!(decode(&long, 0).unwrap().jump(), Some(1));
        assert_eq!(decode(&long, 1), Ok(Operation::Jump { offset: 1 }));
        let offset = JUMP_RANGE as i32;
        assert_eq!(decode(&long, 2), Ok(Operation::LongJump { offset: offset + 1 }));
        assert_eq!(decode(&long, 3), Ok(Operation::LongJump { offset }));
        // One of the two is short enough.
        let mixed = spanning(JUMP_RANGE - 1);
        assert_eq!(mixed.len(), JUMP_RANGE + 4);
    }
}
