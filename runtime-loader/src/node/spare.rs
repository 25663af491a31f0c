//! Programs for the generation to come, verified while the one in force is.

use std::sync::Arc;

use sluice_backends::program::Code;
use sluice_ir::decision::ByDirection;

use super::bank::{ImageSizes, InKernel, sizes};
use super::shared::Shared;
use super::{Node, NodeError};
use crate::generation::{Bank, Prepared};
use crate::kernel::KernelError;
use crate::plan::{self, Step};

/// Programs that the kernel is to verify, by whoever has the time.
#[derive(Debug)]
pub struct Spare {
    bank: Bank,
    sizes: ImageSizes,
    programs: Arc<ByDirection<Code>>,
    shared: Arc<Shared>,
}

/// Programs that the kernel has verified, with images that have no content yet, or what is known of it.
#[derive(Debug)]
pub struct Verified(InKernel);

/// The bank of the generation to come.
#[derive(Clone, Debug)]
pub struct Idle {
    bank: Bank,
    shared: Arc<Shared>,
}

impl Idle {
    /// What is to be verified for a generation that may come.
    pub fn spare(self, like: &Prepared) -> Spare {
        let Idle { bank, shared } = self;
        Spare { bank, sizes: sizes(like), programs: Arc::clone(&like.programs), shared }
    }
}

impl Spare {
    /// Lets the kernel verify them, which takes a while.
    ///
    /// # Errors
    ///
    /// The kernel refuses them.
    pub fn load(self) -> Result<Verified, KernelError> {
        let mut loaded = InKernel::new(self.bank);
        loaded.images(&self.sizes)?;
        loaded.programs(&self.programs, &self.shared)?;
        Ok(Verified(loaded))
    }

    /// Does what [`Spare::load`] does, and writes the images that are known by now, so that whoever publishes writes what is
    /// other since ([`Prepared::since`]).
    ///
    /// # Errors
    ///
    /// See [`Spare::load`].
    pub fn load_with(self, like: &Prepared) -> Result<Verified, KernelError> {
        let Verified(mut loaded) = self.load()?;
        loaded.fill(like)?;
        Ok(Verified(loaded))
    }
}

impl Node {
    /// What is to be verified, so that the next generation finds the programs of this one in its bank. None if they are
    /// there.
    pub fn spare(&self, like: &Prepared) -> Option<Spare> {
        let idle = self.idle();
        let held = self.banks[idle.bank.index() as usize].as_ref();
        let suits = held.is_some_and(|held| held.suits(like));
        (!suits).then(|| idle.spare(like))
    }

    /// The bank of the next generation.
    pub fn idle(&self) -> Idle {
        Idle { bank: self.next().bank(), shared: Arc::clone(&self.shared) }
    }

    /// Puts programs that were verified into the bank for which they were meant, if nobody reads what is there; whether
    /// they are there now.
    ///
    /// # Errors
    ///
    /// See [`NodeError`]. The bank is empty then.
    pub fn keep(&mut self, verified: Verified) -> Result<bool, NodeError> {
        let Verified(mut loaded) = verified;
        if loaded.bank() != self.next().bank() || !self.is_settled() {
            return Ok(false);
        }
        let steps = plan::spare(loaded.bank());
        for (at, step) in steps.iter().enumerate() {
            let done = match step {
                Step::Pin(_) => loaded.pin(&self.pins),
                step => self.run(step, Some(&loaded)),
            };
            if let Err(error) = done {
                let _ = self.run_all(&plan::undo(&steps[..=at]), &mut |_| {});
                return Err(error);
            }
        }
        let bank = loaded.bank();
        *self.bank_mut(bank) = Some(loaded);
        Ok(true)
    }
}
