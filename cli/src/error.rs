//! What can go wrong besides the input.

use std::io;
use std::path::PathBuf;

/// Why a command could not do its work. Findings about the input are diagnostics and never an error of this kind.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Standard output does not take what is written.
    #[error("cannot write to standard output: {0}")]
    Stdout(#[source] io::Error),
    /// A file does not take what is written.
    #[error("cannot write `{}`: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The words of a command do not make sense together.
    #[error("{0}\n  help: `sluice help` shows how commands are called")]
    Usage(String),
    /// It cannot be done as it was asked for: what was named is not there, or there is too much of it.
    #[error("{message}\n  help: {help}")]
    Asked {
        /// What.
        message: String,
        /// What to do.
        help: String,
    },
    /// A revision cannot be read.
    #[error("{0}")]
    Git(#[source] crate::input::GitError),
    /// The compiler broke one of its own rules.
    #[error("a mistake in sluice itself: {0}\n  help: please report it, with the input if you can")]
    Internal(#[from] sluice_ir::policy::verify::VerifyError),
    /// A table is not what the rules say.
    #[error(
        "a mistake in sluice itself: {0}\n  help: please report it, with the input if you can; `sluice can --engine reference` answers by the rules alone"
    )]
    Decide(#[from] sluice_compiler::DecideError),
    /// There is no bundle for the input.
    #[error("cannot make the bundle: {0}")]
    MakeBundle(#[from] sluice_backends::bundle::BundleError),
    /// A file is no bundle, or none to trust.
    #[error("`{}`: {source}", path.display())]
    ReadBundle {
        /// The file.
        path: PathBuf,
        /// Why.
        source: sluice_backends::bundle::ReadError,
    },
    /// A file cannot be read.
    #[error("cannot read `{}`: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The programs do not say what the table says.
    #[error(
        "a mistake in sluice itself: {0}\n  help: please report it, with the input if you can; `sluice can --engine reference` answers by the rules alone"
    )]
    Engine(String),
    /// The agent could not begin, or gave up.
    #[error(transparent)]
    Agent(#[from] sluice_loader::agent::AgentError),
    /// The agent does not answer.
    #[error("{0}\n  help: {help}", help = .0.help())]
    Ask(#[from] sluice_loader::api::client::ClientError),
    /// There will be no more events.
    #[error(
        "the agent has ended\n  help: the datapath stays as it is; `systemctl status sluice` may know more"
    )]
    AgentEnded,
    /// `explain` was asked for a code that does not exist.
    #[error("there is no diagnostic `{typed}`{}", hint(suggestion.as_deref(), "sluice explain --list"))]
    UnknownCode {
        /// What was typed.
        typed: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
    /// `schema` was asked for a schema that does not exist.
    #[error("there is no schema `{typed}`{}", hint(suggestion.as_deref(), "sluice schema --list"))]
    UnknownSchema {
        /// What was typed.
        typed: String,
        /// What was probably meant.
        suggestion: Option<String>,
    },
}

/// What became of a write to standard output or standard error. That the reader went away, as `head` does,
/// is no error, and takes nothing from the exit code.
pub(crate) fn written(result: io::Result<()>) -> Result<(), CliError> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(CliError::Stdout(error)),
        _ => Ok(()),
    }
}

fn hint(suggestion: Option<&str>, list: &str) -> String {
    match suggestion {
        Some(suggestion) => format!("\n  help: did you mean `{suggestion}`?"),
        None => format!("\n  help: `{list}` shows all"),
    }
}
