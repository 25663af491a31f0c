//! What to do to a node, step by step, as data.
//!
//! A plan says nothing of how. That no step leaves the node open or empty, whatever fails and wherever the agent is
//! killed, can so be tested without a kernel.

use crate::generation::{Bank, Number};

/// A step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Makes the images of a bank and fills them.
    Images(Bank),
    /// Writes other images over those of a bank that nobody reads, whose programs are good for them too.
    Rewrite(Bank),
    /// Loads the programs of a bank, which the kernel verifies.
    Programs(Bank),
    /// Asks the programs of a bank what they must know.
    Ask(Bank),
    /// Pins what is in a bank, so that whoever comes after us finds it.
    Pin(Bank),
    /// Puts the programs of a bank where the entry programs go on.
    Slots(Bank),
    /// Puts a generation in force: one store.
    Flip(Number),
    /// Waits until every packet that is being judged has been.
    Grace,
    /// From now on no packet is judged by the generation before, not even those that it has judged once.
    Forget(Number),
    /// Empties a bank.
    Clear(Bank),
}

impl Step {
    /// The step that takes this one back, if a later one fails; none if there is nothing to take back, or it is too
    /// late.
    pub fn undo(&self) -> Option<Step> {
        match self {
            Step::Images(bank)
            | Step::Rewrite(bank)
            | Step::Programs(bank)
            | Step::Pin(bank)
            | Step::Slots(bank) => Some(Step::Clear(*bank)),
            Step::Ask(_) | Step::Flip(_) | Step::Grace | Step::Forget(_) | Step::Clear(_) => None,
        }
    }
}

/// Puts the next generation in force with programs of its own. Nobody reads what is in its bank.
pub fn publish(next: Number) -> Vec<Step> {
    let bank = next.bank();
    let last = [Step::Ask(bank), Step::Pin(bank), Step::Slots(bank), Step::Flip(next)];
    [Step::Clear(bank), Step::Images(bank), Step::Programs(bank)].into_iter().chain(last).collect()
}

/// Puts the next generation in force with the programs that are in its bank. Nobody reads what is there.
pub fn rewrite(next: Number) -> Vec<Step> {
    let bank = next.bank();
    vec![Step::Rewrite(bank), Step::Ask(bank), Step::Flip(next)]
}

/// Puts programs, which the kernel has verified, into a bank that nobody reads, so that the generation to come need not
/// wait for that.
pub fn spare(bank: Bank) -> Vec<Step> {
    vec![Step::Clear(bank), Step::Pin(bank), Step::Slots(bank)]
}

/// Waits until nobody reads the bank of the generation before the one in force.
///
/// Packets that a generation has judged at one interface carry its number to the next, so it stays until those that
/// were on their way have arrived; then it is forgotten, and then nobody can be in it any more. Its programs stay for
/// the generation to come.
pub fn settle(current: Number) -> Vec<Step> {
    vec![Step::Grace, Step::Forget(current), Step::Grace]
}

/// What to take back when a step of a plan has failed: the steps before it, and what it has begun itself, from the
/// last to the first.
pub fn undo(done: &[Step]) -> Vec<Step> {
    let mut undo: Vec<Step> = Vec::new();
    for step in done.iter().rev().filter_map(Step::undo) {
        if !undo.contains(&step) {
            undo.push(step);
        }
    }
    undo
}

#[cfg(test)]
mod tests {
    use super::{Step, publish, rewrite, settle, undo};
    use crate::generation::{Bank, Number};

    /// A node as far as plans know it.
    #[derive(Clone, Debug, Default, PartialEq)]
    struct Node {
        word: Option<Number>,
        previous: Option<Number>,
        /// For each bank the generation that is in it whole: its images, programs, pins and slots.
        parts: [[bool; 4]; 2],
        asked: [bool; 2],
    }

    impl Node {
        fn run(&mut self, step: &Step) {
            let mut part = |bank: Bank, part: usize| self.parts[bank.index() as usize][part] = true;
            match step {
                Step::Images(bank) => part(*bank, 0),
                // Whoever rewrites has to ask again.
                Step::Rewrite(bank) => self.asked[bank.index() as usize] = false,
                Step::Programs(bank) => part(*bank, 1),
                Step::Pin(bank) => part(*bank, 2),
                Step::Slots(bank) => part(*bank, 3),
                Step::Ask(bank) => self.asked[bank.index() as usize] = true,
                // One store: the generation before is the one that was forgotten last to be anything else.
                Step::Flip(number) => self.word = Some(*number),
                Step::Grace => {}
                Step::Forget(number) => self.previous = Some(*number),
                Step::Clear(bank) => {
                    self.parts[bank.index() as usize] = [false; 4];
                    self.asked[bank.index() as usize] = false;
                }
            }
        }

        /// Whoever judges a packet is there whole, and was asked.
        fn is_sound(&self) -> bool {
            [self.word, self.previous].into_iter().flatten().all(|number| {
                let bank = number.bank().index() as usize;
                self.parts[bank] == [true; 4] && self.asked[bank]
            })
        }
    }

    #[test]
    fn a_node_is_sound_after_every_step_and_every_failure() {
        let mut node = Node::default();
        let mut number = Number::FIRST;
        for round in 0..8 {
            let publish = if round % 4 < 2 { publish(number) } else { rewrite(number) };
            let steps = [publish.clone(), settle(number)].concat();
            for (at, step) in steps.iter().enumerate() {
                let mut failed = node.clone();
                for back in undo(&steps[..=at]) {
                    if at < publish.len() {
                        failed.run(&back);
                    }
                }
                assert!(failed.is_sound(), "{step:?} of {number} failed: {failed:?}");
                node.run(step);
                assert!(node.is_sound(), "after {step:?} of {number}: {node:?}");
            }
            number = number.next();
        }
    }

    #[test]
    fn what_is_taken_back_is_the_bank_that_is_not_in_force() {
        let steps = publish(Number::FIRST);
        assert_eq!(undo(&steps[..6]), [Step::Clear(Bank::Odd)]);
        assert_eq!(undo(&[]), []);
    }
}
