//! The language between the halves of Sluice.
//!
//! The compiler lowers what people wrote into a [`policy::Policy`]; everything behind it (tables,
//! images, programs) is tested against that policy's reference semantics, [`policy::eval`].
//! This crate is pure data: no input or output, no clock, no environment.
//!
//! | module | what |
//! |---|---|
//! | [`net`] | prefixes, protocols, ports |
//! | [`prefix_map`] | what holds of an address by the longest prefix around it |
//! | [`label`], [`selector`] | identities' labels, and the selectors over them |
//! | [`dns_name`] | DNS names and patterns |
//! | [`ids`] | small numbers that name things |
//! | [`origin`] | the line of the user's file behind a rule |
//! | [`policy`] | rules, their meaning, their verifier, their text form |
//! | [`decision`] | what a policy says, as a finite table |

pub mod decision;
pub mod dns_name;
#[cfg(test)]
#[path = "../../fuzz/cases.rs"]
mod fuzz_cases;
mod hashed;
pub mod ids;
pub mod label;
pub mod net;
pub mod origin;
pub mod policy;
pub mod prefix_map;
pub mod selector;
mod text;
mod verified;
mod word;
