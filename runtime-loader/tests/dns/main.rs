//! The DNS proxy with real sockets, servers and clients, on the loopback interface.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "tests may")]

mod answers;
mod enforced;
#[path = "../harness/mod.rs"]
mod harness;
mod limits;
mod rules;
mod scene;
mod servers;
mod streams;
