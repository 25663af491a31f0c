//! `sluice check`: parse, validate, lint.

use std::path::PathBuf;

use clap::Args;

use crate::error::CliError;
use crate::input;
use crate::options::{Inputs, Reporting};
use crate::report::Report;
use crate::terminal::Terminal;

/// Check manifests: parse, validate, lint
///
/// Reads policies together with the objects they are about, in any mixture of files. Exits with 0 if
/// there are no errors, with 1 if there are warnings and `--fail-on warning` is given, and with 2 if
/// there are errors.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// Files, folders, patterns such as 'policies/**/*.yaml', or - for standard input
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    #[command(flatten)]
    inputs: Inputs,

    #[command(flatten)]
    reporting: Reporting,
}

impl Check {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let mut input = input::read(&self.paths, None, &self.inputs)?;
        // Some faults only show when objects meet each other.
        input.compile()?;
        let report = Report::new(&input, &self.reporting);
        report.write(&self.reporting.outputs, terminal)?;
        Ok(report.counts.exit_code(self.reporting.fail_on))
    }
}
