//! A node's datapath in the kernel: what is pinned, which generation is in force, and the way to the next.
//!
//! ```text
//! packet ─interface→ entry program ─word→ bank of the generation ─tail call→ its program ─reads→ its images
//! ```
//!
//! Nothing here decides policy. A [`Prepared`] generation goes in and is in force, or an error comes out and what was
//! in force is. [`plan`] has the steps.

mod bank;
mod interfaces;
mod marks;
mod shared;
mod spare;

use std::collections::{BTreeSet, VecDeque};
use std::io;
use std::sync::Arc;

use sluice_backends::abi::{Counter, Limit};
use sluice_backends::image::Write;
use sluice_backends::program::Code;
use sluice_ir::decision::ByDirection;

use crate::generation::{Bank, Number, Prepared};
use crate::kernel::{Connections, KernelError, PerCpu, Program, Ring, wait_for_readers};
use crate::pins::Pins;
use crate::plan::{self, Step};
pub use bank::Wrong;
use bank::{InKernel, remove, sizes};
pub use interfaces::Interface;
use marks::Marks;
use shared::Shared;
pub use spare::{Idle, Spare, Verified};

/// A node's datapath.
#[derive(Debug)]
pub struct Node {
    pins: Pins,
    shared: Arc<Shared>,
    entries: ByDirection<Program>,
    current: Option<Number>,
    banks: [Option<InKernel>; 2],
    marks: Marks,
    /// What is to be done until nobody reads the bank of the next generation.
    settling: VecDeque<Step>,
    /// The interfaces that are to have programs, once somebody has said it.
    wanted: Option<BTreeSet<u32>>,
    /// Whether something of another version is left.
    has_aside: bool,
}

/// Why a node's datapath is not as it was wanted. What was in force before still is.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The kernel did not do it.
    #[error(transparent)]
    Kernel(#[from] KernelError),
    /// A folder or file of pins could not be made or removed.
    #[error("cannot change `{path}`: {why}")]
    Pins {
        /// The path.
        path: String,
        /// What the system said.
        why: io::Error,
    },
    /// A program did not answer as it must.
    #[error(transparent)]
    Wrong(#[from] Box<Wrong>),
}

impl NodeError {
    fn pins(path: &std::path::Path, why: io::Error) -> NodeError {
        NodeError::Pins { path: path.display().to_string(), why }
    }
}

/// How large the maps are that outlive generations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    /// Connections; the ABI's number if none.
    pub connections: Option<u32>,
}

impl Node {
    /// Finds what is pinned, or makes what is not: maps, the entry programs, folders. No interface is touched, and a
    /// generation that is in force stays in force. What is pinned by a version of Sluice with another ABI judges packets
    /// on its interfaces until [`Node::attach`] has brought programs of this one there.
    ///
    /// # Errors
    ///
    /// No bpffs, no right to, or pins that are not ours.
    pub fn open(pins: Pins, entries: &ByDirection<Code>, sizes: Sizes) -> Result<Node, NodeError> {
        let prepared = pins.prepare().and_then(|()| pins.take_over());
        prepared.map_err(|why| NodeError::pins(pins.root(), why))?;
        let shared = Arc::new(Shared::open(&pins, sizes)?);
        let entries = shared.entries(&pins, entries)?;
        let current = Number::of_word(shared.generation()?);
        let mut banks = [None, None];
        if let Some(current) = current {
            let bank = current.bank();
            banks[bank.index() as usize] = Some(InKernel::open(&pins, bank)?);
        }
        let settling = current.map(plan::settle).unwrap_or_default().into();
        let marks = marks_found(&shared, current)?;
        let has_aside = !pins.aside().map_err(|why| NodeError::pins(pins.root(), why))?.is_empty();
        let mut node =
            Node { pins, shared, entries, current, banks, marks, settling, wanted: None, has_aside };
        node.settle()?;
        // What another agent left there may be half made.
        let idle = Bank::BOTH.into_iter().filter(|bank| current.map(Number::bank) != Some(*bank));
        idle.into_iter().try_for_each(|bank| node.clear(bank))?;
        Ok(node)
    }

    /// The generation in force.
    pub fn current(&self) -> Option<Number> {
        self.current
    }

    /// The number of the next generation, which its programs must know.
    pub fn next(&self) -> Number {
        self.current.map_or(Number::FIRST, Number::next)
    }

    /// Puts a generation in force that was prepared for [`Node::next`]. The one before is left by the last packets in
    /// [`Node::settle`], at the latest when the next is published.
    ///
    /// Where the programs in its bank are those that it wants, and its images have the sizes of those there, it takes
    /// these: then the kernel has nothing to verify.
    ///
    /// # Errors
    ///
    /// The kernel refused it, or it does not answer as it must; what was in force is.
    pub fn publish(&mut self, prepared: &Prepared) -> Result<Number, NodeError> {
        self.publish_watched(prepared, &mut |_| {})
    }

    /// Does what [`Node::publish`] does, and tells of every step when it is done: those that settle the generation
    /// before, if it is not yet, then those of this one.
    ///
    /// # Errors
    ///
    /// See [`Node::publish`].
    pub fn publish_watched(
        &mut self,
        prepared: &Prepared,
        watch: &mut dyn FnMut(&Step),
    ) -> Result<Number, NodeError> {
        self.settle_watched(watch)?;
        let next = self.next();
        let held = self.bank_mut(next.bank()).take().filter(|held| held.suits(prepared));
        let steps = if held.is_some() { plan::rewrite(next) } else { plan::publish(next) };
        let mut candidate = held.unwrap_or_else(|| InKernel::new(next.bank()));
        for (at, step) in steps.iter().enumerate() {
            let done = match step {
                Step::Images(_) => {
                    let made = candidate.images(&sizes(prepared));
                    made.and_then(|()| candidate.rewrite(prepared)).map_err(NodeError::from)
                }
                Step::Rewrite(_) => candidate.rewrite(prepared).map_err(NodeError::from),
                Step::Programs(_) => {
                    candidate.programs(&prepared.programs, &self.shared).map_err(NodeError::from)
                }
                Step::Ask(_) => candidate.ask(prepared),
                Step::Pin(_) => candidate.pin(&self.pins),
                step => self.run(step, Some(&candidate)),
            };
            if let Err(error) = done {
                // What could not be taken back is taken away by the next attempt, which finds no programs here.
                let _ = self.run_all(&plan::undo(&steps[..=at]), watch);
                return Err(error);
            }
            watch(step);
        }
        *self.bank_mut(next.bank()) = Some(candidate);
        self.settling = match self.current.replace(next) {
            Some(_) => plan::settle(next).into(),
            // Nobody was ever in the other bank.
            None => [Step::Forget(next)].into(),
        };
        Ok(next)
    }

    /// Waits until no packet can be judged by the generation before any more.
    ///
    /// # Errors
    ///
    /// See [`NodeError`].
    pub fn settle(&mut self) -> Result<(), NodeError> {
        self.settle_watched(&mut |_| {})
    }

    fn settle_watched(&mut self, watch: &mut dyn FnMut(&Step)) -> Result<(), NodeError> {
        while let Some(step) = self.settling.front().cloned() {
            self.run(&step, None)?;
            self.settling.pop_front();
            watch(&step);
        }
        Ok(())
    }

    /// Gives the generation in force a mark, if none was free when it came and one is now.
    ///
    /// # Errors
    ///
    /// A mistake in Sluice.
    pub fn ensure_mark(&mut self) -> Result<(), NodeError> {
        let Some(bank) = self.current.map(Number::bank) else { return Ok(()) };
        match self.shared.mark_of(bank)? {
            0 => Ok(self.shared.set_mark_of(bank, self.marks.take(marks::now()))?),
            _ => Ok(()),
        }
    }

    /// Whether nobody reads the bank of the next generation. Until then [`Node::publish`] waits.
    pub fn is_settled(&self) -> bool {
        self.settling.is_empty()
    }

    /// Goes on with settling for whoever has waited for a grace period ([`wait_for_readers`]) that began when the node
    /// was not settled already.
    ///
    /// # Errors
    ///
    /// See [`NodeError`].
    pub fn grace_passed(&mut self) -> Result<(), NodeError> {
        if self.settling.front() == Some(&Step::Grace) {
            self.settling.pop_front();
        }
        while let Some(step) = self.settling.front().filter(|step| **step != Step::Grace).cloned() {
            self.run(&step, None)?;
            self.settling.pop_front();
        }
        Ok(())
    }

    /// Changes the images of the generation in force, write by write: each is seen as soon as it is made.
    ///
    /// # Errors
    ///
    /// A write that is not within an image: a mistake in Sluice. Those before it were made.
    pub fn write(&self, writes: &[Write]) -> Result<(), NodeError> {
        let in_force = self.current.and_then(|current| self.banks[current.bank().index() as usize].as_ref());
        let Some(bank) = in_force else { return Ok(()) };
        for write in writes {
            bank.write(write.image.map(), write.offset, &write.bytes)?;
        }
        Ok(())
    }

    /// Says at which port of the loopback the DNS proxy listens, from the next packet on; 0 if it does not. It holds
    /// until somebody says another, whatever generation is in force and whether or not somebody runs.
    ///
    /// # Errors
    ///
    /// A mistake in Sluice.
    pub fn set_dns_port(&self, port: u16) -> Result<(), NodeError> {
        Ok(self.shared.set_dns_port(port)?)
    }

    /// The reader of what the datapath tells. There is one for a node.
    ///
    /// # Errors
    ///
    /// See [`Ring::of`].
    pub fn events(&self) -> Result<Ring, KernelError> {
        Ring::of(self.shared.map("sluice_events")?)
    }

    /// The reader of counters.
    ///
    /// # Errors
    ///
    /// See [`PerCpu::of`].
    pub fn counters(&self) -> Result<PerCpu<Counter>, KernelError> {
        PerCpu::of(self.shared.map("sluice_counters")?)
    }

    /// The reader of how much was told.
    ///
    /// # Errors
    ///
    /// See [`PerCpu::of`].
    pub fn limit(&self) -> Result<PerCpu<Limit>, KernelError> {
        PerCpu::of(self.shared.map("sluice_limit")?)
    }

    /// The reader of the connections that it remembers.
    ///
    /// # Errors
    ///
    /// See [`Connections::of`].
    pub fn connections(&self) -> Result<Connections, KernelError> {
        Connections::of(self.shared.map("sluice_conntrack")?)
    }

    /// How many connections there is room for.
    ///
    /// # Errors
    ///
    /// The map cannot be asked.
    pub fn connections_max(&self) -> Result<u32, KernelError> {
        self.shared.map("sluice_conntrack")?.entries()
    }

    /// Waits until no program that runs now reads what it did not find any more.
    ///
    /// # Errors
    ///
    /// See [`wait_for_readers`].
    pub fn grace(&self) -> Result<(), NodeError> {
        Ok(wait_for_readers()?)
    }

    /// Takes the datapath away: first from the interfaces, so that none of them ever meets an empty bank.
    ///
    /// # Errors
    ///
    /// A pin that cannot be removed.
    pub fn remove(mut self) -> Result<(), NodeError> {
        self.wanted = Some(BTreeSet::new());
        self.leave_aside()?;
        let Node { pins, shared, entries, banks, .. } = self;
        remove(&pins.links())?;
        wait_for_readers()?;
        drop((shared, entries, banks));
        remove(pins.root())
    }

    fn run_all(&mut self, steps: &[Step], watch: &mut dyn FnMut(&Step)) -> Result<(), NodeError> {
        steps.iter().try_for_each(|step| {
            self.run(step, None)?;
            watch(step);
            Ok(())
        })
    }

    /// A step that is about the node and not about what is in the candidate.
    fn run(&mut self, step: &Step, candidate: Option<&InKernel>) -> Result<(), NodeError> {
        match (step, candidate) {
            (Step::Slots(_), Some(candidate)) => Ok(candidate.put_into(&self.shared.calls)?),
            (Step::Flip(number), _) => self.flip(*number),
            (Step::Grace, _) => self.grace(),
            (Step::Forget(number), _) => self.forget_before(*number),
            (Step::Clear(bank), _) => self.clear(*bank),
            // Steps of a candidate, and there is none.
            _ => Ok(()),
        }
    }

    /// Nobody reads the mark of its bank before it is in force, as nobody is in that.
    fn flip(&mut self, number: Number) -> Result<(), NodeError> {
        let mark = self.marks.take(marks::now());
        self.shared.set_mark_of(number.bank(), mark)?;
        Ok(self.shared.flip(number)?)
    }

    /// The mark of the generation before is given up. Another agent that comes after any of these stores finds it in use, or
    /// when it was given up.
    fn forget_before(&mut self, number: Number) -> Result<(), NodeError> {
        let before = number.bank().other();
        let (mark, now) = (self.shared.mark_of(before)?, marks::now());
        self.shared.set_given_up(mark, now)?;
        self.shared.forget_before(number)?;
        self.shared.set_mark_of(before, 0)?;
        self.marks.give_up(mark, now);
        Ok(())
    }

    fn clear(&mut self, bank: Bank) -> Result<(), NodeError> {
        self.shared.clear_slots(bank)?;
        *self.bank_mut(bank) = None;
        remove(&self.pins.bank(bank))
    }

    fn bank_mut(&mut self, bank: Bank) -> &mut Option<InKernel> {
        &mut self.banks[bank.index() as usize]
    }
}

/// What is known of marks when an agent begins: those in the word are the ones of the generation in force and of the one
/// before, which is not forgotten yet.
fn marks_found(shared: &Shared, current: Option<Number>) -> Result<Marks, KernelError> {
    let mut in_use = Vec::new();
    for bank in current.iter().flat_map(|_| Bank::BOTH) {
        in_use.push(shared.mark_of(bank)?);
    }
    Ok(Marks::found(&in_use, shared.given_up()?, marks::now()))
}
