//! `sluice schema`: JSON Schemas, for editors and for readers of the output.

use clap::Args;
use sluice_compiler::diagnostic::did_you_mean;

use crate::error::CliError;
use crate::schema::{ALL, Entry};
use crate::terminal::Terminal;

/// Print a JSON Schema of an input or an output
///
/// An editor that knows the schema `policy` completes fields and flags misspelt ones.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// Which: see --list
    #[arg(required_unless_present = "list", value_name = "NAME")]
    name: Option<String>,

    /// List all schemas
    #[arg(long, conflicts_with = "name")]
    list: bool,
}

impl Schema {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let text = match &self.name {
            Some(typed) => find(typed)?.text(),
            None => {
                let longest = ALL.iter().map(|entry| entry.name.len()).max().unwrap_or_default();
                ALL.iter().map(|entry| format!("{:<longest$}  {}\n", entry.name, entry.about)).collect()
            }
        };
        terminal.print(&text)?;
        Ok(0)
    }
}

fn find(typed: &str) -> Result<&'static Entry, CliError> {
    ALL.iter().find(|entry| entry.name.eq_ignore_ascii_case(typed)).ok_or_else(|| CliError::UnknownSchema {
        typed: typed.to_owned(),
        suggestion: did_you_mean(typed, ALL.iter().map(|entry| entry.name)).map(str::to_owned),
    })
}
