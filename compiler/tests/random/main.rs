//! Randomised cases at the level of YAML, over a world small enough to ask everything.
//!
//! | module | what |
//! |---|---|
//! | `shape` | what a case is made of |
//! | `generate` | strategies for cases |
//! | `yaml` | from a case to manifests |
//! | `reference` | verdicts by the text of semantics.md, sharing nothing with the compiler |
//! | `harness` | from manifests to the compiler's verdicts |
//! | `agree` | compiler and reference give every flow the same verdicts |
//! | `compare` | what differs between two sets of policies is what flows say |
//! | `reach` | who reaches whom is what flows say, whoever is at the ends |
//! | `session` | after any changes a session is what a compile from scratch gives |
//! | `tables` | tables are proved, and answer as the rules do |
//! | `twins` | other ways to write a case give the same verdicts |
//! | `determinism` | the same input gives the same bytes |
//! | `conflicts` | rules that no agent can merge are found, and no others |
//!
//! `PROPTEST_CASES=25600` asks a hundred times as much as usual.

#![allow(clippy::unwrap_used, reason = "a test that cannot run has to fail")]

mod agree;
mod compare;
mod conflicts;
mod determinism;
mod generate;
mod harness;
mod reach;
mod reference;
mod session;
mod shape;
mod tables;
mod twins;
mod yaml;
