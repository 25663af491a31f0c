//! `sluice compile`: the stages between manifests and a verdict.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::error::CliError;
use crate::input;
use crate::options::Inputs;
use crate::render::Format;
use crate::report;
use crate::terminal::Terminal;

/// Print a stage of the compiler
///
/// `ir` is the policy as rules: selectors with their namespaces, peers, ports, and the line that each
/// rule comes from. It is stable under small changes, so it can be committed and compared. Exits with 0,
/// or with 2 if there is an error.
#[derive(Debug, Args)]
pub(crate) struct Compile {
    /// Files, folders, patterns such as 'policies/**/*.yaml', or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Which stage
    #[arg(long, value_name = "STAGE", value_enum)]
    emit: Stage,

    #[command(flatten)]
    inputs: Inputs,

    /// Where it goes; standard output if left out
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    output: Option<PathBuf>,
}

/// A stage that can be printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Stage {
    /// The policy as rules
    Ir,
}

impl Compile {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let mut input = input::read(&self.paths, None, &self.inputs)?;
        let compiled = input.compile()?;
        report::complain(&input, Format::Human)?;
        if input.has_errors() && !self.inputs.keep_going {
            return Ok(2);
        }
        let Stage::Ir = self.emit;
        let text = compiled.policy.to_string();
        match self.output {
            None => terminal.print(&text)?,
            Some(path) => std::fs::write(&path, text).map_err(|source| CliError::Write { path, source })?,
        }
        Ok(0)
    }
}
