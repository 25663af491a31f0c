//! What two policies say differently, and which rules say nothing: exact, as tables are finite.
//!
//! | module | what |
//! |---|---|
//! | `both` | two compiled policies to two tables whose addresses can be told apart alike |
//! | [`roster`] | who is on both sides, by name |
//! | `meaning` | verdicts of both tables, and which of them mean the same |
//! | `ports` | two rows, and the ports about which they differ |
//! | [`Comparison`] | endpoint by endpoint and class by class, where the tables differ |
//! | [`flow`] | one flow that differs |
//! | `touched` | the endpoints about which two policies can differ at all |
//! | [`isolation`] | where default deny begins or ends |
//! | `peers`, [`rows`] | the whole difference, complete and in the fewest rows |
//! | [`digest`] | the same, grouped for people |
//! | [`rules`] | rules that match nothing, that others cover, that a deny hides |
//!
//! # When two policies are equal
//!
//! Two outcomes mean the same if verdict, authentication, layer 7 rules and
//! [`widened`](sluice_ir::decision::Outcome::widened) are equal. Lines and reasons do not count. Two policies are
//! equal if their outcomes mean the same for every endpoint that both have, both directions, every peer that
//! both know, every protocol and every port.
//!
//! A peer is in one class of the old table and one of the new, so peers with an equal *pair* of classes are
//! treated alike by both. The pairs that occur, times the stretches of ports in which neither table has an
//! edge, are finitely many cells, and all of them are looked at.

mod both;
mod cells;
pub mod digest;
pub mod flow;
pub mod isolation;
mod meaning;
mod peers;
mod ports;
pub mod roster;
pub mod rows;
pub mod rules;
mod touched;

pub use both::{Both, CompareError, Revision, decide_both};
pub use cells::{Comparison, Side};
pub use meaning::Told;
pub(crate) use peers::blocks;
pub(crate) use ports::Pieces;
pub use ports::Traffic;
