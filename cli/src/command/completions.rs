//! `sluice completions`: a script that completes arguments.

use clap::Args;
use clap_complete::Shell;

use crate::error::CliError;
use crate::terminal::Terminal;

/// Print a script that completes arguments in a shell
///
/// Bash:  source <(sluice completions bash)
///
/// Zsh:   sluice completions zsh > "${fpath[1]}/_sluice"
///
/// Fish:  sluice completions fish > ~/.config/fish/completions/sluice.fish
#[derive(Debug, Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self, terminal: &Terminal) -> Result<u8, CliError> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::grammar(), "sluice", &mut script);
        terminal.print(&String::from_utf8_lossy(&script))?;
        Ok(0)
    }
}
