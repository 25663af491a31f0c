//! From bytes to a running node.
//!
//! | module | what |
//! |---|---|
//! | [`generation`] | programs with their images, by number |
//! | [`prepare`] | from a decision to a generation |
//! | [`plan`] | what to do to a node, step by step, as data |
//! | [`pins`] | where what outlives the agent is found again |
//! | [`node`] | a node's datapath: the generation in force, the way to the next, interfaces |
//! | [`agent`] | the daemon: everything above, kept up to date with files |
//! | [`api`], [`metrics`] | what the agent tells, over a socket and to Prometheus |
//! | [`dns`] | policy by name: the proxy for queries, and what it learns |
//! | [`endpoint`] | where endpoints meet the node |
//! | [`delivery`] | how packets get to a proxy of this machine |
//! | `watch` | a live cluster, read and never written (feature `cluster`) |
//! | [`watch_files`] | that a file has changed |
//! | [`kernel`] | what only the kernel can do: maps, programs, links, memory that both sides share |

#[cfg(test)]
// What integration tests share with tests in here calls this crate by its name.
extern crate self as sluice_loader;

pub mod agent;
pub mod api;
pub mod delivery;
pub mod dns;
pub mod endpoint;
#[cfg(test)]
#[path = "../../fuzz/cases.rs"]
mod fuzz_cases;
pub mod generation;
pub mod kernel;
pub mod metrics;
pub mod node;
pub mod pins;
pub mod plan;
pub mod prepare;
#[cfg(feature = "cluster")]
pub mod watch;
pub mod watch_files;
