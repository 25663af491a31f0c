//! The command line: the only place that prints, reads arguments and files, and chooses exit codes.
//!
//! `command` has one file per subcommand, `render` one per format. Everything that is said about
//! the input is a diagnostic of the compiler; what this crate says itself is about how it was called,
//! and goes to standard error. Exit codes are 0, 1 and 2, and each command says what its 1 means.

mod command;
mod control;
mod engine;
mod error;
mod input;
mod log;
mod options;
mod outputs;
mod project;
mod render;
mod report;
pub mod schema;
mod terminal;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use crate::command::Command;
use crate::terminal::{Colour, Terminal};

/// Compile, check and explain Kubernetes network policy
#[derive(Debug, Parser)]
#[command(name = "sluice", version, max_term_width = 100, infer_long_args = false)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// When to use colour
    #[arg(long, global = true, value_name = "WHEN", value_enum, default_value_t, help_heading = "Output")]
    color: Colour,
}

/// Runs the program with its arguments, the first of which is its own name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // A closed pipe is the reader's decision; the code says the rest.
            let _ = error.print();
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let terminal = Terminal::of_stdout(cli.color);
    match command::run(cli.command, &terminal) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            terminal::complain(&error);
            ExitCode::from(2)
        }
    }
}

/// The program's arguments, for completions.
fn grammar() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_arguments_are_consistent() {
        super::grammar().debug_assert();
    }
}
