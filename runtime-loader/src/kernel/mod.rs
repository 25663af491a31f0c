//! What only the kernel can do, and the only place with `unsafe`.
//!
//! Everything here is a small thing with an owner: a [`Map`], the [`Memory`] of one, a loaded [`Program`], a
//! [`Link`] of a program to an interface. What they mean together is not known here.

#![allow(unsafe_code, reason = "memory that programs in the kernel read while it is written: see `memory`")]

mod connections;
mod grace;
mod link;
mod map;
mod memory;
#[cfg(feature = "bench-peers")]
mod peers;
mod per_cpu;
mod program;
mod ring;

use std::io;
use std::path::PathBuf;

pub use connections::Connections;
pub use grace::wait_for_readers;
pub use link::{Hook, Link};
pub use map::Map;
pub use memory::Memory;
#[cfg(feature = "bench-peers")]
pub use peers::Peer;
pub use per_cpu::{Copies, PerCpu};
pub use program::{Answer, Asked, Program};
pub use ring::Ring;

/// Why the kernel did not do it.
#[derive(Debug, thiserror::Error)]
pub enum KernelError {
    /// A map could not be made.
    #[error("cannot make the map `{map}` of {bytes} bytes: {why}")]
    CreateMap {
        /// Its name.
        map: &'static str,
        /// The size of its value.
        bytes: usize,
        /// What the kernel said.
        why: String,
    },
    /// What is pinned at a path cannot be opened.
    #[error("cannot open `{}`: {why}", .path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// What the kernel said.
        why: String,
    },
    /// Something could not be pinned.
    #[error("cannot pin to `{}`: {why}", .path.display())]
    Pin {
        /// The path.
        path: PathBuf,
        /// What the kernel said.
        why: String,
    },
    /// The memory of a map could not be mapped.
    #[error("cannot map the memory of `{map}`")]
    Mmap {
        /// Its name.
        map: String,
        /// What the kernel said.
        #[source]
        why: io::Error,
    },
    /// A write beyond a map's memory: a mistake in Sluice.
    #[error("a write of {length} bytes at {offset} is beyond the {size} bytes of the map")]
    Beyond {
        /// Where it began.
        offset: usize,
        /// How long it was.
        length: usize,
        /// How large the memory is.
        size: usize,
    },
    /// The kernel refused a program; its log is there for us, not for people.
    #[error("the kernel refused the program `{program}`: {why}")]
    Load {
        /// The program.
        program: String,
        /// What the kernel said.
        why: String,
    },
    /// A program could not be put on an interface.
    #[error("cannot attach to `{interface}`: {why}")]
    Attach {
        /// The interface.
        interface: String,
        /// What the kernel said.
        why: String,
    },
    /// A program could not be run with a packet.
    #[error("cannot run the program `{program}` with a packet: {why}")]
    Run {
        /// The program.
        program: String,
        /// What the kernel said.
        why: String,
    },
    /// A slot of an array of programs could not be set.
    #[error("cannot put a program into slot {slot}: {why}")]
    Slot {
        /// The slot.
        slot: u32,
        /// What the kernel said.
        why: String,
    },
    /// The kernel cannot say when all readers of the old generation are gone.
    #[error("cannot wait for the readers of the old generation")]
    Grace(#[source] io::Error),
}

/// An error with its causes in one line, as those of libraries keep the best for the end.
fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}
