//! What two policies say differently and which rules say nothing, held against every question.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

mod equal;
mod manifests;
mod rules;
mod world;
