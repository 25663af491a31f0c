//! When everyone who began with the old generation is done with it.

use rustix::thread::{MembarrierCommand, membarrier};

use super::KernelError;

/// Waits until every program that was running when this was called has ended: a program runs in a section that
/// the global barrier waits for (9 to 15 ms). The expedited barriers do not wait for it.
///
/// # Errors
///
/// A kernel that was built without it (before Linux 4.3).
pub fn wait_for_readers() -> Result<(), KernelError> {
    membarrier(MembarrierCommand::Global).map_err(|why| KernelError::Grace(why.into()))
}
