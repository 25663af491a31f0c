//! One instruction after the other.

use super::helpers::{Answer, Call};
use super::memory::{CONTEXT_BASE, Memory};
use super::{Fault, FaultKind, Program, ProgramId, Surroundings};
use crate::program::disassemble::text;
use crate::program::{Alu, AtomicOperation, Helper, Operand, Operation, Register, Size, Width, arithmetic};

/// A run of a program, and of those to which it goes on.
pub(super) struct Execution<'m> {
    pub(super) programs: &'m [Program],
    pub(super) memory: Memory<'m>,
    pub(super) surroundings: &'m mut Surroundings,
    pub(super) registers: Registers,
    pub(super) program: ProgramId,
    /// Where it is.
    pub(super) at: usize,
    /// Whether it is the body of a call, which may end where its instructions do.
    pub(super) body: bool,
    /// How many instructions it ran.
    pub(super) instructions: u64,
}

/// What registers hold, if they do.
pub(super) struct Registers([Option<u64>; 11]);

impl Registers {
    /// Those of a program that begins.
    pub(super) fn of_program() -> Registers {
        let mut registers = Registers([None; 11]);
        registers.0[1] = Some(CONTEXT_BASE);
        registers.0[10] = Some(Memory::frame_pointer());
        registers
    }

    /// Those of a body that begins.
    pub(super) fn of_body(arguments: &[u64]) -> Registers {
        let mut registers = Registers([None; 11]);
        for (register, argument) in registers.0[1..=5].iter_mut().zip(arguments) {
            *register = Some(*argument);
        }
        registers
    }

    fn get(&self, register: Register) -> Result<u64, FaultKind> {
        self.0[usize::from(register.number())].ok_or(FaultKind::Unset { register })
    }

    fn set(&mut self, register: Register, value: u64) -> Result<(), FaultKind> {
        if register == Register::R10 {
            return Err(FaultKind::FramePointer);
        }
        self.0[usize::from(register.number())] = Some(value);
        Ok(())
    }

    fn operand(&self, operand: Operand) -> Result<u64, FaultKind> {
        match operand {
            Operand::Register(register) => self.get(register),
            Operand::Immediate(value) => Ok(i64::from(value).cast_unsigned()),
        }
    }

    /// A call takes r0 to r5.
    fn clobber(&mut self) {
        self.0[..=5].fill(None);
    }
}

impl Execution<'_> {
    /// Runs to the end, and gives what is in r0 there.
    pub(super) fn run(&mut self) -> Result<u64, Fault> {
        loop {
            match self.step() {
                Ok(None) => {}
                Ok(Some(answer)) => return Ok(answer),
                Err(kind) => return Err(self.fault(kind)),
            }
        }
    }

    fn fault(&self, kind: FaultKind) -> Fault {
        let program = self.programs.get(self.program.0);
        let operation = program.and_then(|program| program.operation(self.at));
        Fault {
            program: program.map(|program| program.name.clone()).unwrap_or_default(),
            at: self.at,
            text: operation.map(text).unwrap_or_default(),
            kind,
        }
    }

    /// Runs an instruction; gives the answer if it was the last.
    fn step(&mut self) -> Result<Option<u64>, FaultKind> {
        let program = self.programs.get(self.program.0).ok_or(FaultKind::NoInstruction)?;
        let limit = self.surroundings.limit;
        if self.body && self.at == program.operations.len() {
            return self.registers.get(Register::R0).map(Some);
        }
        let operation = program.operation(self.at).ok_or(FaultKind::NoInstruction)?;
        self.instructions += 1;
        if self.instructions > limit {
            return Err(FaultKind::Budget { limit });
        }
        let mut next = (self.at + operation.length()) as i64;
        match operation {
            Operation::Jump { .. } | Operation::LongJump { .. } => next += operation.jump().unwrap_or(0),
            Operation::Branch { width, condition, left, right, offset } => {
                let (left, right) = (self.registers.get(left)?, self.registers.operand(right)?);
                if arithmetic::holds(width, condition, left, right) {
                    next += i64::from(offset);
                }
            }
            Operation::Call { helper } => {
                if let Some(program) = self.call(helper)? {
                    self.program = program;
                    next = 0;
                }
            }
            Operation::Exit if !self.body && self.memory.has_records() => return Err(FaultKind::Reserved),
            Operation::Exit if !self.body && self.memory.has_sockets() => return Err(FaultKind::Held),
            Operation::Exit => return self.registers.get(Register::R0).map(Some),
            operation => self.plain(operation)?,
        }
        self.at = usize::try_from(next).map_err(|_| FaultKind::NoInstruction)?;
        Ok(None)
    }

    /// An operation after which the next one comes.
    fn plain(&mut self, operation: Operation) -> Result<(), FaultKind> {
        let registers = &mut self.registers;
        match operation {
            Operation::Alu { width, alu, target, source } => {
                let right = registers.operand(source)?;
                // What is only written need not hold anything.
                let left = if alu == Alu::Mov { 0 } else { registers.get(target)? };
                registers.set(target, arithmetic::alu(width, alu, left, right))
            }
            Operation::Negate { width, target } => {
                let value = registers.get(target)?;
                registers.set(target, arithmetic::negate(width, value))
            }
            Operation::Swap { order, size, target } => {
                let value = registers.get(target)?;
                registers.set(target, arithmetic::swap(order, size, value))
            }
            Operation::LoadWide { target, value } => registers.set(target, value),
            Operation::Load { size, target, base, offset } => {
                let value = self.memory.load(address(registers.get(base)?, offset), size)?;
                registers.set(target, value)
            }
            Operation::Store { size, base, offset, source } => {
                let value = registers.operand(source)?;
                self.memory.store(address(registers.get(base)?, offset), size, value)
            }
            Operation::Atomic { operation, size, base, offset, source } => {
                let address = address(registers.get(base)?, offset);
                self.atomic(operation, size, address, source)
            }
            // The caller has done these.
            Operation::Jump { .. }
            | Operation::LongJump { .. }
            | Operation::Branch { .. }
            | Operation::Call { .. }
            | Operation::Exit => Ok(()),
        }
    }

    fn atomic(
        &mut self,
        operation: AtomicOperation,
        size: Size,
        address: u64,
        source: Register,
    ) -> Result<(), FaultKind> {
        use AtomicOperation::{
            Add, And, CompareExchange, Exchange, FetchAdd, FetchAnd, FetchOr, FetchXor, Or, Xor,
        };
        if !address.is_multiple_of(size.bytes()) {
            return Err(FaultKind::Unaligned { address });
        }
        let width = if size == Size::U64 { Width::Bits64 } else { Width::Bits32 };
        let (old, right) = (self.memory.load(address, size)?, self.registers.get(source)?);
        let alu = |alu| arithmetic::alu(width, alu, old, right);
        let new = match operation {
            Add | FetchAdd => alu(Alu::Add),
            Or | FetchOr => alu(Alu::Or),
            And | FetchAnd => alu(Alu::And),
            Xor | FetchXor => alu(Alu::Xor),
            Exchange => right,
            CompareExchange => {
                let expected = self.registers.get(Register::R0)? & arithmetic::lowest(size);
                if expected == old { right } else { old }
            }
        };
        self.memory.store(address, size, new)?;
        operation.fetches(source).map_or(Ok(()), |register| self.registers.set(register, old))
    }

    /// Calls a helper; gives the program that goes on if it is another.
    fn call(&mut self, number: u32) -> Result<Option<ProgramId>, FaultKind> {
        let helper = Helper::of_number(number).ok_or(FaultKind::NoHelper { number })?;
        let [_, arguments @ .., _, _, _, _, _] = self.registers.0;
        let mut call = Call { memory: &mut self.memory, surroundings: &mut *self.surroundings, arguments };
        match call.run(helper)? {
            Answer::Program(program) => {
                self.registers = Registers::of_program();
                self.memory.forget_stack();
                return Ok(Some(program));
            }
            Answer::Value(value) => {
                self.registers.clobber();
                self.registers.set(Register::R0, value)?;
            }
            Answer::Nothing => self.registers.clobber(),
        }
        Ok(None)
    }
}

fn address(base: u64, offset: i16) -> u64 {
    base.wrapping_add_signed(i64::from(offset))
}
