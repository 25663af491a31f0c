//! The core: reads, compiles, publishes, and tells of it.
//!
//! Its contract with the rest of the agent:
//!
//! * It begins with reading the files, without an order.
//! * `Order::Read`: read and compile again. If that cannot be put in force, what is in force stays, and the snapshot
//!   says why.
//! * `Order::Find`: an interface or a route came or went; look for the endpoints' interfaces again.
//! * `Order::Stop`, or no more orders: end with `Ok`. The datapath stays.
//! * It replaces the snapshot whenever something changes, and while somebody reads counters.
//! * It calls `service.ready` when a generation is in force, and after every later attempt, be it in vain.
//! * It beats `pulse` at least once a second.

use super::Core;

/// Why the core gave up. What was in force is.
#[derive(Debug, thiserror::Error)]
pub enum CoreError {
    /// It is not part of this program.
    #[error(
        "the agent's core is not there: this program reads files and answers questions, and enforces nothing"
    )]
    Missing,
}

/// Runs until it is told to stop.
pub(super) async fn run(_core: Core<'_>) -> Result<(), CoreError> {
    Err(CoreError::Missing)
}
