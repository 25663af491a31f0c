//! What a whole agent in a benchmark is told, and where it has its memory from.

use std::fs;
use std::path::Path;

use sluice_loader::agent::Config;

/// As the command line has it (`cli/src/main.rs`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An agent that is told nothing but its node, its pins, and a folder for its own. Its manifests are beside what it writes:
/// else it would look at them again whenever it has learned something.
pub(crate) fn config(node: &str, folder: &Path, pins: &Path) -> Config {
    let manifests = folder.join("manifests");
    fs::create_dir(&manifests).unwrap();
    Config {
        node: node.to_owned(),
        version: "bench".to_owned(),
        watched: vec![manifests],
        keep_going: true,
        socket: folder.join("sluice.sock"),
        state: folder.join("state"),
        pins: pins.join("agent"),
        metrics: None,
        host_interfaces: Vec::new(),
        audit_host: false,
        tell_new: false,
    }
}
