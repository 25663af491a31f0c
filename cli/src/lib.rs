//! The command line: the only place that prints, reads arguments and files, and chooses exit codes.
//!
//! `command` has one file per subcommand, `render` one per format. Everything that is said about
//! the input is a diagnostic of the compiler; what this crate says itself is about how it was called,
//! and goes to standard error. Exit codes are 0, 1 and 2, and each command says what its 1 means.

mod budget;
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
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

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
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let grammar = named(grammar(), arguments.first());
    let parsed = grammar.try_get_matches_from(arguments).and_then(|matches| Cli::from_arg_matches(&matches));
    let cli = match parsed {
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

/// The program under the name that it was called by: as a plugin of kubectl it is `kubectl sluice`.
fn named(grammar: clap::Command, called: Option<&OsString>) -> clap::Command {
    let name = called.and_then(|path| Path::new(path).file_stem()).and_then(|name| name.to_str());
    let Some(plugin) = name.and_then(|name| name.strip_prefix("kubectl-")) else { return grammar };
    let name = format!("kubectl {}", plugin.replace('_', "-"));
    grammar.bin_name(&name).mut_subcommand("can", |can| can.override_usage(command::can_usage(&name)))
}

/// The program's arguments, for completions.
fn grammar() -> clap::Command {
    Cli::command()
}

#[cfg(test)]
mod tests {
    use super::{grammar, named};

    /// The line of the usage of a subcommand.
    fn usage(called: &str, subcommand: &str) -> String {
        let grammar = named(grammar(), Some(&called.into()));
        let error = grammar.try_get_matches_from([called, subcommand, "--help"]).unwrap_err().to_string();
        let at = error.find("Usage: ").unwrap();
        error[at..].lines().next().unwrap().to_owned()
    }

    #[test]
    fn the_name_is_the_one_it_was_called_by() {
        assert_eq!(usage("/usr/bin/sluice", "preview"), "Usage: sluice preview [OPTIONS] [PATH]...");
        assert_eq!(
            usage("/usr/bin/kubectl-sluice", "preview"),
            "Usage: kubectl sluice preview [OPTIONS] [PATH]..."
        );
        assert_eq!(
            usage("kubectl-sluice", "can"),
            "Usage: kubectl sluice can [OPTIONS] FROM TO PORT/PROTO [PATH]..."
        );
        assert_eq!(usage("sluice", "can"), "Usage: sluice can [OPTIONS] FROM TO PORT/PROTO [PATH]...");
    }

    #[test]
    fn the_arguments_are_consistent() {
        super::grammar().debug_assert();
    }
}
