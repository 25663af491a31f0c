//! `sluice man`: manual pages.

use std::path::PathBuf;

use clap::Args;
use clap_mangen::Man as Page;

use crate::error::CliError;
use crate::terminal::Terminal;

/// Print the manual page, or write a page for each command
///
/// Read it:     sluice man | man -l -
///
/// Install all: sluice man --output /usr/local/share/man/man1
#[derive(Debug, Args)]
pub(crate) struct Man {
    /// A folder, which must be there, for a page of each command
    #[arg(short, long, value_name = "FOLDER")]
    output: Option<PathBuf>,
}

impl Man {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        // `help` says how to call the others, as the first page does.
        let grammar = crate::grammar().disable_help_subcommand(true);
        match self.output {
            None => {
                let mut page = Vec::new();
                // Writing to memory cannot fail.
                let _ = Page::new(grammar).render(&mut page);
                terminal.print(&String::from_utf8_lossy(&page))?;
            }
            Some(path) => {
                clap_mangen::generate_to(grammar, &path)
                    .map_err(|source| CliError::Write { path, source })?;
            }
        }
        Ok(0)
    }
}
