//! Generations: programs with their images, one in force at a time.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use sluice_backends::abi::{DIRECTION_EGRESS, DIRECTION_INGRESS, MapSpec, Reason};
use sluice_backends::image::Write;
use sluice_backends::probe::Probe;
use sluice_backends::program::Code;
use sluice_ir::decision::ByDirection;
use sluice_ir::policy::Direction;

/// The number of a generation. They are counted from 1; none is in force before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Number(u32);

impl Number {
    /// The first.
    pub const FIRST: Number = Number(1);

    /// A number as the word has it; none for 0.
    pub fn of_word(word: u32) -> Option<Number> {
        (word != 0).then_some(Number(word))
    }

    /// As the word has it.
    pub fn word(self) -> u32 {
        self.0
    }

    /// The one that follows.
    pub fn next(self) -> Number {
        Number(self.0.checked_add(1).unwrap_or(2))
    }

    /// Where its programs are.
    pub fn bank(self) -> Bank {
        if self.0.is_multiple_of(2) { Bank::Even } else { Bank::Odd }
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// One of the two places for a generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bank {
    /// That of even numbers.
    Even,
    /// That of odd numbers.
    Odd,
}

impl Bank {
    /// Both.
    pub const BOTH: [Bank; 2] = [Bank::Even, Bank::Odd];

    /// Its number.
    pub fn index(self) -> u32 {
        self as u32
    }

    /// The other one.
    pub fn other(self) -> Bank {
        match self {
            Bank::Even => Bank::Odd,
            Bank::Odd => Bank::Even,
        }
    }

    /// The slot of the program of a direction in the array of programs.
    pub fn slot(self, direction: Direction) -> u32 {
        let of_direction = match direction {
            Direction::Ingress => DIRECTION_INGRESS,
            Direction::Egress => DIRECTION_EGRESS,
        };
        self.index() * 2 + of_direction
    }
}

/// A question that a generation's program must answer as it should before the generation is in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Check {
    /// Whose program: that of the hook.
    pub direction: Direction,
    /// The question.
    pub probe: Probe,
    /// The verdict.
    pub verdict: u32,
    /// Why the packet would be dropped.
    pub reason: Option<Reason>,
}

/// A generation that the kernel does not have yet.
#[derive(Clone, Debug, Default)]
pub struct Prepared<'i> {
    /// The content of each image.
    pub images: Vec<(&'static MapSpec, Cow<'i, [u8]>)>,
    /// The programs.
    pub programs: Arc<ByDirection<Code>>,
    /// What they must answer.
    pub checks: Vec<Check>,
    /// What is other in the images than in those that the bank was filled with beforehand, where that is known.
    pub since: Option<Vec<Write>>,
}

#[cfg(test)]
mod tests {
    use sluice_ir::policy::Direction;

    use super::{Bank, Number};

    #[test]
    fn numbers_go_from_bank_to_bank_for_ever() {
        let last = Number(u32::MAX);
        assert_eq!(Number::FIRST.next().bank(), Bank::Even);
        // 0 would be no generation at all.
        assert_eq!((last.bank(), last.next().bank()), (Bank::Odd, Bank::Even));
        assert_eq!(Number::of_word(0), None);
    }

    #[test]
    fn every_program_has_a_slot() {
        let slots = Bank::BOTH.map(|bank| Direction::BOTH.map(|direction| bank.slot(direction)));
        assert_eq!(slots, [[0, 1], [2, 3]]);
    }
}
