//! The project's own tools, run as `cargo xtask COMMAND`.
//!
//! `walls` holds the sources against the rules that a compiler cannot check, `generate` writes the
//! files that are made from code, and `bpf` compiles the C datapath. None is part of what users install.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool for developers reports on its terminal"
)]

mod bpf;
mod generate;
mod tokens;
mod tree;
mod walls;
mod words;

use std::path::Path;
use std::process::ExitCode;

use tree::Tree;

/// What a command returns: whether it found nothing to complain about, or why it could not tell.
type Outcome = Result<bool, Box<dyn std::error::Error>>;

const USAGE: &str = "\
usage: cargo xtask COMMAND

commands:
  walls             check the rules between and inside the crates
  generate          write the files that are made from code
  generate --check  say which of them would change, and fail if one would
  bpf               compile the C datapath and write its objects
  bpf --check       say which of them are not what the compiler makes, if it is there";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &[String]) -> Outcome {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["walls"] => walls::run(&Tree::read(root())?),
        ["generate"] => generate::write(root()),
        ["generate", "--check"] => generate::check(root()),
        ["bpf"] => bpf::write(root()),
        ["bpf", "--check"] => bpf::check(root()),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(true)
        }
        _ => Err(USAGE.into()),
    }
}

/// The root of the repository: where this crate's folder lies.
fn root() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here)
}
